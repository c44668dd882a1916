"""The single files of published sets, each with its SHA-256, as the makers' own repositories hold them.

An archive that a server packs on demand has other bytes tomorrow; a file at a named commit has not. A
manifest (``manifests/NAME.txt``) holds address lines, each the folder of the lines that follow it, and lines
``SHA-256 SIZE PATH [PATH ON THE SERVER]``. The sums were taken from the repositories' own objects, whose
names (the commit) fix the content.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePosixPath

from bmbench.core.dataset import Download
from bmbench.core.files import name_folder, sha256
from bmbench.core.progress import Progress
from bmbench.datasets.fetch.download import download


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedFile:
    """One file of a set: its place in the set's folder, and where it comes from."""

    path: PurePosixPath
    source: Download


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a folder holds of a manifest: files as published, other ones, and how many are not there."""

    same: int
    other: tuple[str, ...]
    missing: int


def manifest(name: str) -> tuple[PinnedFile, ...]:
    """The files of a set whose card names a manifest."""
    return parse_manifest(
        files("bmbench.datasets.sets").joinpath("manifests", f"{name}.txt").read_text("utf-8")
    )


def parse_manifest(text: str) -> tuple[PinnedFile, ...]:
    """The files that a manifest's text lists."""
    base, found = "", []
    for line in text.splitlines():
        if line.startswith(("https://", "http://")):
            base = line.strip()
        elif line and not line.startswith("#"):
            digest, size, path, *remote = line.split()
            url = base + (remote[0] if remote else path)
            source = Download(url=url, sha256=digest, size=int(size))
            found.append(PinnedFile(path=PurePosixPath(path), source=source))
    return tuple(found)


def fetch_files(pinned: Sequence[PinnedFile], folder: Path, progress: Progress) -> None:
    """Bring every file into a new folder, which appears when all are there and right.

    What an earlier attempt brought (it lies in ``FOLDER.unfinished``) is checked and kept.

    Raises
    ------
    RunFailedError
        If the server does not answer; run again, and it goes on.
    BadInputError
        If the server sends another file than the pinned one.
    """
    aside = folder.with_name(f"{folder.name}.unfinished")
    for file in progress.track(pinned, description="files", total=len(pinned)):
        download(file.source, aside / file.path, progress)
    name_folder(aside, folder)


def compare(pinned: Sequence[PinnedFile], folder: Path) -> Comparison:
    """Which files of the manifest a folder holds, and which of them have other bytes."""
    same, other, missing = 0, [], 0
    for file in pinned:
        place = folder / file.path
        if not place.is_file():
            missing += 1
        elif sha256(place) == file.source.sha256:
            same += 1
        else:
            other.append(str(file.path))
    return Comparison(same=same, other=tuple(other), missing=missing)
