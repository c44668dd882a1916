"""The engine of a matrix on a cluster: the run of a worker that dies goes on with another one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from bmbench.benchmark.cluster import LostError, Task
from bmbench.benchmark.reproduce.work import Outcome, failed, work
from bmbench.core.files import read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bmbench.benchmark.cluster import Cluster
    from bmbench.benchmark.reproduce.engines import Engine
    from bmbench.benchmark.reproduce.work import Job
    from bmbench.core.progress import Progress

LIVES = 5
"""Workers that may die at one and the same point of a run before it is given up."""
_IDLE = ("log.txt", "timing.json", ".lock")
"""Files that change without the run having got further."""


def on_cluster(cluster: Cluster, progress: Progress) -> Engine:
    """An engine that lets the workers of a cluster do the jobs."""

    def engine(jobs: Sequence[Job]) -> Iterator[Outcome]:
        for task, result in cluster.each([_task(job) for job in jobs], progress):
            yield failed(task.argument, str(result)) if isinstance(result, LostError) else result

    return engine


def _task(job: Job) -> Task:
    from bmbench.adapters import METHODS

    learns = METHODS.get(job.cell.method).extra is not None
    return Task(kind=job.cell.method, name=job.cell.name, function=work_there, argument=job, learns=learns)


def work_there(job: Job, progress: Progress) -> Outcome:
    """What `work` does, on a worker; a run at which one worker after the other dies has failed.

    Nobody can tell a run that kills its worker (too little memory) from a worker that dies of something
    else. So deaths count only as long as the run gets no further between them.
    """
    file = job.folder.path / "locks" / job.cell.name / "attempts.json"
    stands = _where_it_stands(job.folder.run(job.cell))
    before = read_json(file) if file.is_file() else {}
    deaths = before["deaths"] + 1 if before.get("stands") == stands else 0
    if deaths >= LIVES:
        file.unlink()
        return failed(job, f"{deaths} workers died at the same point of it (out of memory?)")
    write_json(file, {"stands": stands, "deaths": deaths})
    outcome = work(job, progress)
    file.unlink(missing_ok=True)
    return outcome


def _where_it_stands(run: Path) -> str:
    """Something that changes when a run gets further."""
    files = sorted(path for path in run.rglob("*") if path.is_file() and path.name not in _IDLE)
    digest = hashlib.sha256()
    for path in files:
        # A name that begins with a dot is a file that somebody did not finish.
        if not path.name.startswith("."):
            seen = path.stat()
            digest.update(f"{path.relative_to(run)} {seen.st_size} {seen.st_mtime_ns}\n".encode())
    return digest.hexdigest()
