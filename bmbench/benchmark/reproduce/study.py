"""`bmbench reproduce`: plan → work off → report."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bmbench.benchmark.records.seal import MANIFEST, STUDY, seal
from bmbench.benchmark.reproduce.engines import Engine, one_by_one, side_by_side, work_off
from bmbench.benchmark.reproduce.estimate import estimate, unknown
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.matrix import Cell, Matrix, plan
from bmbench.benchmark.reproduce.mirror import Mirror
from bmbench.benchmark.reproduce.options import ReproduceOptions
from bmbench.benchmark.reproduce.report.report import write_report
from bmbench.benchmark.reproduce.searches import searched_rows
from bmbench.benchmark.reproduce.step_time import step_seconds
from bmbench.benchmark.reproduce.work import Job, failed
from bmbench.core.errors import Stopped
from bmbench.core.progress import Progress
from bmbench.present.words import many


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a command would do: its matrix, the finished cells of it, and the time of the others in words."""

    matrix: Matrix
    finished: frozenset[Cell]
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a command did: the report, how many of its cells are finished, and why others are not.

    `changed` are the finished ones that are left out because something of them was changed, and why.
    """

    report: Path
    n_finished: int
    failures: tuple[tuple[str, str], ...]
    changed: tuple[tuple[str, str], ...] = ()


def preview(options: ReproduceOptions, progress: Progress) -> Preview:
    """What these options would do; writes nothing. A step of each method that learns is timed.

    Raises
    ------
    BadInputError
        As `reproduce` does before its first run.
    """
    matrix, folder = plan(options), StudyFolder(options.out)
    folder.check(matrix)
    cells, facts = matrix.cells, matrix.facts
    steps = step_seconds(facts, unknown(folder, cells), progress)
    return Preview(
        matrix=matrix,
        finished=frozenset(cell for cell in cells if folder.is_complete(cell, matrix.test_on)),
        time=estimate(folder, cells, facts, steps).text(options.jobs),
    )


def reproduce(options: ReproduceOptions, progress: Progress, say: Callable[[str], None]) -> Summary:
    """Every cell that these options ask for, run, and the report of everything in the folder.

    Finished runs that are not as they were when they ended take no part in the report, unless they are to be
    made anew. A cell that fails is said, kept with its reason, and does not stop the others; finished cells
    are not run again. `say` gets one line about each step.

    Raises
    ------
    BadInputError
        Before any run: for a bad name or setting, data that cannot be loaded, a folder of something else.
    Stopped
        On Ctrl-C.
    """
    # Workers elsewhere have folders of their own to be in.
    folder = StudyFolder(options.out.absolute())
    mirror = None if options.publish is None else Mirror(options.publish)
    if mirror is not None:
        mirror.check()
    try:
        # Workers start while this process reads the data.
        with engine_of(options.jobs, options.cluster, folder.path, progress=progress, say=say) as engine:
            matrix = plan(options)
            failures, changed = run_matrix(
                matrix, folder, engine, how=How.of(options, mirror), progress=progress, say=say
            )
    except KeyboardInterrupt:
        raise Stopped("stopped; the same command goes on") from None
    summary = _concluded(folder, matrix.cells, failures, changed)
    if mirror is not None:
        mirror.send(folder, ())
    return summary


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a matrix is run: runs side by side, a copy elsewhere, what becomes of runs that were changed."""

    jobs: int = 1
    mirror: Mirror | None = None
    redo_changed: bool = False

    @classmethod
    def of(cls, options: ReproduceOptions, mirror: Mirror | None) -> How:
        """How these options say."""
        return cls(jobs=options.jobs, mirror=mirror, redo_changed=options.redo_changed)


def run_matrix(
    matrix: Matrix,
    folder: StudyFolder,
    engine: Engine,
    *,
    how: How,
    progress: Progress,
    say: Callable[[str], None],
) -> tuple[list[tuple[str, str]], dict[Cell, str]]:
    """Every cell of a matrix, run in its folder: the failures, and the finished runs that were changed.

    Raises
    ------
    BadInputError
        If the folder is that of something else, or holds the study of other data or settings.
    """
    mirror = how.mirror
    folder.check(matrix)
    if mirror is not None:
        mirror.begin(folder, matrix)
    folder.join(matrix)
    changed = _changed(folder, matrix.cells, say)
    if how.redo_changed:
        changed = _removed(folder, changed, say)
    if mirror is not None:
        mirror.send(folder, [cell for cell in matrix.cells if cell not in changed])
    steps = _steps(matrix, folder, progress)
    jobs = _left(matrix, folder, changed, n_jobs=how.jobs, steps=steps, say=say)
    jobs, failures = _searched(jobs, matrix, engine, say)
    failures += _work_off([replace(job, mirror=mirror) for job in jobs], engine, say)
    return failures, changed


def _searched(
    jobs: Sequence[Job], matrix: Matrix, engine: Engine, say: Callable[[str], None]
) -> tuple[list[Job], list[tuple[str, str]]]:
    """The jobs whose rows have been searched, which is done first, and the failures of the others."""
    first = searched_rows([job.cell for job in jobs], matrix.facts)
    wanted = [replace(job, search=True) for job in jobs if job.cell in first]
    searches = [job for job in wanted if not job.is_complete]
    if searches:
        rows_text, trainings = many(len(searches), "row"), many(matrix.facts.search, "training")
        say(f"first a search for each of {rows_text}, {trainings} each")
    failed_rows = dict(_work_off(searches, engine, say))
    reasons = {job.cell.row: failed_rows[job.name] for job in searches if job.name in failed_rows}
    left = [job for job in jobs if job.cell.row not in reasons]
    failures = [
        (failed(job, f"its search failed: {reasons[job.cell.row]}").cell.name, reasons[job.cell.row])
        for job in jobs
        if job.cell.row in reasons
    ]
    return left, failures


def _changed(folder: StudyFolder, cells: Sequence[Cell], say: Callable[[str], None]) -> dict[Cell, str]:
    """The finished runs that are not as they were when they ended, and why; each is said.

    Weights are not read: nothing of a report rests on them.
    """
    finished = [cell for cell in cells if folder.is_finished(cell)]
    changed = {cell: change for cell in finished if (change := folder.change(cell, "*.json"))}
    for cell, reason in changed.items():
        say(f"warning: {cell.name} {reason}")
    old = sum(not (folder.run(cell) / MANIFEST).is_file() for cell in finished if cell not in changed)
    if old:
        say(f"warning: {many(old, 'run')} without a manifest, written by an older bmbench: not checked")
    return changed


def _removed(folder: StudyFolder, changed: Mapping[Cell, str], say: Callable[[str], None]) -> dict[Cell, str]:
    """Those of the changed runs that could not be removed, because somebody works on them."""
    kept = {}
    for cell, reason in changed.items():
        with folder.working(cell) as mine:
            if mine:
                shutil.rmtree(folder.run(cell))
                say(f"{cell.name} is made anew")
            else:
                kept[cell] = reason
    return kept


def report(folder: StudyFolder, say: Callable[[str], None]) -> Summary:
    """The report of what is finished in a folder, and the runs that take no part because they were changed.

    Raises
    ------
    BadInputError
        If the folder is not that of a study.
    """
    cells = folder.read().cells
    changed = _changed(folder, cells, say)
    return _concluded(folder, cells, (), changed)


def _concluded(
    folder: StudyFolder,
    cells: Sequence[Cell],
    failures: Sequence[tuple[str, str]],
    changed: Mapping[Cell, str],
) -> Summary:
    """Write the report and seal it."""
    written = write_report(folder)
    seal(folder.path, STUDY)
    left_out = tuple((cell.name, reason) for cell, reason in changed.items())
    finished = len(cells) - len(failures) - len(left_out)
    return Summary(report=written, n_finished=finished, failures=tuple(failures), changed=left_out)


def _steps(matrix: Matrix, folder: StudyFolder, progress: Progress) -> dict[str, float]:
    """What a step takes, where a study is long and nothing of it is known yet."""
    if matrix.facts.profile == "quick" and not matrix.facts.search:
        return {}
    return step_seconds(matrix.facts, unknown(folder, matrix.cells), progress)


def _left(
    matrix: Matrix,
    folder: StudyFolder,
    changed: Mapping[Cell, str],
    *,
    n_jobs: int,
    steps: Mapping[str, float],
    say: Callable[[str], None],
) -> list[Job]:
    """What is left to do, and a word about it; nothing is done to runs that were changed."""
    for note in matrix.notes:
        say(f"note: {note}")
    sound = [cell for cell in matrix.cells if cell not in changed]
    left = [cell for cell in sound if not folder.is_complete(cell, matrix.test_on)]
    time_left = estimate(folder, sound, matrix.facts, steps).text(n_jobs)
    if left:
        say(f"{len(matrix.cells)} runs, {len(left)} to do: {time_left}")
    else:
        say(f"every {'other ' if changed else ''}run is finished")
    return [Job(cell=cell, facts=matrix.facts, folder=folder, test_on=matrix.test_on) for cell in left]


@contextmanager
def engine_of(
    jobs: int, cluster: str | None, folder: Path, *, progress: Progress, say: Callable[[str], None]
) -> Iterator[Engine]:
    """Yield whoever does the runs in a folder: this process, so many of its own, or workers of a cluster."""
    if cluster is None:
        alone = one_by_one(progress, lambda job: say(job.name))
        yield alone if jobs < 2 else side_by_side(jobs)
        return
    from bmbench.benchmark.reproduce.remote import on_cluster
    from bmbench.benchmark.workers.cluster import connected

    with connected(cluster, say) as workers:
        yield on_cluster(workers, folder, progress)


def _work_off(jobs: Sequence[Job], engine: Engine, say: Callable[[str], None]) -> list[tuple[str, str]]:
    """The name and reason of every failure."""
    failures = []
    names = {job.cell: job.name for job in jobs}
    for done, outcome in enumerate(work_off(jobs, engine), start=1):
        name = names[outcome.cell]
        result = "finished" if outcome.state == "done" else f"failed: {outcome.reason}"
        say(f"[{done}/{len(jobs)}] {name} {result}")
        if outcome.state == "failed":
            failures.append((name, outcome.reason))
    return failures
