"""The same bytes from the same seed, on a busy machine as on an idle one, and torch left as it was.

Sums of floating-point numbers depend on their order, and torch splits them by its number of threads. So
every piece of work (a few training patches, a tile) runs on one torch thread, several pieces at a time on
Python threads, and their results are added in a fixed order: how many pieces run at once changes the time
and nothing else. It also spares a busy machine the spinning of OpenMP threads that wait for one another,
which costs a factor of ten there.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def available_cores() -> int:
    """Cores that this process may use: its affinity, and at most OMP_NUM_THREADS where that is set."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(limit)) if limit.isdigit() and int(limit) > 0 else cores


_lock = threading.Lock()
_users = 0
_before: tuple[int, int, bool, bool] | None = None


@contextmanager
def one_thread_each() -> Iterator[ThreadPoolExecutor]:
    """A pool whose workers use one torch thread each; afterwards torch has its threads and modes back.

    Torch's settings are those of the whole process: of several blocks under way in threads of their own,
    the first one changes them and the last one puts them back.
    """
    _enter()
    try:
        with _opencv_alone(), ThreadPoolExecutor(available_cores()) as pool:
            yield pool
    finally:
        _leave()


_opencv_users = 0
_opencv_before = 0


@contextmanager
def _opencv_alone() -> Iterator[None]:
    """OpenCV on one thread a call inside the block: patches are drawn on threads of their own."""
    import cv2

    global _opencv_users, _opencv_before  # noqa: PLW0603
    with _lock:
        _opencv_users += 1
        if _opencv_users == 1:
            _opencv_before = cv2.getNumThreads()
            cv2.setNumThreads(1)
    try:
        yield
    finally:
        with _lock:
            _opencv_users -= 1
            if not _opencv_users:
                cv2.setNumThreads(_opencv_before)


def _enter() -> None:
    import torch

    global _users, _before  # noqa: PLW0603
    with _lock:
        _users += 1
        if _users > 1:
            return
        _before = (
            torch.get_num_threads(),
            torch.get_deterministic_debug_mode(),
            torch.backends.cudnn.deterministic,
            torch.backends.cudnn.benchmark,
        )
        torch.set_num_threads(1)
        # The same switch as `use_deterministic_algorithms`, which also loads the compiler: 1.5 s that
        # nobody needs who compiles nothing.
        torch.set_deterministic_debug_mode("error")
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False


def _leave() -> None:
    import torch

    global _users  # noqa: PLW0603
    with _lock:
        _users -= 1
        if _users or _before is None:
            return
        threads, deterministic, cudnn_deterministic, cudnn_benchmark = _before
        torch.set_num_threads(threads)
        torch.set_deterministic_debug_mode(deterministic)
        torch.backends.cudnn.deterministic = cudnn_deterministic
        torch.backends.cudnn.benchmark = cudnn_benchmark


@contextmanager
def environment_kept() -> Iterator[None]:
    """Environment variables as they were, after imports that set some.

    OpenCV's sets LD_LIBRARY_PATH, torch's optimisers bring in a module that sets a cache folder; either
    would reach every program that this process starts.
    """
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Torch's global generators seeded inside the block, and afterwards as they were."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def best_device() -> torch.device:
    """The graphics card if torch sees one, else the processor."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def steps_ahead() -> int:
    """How many steps ahead patches are drawn: none on a processor, whose cores are busy computing."""
    return 2 if best_device().type == "cuda" else 0
