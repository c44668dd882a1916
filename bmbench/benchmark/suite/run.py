"""`bmbench suite run`: the matrices of all sets, one after the other; a killed command is resumed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bmbench.benchmark.reproduce.engines import Engine
from bmbench.benchmark.reproduce.estimate import duration, seconds_left
from bmbench.benchmark.reproduce.study import How, engine_of, run_matrix
from bmbench.benchmark.reproduce.work import Job, JobOutcome
from bmbench.benchmark.suite.models import run_models
from bmbench.benchmark.suite.plan import SetPlan, SuiteOptions, SuitePlan, plan_suite
from bmbench.core.errors import BmbenchError, Stopped
from bmbench.core.progress import Progress
from bmbench.present.words import many


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteSummary:
    """What a command did: runs of the suite, how many of them are finished, and why others are not.

    `failures` and `changed` name set and run; of the changed ones a file is not as it was when they ended.
    """

    n_runs: int
    n_finished: int
    failures: tuple[tuple[str, str], ...]
    changed: tuple[tuple[str, str], ...]


def costs(plan: SuitePlan) -> list[tuple[SetPlan, int, float]]:
    """Each set with its runs that are not finished and their seconds, one after the other on one core."""
    return [
        (
            one,
            sum(not one.folder.is_finished(cell) for cell in one.matrix.cells),
            seconds_left(one.folder, one.matrix.cells, one.matrix.facts),
        )
        for one in plan.sets
    ]


def cost_lines(plan: SuitePlan, jobs: int) -> list[str]:
    """What the suite will cost, a line a set and one for all; known runs count with their measured time."""
    lines, everything = [], costs(plan)
    for one, left, seconds in everything:
        runs = f"{one.set.name}: {many(len(one.matrix.cells), 'run')}"
        lines.append(
            f"{runs}, {left} to do, about {duration(seconds)} of one core" if left else f"{runs}, done"
        )
    total = sum(seconds for _, _, seconds in everything)
    n_left = sum(left for _, left, _ in everything)
    if n_left:
        lines.append(f"in all {many(n_left, 'run')} to do: about {duration(total / max(jobs, 1))}")
    else:
        lines.append("every run is finished")
    return lines


def run_suite(options: SuiteOptions, progress: Progress, say: Callable[[str], None]) -> SuiteSummary:
    """Every run that the options ask for; a failed run is said and kept with its reason, and stops nothing.

    Raises
    ------
    BadInputError
        Before any run: for a bad name or setting, data that cannot be loaded, a folder of something else.
    Stopped
        On Ctrl-C; the same command resumes.
    """
    plan = plan_suite(options)
    for one in plan.sets:
        one.folder.check(one.matrix)
    for note in plan.notes:
        say(f"note: {note}")
    for line in cost_lines(plan, options.jobs):
        say(line)
    failures, changed = list[tuple[str, str]](), list[tuple[str, str]]()
    how = How(jobs=options.jobs, redo_changed=options.redo_changed)
    try:
        with engine_of(
            options.jobs, options.cluster, options.out.absolute(), progress=progress, say=say
        ) as engine:
            telling = _telling(engine, plan.sets, options.jobs, say)
            for number, one in enumerate(plan.sets, start=1):
                say(f"set {number} of {len(plan.sets)}: {one.set.name}")
                try:
                    failed, odd = run_matrix(
                        one.matrix, one.folder, telling, how=how, progress=progress, say=say
                    )
                except BmbenchError as error:
                    # One set that cannot be worked on must not keep the others from being run.
                    say(f"warning: {one.set.name}: {error}")
                    failures.append((one.set.name, str(error)))
                    continue
                failures += [(f"{one.set.name} {name}", reason) for name, reason in failed]
                failures += run_models(one.models, progress, say)
                changed += [(f"{one.set.name} {cell.name}", reason) for cell, reason in odd.items()]
    except KeyboardInterrupt:
        raise Stopped("stopped; the same command resumes it") from None
    cells = [(one, cell) for one in plan.sets for cell in one.matrix.cells]
    return SuiteSummary(
        n_runs=len(cells),
        n_finished=sum(one.folder.is_finished(cell) for one, cell in cells),
        failures=tuple(failures),
        changed=tuple(changed),
    )


def _telling(engine: Engine, sets: Sequence[SetPlan], jobs: int, say: Callable[[str], None]) -> Engine:
    """The engine, which says after each run how long the whole suite will still take."""

    def telling(some: Sequence[Job]) -> Iterator[JobOutcome]:
        for outcome in engine(some):
            yield outcome
            left = sum(seconds_left(one.folder, one.matrix.cells, one.matrix.facts) for one in sets)
            if left:
                say(f"about {duration(left / max(jobs, 1))} left of the suite")

    return telling
