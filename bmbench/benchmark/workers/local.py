"""A scheduler and workers of this machine, for as long as a block lasts."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bmbench.adapters.learning.reproducible import available_cores

if TYPE_CHECKING:
    from distributed import SpecCluster
    from distributed.security import Security

LOOPBACK = "127.0.0.1"
"""The one address that this machine alone reaches."""
CERTIFICATE = ("tls_ca_file", "tls_worker_cert", "tls_worker_key")
"""The fields of Dask's `Security` that a worker needs."""
_NEVER = 10**9
"""Deaths of workers after which the scheduler gives a task up: whoever hands tasks out decides about that."""
_PAUSE_S = 0.2
_DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""Where Linux has the drivers of cards that torch can use: NVIDIA, AMD, Windows below."""
SELDOM = {
    "distributed.admin.tick.interval": "10s",
    "distributed.admin.tick.cycle": "10s",
    "distributed.admin.system-monitor.interval": "10s",
}
"""How often Dask looks at itself; fifty times a second, as it would, took two hundredths of a core of every
process."""


@contextmanager
def started_here(n: int) -> Iterator[SpecCluster]:
    """Yield a scheduler in this process, with `n` workers that share this machine's cores and graphics cards.

    A worker that dies is started again, at whatever moment it died; all of them end with the block, and with
    this process. (Dask's own nannies give a worker up that dies while it starts.)

    Whoever can speak to a Dask worker runs code as its user. So everything listens on the loopback alone, and
    speaks only to those who have the certificate that is made here, lives in memory and goes to the workers
    through a pipe: other users of this machine have not.
    """
    # Before Dask is imported here: the workers' imports take longer.
    with _Keeper(n) as keeper:
        import dask
        from distributed import Scheduler, SpecCluster
        from distributed.security import Security

        security = Security.temporary()
        local = {
            "host": LOOPBACK,
            "protocol": "tls",
            "security": security,
            "dashboard": importlib.util.find_spec("bokeh") is not None,
            "dashboard_address": f"{LOOPBACK}:0",
            "allowed_failures": _NEVER,
        }
        scheduler = {"cls": Scheduler, "options": local}
        quiet = logging.CRITICAL
        with (
            dask.config.set(SELDOM),
            SpecCluster(scheduler=scheduler, workers={}, security=security, silence_logs=quiet) as cluster,
        ):
            keeper.tell(cluster.scheduler_address, security)
            try:
                yield cluster
            finally:
                keeper.end()


class _Keeper:
    """The process that keeps the workers alive, kept alive itself."""

    def __init__(self, n: int) -> None:
        cores = max(1, available_cores() // n)
        self._command = [sys.executable, "-m", "bmbench.benchmark.workers.worker", str(n), ",".join(_cards())]
        self._environment = os.environ | {"OMP_NUM_THREADS": str(cores)}
        self._ended = threading.Event()
        self._process = self._start()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> _Keeper:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def tell(self, address: str, security: Security) -> None:
        """Have the workers go to that scheduler, with its certificate."""
        secrets = {name: getattr(security, name) for name in CERTIFICATE}
        message = json.dumps({"address": address, "certificate": secrets}).encode()
        self._thread = threading.Thread(target=self._keep, args=(message,))
        self._thread.start()

    def end(self) -> None:
        """End the workers, unless they have ended."""
        self._ended.set()
        while self._thread is not None and self._thread.is_alive():
            self._process.terminate()
            self._thread.join(_PAUSE_S)
        self._process.terminate()
        self._process.communicate()

    def _keep(self, message: bytes) -> None:
        self._process.communicate(message)
        while not self._ended.wait(_PAUSE_S):
            self._process = self._start()
            self._process.communicate(message)

    def _start(self) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C in the terminal is for this process, which ends the workers.
        return subprocess.Popen(
            self._command, env=self._environment, stdin=subprocess.PIPE, start_new_session=True
        )


def _cards() -> tuple[str, ...]:
    """The names of this machine's graphics cards, as CUDA_VISIBLE_DEVICES has them."""
    # Torch takes seconds to import, and this process needs it for nothing else.
    if sys.platform == "linux" and not any(Path(driver).exists() for driver in _DRIVERS):
        return ()
    import torch

    wanted = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = [str(number) for number in range(torch.cuda.device_count())]
    return tuple(wanted.split(",")[: len(names)] if wanted else names)
