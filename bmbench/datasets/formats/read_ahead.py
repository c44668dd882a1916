"""Reading a long predictions file in a process of its own, while something else is read here.

Decoding JSON keeps a whole processor busy and threads cannot share it out. The other process is a fresh
Python: forking one that may hold threads is not safe. Whatever goes wrong there, the caller reads the file
itself, and so reports errors the usual way.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bmbench.datasets.formats.predictions import DetectionColumns

LONG = 32 << 20
"""Bytes from which on another process is worth its start. It starts before NumPy is loaded here."""
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
    import pickle
    import subprocess
    import tempfile

    command = [sys.executable, "-P", "-m", __name__, str(path)]
    with (
        # It has no name: nothing can come out of it but what the process that is started here wrote.
        tempfile.TemporaryFile() as space,
        subprocess.Popen(
            command, stdout=space, stderr=subprocess.DEVNULL, env={**os.environ, **_KEEP_MEMORY}
        ) as process,
    ):

        def columns() -> DetectionColumns:
            if process.wait():
                return _read(path)
            space.seek(0)
            found: DetectionColumns = pickle.load(space)
            return found

        try:
            yield columns
        finally:
            process.kill()


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


def _main(path: Path) -> int:
    import pickle

    from bmbench.core.errors import BmbenchError

    try:
        columns = _read(path)
    except BmbenchError:
        return 1
    pickle.dump(columns, sys.stdout.buffer, protocol=5)
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1])))
