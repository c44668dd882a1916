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
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import torch

T = TypeVar("T")


def available_cores() -> int:
    """Cores that this process may use: its affinity, and at most OMP_NUM_THREADS where that is set."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(limit)) if limit.isdigit() and int(limit) > 0 else cores


_lock = threading.Lock()
_users = 0
_before: tuple[int, int, bool, bool] | None = None


@contextmanager
def one_thread_each(*, exact_on_card: bool = True) -> Iterator[ThreadPoolExecutor]:
    """A pool whose workers use one torch thread each; afterwards torch has its threads and modes back.

    A network that is not `exact_on_card` may use what a graphics card adds up in any order.

    Torch's settings are those of the whole process: of several blocks under way in threads of their own,
    the first one changes them and the last one puts them back.
    """
    _enter()
    try:
        with _opencv_alone(1), _on_card(exact=exact_on_card), ThreadPoolExecutor(available_cores()) as pool:
            yield pool
    finally:
        _leave()


class _Shared(Generic[T]):
    """A setting of the whole process: of several blocks, the first one sets it, the last one puts it back."""

    def __init__(self, read: Callable[[], T], write: Callable[[T], object]) -> None:
        self._read, self._write = read, write
        self._users = 0

    @contextmanager
    def __call__(self, value: T) -> Iterator[None]:
        """The value inside the block."""
        with _lock:
            self._users += 1
            if self._users == 1:
                self._before = self._read()
                self._write(value)
        try:
            yield
        finally:
            with _lock:
                self._users -= 1
                if not self._users:
                    self._write(self._before)


def _opencv_threads() -> int:
    import cv2

    return cv2.getNumThreads()


def _set_opencv_threads(number: int) -> None:
    import cv2

    cv2.setNumThreads(number)


def _torch_mode() -> int | str:
    import torch

    return torch.get_deterministic_debug_mode()


def _set_torch_mode(mode: int | str) -> None:
    import torch

    torch.set_deterministic_debug_mode(mode)


def _set_workspace(value: str | None) -> None:
    if value is None:
        os.environ.pop(_WORKSPACE, None)
    else:
        os.environ[_WORKSPACE] = value


_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
_opencv_alone = _Shared(_opencv_threads, _set_opencv_threads)
_mode = _Shared(_torch_mode, _set_torch_mode)
_workspace = _Shared(lambda: os.environ.get(_WORKSPACE), _set_workspace)


@contextmanager
def _on_card(*, exact: bool) -> Iterator[None]:
    """On a graphics card, what the same bytes need, as far as a network can bear it.

    Linear layers give the same bytes only with a fixed workspace, and older torch refuses them without.
    Torchvision's `roi_align` adds up in any order there: asked for one order, it takes a way in Python that
    needs some 30 GB an image (torchvision issue 8168), so that a network which has it is not asked.
    """
    if best_device().type != "cuda":
        yield
        return
    with ExitStack() as settings:
        settings.enter_context(_workspace(os.environ.get(_WORKSPACE, ":4096:8")))
        if not exact:
            settings.enter_context(_mode("default"))
        yield


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
