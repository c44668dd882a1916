"""Where the files of a submission are read from: a folder, or the blobs of a git commit.

A pull request is never checked out: a checkout follows symbolic links, runs filters and hooks, and puts a
stranger's files where programs look for their own. Git objects are only bytes.
"""

import os
import stat
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from bmbench.core.errors import BadInputError
from bmbench.core.gate import read_bytes
from bmbench.leaderboards.submissions.card import CARD_FILE

_REGULAR = "100644"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """One file, not read yet: `regular` is False for links, devices, folders and executables."""

    size: int
    regular: bool
    read: Callable[[], bytes]


Files: TypeAlias = Mapping[str, Blob]
"""Name → file, of one submission folder."""


def folder_files(folder: Path) -> Files:
    """The files of a folder; nothing is followed or opened yet.

    Raises
    ------
    BadInputError
        If it is no folder, or a link to one.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise BadInputError("is not a folder", where=str(folder), expected="submissions/<track>/<id>")
    files = {}
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        facts = entry.stat(follow_symlinks=False)
        regular = stat.S_ISREG(facts.st_mode)
        files[entry.name] = Blob(
            size=facts.st_size, regular=regular, read=partial(read_bytes, Path(entry.path), within=folder)
        )
    return files


def held_files(texts: Mapping[str, bytes]) -> Files:
    """Files that are not written yet."""
    return {
        name: Blob(size=len(data), regular=True, read=partial(bytes, data)) for name, data in texts.items()
    }


def commit_files(repository: Path, commit: str, folder: str) -> Files:
    """The files of a folder in a commit, read as git blobs; only mode 100644 is regular.

    Raises
    ------
    BadInputError
        If git does not know the commit or folder.
    """
    listing = _git(repository, "ls-tree", "-l", "-z", "--full-tree", commit, "--", f"{folder}/")
    files = {}
    for line in filter(None, listing.split(b"\0")):
        facts, _, path = line.partition(b"\t")
        mode, kind, name, size = facts.decode("ascii").split()
        regular = mode == _REGULAR and kind == "blob"
        files[path.rpartition(b"/")[2].decode("utf-8", "replace")] = Blob(
            size=int(size) if regular else 0, regular=regular, read=_reader(repository, name)
        )
    if not files:
        raise BadInputError("no such folder in the commit", where=f"{commit}:{folder}")
    return files


def commit_folders(repository: Path, commit: str, folder: str) -> tuple[str, ...]:
    """The names of the folders inside a folder of a commit; none if it is not there."""
    command = ("ls-tree", "-d", "--name-only", "-z", "--full-tree")
    listing = _git(repository, *command, commit, "--", f"{folder}/")
    paths = filter(None, listing.decode("utf-8", "replace").split("\0"))
    return tuple(path.rpartition("/")[2] for path in paths)


def first_parents(repository: Path, base: str, head: str) -> tuple[str, ...]:
    """The commits from `base` to `head`, oldest first: each is one pull request where all are squashed."""
    command = ("rev-list", "--first-parent", "--reverse")
    return tuple(_git(repository, *command, f"{base}..{head}").decode().split())


def brought_blobs(repository: Path, base: str, head: str) -> tuple[tuple[int, str], ...]:
    """(bytes, path) of every file that a commit from `base` to `head` brings, also those taken out again."""
    objects = _git(repository, "rev-list", "--objects", f"{base}..{head}")
    shape = "--batch-check=%(objecttype) %(objectsize) %(rest)"
    facts = _git(repository, "cat-file", shape, given=objects).decode("utf-8", "replace")
    rows = (line.split(" ", 2) for line in facts.split("\n") if line.startswith("blob "))
    return tuple((int(size), path) for _, size, path in rows)


def arrivals(folder: Path, track: str, commit: str = "HEAD") -> Mapping[str, int]:
    """When each submission of a track came into the repository, in seconds since 1970, by id.

    It is the date at which the branch took it, which a git host sets, not the one that its author wrote.
    Where there is no git, or only a part of its history, nobody knows: the mapping is empty.
    """
    try:
        if _git(folder, "rev-parse", "--is-shallow-repository").strip() != b"false":
            return {}
        wanted = f"submissions/{track}/*/{CARD_FILE}"
        log = _git(folder, "log", "--first-parent", "--diff-merges=first-parent", "--diff-filter=A",
                   "--relative", "--format=%x01%ct", "--name-only", "-z", commit, "--", wanted)  # fmt: skip
    except BadInputError:
        return {}
    found: dict[str, int] = {}
    for entry in log.decode("utf-8", "replace").split("\x01")[1:]:
        date, *paths = (part.strip("\n") for part in entry.split("\0"))
        found |= {path.split("/")[-2]: int(date) for path in paths if path}
    return found


def changed_paths(repository: Path, base: str, head: str) -> tuple[tuple[str, str], ...]:
    """(status, path) of every file that `head` changes since it left `base`: A, M, D or T."""
    output = _git(repository, "diff", "--name-status", "--no-renames", "-z", f"{base}...{head}")
    fields = output.decode("utf-8", "surrogateescape").split("\0")[:-1]
    return tuple(zip(fields[::2], fields[1::2], strict=True))


def _reader(repository: Path, name: str) -> Callable[[], bytes]:
    return lambda: _git(repository, "cat-file", "blob", name)


def _git(repository: Path, *arguments: str, given: bytes | None = None) -> bytes:
    command = ["git", "-C", str(repository), "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False, input=given)
    except OSError:
        raise BadInputError("git is not there", where=str(repository), remedy="install git") from None
    if done.returncode:
        raise BadInputError(f"git {arguments[0]} failed", where=str(repository), remedy="check the commit")
    return done.stdout


def git_says(folder: Path, *arguments: str) -> str | None:
    """What git prints, without the space around it; None where it fails or is not there."""
    try:
        return _git(folder, *arguments).decode("utf-8", "replace").strip()
    except BadInputError:
        return None


def prefix(folder: Path) -> str:
    """The path of a folder inside its repository: "" at the top, else "boards/marrow/"."""
    return _git(folder, "rev-parse", "--show-prefix").decode().strip("\n")
