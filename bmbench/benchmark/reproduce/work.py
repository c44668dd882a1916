"""One cell and one function: everything that an engine, on this machine or another, has to call.

A `Job` can be pickled and says all there is to know; `work` does it and never raises for a failed run. So
the matrix does not care who calls it: a loop, processes, a cluster.
"""

import shutil
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.matrix import Cell, StudyFacts
from bmbench.benchmark.reproduce.mirror import Mirror
from bmbench.benchmark.reproduce.searches import found_settings, search_row
from bmbench.core.errors import BmbenchError
from bmbench.core.files import write_json
from bmbench.core.locks import only_one
from bmbench.core.progress import Progress

State: TypeAlias = Literal["done", "failed", "taken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A cell, what it shares with the others, and the folder that it belongs to.

    `test_on` names other images that its detector is applied to, `mirror` a copy of the study elsewhere.
    `search`: not its run is the job, but the search for the settings of its row.
    """

    cell: Cell
    facts: StudyFacts
    folder: StudyFolder
    test_on: tuple[str, ...] = ()
    mirror: Mirror | None = None
    search: bool = False

    @property
    def name(self) -> str:
        """That of the run, or of the search."""
        return f"search-{self.cell.row}" if self.search else self.cell.name

    @property
    def place(self) -> Path:
        """The folder that it is done in."""
        return self.folder.searches(self.cell) if self.search else self.folder.run(self.cell)

    def working(self) -> AbstractContextManager[bool]:
        """Whether it could be had for this process alone; if so, it is its own inside the block."""
        return self.folder.searching(self.cell) if self.search else self.folder.working(self.cell)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        if self.search:
            return bool(found_settings(self.folder, self.cell))
        return self.folder.is_complete(self.cell, self.test_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOutcome:
    """What became of a job.

    `state` is "taken" where another process works on the cell; `reason` says why it failed, `details` where
    in the code.
    """

    cell: Cell
    state: State
    reason: str = ""
    details: str = ""


Work: TypeAlias = "Callable[[Job, Progress], JobOutcome]"


def work(job: Job, progress: Progress) -> JobOutcome:
    """Run a cell, go on with it where it stood, or leave it alone if it is finished or somebody has it."""
    folder, cell = job.folder, job.cell
    with job.working() as mine:
        if job.is_complete and job.mirror is None:
            return JobOutcome(cell=cell, state="done")
        if not mine:
            return JobOutcome(cell=cell, state="taken")
        try:
            if job.search:
                search_row(folder, cell, job.facts, progress)
            else:
                with _mirrored(job, progress):
                    if not folder.is_finished(cell):
                        _run(folder.run(cell), _options(job), progress)
                    _test(job, progress)
        except BmbenchError as error:
            return failed(job, str(error))
        # A bug in one method must not take the others with it; its traceback is kept.
        except Exception as error:  # noqa: BLE001
            return failed(job, f"{type(error).__name__}: {error}", details=traceback.format_exc())
        if not job.search:
            folder.failure(cell).unlink(missing_ok=True)
        return JobOutcome(cell=cell, state="done")


def _options(job: Job) -> RunOptions:
    """The options of a cell's run, with what the search of its row found."""
    options = job.facts.run_options(job.cell, job.folder.path / "runs")
    if not job.facts.search:
        return options
    return replace(options, settings=found_settings(job.folder, job.cell) | dict(options.settings))


@contextmanager
def _mirrored(job: Job, progress: Progress) -> Iterator[None]:
    """A block that begins where the job's mirror stands, and ends with the run in it."""
    mirror, folder, cell = job.mirror, job.folder, job.cell
    if mirror is None:
        yield
        return
    mirror.fetch(folder, cell)
    mirror.fetch_unfinished(folder, cell)
    with mirror.keeping(folder, cell, progress):
        yield
    mirror.store(folder, cell)


def _run(path: Path, options: RunOptions, progress: Progress) -> None:
    """Run a cell in its directory, going on with what is there.

    What a version of bmbench began that is not this one cannot be gone on with: it is begun anew.
    """
    from bmbench.benchmark.run.begin_or_resume import OutdatedError, run_in

    try:
        run_in(path, options, progress)
    except OutdatedError:
        with only_one(path):
            shutil.rmtree(path)
        run_in(path, options, progress)


def _test(job: Job, progress: Progress) -> None:
    """Apply the detector of a finished run to the other images that it has not answered yet."""
    from bmbench.benchmark.run.apply_to_other_sets import apply_run

    wishes = job.folder.untested(job.cell, job.test_on)
    if wishes:
        apply_run(job.folder.run(job.cell), wishes, progress)


def failed(job: Job, reason: str, *, details: str = "") -> JobOutcome:
    """The outcome of a failed cell, whose reason is kept in the study's folder as well."""
    value = {"cell": job.cell.name, "reason": reason, "traceback": details.splitlines()}
    write_json(job.folder.failure(job.cell), value)
    return JobOutcome(cell=job.cell, state="failed", reason=reason, details=details)
