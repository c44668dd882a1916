"""Shares of the training images → studies, one a share, worked off as `bmbench reproduce` does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bmbench.benchmark.budget.options import BudgetOptions
from bmbench.benchmark.protocol.learned_from import n_annotated
from bmbench.benchmark.reproduce.estimate import duration, seconds_left
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.matrix import Matrix, plan
from bmbench.benchmark.reproduce.study import How, engine_of, run_matrix
from bmbench.core.dataset import LoadRequest
from bmbench.core.errors import Stopped
from bmbench.core.files import refuse_file
from bmbench.core.progress import Progress
from bmbench.datasets import open_dataset
from bmbench.present.words import many


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareStudy:
    """The study of one share: where it is, and its runs."""

    share: float
    folder: StudyFolder
    matrix: Matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetPlan:
    """The studies, the smallest share first, and what was left out and why."""

    studies: tuple[ShareStudy, ...]
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        """What it will cost, a line a share; finished runs are counted as such."""
        lines = []
        for one in self.studies:
            left = sum(not one.folder.is_finished(cell) for cell in one.matrix.cells)
            seconds = seconds_left(one.folder, one.matrix.cells, one.matrix.facts)
            what = f"{left} to do, about {duration(seconds)} of one core" if left else "done"
            lines.append(f"{100 * one.share:g} %: {many(len(one.matrix.cells), 'run')}, {what}")
        return lines


def plan_budget(options: BudgetOptions) -> BudgetPlan:
    """The studies that the options ask for.

    Of shares that come to the same number of images the smallest is kept.

    Raises
    ------
    BadInputError
        For a bad name or setting, data that cannot be loaded, or a file where the folder is to be.
    """
    asked = options.study
    refuse_file(asked.out, expected="a folder for studies", remedy="name another --out")
    matrix = plan(asked)
    dataset = open_dataset(asked.dataset, data=asked.data, options=asked.dataset_options)
    loaded = dataset.load(LoadRequest(data=asked.data, options=asked.dataset_options))
    images = len(loaded.samples["train"])
    studies, notes, known = [], list(matrix.notes), dict[int, float]()
    for share in options.shares:
        n = n_annotated(images, share)
        if n in known:
            notes.append(
                f"{100 * share:g} % of {many(images, 'training image')} are {n}, as "
                f"{100 * known[n]:g} % are: left out"
            )
            continue
        known[n] = share
        studies.append(
            ShareStudy(
                share=share,
                folder=share_folder(asked.out, share),
                matrix=replace(matrix, facts=replace(matrix.facts, annotated=share), notes=()),
            )
        )
    return BudgetPlan(studies=tuple(studies), notes=tuple(notes))


def share_folder(out: Path, share: float) -> StudyFolder:
    """The study of a share inside the folder of a budget."""
    return StudyFolder(out.absolute() / "shares" / f"{100 * share:g}")


def run_budget(
    options: BudgetOptions, progress: Progress, say: Callable[[str], None]
) -> tuple[BudgetPlan, tuple[tuple[str, str], ...]]:
    """Every run that the options ask for; the plan, and which runs failed and why. The same call resumes.

    Raises
    ------
    BadInputError
        Before any run: for a bad name or setting, data that cannot be loaded, a folder of something else.
    Stopped
        On Ctrl-C.
    """
    found = plan_budget(options)
    for one in found.studies:
        one.folder.check(one.matrix)
    for line in (*(f"note: {note}" for note in found.notes), *found.lines()):
        say(line)
    failures = list[tuple[str, str]]()
    asked = options.study
    how = How(jobs=asked.jobs, redo_changed=asked.redo_changed)
    try:
        with engine_of(asked.jobs, asked.cluster, asked.out.absolute(), progress=progress, say=say) as engine:
            for one in found.studies:
                say(f"with {100 * one.share:g} % of the training images")
                failed, changed = run_matrix(
                    one.matrix, one.folder, engine, how=how, progress=progress, say=say
                )
                failed += [(cell.name, reason) for cell, reason in changed.items()]
                failures += [(f"{100 * one.share:g} % {name}", reason) for name, reason in failed]
    except KeyboardInterrupt:
        raise Stopped("stopped; the same command resumes it") from None
    return found, tuple(failures)
