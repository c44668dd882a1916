"""Files and folders that appear whole or not at all, strict JSON, digests."""

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bmbench.core.errors import BadInputError, RunFailedError
from bmbench.core.gate import open_file
from bmbench.core.gate import read_bytes as read_bytes  # noqa: PLC0414

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
"""Of Linux' renameat2."""


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it is renamed to `path` if the block ends well.

    A reader sees the old file or the new one, never half of one. On any failure the file aside is
    removed and `path` is as it was.

    Raises
    ------
    RunFailedError
        If the disk refuses (full, read-only, no permission).
    """
    import tempfile

    with _refusals(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    aside = Path(name)
    try:
        with _refusals(path):
            yield aside
            with aside.open("rb") as written:
                os.fsync(written.fileno())
            aside.chmod(0o666 & ~_umask())
            aside.replace(path)
    finally:
        with suppress(OSError):
            aside.unlink()


@contextmanager
def writing_folder(folder: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield a new folder beside `folder` to fill; it is renamed to `folder` if the block ends well.

    On any failure it is removed with all that is in it. A folder of that name that is not empty is such a
    failure, unless it is to be replaced: it is there until the new one is.

    Raises
    ------
    RunFailedError
        If the disk refuses (full, read-only, no permission).
    """
    with folder_aside(folder) as aside, _refusals(folder):
        yield aside
        if replace and folder.exists():
            _replace(aside, folder)
        else:
            aside.replace(folder)


@contextmanager
def folder_aside(folder: Path) -> Iterator[Path]:
    """Yield a new folder beside `folder`; it is removed afterwards unless it was renamed.

    Raises
    ------
    RunFailedError
        If the disk refuses (full, read-only, no permission).
    """
    import shutil
    import tempfile

    make_folder(folder.parent)
    with _refusals(folder):
        # mkdtemp makes a folder that is its owner's alone; one inside it gets the usual permissions.
        own = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        aside = own / "new"
        make_folder(aside)
        yield aside
    finally:
        shutil.rmtree(own, ignore_errors=True)


def asides_of(path: Path) -> list[Path]:
    """What killed processes left of `writing` and `writing_folder` beside the path that they wrote."""
    left = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}({re.escape(path.suffix)})?")
    try:
        beside = sorted(path.parent.iterdir())
    except OSError:
        return []
    return [aside for aside in beside if left.fullmatch(aside.name)]


def sweep_asides(path: Path) -> None:
    """Remove what `asides_of` names; only a process that alone may write `path` may do that."""
    import shutil

    for aside in asides_of(path):
        if aside.is_dir() and not aside.is_symlink():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            with suppress(OSError):
                aside.unlink()


def _replace(aside: Path, folder: Path) -> None:
    """Put a folder made by `folder_aside` in the place of one that is there."""
    if exchange_folders(aside, folder):
        return
    # Elsewhere there is a moment without one, never a mixed one.
    old = aside.with_name("old")
    folder.rename(old)
    try:
        aside.rename(folder)
    except OSError:
        old.rename(folder)
        raise


def exchange_folders(first: Path, second: Path) -> bool:
    """Exchange two folders in one step (Linux: renameat2); False where that cannot be done."""
    import ctypes

    if not sys.platform.startswith("linux"):
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    names = os.fsencode(first), os.fsencode(second)
    return bool(rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it; RunFailedError if the disk refuses."""
    with _refusals(folder):
        folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunFailedError(f"{path}: cannot be written ({error.strerror})") from error


def require_folder(folder: Path) -> None:
    """Nothing is made; RunFailedError if files cannot be written to a folder that is there or yet to be."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise RunFailedError(f"{folder}: cannot be written ({there} is a file)")
    if not os.access(there, os.W_OK | os.X_OK):
        raise RunFailedError(f"{folder}: cannot be written (no permission in {there})")


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with writing(path) as aside:
        aside.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all.

    Raises
    ------
    BadInputError
        If it holds halves of characters, as names from a damaged file may.
    """
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        got = ascii(text[max(0, error.start - 20) : error.start + 20])
        raise BadInputError("a name that is no text cannot be written", where=str(path), got=got) from None
    write_bytes(path, data)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all; NaN and infinity are refused (ValueError)."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def read_json(path: Path, *, within: Path | None = None) -> Any:
    """The value of a JSON file from outside; BadInputError (with line and column) if it is not JSON."""
    try:
        return json.loads(
            read_bytes(path, within=within).decode("utf-8-sig"), parse_constant=_refuse_constant
        )
    except json.JSONDecodeError as error:
        place = f"{path}, line {error.lineno}, column {error.colno}"
        raise BadInputError("not valid JSON", where=place, got=error.msg) from None
    except UnicodeDecodeError as error:
        raise BadInputError("not UTF-8 text", where=f"{path}, byte {error.start}") from None
    except (ValueError, RecursionError) as error:
        raise BadInputError("not valid JSON", where=str(path), got=str(error)) from None


def sha256(path: Path, *, within: Path | None = None) -> str:
    """The SHA-256 of a file from outside, as 64 hexadecimal digits."""
    import hashlib

    with open_file(path, within=within, limit=None) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse_constant(name: str) -> float:
    raise ValueError(f"the number {name}, which JSON does not have")


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
