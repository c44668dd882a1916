"""`bmbench leaderboard doctor`: whether a board can live on its host, as far as its files and git show."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import UnsetType

from bmbench.core.errors import BmbenchError
from bmbench.core.files import sha256
from bmbench.core.gate import read_bytes
from bmbench.leaderboards.hosting.pinned_package import is_pinned
from bmbench.leaderboards.hosting.write_template import PACKAGE_FILE, Platform, template_files
from bmbench.leaderboards.results.hidden_truth import opened
from bmbench.leaderboards.results.leakage_budget import leakage, noise_of
from bmbench.leaderboards.submissions.sources import git_says
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import Manifest

Sort: TypeAlias = Literal["fine", "look", "fault"]
"""`look`: nothing here can tell, a person has to look at the host's settings, or may have meant it so."""
_HEADER_BYTES = 64 * 1024
"""Of an age file, where its recipients stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at: how it is, in a sentence."""

    sort: Sort
    text: str


def examine(board: Leaderboard, *, key: Path | None = None) -> tuple[Finding, ...]:
    """Everything that was looked at, faults included; nothing is changed.

    Parameters
    ----------
    key : Path, optional
        An age identity: whether it opens every hidden track is then looked at, too.

    Raises
    ------
    BadInputError
        If the folder is no leaderboard, or a track cannot be read.
    """
    manifests = board.manifests()
    findings = [found for look in _PLACES for found in look(board.path)]
    for manifest in manifests:
        findings += _track(board, manifest, key)
    return tuple(findings)


def _fine(text: str) -> Finding:
    return Finding(sort="fine", text=text)


def _look(text: str) -> Finding:
    return Finding(sort="look", text=text)


def _fault(text: str) -> Finding:
    return Finding(sort="fault", text=text)


def _platform(board: Path) -> Platform | None:
    if (board / ".github" / "workflows").is_dir():
        return "github"
    return "gitlab" if (board / ".gitlab-ci.yml").is_file() else None


def _files(board: Path) -> Iterator[Finding]:
    platform = _platform(board)
    if platform is None:
        yield _fault("no workflow of a git host: bmbench leaderboard host writes them")
        return
    names = {
        name: path for name, path in template_files(platform).items() if name.startswith((".git", "ci/"))
    }
    missing = [name for name in names if not (board / name).is_file()]
    if missing:
        yield _fault(f"missing: {', '.join(missing)}; bmbench leaderboard host writes what is not there")
    changed = [
        name
        for name, path in names.items()
        if name not in missing and "CODEOWNERS" not in name and read_bytes(board / name) != read_bytes(path)
    ]
    if changed:
        yield _look(f"not as in the template of this bmbench: {', '.join(changed)}")
    if not missing and not changed:
        yield _fine(f"workflows and scripts for {platform} are those of the template")


def _pins(board: Path) -> Iterator[Finding]:
    path = board / PACKAGE_FILE
    lines = read_bytes(path).decode("utf-8", "replace").split("\n") if path.is_file() else []
    wanted = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if len(wanted) == 1 and is_pinned(wanted[0]):
        yield _fine(f"{PACKAGE_FILE} names one fixed bmbench")
    else:
        yield _fault(
            f"{PACKAGE_FILE} names no fixed bmbench: a commit of 40 digits, or a wheel with its SHA-256"
        )
    requirements = board / "ci" / "requirements.txt"
    if requirements.is_file():
        text = read_bytes(requirements).decode("utf-8", "replace")
        loose = re.findall(r"^([a-z0-9.-]+)==(?!.*\\\n +--hash=sha256:)", text, re.M)
        if loose:
            yield _fault(f"without a digest in ci/requirements.txt: {', '.join(loose[:5])}")
    for path in sorted((board / ".github" / "workflows").glob("*.y*ml")):
        text = read_bytes(path).decode("utf-8", "replace")
        free = [use for use in re.findall(r"uses:\s*(\S+)", text) if not re.search(r"@[0-9a-f]{40}\Z", use)]
        if free:
            yield _fault(f"{path.name}: actions that are not pinned to a commit: {', '.join(free)}")
    pipeline = board / ".gitlab-ci.yml"
    if pipeline.is_file() and "@sha256:" not in read_bytes(pipeline).decode("utf-8", "replace"):
        yield _look(".gitlab-ci.yml: the image is not pinned to a digest")


def _owners(board: Path) -> Iterator[Finding]:
    path = board / ".github" / "CODEOWNERS"
    if not path.is_file():
        return
    text = read_bytes(path).decode("utf-8", "replace")
    if not re.search(r"^\*\s+@\w", text, re.M) or "@MAINTAINERS@" in text:
        yield _fault("CODEOWNERS names nobody for all files: anybody's pull request could change workflows")
    elif not re.search(r"^/submissions/\s*$", text, re.M):
        yield _look("CODEOWNERS: submissions need a code owner's review, too")
    else:
        yield _fine("CODEOWNERS: all but submissions needs a maintainer's review")


def _branches(board: Path) -> Iterator[Finding]:
    if git_says(board, "rev-parse", "--git-dir") is None:
        yield _fault("not a git repository: git init -b main")
        return
    if git_says(board, "rev-parse", "--is-shallow-repository") != "false":
        yield _look("the history is not whole here: order and dates of submissions are not known")
    tracked = git_says(board, "ls-files", "--", "results", "boards")
    if tracked:
        yield _fault(
            "results/ or boards/ are committed beside the submissions: git rm -r --cached results boards"
        )
    if git_says(board, "ls-files", "--", "key*.txt", "*.agekey"):
        yield _fault("a key file is committed: make a new key, bmbench leaderboard rekey, take it out")
    remotes = git_says(board, "branch", "-r", "--list", "*/results")
    yield (
        _fine("the branch results is there")
        if remotes
        else _look("no branch results yet: the first run of score makes it (git fetch, if it ran)")
    )
    merges = git_says(board, "rev-list", "--count", "--min-parents=2", "HEAD", "--", "submissions")
    if merges not in {None, "", "0"}:
        yield _look(
            f"{merges} merge commits brought submissions: allow squash merges only, or junk stays for ever"
        )
    yield _look(
        "git does not show protection: main by pull request only, the check required, code owners review; "
        "results open to the workflow (README.md, the table of settings)"
    )


def _secrets(board: Path) -> Iterator[Finding]:
    platform = _platform(board)
    names = {"github": ("GROUND_TRUTH_KEY",), "gitlab": ("GROUND_TRUTH_KEY", "BOARD_TOKEN", "NOTE_TOKEN")}
    if platform is not None:
        yield _look(f"secrets to set on the host, each for its environment: {', '.join(names[platform])}")


_PLACES: tuple[Callable[[Path], Iterator[Finding]], ...] = (_files, _pins, _owners, _branches, _secrets)


def _track(board: Leaderboard, manifest: Manifest, key: Path | None) -> Iterator[Finding]:
    where, limits = f"track {manifest.name}", manifest.limits
    hidden = manifest.truth.visibility == "hidden"
    if limits.attempts is None:
        sort: Sort = "fault" if hidden else "look"
        yield Finding(sort=sort, text=f"{where}: any number of attempts (limits.attempts in track.json)")
    elif isinstance(limits.days, UnsetType):
        yield _look(f"{where}: {limits.attempts} attempts a login for ever (limits.days counts them in time)")
    else:
        yield _fine(f"{where}: {limits.attempts} attempts a login in {limits.days} days")
    if hidden:
        yield _budget(where, manifest)
        yield from _hidden(board, manifest, key)


def _budget(where: str, manifest: Manifest) -> Finding:
    budget = leakage(manifest)
    if noise_of(manifest) == 0:
        return _fault(f"{where}: scores without noise; hidden anew, it gets a budget (leaderboard hide)")
    if budget.everybody is None:
        return _look(f"{where}: all logins together may hand in without end (limits.attempts_of_all)")
    return _fine(
        f"{where}: tells at most {budget.submission:.1f} bits a submission, {budget.everybody:.0f} in 30 days"
    )


def _hidden(board: Leaderboard, manifest: Manifest, key: Path | None) -> Iterator[Finding]:
    where = f"track {manifest.name}"
    clear = f"tracks/{manifest.name}/truth.json"
    commit = git_says(board.path, "log", "--all", "--format=%h", "-1", "--diff-filter=A", "--", clear)
    if commit:
        yield _fault(f"{where}: the truth was committed in the clear in {commit}; it is not hidden any more")
    header = read_bytes(board.truth(manifest))[:_HEADER_BYTES]
    recipients = header.count(b"\n-> X25519 ")
    if recipients == 1:
        yield _look(f"{where}: one key alone opens the truth; if it is lost, nobody can score (rekey)")
    if key is None:
        yield _look(f"{where}: whether a key opens it is not known (--key)")
        return
    try:
        with opened(board, manifest, key) as truth:
            yield _fine(f"{where}: the key opens the truth, which is the one that the track committed to")
            if sha256(truth.path) == manifest.data.sha256:
                yield _fault(
                    f"{where}: data.sha256 is the digest of the truth itself, so guesses can be checked"
                )
    except BmbenchError as error:
        yield _fault(f"{where}: {error}")
