"""`--devices N`: one fit in several processes, one for each graphics card, or all on the processor.

This process starts the others, each with the same request and one card to see; they fit what it fits, step
by step (`bmbench.adapters.learning.process_group`), and end with it. Only this one keeps and reports.
"""

import dataclasses
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bmbench.adapters.learning.fit_request import FitRequest, ForegroundCurve
from bmbench.adapters.method import Method
from bmbench.core.errors import BadInputError, BmbenchError, RunFailedError
from bmbench.core.progress import Silent

_POLL_S = 0.0005
_ENDING_S = 5.0
"""How long a process whose connection broke may take to be seen to have ended."""
_REQUEST = "request.pickle"


@contextmanager
def assembled(method: Method, request: FitRequest, devices: int) -> Iterator[FitRequest]:
    """The request as the first of that many processes, two or more, has to fit it.

    Raises
    ------
    BadInputError
        If there is not a card, or not a shard of each step, for everyone.
    RunFailedError
        If one of the others ends early.
    """
    from bmbench.adapters.learning.process_group import ProcessGroup, join_process_group, leave_process_group

    check_devices(method, request.settings, devices)
    with tempfile.TemporaryDirectory(prefix="bmbench-") as folder:
        place = Path(folder)
        (place / _REQUEST).write_bytes(pickle.dumps((method.name, _plain(request))))
        others = [_start(place, rank, devices) for rank in range(1, devices)]
        try:
            _until_ready(place, others)
            join_process_group(place, rank=0, size=devices)
            watched = ProcessGroup(rank=0, size=devices, wait=lambda exchange: _wait(exchange, others, place))
            yield dataclasses.replace(request, process_group=watched)
        finally:
            for other in others:
                other.kill()
                other.wait()
            leave_process_group()


def check_devices(method: Method, settings: Any, devices: int) -> None:
    """Nothing, or a BadInputError if these settings leave nothing to do for one of so many processes."""
    if not hasattr(settings, "shard"):
        raise BadInputError(f"--devices {devices}: {method.name} does not learn in steps", expected="1")
    import torch

    from bmbench.adapters.learning.fit_request import shards_of

    cards = torch.cuda.device_count()
    if cards and devices > cards:
        raise BadInputError(
            f"--devices {devices}: there are too few graphics cards", expected=f"at most {cards}"
        )
    shards = len(shards_of(settings))
    if devices > shards:
        raise BadInputError(
            f"--devices {devices}: a step's {settings.batch} patches are computed in {shards} part(s), which "
            "cannot be shared among so many",
            remedy=f"add --set shard={max(1, settings.batch // devices)} (it changes the last digits)",
        )


def _plain(request: FitRequest) -> FitRequest:
    """The request without what belongs to this process alone."""
    return dataclasses.replace(
        request, progress=Silent(), report=None, foreground_curve=_Known(request.foreground_curve())
    )


@dataclasses.dataclass(frozen=True)
class _Known:
    curve: ForegroundCurve | None

    def __call__(self) -> ForegroundCurve | None:
        return self.curve


def _start(place: Path, rank: int, size: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bmbench.benchmark.workers.devices", str(place), str(rank), str(size)]
    with (place / f"{rank}.log").open("wb") as log:
        # In a session of its own: Ctrl-C reaches this process alone, which ends the others.
        return subprocess.Popen(
            [*command, str(os.getpid())],
            env=os.environ | {"CUDA_VISIBLE_DEVICES": _card(rank)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )


def _card(rank: int) -> str:
    """The one card that a process of the group may see; none where this process sees none.

    A variable that is set to nothing, or to no card, hides all of them: then everybody works without.
    """
    import torch

    if not torch.cuda.device_count():
        return ""
    wanted = os.environ.get("CUDA_VISIBLE_DEVICES")
    return wanted.split(",")[rank] if wanted else str(rank)


def _until_ready(place: Path, others: Sequence[subprocess.Popen[bytes]]) -> None:
    while not all((place / f"{rank}.ready").exists() for rank in range(1, len(others) + 1)):
        _check(others, place)
        time.sleep(0.05)


def _wait(exchange: Any, others: Sequence[subprocess.Popen[bytes]], place: Path) -> None:
    """Wait for the end of an exchange, as long as everybody lives."""
    while not exchange.is_completed():
        _check(others, place)
        time.sleep(_POLL_S)
    try:
        exchange.wait()
    except RuntimeError as error:
        give_up = time.monotonic() + _ENDING_S
        while time.monotonic() < give_up:
            _check(others, place)
            time.sleep(0.05)
        raise RunFailedError(
            f"the processes of --devices lost each other ({str(error).splitlines()[0]})"
        ) from error


def _check(others: Sequence[subprocess.Popen[bytes]], place: Path) -> None:
    for rank, other in enumerate(others, start=1):
        code = other.poll()
        if code is not None:
            said = (place / f"{rank}.log").read_text(errors="replace").strip().splitlines()
            why = f"signal {-code}" if code < 0 else (said[-1] if said else f"exit code {code}")
            raise RunFailedError(
                f"process {rank + 1} of {len(others) + 1} ended early ({why}); what was done "
                "stays, and --resume goes on"
            )


def _fit_along(place: Path, rank: int, size: int) -> None:
    """Fit what the first process fits, and wait for its end."""
    from bmbench.adapters import METHODS
    from bmbench.adapters.learning.process_group import ProcessGroup, join_process_group

    # Written by the process that started this one, in a folder of its own.
    name, request = pickle.loads((place / _REQUEST).read_bytes())
    (place / f"{rank}.ready").touch()
    join_process_group(place, rank=rank, size=size)
    group = ProcessGroup(rank=rank, size=size)
    METHODS.get(name).fit(dataclasses.replace(request, process_group=group))
    threading.Event().wait()


def main() -> None:
    """A process of a group but the first: folder, number, size of the group, the process that started it."""
    from bmbench.benchmark.workers.retries import end_with

    place, rank, size, parent = sys.argv[1:]
    end_with(int(parent))
    try:
        _fit_along(Path(place), int(rank), int(size))
    except BmbenchError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
