"""How long a run worked, over all the processes that it took.

Times differ from run to run, so they stand in a file of their own: everything else that a run writes is the
same for the same seed, however often it was stopped on the way.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bmbench.core.files import read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Clock:
    """Seconds of work, kept in a file.

    A process that is killed loses what it worked since it last saved, and that work is done again.

    Parameters
    ----------
    path : Path
        What earlier processes saved is read from there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        earlier: dict[str, Any] = read_json(path) if path.exists() else {}
        self._processes = int(earlier.get("processes", 0)) + 1
        self._seconds = {name: float(value) for name, value in earlier.get("seconds", {}).items()}
        self._began = {"all": time.monotonic()}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the block's time as `name`, whether it ends well or not."""
        self._began[name] = time.monotonic()
        try:
            yield
        finally:
            self._take(name)
            del self._began[name]

    def save(self) -> None:
        """Write what has been counted so far."""
        for name in self._began:
            self._take(name)
        seconds = {name: round(self._seconds[name], 1) for name in sorted(self._seconds)}
        write_json(
            self._path,
            {"schema": "bmbench.timing/1", "processes": self._processes, "seconds": seconds},
        )

    def _take(self, name: str) -> None:
        now = time.monotonic()
        self._seconds[name] = self._seconds.get(name, 0.0) + now - self._began[name]
        self._began[name] = now
