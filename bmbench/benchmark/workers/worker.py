"""The workers of this machine: ``python -m bmbench.benchmark.workers.worker N CARDS``.

One line of JSON comes on stdin: the address of a scheduler, and the certificate that it asks for.

One process imports what all workers need, is copied for each of them, and copied again for one that dies.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from bmbench.benchmark.workers.cluster import GPU
from bmbench.benchmark.workers.local import LOOPBACK, SELDOM
from bmbench.benchmark.workers.retries import end_with

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

_NEEDED = (
    "distributed.worker",
    "bmbench.adapters.unet.detector",
    "bmbench.adapters.unet.training",
    "bmbench.benchmark.drawing.gallery",
    "bmbench.benchmark.run.begin_or_resume",
    "bmbench.benchmark.scoring.score_files",
    "bmbench.datasets.sets.own_files",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
)
"""What nearly every task imports."""
_POLL_S, _PAUSE_S = 1.0, 0.2


def keep(n: int, cards: Sequence[str]) -> None:
    """Have `n` workers until SIGTERM, or the end of the process that started this one."""
    parent = os.getppid()
    # A copy of a process that has seen a card cannot use it, and some systems' libraries bear no copies.
    copied = sys.platform == "linux" and not cards
    if copied:
        _import()
    line = sys.stdin.readline()
    scheduler = json.loads(line) if line else {}
    context = multiprocessing.get_context("fork") if copied else multiprocessing.get_context("spawn")
    workers: dict[int, BaseProcess] = {}
    signal.signal(signal.SIGTERM, _end)
    while scheduler and os.getppid() == parent:
        for number in set(range(n)) - workers.keys():
            workers[number] = context.Process(target=run, args=(scheduler, _card(number, cards)))
            workers[number].start()
        if wait([worker.sentinel for worker in workers.values()], timeout=_POLL_S):
            time.sleep(_PAUSE_S)
        workers = {number: worker for number, worker in workers.items() if worker.is_alive()}
    _end()


def _end(*_: object) -> None:
    """End the workers and this process, at once: nothing here needs to be put away."""
    for worker in multiprocessing.active_children():
        worker.kill()
    os._exit(0)


def run(scheduler: dict[str, Any], card: str | None) -> None:
    """Be a worker until the scheduler goes, or the process that started this one."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with(os.getppid())
    if card is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = card
    _import()
    asyncio.run(work(scheduler, has_card=bool(card)))
    # A task that still runs belongs to nobody any more.
    os._exit(0)


async def work(scheduler: dict[str, Any], *, has_card: bool) -> None:
    """Work for that scheduler until it goes; one task at a time, with a graphics card or without."""
    import dask
    from distributed import Worker
    from distributed.security import Security

    # Its profile of every task would take a hundredth of the time of each.
    dask.config.set(SELDOM | {"distributed.worker.profile.enabled": False})
    resources: dict[str, float] | None = {GPU: 1} if has_card else None
    # No limit of memory: Dask would end a worker that the machine can still bear.
    worker = Worker(
        scheduler["address"],
        host=LOOPBACK,
        protocol="tls",
        security=Security(require_encryption=True, **scheduler["certificate"]),
        nthreads=1,
        memory_limit=0,
        resources=resources,
        silence_logs=logging.CRITICAL,
        dashboard=False,
    )
    async with worker:
        await worker.finished()


def _card(number: int, cards: Sequence[str]) -> str | None:
    """What a worker may see of the cards; None where the machine has none."""
    if not cards:
        return None
    return cards[number] if number < len(cards) else ""


def _import() -> None:
    from bmbench.adapters.learning.reproducible import environment_kept

    with environment_kept():
        for name in _NEEDED:
            importlib.import_module(name)
        import torch

        # Its first step imports as much again as torch itself.
        torch.optim.SGD([torch.zeros(1, requires_grad=True)]).step()
    # Their pages stay shared as long as nobody writes to them.
    gc.freeze()


if __name__ == "__main__":
    keep(int(sys.argv[1]), [card for card in sys.argv[2].split(",") if card])
