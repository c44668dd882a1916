"""Reading a long predictions file in a process of its own, while something else is read here.

Decoding JSON keeps a whole processor busy and threads cannot share it out. The other process is a fork where
this one has no second thread, and so has everything loaded; else it is a fresh Python, for forking one that
holds threads is not safe. Whatever goes wrong there, the caller reads the file itself, and so reports errors
the usual way.
"""

import mmap
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from bmbench.core.errors import BmbenchError
from bmbench.core.gate import files_in, is_there, open_file

if TYPE_CHECKING:
    from bmbench.datasets.formats.predictions import DetectionColumns

LONG = 32 << 20
"""Bytes from which on another process is worth its start."""
_HEAD_BYTES = 1 << 16
_OTHER_ENDINGS = (
    *(".geojson", ".geojson.gz", ".json.gz", ".csv", ".tsv", ".txt", ".xml", ".ndpa"),
    *(".zip", ".roi", ".npy", ".png", ".tif", ".tiff", ".db"),
)
_OWN_FILES = ("config.json", "metrics.json", "predictions.json", "truth.json", "submission.json")
_ANNOTATIONS = (
    *(b'"annotations"', b'"categories"', b'"FeatureCollection"', b'"shapes"'),
    *(b'"nuc"', b'"wsi_metadata"', b'"type_map"'),
)
"""Words by which a JSON object is no results list."""
_ALIGNED = 64
"""Columns begin at a multiple of so many bytes, as NumPy has them."""
_KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 33)}
"""Asks the GNU allocator to use memory again instead of giving it back: a third of the time goes there."""


@contextmanager
def reading_ahead(path: Path, *beside: Path) -> Iterator["Callable[[], DetectionColumns]"]:
    """A function that gives the columns of a predictions file, which may be read meanwhile elsewhere.

    That is done if it and each of the files `beside`, which are to be read meanwhile here, are long, and
    there is a second processor.
    """
    if not sys.executable or _processors() < 2 or min(map(_size, (path, *beside))) < LONG:
        yield lambda: _read(path)
        return
    # Loading it takes longer than reading a short file.
    import tempfile

    start = _forked if _has_one_thread() else _fresh
    # It has no name: nothing can come out of it but what the process that is started here wrote.
    with tempfile.TemporaryFile() as space, start(path, space) as wait:
        yield lambda: _read(path) if wait() else _received(space)


@contextmanager
def _forked(path: Path, space: IO[bytes]) -> Iterator["Callable[[], int]"]:
    """A fork of this process that reads a file; what waits for its exit code is handed out."""
    # The reader is loaded once, for both.
    import bmbench.datasets.formats.predictions  # noqa: F401

    process = os.fork()
    if not process:
        code = 1
        try:
            code = _main(path, space)
        finally:
            # Nothing of this process is tidied up: all of it is the other's, too.
            os._exit(code)
    ended: list[int] = []

    def wait() -> int:
        if not ended:
            ended.append(os.waitpid(process, 0)[1])
        return ended[0]

    try:
        yield wait
    finally:
        if not ended:
            os.kill(process, signal.SIGKILL)
            wait()


@contextmanager
def _fresh(path: Path, space: IO[bytes]) -> Iterator["Callable[[], int]"]:
    """The same with another Python."""
    import subprocess

    command = [sys.executable, "-P", "-m", __name__, str(path)]
    with subprocess.Popen(
        command, stdout=space, stderr=subprocess.DEVNULL, env={**os.environ, **_KEEP_MEMORY}
    ) as process:
        try:
            yield process.wait
        finally:
            process.kill()


def _has_one_thread() -> bool:
    """Whether this process is known to have no thread but the one that asks."""
    tasks = Path("/proc/self/task")
    return hasattr(os, "fork") and tasks.is_dir() and len(list(tasks.iterdir())) == 1


def is_other_form(path: Path) -> bool:
    """Whether predictions are a folder, a file that is no results list, or ``FORMAT:PATH``."""
    if not is_there(path):
        from bmbench.datasets.formats.file_kinds import split_name

        return split_name(str(path))[0] is not None
    if path.is_dir():
        return True
    if path.name.lower().endswith(_OTHER_ENDINGS):
        return True
    with open_file(path, limit=None) as file:
        head = file.read(_HEAD_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head.startswith(b"{") or b'"schema"' in head[:200]:
        return False
    return any(word in head for word in _ANNOTATIONS)


def is_folder_of_answers(folder: Path) -> bool:
    """Whether a folder holds what a detector wrote for each image, and is no run or submission."""
    if any((folder / name).is_file() for name in _OWN_FILES):
        return False
    return bool(files_in(folder, within=folder, suffixes=(*_OTHER_ENDINGS, ".json"), deep=True))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _read(path: Path) -> "DetectionColumns":
    from bmbench.datasets.formats.predictions import read_columns

    return read_columns(path)


def _received(space: IO[bytes]) -> "DetectionColumns":
    """The columns that the other process has sent, whose arrays stay where they are."""
    # A private view: what is changed here stays here, and nothing is copied before.
    data = memoryview(mmap.mmap(space.fileno(), 0, access=mmap.ACCESS_COPY))
    space.seek(0)
    head, sizes = pickle.load(space)
    here, arrays = space.tell(), []
    for size in sizes:
        here += -here % _ALIGNED
        arrays.append(data[here : here + size])
        here += size
    columns: DetectionColumns = pickle.loads(head, buffers=arrays)
    return columns


def _send(columns: "DetectionColumns", space: IO[bytes]) -> None:
    arrays: list[pickle.PickleBuffer] = []
    head = pickle.dumps(columns, protocol=5, buffer_callback=arrays.append)
    pickle.dump((head, [array.raw().nbytes for array in arrays]), space)
    for array in arrays:
        space.write(bytes(-space.tell() % _ALIGNED))
        space.write(array.raw())
    space.flush()


def _main(path: Path, space: IO[bytes]) -> int:
    try:
        _send(_read(path), space)
    except BmbenchError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), sys.stdout.buffer))
