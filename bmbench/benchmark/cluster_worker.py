"""One worker process of this machine: ``python -m bmbench.benchmark.cluster_worker SCHEDULER PARENT``."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import sys

from bmbench.benchmark.cluster import GPU
from bmbench.benchmark.orphans import end_with

_NEEDED = ("bmbench.benchmark.run", "matplotlib.figure", "torch")
"""What nearly every task imports: seconds that pass while the command still reads its data."""


async def work(address: str) -> None:
    """Work for that scheduler until it goes; one task at a time, with a graphics card if any is visible."""
    import dask
    from distributed import Worker

    # Its profile of every task would take a hundredth of the time of each.
    dask.config.set({"distributed.worker.profile.enabled": False})
    resources: dict[str, float] | None = {GPU: 1} if os.environ.get("CUDA_VISIBLE_DEVICES") else None
    # No limit of memory: Dask would end a worker that the machine can still bear.
    worker = Worker(
        address,
        nthreads=1,
        memory_limit=0,
        resources=resources,
        silence_logs=logging.CRITICAL,
        dashboard=False,
    )
    async with worker:
        await worker.finished()


if __name__ == "__main__":
    end_with(int(sys.argv[2]))
    for name in _NEEDED:
        importlib.import_module(name)
    asyncio.run(work(sys.argv[1]))
    # A task that still runs belongs to nobody any more.
    os._exit(0)
