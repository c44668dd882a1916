"""The engine of a matrix on a cluster: the run of a worker that dies goes on with another one."""

import getpass
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bmbench.benchmark.reproduce.engines import Engine
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.work import Job, JobOutcome, failed, work
from bmbench.benchmark.workers.cluster import Cluster, LostError, Task
from bmbench.benchmark.workers.retries import LIVES, attempt
from bmbench.core.progress import Progress


def on_cluster(cluster: Cluster, folder: Path, progress: Progress) -> Engine:
    """An engine that lets the workers of a cluster do jobs in that folder, if they can."""

    def engine(jobs: Sequence[Job]) -> Iterator[JobOutcome]:
        # Workers elsewhere need not see the folder of a study that has a copy which they reach.
        apart = any(job.mirror for job in jobs) and not cluster.is_local
        if jobs:
            for note in cluster.check(None if apart else folder):
                cluster.say(f"note: {note}")
        function = work_apart if apart else work_there
        for task, result in cluster.each([_task(job, function) for job in jobs], progress):
            if isinstance(result, LostError):
                yield failed(task.argument, str(result))
            else:
                yield _brought(task.argument, result) if apart else result

    return engine


def _task(job: Job, function: Callable[[Job, Progress], JobOutcome]) -> Task:
    from bmbench.adapters import METHODS

    learns = METHODS.get(job.cell.method).extra is not None
    return Task(kind=job.cell.method, name=job.name, function=function, argument=job, learns=learns)


def _brought(job: Job, outcome: JobOutcome) -> JobOutcome:
    """The outcome of a run that was made elsewhere, and the run, or why it failed, in the folder here."""
    if outcome.state == "failed":
        return failed(job, outcome.reason, details=outcome.details)
    if outcome.state == "done" and job.mirror is not None:
        job.mirror.fetch(job.folder, job.cell)
        job.folder.failure(job.cell).unlink(missing_ok=True)
    return outcome


def work_apart(job: Job, progress: Progress) -> JobOutcome:
    """What `work_there` does, in a folder of this machine: the run comes and goes through the mirror."""
    assert job.mirror is not None
    name = hashlib.sha256(f"{getpass.getuser()} {job.mirror.url}".encode()).hexdigest()[:16]
    here = replace(job, folder=StudyFolder(Path(tempfile.gettempdir()) / f"bmbench-{name}"))
    outcome = work_there(here, progress)
    if outcome.state == "done":
        for left in (here.folder.run(job.cell), here.folder.path / "locks" / job.cell.name):
            shutil.rmtree(left, ignore_errors=True)
    return outcome


def work_there(job: Job, progress: Progress) -> JobOutcome:
    """What `work` does, on a worker; a run at which one worker after the other dies has failed."""
    record = job.folder.path / "locks" / job.name / "attempts.json"
    with attempt(record, job.place) as deaths:
        if deaths >= LIVES:
            return failed(job, f"{deaths} workers died at the same point of it (out of memory?)")
        return work(job, progress)
