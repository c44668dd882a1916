"""A scheduler and workers of this machine, for as long as a block lasts."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bmbench.adapters.reproducible import available_cores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import SpecCluster

_NEVER = 10**9
"""Deaths of workers after which the scheduler gives a task up: whoever hands tasks out decides about that."""


@contextmanager
def started_here(n: int) -> Iterator[SpecCluster]:
    """Yield a cluster of `n` worker processes that share the cores and graphics cards of this machine.

    A worker that dies is started again; all of them end with the block, and with this process.
    """
    from distributed import Nanny, Scheduler, SpecCluster

    local = {"host": "127.0.0.1"}
    cards = _cards()
    scheduler = {"dashboard": _has_dashboard(), "dashboard_address": ":0", "allowed_failures": _NEVER}
    with SpecCluster(
        scheduler={"cls": Scheduler, "options": local | scheduler},
        workers={
            number: {"cls": Nanny, "options": local | _worker(number, n, cards=cards)} for number in range(n)
        },
        silence_logs=logging.CRITICAL,
    ) as cluster:
        yield cluster


def _worker(number: int, n: int, *, cards: tuple[str, ...]) -> dict[str, Any]:
    """The options of a worker: one task at a time, its share of the cores, a card if there are any."""
    env = {"OMP_NUM_THREADS": str(max(1, available_cores() // n))}
    resources = {}
    if cards:
        env["CUDA_VISIBLE_DEVICES"] = cards[number] if number < len(cards) else ""
        resources = {"GPU": 1} if number < len(cards) else {}
    # No limit of memory: Dask would end a worker that the machine can still bear.
    quiet = {"silence_logs": logging.CRITICAL, "memory_limit": 0}
    return quiet | {"nthreads": 1, "env": env, "resources": resources}


def _cards() -> tuple[str, ...]:
    """The names of this machine's graphics cards, as CUDA_VISIBLE_DEVICES has them."""
    import torch

    wanted = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = [str(number) for number in range(torch.cuda.device_count())]
    return tuple(wanted.split(",")[: len(names)] if wanted else names)


def _has_dashboard() -> bool:
    import importlib.util

    return importlib.util.find_spec("bokeh") is not None
