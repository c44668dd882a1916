"""Patches that are drawn before they are asked for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from bmbench.adapters.learning.reproducible import available_cores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future

Patch = TypeVar("Patch")


@contextmanager
def drawn_ahead(
    draw: Callable[[int, int], Patch], steps: Iterable[int], numbers: Sequence[int], *, ahead: int
) -> Iterator[Callable[[int], Callable[[int], Patch]]]:
    """A function: step → number → patch. The steps are asked for in their order.

    While one is under way, the patches of these numbers of the next `ahead` steps are drawn, on threads of
    their own. With 0 a patch is drawn when it is asked for, by the thread that asks.
    """
    if not ahead:
        yield lambda step: partial(draw, step)
        return
    pool = ThreadPoolExecutor(available_cores())
    left, waiting = iter(steps), dict[int, dict[int, "Future[Patch]"]]()

    def batch(step: int) -> Callable[[int], Patch]:
        while len(waiting) <= ahead and (later := next(left, None)) is not None:
            waiting[later] = {number: pool.submit(draw, later, number) for number in numbers}
        patches = waiting.pop(step)
        return lambda number: patches[number].result()

    try:
        yield batch
    finally:
        pool.shutdown(cancel_futures=True)
