"""Tasks that the tests of the cluster hand to real worker processes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from bmbench.core.progress import Progress


def die_once(mark: str, progress: Progress) -> int:
    """Kill the worker at the first attempt, answer at the second."""
    path = Path(mark)
    if not path.exists():
        path.write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def say_something(text: str, progress: Progress) -> str:
    progress.note(text)
    return text


def overlap(folder: str, progress: Progress) -> int:
    """How many tasks of this process are under way at once, this one included."""
    own = Path(folder) / f"{os.getpid()}-{time.monotonic_ns()}"
    own.touch()
    time.sleep(0.05)
    seen = len([path for path in Path(folder).iterdir() if path.name.startswith(f"{os.getpid()}-")])
    own.unlink()
    return seen


class unpickle_me:  # noqa: N801
    """A function of a module that there is nowhere but here."""

    def __reduce__(self):
        return __import__, ("nowhere",)
