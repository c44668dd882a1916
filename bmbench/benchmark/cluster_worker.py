"""One worker process of this machine: ``python -m bmbench.benchmark.cluster_worker SCHEDULER PARENT``."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from bmbench.benchmark.cluster import GPU
from bmbench.benchmark.orphans import end_with


async def work(address: str) -> None:
    """Work for that scheduler until it goes; one task at a time, with a graphics card if any is visible."""
    from distributed import Worker

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
    asyncio.run(work(sys.argv[1]))
    # A task that still runs belongs to nobody any more.
    os._exit(0)
