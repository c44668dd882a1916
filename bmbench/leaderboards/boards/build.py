"""`bmbench leaderboard build`: the folder ``boards/``, whole or not at all."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bmbench.core.errors import BadInputError, MissingExtraError, RunFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

BOARDS = "boards"
_ASIDE = ".boards-"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def board_files(board: Leaderboard) -> dict[str, bytes]:
    """Every file of ``boards/``, by path: a function of tracks and results, of nothing else.

    Raises
    ------
    MissingExtraError
        If jinja2 is not installed.
    """
    if importlib.util.find_spec("jinja2") is None:
        raise MissingExtraError("jinja2, which boards are made with,", extra="leaderboard")
    from bmbench.leaderboards.boards.page import read_page
    from bmbench.leaderboards.boards.render import markdown, site

    pages = [read_page(board, manifest) for manifest in board.manifests()]
    texts = markdown(pages) | {f"site/{name}": text for name, text in site(pages).items()}
    return {name: text.encode() for name, text in sorted(texts.items())}


def build_board(board: Leaderboard) -> int:
    """Write ``boards/``; how many files it has.

    The folder is made aside and takes the old one's place in one step, so a reader, a second build or a
    kill at any moment sees the old boards or the new ones.

    Raises
    ------
    BadInputError
        If a track was not scored.
    RunFailedError
        If the disk refuses.
    """
    texts = board_files(board)
    target = board.path / BOARDS
    try:
        with _alone(board.path):
            _sweep(board.path)
            aside = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=board.path))
            try:
                for name, data in texts.items():
                    path = aside / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(data)
                aside.chmod(0o755)
                _swap(aside, target)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise RunFailedError(f"{target}: cannot be written ({error.strerror})") from error
    return len(texts)


def check_board(board: Leaderboard) -> None:
    """Nothing, or a BadInputError that names the first files of ``boards/`` that are stale."""
    texts = board_files(board)
    target = board.path / BOARDS
    there = {
        path.relative_to(target).as_posix(): path for path in sorted(target.rglob("*")) if path.is_file()
    }
    wrong = [name for name, data in texts.items() if name not in there or there[name].read_bytes() != data]
    wrong += [name for name in there if name not in texts]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise BadInputError(
            "the boards are stale",
            where=str(target),
            got=", ".join(wrong[:3]) + more,
            remedy=f"bmbench leaderboard build {board.path}",
        )


def _swap(aside: Path, target: Path) -> None:
    """Put `aside` in the place of `target`; where both exist, `aside` is then the old one."""
    if not target.exists():
        aside.rename(target)
    elif not _exchange(aside, target):
        # Where the system cannot exchange two folders there is a moment without one, never a mixed one.
        old = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=target.parent)) / "old"
        target.rename(old)
        aside.rename(target)
        shutil.rmtree(old.parent, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two folders in one step (Linux: renameat2); False where that cannot be done."""
    if not sys.platform.startswith("linux"):
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    names = os.fsencode(first), os.fsencode(second)
    return bool(rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0)


def _sweep(folder: Path) -> None:
    """Remove what a killed build left; only the one that holds the lock may."""
    for path in folder.glob(f"{_ASIDE}*"):
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; a second build waits. The lock goes with the process that holds it."""
    try:
        import fcntl
    except ImportError:  # Windows: builds are not serialised there
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
