"""Files and folders that appear whole or not at all, strict JSON, digests."""

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bmbench.core.asides import is_aside, new_file, new_folder, sweep
from bmbench.core.disk import force, force_all
from bmbench.core.errors import BadInputError, RunFailedError
from bmbench.core.gate import open_file
from bmbench.core.gate import read_bytes as read_bytes  # noqa: PLC0414

_HALVES = re.compile(rb"\\u[dD][89a-fA-F]")
"""How an escape in JSON begins that may stand for half a character."""
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
"""Of Linux' renameat2."""


@contextmanager
def writing(path: Path, *, synced: bool = True) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it is renamed to `path` if the block ends well.

    A reader sees the old file or the new one, never half of one, and after a power failure too: it is on the
    disk before it has its name. On any failure the file aside is removed and `path` is as it was.

    Parameters
    ----------
    synced : bool
        Whether it is forced to the disk; not for one of a million pictures that are easily made again. Files
        of a folder under way (`writing_folder`) are forced with it.

    Raises
    ------
    RunFailedError
        If the disk refuses (full, read-only, no permission).
    """
    with _refusals(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        handle, aside = new_file(path)
    try:
        with _refusals(path):
            yield aside
            if synced and not is_aside(path):
                force(aside)
            aside.chmod(0o666 & ~_umask())
            aside.replace(path)
            if synced and not is_aside(path):
                force(path.parent)
    finally:
        with suppress(OSError):
            aside.unlink()
        if handle is not None:
            os.close(handle)


@contextmanager
def writing_folder(folder: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield a new folder beside `folder` to fill; it is renamed to `folder` if the block ends well.

    On any failure it is removed with all that is in it. A folder of that name that is not empty is such a
    failure, unless it is to be replaced: it is there until the new one is. An empty folder that cannot give
    way, since somebody stands in it or a disk is mounted there, gets what the new one holds.

    Raises
    ------
    RunFailedError
        If the disk refuses (full, read-only, no permission).
    """
    stays = folder.is_dir() and (os.path.ismount(folder) or folder.samefile(Path.cwd()))
    with folder_aside(folder / "new" if stays else folder) as aside, _refusals(folder):
        yield aside
        if stays:
            force_all(aside)
            for path in sorted(aside.iterdir(), reverse=True):
                path.rename(folder / path.name)
            force(folder)
            return
        if replace and folder.exists():
            force_all(aside)
            _replace(aside, folder)
            force(folder.parent)
        else:
            name_folder(aside, folder)


@contextmanager
def folder_aside(folder: Path) -> Iterator[Path]:
    """Yield a new folder beside `folder`; it is removed afterwards unless it was renamed.

    Raises
    ------
    RunFailedError
        If the disk refuses (full, read-only, no permission).
    """
    import shutil

    make_folder(folder.parent)
    with _refusals(folder):
        sweep(folder.parent)
        # It is its owner's alone; one inside it gets the usual permissions.
        handle, own = new_folder(folder)
    try:
        aside = own / "new"
        make_folder(aside)
        yield aside
    finally:
        shutil.rmtree(own, ignore_errors=True)
        if handle is not None:
            os.close(handle)


def is_empty(folder: Path) -> bool:
    """Whether a folder is not there, or holds nothing once what dead processes left in it is removed."""
    if not folder.is_dir():
        return not folder.exists()
    with _refusals(folder):
        sweep(folder)
        return not any(folder.iterdir())


def name_folder(aside: Path, folder: Path) -> None:
    """Give a folder made by `folder_aside` its name, once all that is in it is on the disk.

    Raises
    ------
    OSError
        If the disk refuses, or there is a folder of that name that is not empty.
    RunFailedError
        If the disk refuses to keep the name that was given.
    """
    if not is_aside(folder):
        force_all(aside)
    aside.replace(folder)
    if not is_aside(folder):
        # The folder is there: an OSError would be taken for another one of that name.
        with _refusals(folder):
            force(folder.parent)


def name_file(part: Path, path: Path) -> None:
    """Give a file that was written in parts its name, once it is on the disk.

    Raises
    ------
    RunFailedError
        If the disk refuses.
    """
    with _refusals(path):
        force(part)
        part.replace(path)
        force(path.parent)


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


def refuse_file(folder: Path, *, expected: str, remedy: str = "") -> None:
    """Nothing, or a BadInputError where a folder is to be and a file is."""
    if folder.exists() and not folder.is_dir():
        raise BadInputError("is a file", where=str(folder), expected=expected, remedy=remedy)


def require_ending(path: Path, *endings: str) -> None:
    """Nothing, or a BadInputError where a file to be written is named as one of another kind."""
    if path.suffix.lower() not in endings:
        expected = " or ".join(endings)
        got = path.suffix or "no ending"
        raise BadInputError("unknown kind of file", where=str(path), expected=expected, got=got)


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
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """The text of `write_json`."""
    return json.dumps(value, indent=1, allow_nan=False) + "\n"


def read_json(path: Path, *, within: Path | None = None) -> Any:
    """The value of a JSON file from outside; BadInputError (with line and column) if it is not JSON."""
    data = read_bytes(path, within=within)
    try:
        return _json_value(data)
    except UnicodeEncodeError as error:
        got = ascii(error.object[max(0, error.start - 20) : error.start + 20])
        raise BadInputError("holds half a character", where=str(path), got=got) from None
    except json.JSONDecodeError as error:
        place = f"{path}, line {error.lineno}, column {error.colno}"
        if _ends_early(error):
            what, remedy = "not valid JSON: the file ends in the middle", "write the file again"
            raise BadInputError(what, where=place, got=f"{len(data)} bytes", remedy=remedy) from None
        raise BadInputError("not valid JSON", where=place, got=error.msg) from None
    except UnicodeDecodeError as error:
        raise BadInputError("not UTF-8 text", where=f"{path}, byte {error.start}") from None
    except (ValueError, RecursionError) as error:
        raise BadInputError("not valid JSON", where=str(path), got=str(error)) from None


def _ends_early(error: json.JSONDecodeError) -> bool:
    """Whether a text is no JSON because it stops: nothing, or an open string, is left where it fails."""
    rest = error.doc[error.pos :]
    return not rest.strip() or error.msg.startswith("Unterminated string")


def _json_value(data: bytes) -> Any:
    value = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant)
    if _HALVES.search(data):
        # An escape may be half a character, which is no text and cannot be written or printed again.
        json.dumps(value, ensure_ascii=False).encode()
    return value


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
