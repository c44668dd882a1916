"""Work done ahead by threads, a few items at a time, results in order."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future, ThreadPoolExecutor

A = TypeVar("A")
B = TypeVar("B")


def mapped(pool: ThreadPoolExecutor, work: Callable[[A], B], items: Iterable[A], *, most: int) -> Iterator[B]:
    """`work` of each item, in order; at most `most` items are under way or waiting to be taken.

    `pool.map` would start all of them at once and keep every result.
    """
    under_way: deque[Future[B]] = deque()
    try:
        for item in items:
            under_way.append(pool.submit(work, item))
            if len(under_way) >= most:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        for future in under_way:
            future.cancel()
