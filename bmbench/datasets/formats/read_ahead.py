"""Reading a long predictions file in a process of its own, while something else is read here.

Decoding JSON keeps a whole processor busy and threads cannot share it out. The other process is a fresh
Python that hands back plain arrays in memory that both share: forking one that may hold threads is not safe.
Whatever goes wrong there, the caller reads the file itself, and so reports errors the usual way.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bmbench.datasets.formats.predictions import DetectionColumns

LONG = 32 << 20
"""Bytes from which on another process is worth its start. It starts before NumPy is loaded here."""

_FAILED = 3
_ALIGNED = 64
"""Columns begin at a multiple of so many bytes, as NumPy has them."""
_KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 33)}
"""Asks the GNU allocator to use memory again instead of giving it back: a third of the time goes there."""


@contextmanager
def reading_ahead(path: Path, *beside: Path) -> Iterator[Callable[[], DetectionColumns]]:
    """A function that gives the columns of a predictions file, which may be read meanwhile elsewhere.

    That is done if it and each of the files `beside`, which are to be read meanwhile here, are long, and
    there is a second processor.
    """
    if not sys.executable or _processors() < 2 or min(map(_size, (path, *beside))) < LONG:
        yield lambda: _read(path)
        return
    import subprocess

    command = [sys.executable, "-P", "-m", __name__, str(path)]
    with (
        _space() as space,
        subprocess.Popen(
            command, stdout=space, stderr=subprocess.DEVNULL, env={**os.environ, **_KEEP_MEMORY}
        ) as process,
    ):
        try:
            yield lambda: _read(path) if process.wait() else _received(space)
        finally:
            process.kill()


def _space() -> IO[bytes]:
    """An empty file that has no name: in memory, where the system has such."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("columns"), "w+b")
    import tempfile

    return tempfile.TemporaryFile()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _read(path: Path) -> DetectionColumns:
    from bmbench.datasets.formats.predictions import read_columns

    return read_columns(path)


def _received(space: IO[bytes]) -> DetectionColumns:
    """The columns that the other process has written, in its memory."""
    import numpy as np

    from bmbench.datasets.formats.predictions import DetectionColumns

    # A private view: what is changed here stays here, and nothing is copied before.
    data = mmap.mmap(space.fileno(), 0, access=mmap.ACCESS_COPY)
    here = data.find(b"\n") + 1
    head = json.loads(data[:here])
    arrays: dict[str, Any] = {}
    for name, kind, shape in head["columns"]:
        here += -here % _ALIGNED
        flat = np.frombuffer(data, kind, math.prod(shape), here)
        arrays[name] = flat.reshape(shape).T
        here += flat.nbytes
    answered = None if head["answered"] is None else tuple(head["answered"])
    return DetectionColumns(**arrays, answered=answered)


def _send(columns: DetectionColumns, space: IO[bytes]) -> None:
    import numpy as np

    fields = {name: getattr(columns, name) for name in columns.__dataclass_fields__}
    answered = fields.pop("answered")
    arrays = {name: np.ascontiguousarray(array.T) for name, array in fields.items()}
    head = {
        "columns": [(name, array.dtype.str, array.shape) for name, array in arrays.items()],
        "answered": answered,
    }
    space.write(json.dumps(head).encode() + b"\n")
    for array in arrays.values():
        space.write(bytes(-space.tell() % _ALIGNED))
        space.write(array.data.cast("B") if array.size else b"")
    space.flush()


def _main(path: Path) -> int:
    from bmbench.core.errors import BmbenchError

    try:
        columns = _read(path)
    except BmbenchError:
        return _FAILED
    if any(ids.dtype == object for ids in (columns.image_id, columns.category_id)):
        return _FAILED
    _send(columns, sys.stdout.buffer)
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1])))
