"""One process at a time in a folder.

The system keeps the lock of a file (``.lock``) with the process that took it and drops it when that process
ends, however it ends. Some file systems have no such locks (Lustre without ``flock``, some NFS): there the
file itself is the lock. Making it fails where it exists, and it says who made it. A process of this machine
that has ended is known by its number and the moment it began, and its file is removed; of another machine's
nobody can tell, so that file is removed by hand.
"""

import errno
import os
import socket
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bmbench.core.errors import BadInputError, BmbenchError, BmbenchWarning, RunFailedError
from bmbench.core.gate import read_bytes

LOCK = ".lock"
NO_LOCKS = "the file system has no locks: its file .lock keeps others out; after a crash it may stay"
_BREAKING = ".lock.breaking"
_WITHOUT = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}
_BY_NAME = "held by this file itself: "
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 0.2
"""Between two looks at a lock that somebody else holds: twice as long each time, for a shared disk's sake."""


class NoLocksWarning(BmbenchWarning):
    """A folder is held by the name of a file alone; once for each folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What a look at the lock came to: it is held from now on, or who holds it; neither: look again."""

    handle: int | None = None
    kept: bool = True
    owner: str = ""
    remedy: str = "wait for it, or stop it"


@contextmanager
def only_one(folder: Path, *, wait_s: float = 0.0) -> Iterator[bool]:
    """Hold the folder; another process (or thread) that wants it meanwhile waits, and is refused after that.

    Yields whether the system keeps the lock: what a dead process left behind keeps nobody out then. Elsewhere
    the file is the lock (see above), and a `NoLocksWarning` says so. On Windows nobody is refused.

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
    handle, kept = _taken(path, wait_s)
    if not kept:
        warnings.warn(f"{folder}: {NO_LOCKS}", NoLocksWarning, stacklevel=3)
    try:
        try:
            yield kept
        finally:
            # Somebody may have removed a file that only its name keeps, and another have made its own.
            if kept or _is_at(handle, path):
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


def _taken(path: Path, wait_s: float) -> tuple[int, bool]:
    """The lock file, open and ours, and whether the system keeps it."""
    end, pause = time.monotonic() + wait_s, _FIRST_PAUSE_S
    while True:
        look = _look(path)
        if look.handle is not None:
            return look.handle, look.kept
        if not look.owner:
            continue
        if time.monotonic() >= end:
            raise BadInputError(
                f"is being worked on by {look.owner}", where=str(path.parent), remedy=look.remedy
            )
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_S)


def _look(path: Path) -> _Look:
    with ExitStack() as stack:
        opened = _open(path)
        if opened is None:
            return _Look()
        handle, new = opened
        stack.callback(os.close, handle)
        look = _locked(handle, path, new=new)
        if look.handle is not None:
            # Who waits must find its maker there: it is written before anybody can be refused for long.
            with suppress(OSError):
                os.ftruncate(handle, 0)
                os.write(handle, _self(by_name=not look.kept).encode())
            stack.pop_all()
        return look


def _locked(handle: int, path: Path, *, new: bool) -> _Look:
    """Try to lock the open file, by the system, or else by having made it."""
    kept = True
    try:
        _lock(handle)
    except BlockingIOError:
        return _Look(owner=_text(handle).partition("\n")[0] or "another process")
    except OSError as error:
        if error.errno not in _WITHOUT:
            raise RunFailedError(f"{path}: cannot be locked ({error.strerror})") from error
        kept = False
    if kept and not _is_at(handle, path):
        # An owner removes the file before it lets go: what was opened may no longer be the lock.
        return _Look()
    text = _text(handle)
    if new or (kept and _BY_NAME not in text):
        return _Look(handle=handle, kept=kept)
    if _has_ended(text):
        _break(path, text)
        return _Look()
    owner = text.partition("\n")[0] or "another process"
    return _Look(owner=owner, remedy=f"wait for it; if it has ended, delete {path}")


def _open(path: Path) -> tuple[int, bool] | None:
    """The lock file, open, and whether it was made here; None if it has gone meanwhile."""
    try:
        with suppress(FileExistsError):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666), True
        with suppress(FileNotFoundError):
            return os.open(path, os.O_RDWR), False
    except OSError as error:
        raise RunFailedError(f"{path}: cannot be written ({error.strerror})") from error
    if path.parent.is_dir():
        return None
    raise RunFailedError(f"{path}: cannot be written (its folder has gone)")


def _lock(handle: int) -> None:
    """Lock an open file by the system."""
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _text(handle: int) -> str:
    return os.pread(handle, 1000, 0).decode(errors="replace") if sys.platform != "win32" else ""


def _self(*, by_name: bool) -> str:
    """What a lock file says of this process."""
    who = f"process {os.getpid()} on {socket.gethostname()}"
    return f"{who}\n{_BY_NAME}{_life(os.getpid()) or 'unknown'}\n" if by_name else who


def _has_ended(text: str) -> bool:
    """Whether the process that a lock file speaks of ran on this very machine, and has ended."""
    life = text.partition(_BY_NAME)[2].strip()
    here = _life(os.getpid())
    machine, _, process = life.rpartition(" process ")
    if not here or not process or here.rpartition(" process ")[0] != machine:
        return False
    number = process.partition(" ")[0]
    return number.isdecimal() and _life(int(number)) != life


def _life(process: int) -> str | None:
    """One life of one process: its machine, when that was started, its number, and when it began itself.

    Of a process that has ended the last says so. None where the system does not tell.
    """
    try:
        boot = read_bytes(Path("/proc/sys/kernel/random/boot_id")).decode().strip()
        space = os.readlink("/proc/self/ns/pid")  # noqa: PTH115
    except (BmbenchError, OSError):
        return None
    try:
        # The name of the program stands in brackets and may hold anything.
        facts = read_bytes(Path(f"/proc/{process}/stat")).rpartition(b")")[2].split()
        began = "ended" if facts[0] in (b"Z", b"X") else facts[19].decode()
    except (BmbenchError, IndexError):
        began = "ended"
    return f"{socket.gethostname()} {boot} {space} process {process} {began}"


def _break(path: Path, text: str) -> None:
    """Remove the lock of a process that has ended.

    Only one process does that at a time: between looking and removing, the file could else become another's.
    """
    breaking = path.with_name(_BREAKING)
    try:
        breaking.mkdir()
    except FileExistsError:
        # Somebody is at it, or was killed at it: then the file stays until it is removed by hand.
        time.sleep(_LONGEST_PAUSE_S)
        if breaking.is_dir():
            raise BadInputError(
                "is locked by a process that has ended", where=str(path.parent), remedy=f"delete {path}"
            ) from None
        return
    except OSError as error:
        raise RunFailedError(f"{path}: cannot be written ({error.strerror})") from error
    try:
        with suppress(FileNotFoundError):
            handle = os.open(path, os.O_RDONLY)
            try:
                same = _text(handle) == text
            finally:
                os.close(handle)
            if same:
                path.unlink()
    finally:
        with suppress(OSError):
            breaking.rmdir()
