"""The engine of a matrix on a cluster: the run of a worker that dies goes on with another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bmbench.benchmark.cluster import LostError, Task
from bmbench.benchmark.cluster_lives import LIVES, attempt
from bmbench.benchmark.reproduce.work import Outcome, failed, work

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bmbench.benchmark.cluster import Cluster
    from bmbench.benchmark.reproduce.engines import Engine
    from bmbench.benchmark.reproduce.work import Job
    from bmbench.core.progress import Progress


def on_cluster(cluster: Cluster, folder: Path, progress: Progress) -> Engine:
    """An engine that lets the workers of a cluster do jobs in that folder, if they can."""

    def engine(jobs: Sequence[Job]) -> Iterator[Outcome]:
        if jobs:
            for note in cluster.check(folder):
                cluster.say(f"note: {note}")
        for task, result in cluster.each([_task(job) for job in jobs], progress):
            yield failed(task.argument, str(result)) if isinstance(result, LostError) else result

    return engine


def _task(job: Job) -> Task:
    from bmbench.adapters import METHODS

    learns = METHODS.get(job.cell.method).extra is not None
    return Task(kind=job.cell.method, name=job.cell.name, function=work_there, argument=job, learns=learns)


def work_there(job: Job, progress: Progress) -> Outcome:
    """What `work` does, on a worker; a run at which one worker after the other dies has failed."""
    record = job.folder.path / "locks" / job.cell.name / "attempts.json"
    with attempt(record, job.folder.run(job.cell)) as deaths:
        if deaths >= LIVES:
            return failed(job, f"{deaths} workers died at the same point of it (out of memory?)")
        return work(job, progress)
