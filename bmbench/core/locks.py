"""One process at a time in a folder."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bmbench.core.errors import BadInputError, RunFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK = ".lock"


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the folder; another process (or thread) that wants it meanwhile is refused.

    The system keeps the lock with the process that took it and drops it when that process ends, however it
    ends: a lock file that a dead process left behind keeps nobody out. Where the system has no such locks
    (Windows) nobody is refused.

    Raises
    ------
    BadInputError
        If somebody else holds the folder; names the process.
    RunFailedError
        If the disk refuses.
    """
    path = folder / LOCK
    handle = _open(path)
    try:
        _take(handle, path)
        # An owner removes the file before it lets go: what was opened may no longer be the lock.
        while not _is_at(handle, path):
            os.close(handle)
            handle = _open(path)
            _take(handle, path)
        with suppress(OSError):
            os.ftruncate(handle, 0)
            os.write(handle, f"process {os.getpid()} on {socket.gethostname()}".encode())
        try:
            yield
        finally:
            with suppress(OSError):
                path.unlink()
    finally:
        os.close(handle)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise RunFailedError(f"{path}: cannot be written ({error.strerror})") from error


def _take(handle: int, path: Path) -> None:
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(handle, 200, 0).decode(errors="replace") or "another process"
        raise BadInputError(
            f"is being worked on by {owner}", where=str(path.parent), remedy="wait for it, or stop it"
        ) from None
    except OSError as error:
        raise RunFailedError(f"{path}: cannot be locked ({error.strerror})") from error


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
