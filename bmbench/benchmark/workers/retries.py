"""Workers that die: how often a piece of work took its worker with it, and processes without a parent."""

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bmbench.core.files import read_json, write_json

_POLL_S = 1.0
LIVES = 5
"""Workers that may die at one and the same point of a piece of work before it is given up."""
_IDLE = ("log.txt", "timing.json")
"""Files that change without the work having got further."""


@contextmanager
def attempt(record: Path, work: Path) -> Iterator[int]:
    """Yield how many attempts at the work in the folder `work` died at the point where it stands now.

    Nobody can tell work that kills its worker (too little memory) from a worker that dies of something
    else. So deaths count only as long as the work gets no further between them. They are kept in the file
    `record`, which is gone once an attempt comes to its end, however it ends.
    """
    stands = where_it_stands(work)
    before = read_json(record) if record.is_file() else {}
    deaths: int = before["deaths"] + 1 if before.get("stands") == stands else 0
    write_json(record, {"stands": stands, "deaths": deaths})
    try:
        yield deaths
    finally:
        record.unlink(missing_ok=True)


def where_it_stands(work: Path) -> str:
    """Something that changes when work gets further."""
    digest = hashlib.sha256()
    for path in sorted(work.rglob("*")):
        # A name that begins with a dot is a lock, or a file that somebody did not finish.
        if path.is_file() and path.name not in _IDLE and not path.name.startswith("."):
            seen = path.stat()
            digest.update(f"{path.relative_to(work)} {seen.st_size} {seen.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def end_with(parent: int) -> None:
    """End this process soon after that parent, however it ended; what was done stays on disk."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    os._exit(1)
