"""Manifests: the SHA-256 of every file of something finished, and the version of bmbench that wrote it.

A run, each of its folders of answers to other images, a search and a study have a ``manifest.json``. What is
in it was written before; a file that differs from run to run or is written again is not in it (`SealedKind`).
`bmbench.benchmark.verify` recomputes the numbers as well. Decision 74 says why it is so.
"""

from __future__ import annotations

import fnmatch
import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Struct

import bmbench
from bmbench.benchmark.records.run_records import read_record
from bmbench.core.errors import BadInputError, BmbenchWarning
from bmbench.core.files import sha256, write_json
from bmbench.core.gate import files_in, is_file

MANIFEST = "manifest.json"
SCHEMA = "bmbench.manifest/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedKind:
    """What can be sealed.

    Attributes
    ----------
    only : tuple of str
        Patterns of the names that are sealed; empty: all of them.
    left_out : tuple of str
        Patterns of the names that are not: they differ from run to run, are written again later, or have a
        manifest of their own.
    """

    name: str
    only: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def holds(self, name: str) -> bool:
        """Whether a file of that name is sealed; none whose name, or folder, begins with a dot."""
        hidden = any(part.startswith(".") for part in name.split("/"))
        own = not self.only or _matches(name, self.only)
        return own and not hidden and name != MANIFEST and not _matches(name, self.left_out)


RUN = SealedKind(name="run", left_out=("log.txt", "timing.json", "row.md", "unfinished/*", "elsewhere/*"))
OTHER_SET = SealedKind(name="answers to other images")
SEARCH = SealedKind(
    name="search",
    left_out=("log.txt", "timing.json", "journal.log", "journal.log.lock", "trials/*/unfinished/*"),
)
STUDY = SealedKind(
    name="study",
    only=("study.json", "report.md", "*.csv", "*.png", "runs/*/manifest.json"),
    left_out=("*/*.png",),
)


class SealedFile(Struct, frozen=True, kw_only=True):
    """A file as it was when its record was finished."""

    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    bytes: Annotated[int, msgspec.Meta(ge=0)]


class Seal(Struct, frozen=True, kw_only=True):
    """The content of a ``manifest.json``; `bmbench` is the version that wrote it."""

    schema: str
    kind: str
    bmbench: str
    files: dict[str, SealedFile]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFault:
    """A file that is not as it was sealed."""

    name: str
    what: Literal["changed", "missing", "added"]

    def __str__(self) -> str:
        return f"{self.name} ({self.what})"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealCheck:
    """What a look at a manifest came to; `seal` is None where there is none."""

    path: Path
    seal: Seal | None
    faults: tuple[FileFault, ...] = ()

    def sentence(self) -> str:
        """What to tell a user; empty where all is well."""
        if self.faults:
            listed = ", ".join(map(str, self.faults[:4]))
            more = f" and {len(self.faults) - 4} more" if len(self.faults) > 4 else ""
            return f"{self.path}: is not as it was when it was finished: {listed}{more}"
        if self.seal is None:
            return f"{self.path}: has no manifest: written before bmbench sealed its records, not checked"
        return ""


class UnsealedWarning(BmbenchWarning):
    """A record is read that has no manifest, or of which something was changed that can still be meant."""


def seal(folder: Path, kind: SealedKind, *, coming: Mapping[str, bytes] | None = None) -> None:
    """Write the manifest of a folder whose files are finished.

    Parameters
    ----------
    coming : name → bytes
        Files that are written right after it.
    """
    files = {name: _sealed(path, folder) for name, path in sealed_files(folder, kind).items()}
    for name, data in (coming or {}).items():
        files[name] = SealedFile(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
    written = Seal(
        schema=SCHEMA, kind=kind.name, bmbench=bmbench.__version__, files=dict(sorted(files.items()))
    )
    write_json(folder / MANIFEST, msgspec.to_builtins(written))


def unseal(folder: Path) -> None:
    """Remove the manifest of a folder that is about to be written again."""
    (folder / MANIFEST).unlink(missing_ok=True)


def sealed_files(folder: Path, kind: SealedKind) -> dict[str, Path]:
    """The files that a manifest of that kind holds, by their names in the folder."""
    found = {path.relative_to(folder).as_posix(): path for path in files_in(folder, within=folder, deep=True)}
    return {name: found[name] for name in sorted(found) if kind.holds(name)}


def check_seal(
    folder: Path, kind: SealedKind, *, only: Sequence[str] = (), sealed: bool = False
) -> SealCheck:
    """Compare the files of a folder with its manifest.

    Parameters
    ----------
    only : sequence of str
        Patterns of the names that are looked at, where not all are; files that were added are no fault then.
    sealed : bool
        Whether there must be a manifest: the records say that a version wrote them which seals.

    Raises
    ------
    BadInputError
        If the manifest is damaged, of a newer bmbench, or of something else.
    """
    path = folder / MANIFEST
    if not is_file(path):
        lost = (FileFault(name=MANIFEST, what="missing"),) if sealed else ()
        return SealCheck(path=folder, seal=None, faults=lost)
    held = read_record(path, Seal, schema=SCHEMA, within=folder, what="a manifest")
    if held.kind != kind.name:
        raise BadInputError(
            "is the manifest of something else", where=str(path), expected=kind.name, got=held.kind
        )
    looked = {name: file for name, file in held.files.items() if not only or _matches(name, only)}
    faults = [
        FileFault(name=name, what=what)
        for name, file in looked.items()
        if (what := _fault(folder, name, file))
    ]
    if not only:
        added = sealed_files(folder, kind).keys() - held.files.keys()
        faults += [FileFault(name=name, what="added") for name in sorted(added)]
    return SealCheck(path=folder, seal=held, faults=tuple(faults))


def warn_unsealed(check: SealCheck) -> None:
    """Warn where something is not as it was, or cannot be checked."""
    text = check.sentence()
    if text:
        warnings.warn(text, UnsealedWarning, stacklevel=2)


def require_as_sealed(check: SealCheck) -> None:
    """Nothing, or a BadInputError where something is not as it was; without a manifest a warning."""
    if check.faults:
        raise BadInputError(
            "is not as it was when it was finished",
            where=str(check.path),
            got=", ".join(map(str, check.faults[:4])),
            remedy=f"restore it, or make it anew (all that differs: bmbench verify {check.path})",
        )
    warn_unsealed(check)


def _fault(folder: Path, name: str, file: SealedFile) -> Literal["changed", "missing"] | None:
    path = folder / name
    if not is_file(path):
        return "missing"
    try:
        same = path.stat().st_size == file.bytes and sha256(path, within=folder) == file.sha256
    except BadInputError:
        # A link that leads elsewhere, or a name that leads out of the folder.
        return "changed"
    return None if same else "changed"


def _sealed(path: Path, folder: Path) -> SealedFile:
    return SealedFile(sha256=sha256(path, within=folder), bytes=path.stat().st_size)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
