"""One process at a time in a folder."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from bmbench.core.errors import BadInputError, RunFailedError

LOCK = ".lock"
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 0.2
"""Between two looks at a lock that somebody else holds: twice as long each time, for a shared disk's sake."""


@contextmanager
def only_one(folder: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the folder; another process (or thread) that wants it meanwhile waits, and is refused after that.

    The system keeps the lock with the process that took it and drops it when that process ends, however it
    ends: a lock file that a dead process left behind keeps nobody out. Where the system has no such locks
    (Windows) nobody is refused.

    Parameters
    ----------
    wait_s : float
        Seconds to wait for whoever holds it; infinity: as long as it takes.

    Raises
    ------
    BadInputError
        If somebody else holds the folder; names the process.
    RunFailedError
        If the disk refuses.
    """
    path = folder / LOCK
    handle = _taken(path, wait_s)
    try:
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


@contextmanager
def if_free(folder: Path) -> Iterator[bool]:
    """Whether nobody else holds the folder; if so, it is held inside the block."""
    with ExitStack() as stack:
        try:
            stack.enter_context(only_one(folder))
        except BadInputError:
            yield False
            return
        yield True


def _taken(path: Path, wait_s: float) -> int:
    """The lock file, open and locked."""
    end, pause = time.monotonic() + wait_s, _FIRST_PAUSE_S
    while True:
        with ExitStack() as stack:
            handle = _open(path)
            stack.callback(os.close, handle)
            owner = _lock(handle, path)
            # An owner removes the file before it lets go: what was opened may no longer be the lock.
            if owner is None and _is_at(handle, path):
                stack.pop_all()
                return handle
        if owner is None:
            continue
        if time.monotonic() >= end:
            raise BadInputError(
                f"is being worked on by {owner}", where=str(path.parent), remedy="wait for it, or stop it"
            )
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_S)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise RunFailedError(f"{path}: cannot be written ({error.strerror})") from error


def _lock(handle: int, path: Path) -> str | None:
    """Lock an open file; who holds it, if that is somebody else."""
    try:
        import fcntl
    except ImportError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(handle, 200, 0).decode(errors="replace") or "another process"
    except OSError as error:
        raise RunFailedError(f"{path}: cannot be locked ({error.strerror})") from error
    return None


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
