"""Work ahead: in order, never too much of it, and errors come out."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bmbench.benchmark.prediction.image import mapped


def test_results_stand_in_order_and_no_more_than_so_many_are_ahead() -> None:
    taken: list[int] = []
    begun: list[int] = []
    lock = threading.Lock()

    def work(item: int) -> int:
        with lock:
            begun.append(item)
            assert item - len(taken) < 4
        return item * item

    with ThreadPoolExecutor(3) as pool:
        for result in mapped(pool, work, range(50), most=4):
            taken.append(result)  # noqa: PERF402
    assert taken == [item * item for item in range(50)]
    assert sorted(begun) == list(range(50))


def test_an_error_in_the_work_comes_out_and_ends_it() -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        if item == 3:
            raise KeyError(item)
        return item

    with ThreadPoolExecutor(1) as pool, pytest.raises(KeyError):
        list(mapped(pool, work, range(1000), most=2))
    assert len(begun) < 10
