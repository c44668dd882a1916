"""A scheduler and workers of this machine, for as long as a block lasts."""

from __future__ import annotations

import importlib.util
import logging
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bmbench.adapters.reproducible import available_cores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import SpecCluster

_NEVER = 10**9
"""Deaths of workers after which the scheduler gives a task up: whoever hands tasks out decides about that."""
_POLL_S = 0.2
_DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""Where Linux has the drivers of cards that torch can use: NVIDIA, AMD, Windows below."""


@contextmanager
def started_here(n: int) -> Iterator[SpecCluster]:
    """Yield a scheduler in this process, with `n` workers that share this machine's cores and graphics cards.

    A worker that dies is started again, at whatever moment it died; all of them end with the block, and with
    this process. (Dask's own nannies give a worker up that dies while it starts.)
    """
    from distributed import Scheduler, SpecCluster

    local = {"host": "127.0.0.1", "dashboard_address": ":0", "allowed_failures": _NEVER}
    local["dashboard"] = importlib.util.find_spec("bokeh") is not None
    scheduler = {"cls": Scheduler, "options": local}
    with SpecCluster(scheduler=scheduler, workers={}, silence_logs=logging.CRITICAL) as cluster:
        cards = _cards()
        stopped = threading.Event()
        keepers = [
            threading.Thread(
                target=_keep_alive, args=(cluster.scheduler_address, _environment(number, n, cards), stopped)
            )
            for number in range(n)
        ]
        for keeper in keepers:
            keeper.start()
        try:
            yield cluster
        finally:
            stopped.set()
            for keeper in keepers:
                keeper.join()


def _keep_alive(address: str, environment: dict[str, str], stopped: threading.Event) -> None:
    """Have one worker process until the end."""
    command = [sys.executable, "-m", "bmbench.benchmark.cluster_worker", address, str(os.getpid())]
    while not stopped.is_set():
        # A session of its own: Ctrl-C in the terminal is for this process, which ends the workers.
        with subprocess.Popen(command, env=os.environ | environment, start_new_session=True) as worker:
            while worker.poll() is None and not stopped.wait(_POLL_S):
                pass
            worker.kill()
        stopped.wait(_POLL_S)


def _environment(number: int, n: int, cards: tuple[str, ...]) -> dict[str, str]:
    """What tells a worker from the others: its share of the cores, and a card if there is one for it."""
    cores = {"OMP_NUM_THREADS": str(max(1, available_cores() // n))}
    if not cards:
        return cores
    return cores | {"CUDA_VISIBLE_DEVICES": cards[number] if number < len(cards) else ""}


def _cards() -> tuple[str, ...]:
    """The names of this machine's graphics cards, as CUDA_VISIBLE_DEVICES has them."""
    # Torch takes seconds to import, and this process needs it for nothing else.
    if sys.platform == "linux" and not any(Path(driver).exists() for driver in _DRIVERS):
        return ()
    import torch

    wanted = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = [str(number) for number in range(torch.cuda.device_count())]
    return tuple(wanted.split(",")[: len(names)] if wanted else names)
