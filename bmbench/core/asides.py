"""Files and folders under way: how they are called, whose they are, and what becomes of those of the dead.

Whatever is written is written aside, under a hidden name beside its own, ``.NAME.bmbench-XXXXXXXX``, and
renamed when it is whole. A process that is killed leaves such a file or folder behind. While it lives it
holds a lock on it, which the system drops when it ends, however it ends: the next process that writes into
the same folder removes those that nobody holds. Where the system has no such locks nothing is removed,
since nobody can tell the dead from the living there.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_MARK = ".bmbench-"
_NAME = re.compile(r"\..*\.bmbench-[a-z0-9_]{8}(\.[^.]*)?", re.DOTALL)
_NAME_CHARACTERS = 40
"""So much of a name stands in that of its aside: the longest names of files leave no room for more."""
_SUFFIX_BYTES = 20
_swept: set[str] = set()
"""Folders that this process has looked through: once is enough, and some hold a million files."""


def new_file(path: Path) -> tuple[int | None, Path]:
    """The handle that holds it, which the caller closes, and the path of a new file beside `path`.

    None where nothing can be held: an open file could not be renamed on Windows.
    """
    import tempfile

    suffix = path.suffix if len(os.fsencode(path.suffix)) <= _SUFFIX_BYTES else ""
    while True:
        handle, name = tempfile.mkstemp(prefix=_prefix(path), suffix=suffix, dir=path.parent)
        held = _hold(handle, Path(name))
        if held:
            return handle, Path(name)
        os.close(handle)
        if held is None:
            return None, Path(name)


def new_folder(path: Path) -> tuple[int | None, Path]:
    """The same of a new folder."""
    import tempfile

    while True:
        name = tempfile.mkdtemp(prefix=_prefix(path), dir=path.parent)
        try:
            handle = os.open(name, os.O_RDONLY)
        except PermissionError:
            # Windows opens no folders.
            return None, Path(name)
        except FileNotFoundError:
            # Another process has swept it before it could be held.
            continue
        held = _hold(handle, Path(name))
        if held:
            return handle, Path(name)
        os.close(handle)
        if held is None:
            return None, Path(name)


def is_aside(path: Path) -> bool:
    """Whether a path lies in a folder that is under way: it is forced to the disk with the whole of it."""
    return any(_MARK in part and _NAME.fullmatch(part) for part in path.parts)


def sweep(folder: Path, *, again: bool = False) -> None:
    """Remove what dead processes left in a folder, the first time that this process writes into it.

    With `again` every time: for folders of few files that a process of long life writes into again and again.
    """
    place = os.path.realpath(folder)
    if place in _swept and not again:
        return
    _swept.add(place)
    with suppress(OSError):
        for path in list(_left(folder)):
            _remove_if_dead(path)


def _left(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if _MARK in entry.name and _NAME.fullmatch(entry.name) and not entry.is_symlink():
                yield folder / entry.name


def _remove_if_dead(path: Path) -> None:
    import shutil

    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        try:
            # Held while it is removed: who makes a new one of that name meanwhile notices, and makes another.
            if _lock(handle) is not True:
                return
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
        finally:
            os.close(handle)


def _prefix(path: Path) -> str:
    return f".{path.name[:_NAME_CHARACTERS]}{_MARK}"


def _hold(handle: int, path: Path) -> bool | None:
    """Hold a new file or folder; False if another process has swept it before, None without such locks."""
    locked = _lock(handle)
    if not locked:
        return locked
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _lock(handle: int) -> bool | None:
    """Whether an open file or folder could be locked; None where there are no such locks."""
    try:
        import fcntl
    except ImportError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
