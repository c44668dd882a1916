"""Models that learn nothing from a suite, applied to the test images of its sets: rows without training.

::

    OUT/models/MODEL/SET/ANSWERS/   a folder a fold, as `bmbench test --model` leaves it
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bmbench.benchmark.models.places import find_model
from bmbench.benchmark.protocol.adjustment import Adjusting
from bmbench.benchmark.protocol.other_sets import OtherSet
from bmbench.benchmark.records.seal import OTHER_SET, check_seal
from bmbench.benchmark.reproduce.matrix import Matrix, StudyFacts
from bmbench.benchmark.suite.suite_file import SuiteSet
from bmbench.core.errors import BmbenchError
from bmbench.core.progress import Progress

HOW = Adjusting.of(scale="auto", standardise=True)
"""What cards of models advise: the size of nuclei is measured, colours are moved to those learned from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTest:
    """A model on the test images of one fold of a set.

    Attributes
    ----------
    fold : str
        As of a cell: the data set option ``name=value``; empty where there is one split.
    place : Path
        The folder of the answers of this model to this set.
    """

    set: str
    model: str
    fold: str
    wish: OtherSet
    place: Path

    @property
    def name(self) -> str:
        """What it is called where runs are listed."""
        value = self.fold.partition("=")[2]
        return "-".join([self.model, *([value] if value else [])])

    @property
    def folder(self) -> Path:
        """Where its answers and scores are."""
        return self.place / f"{self.wish.name}{HOW.suffix}"

    @property
    def is_done(self) -> bool:
        """Whether it was done, and its files are as they were."""
        there = (self.folder / "metrics.json").is_file()
        return there and not check_seal(self.folder, OTHER_SET).faults

    def apply(self, progress: Progress) -> None:
        """Predict and score; what was done before is made anew.

        Raises
        ------
        BmbenchError
            If the images cannot be read, or the model has learned from one of them.
        """
        from bmbench.benchmark.run.apply_to_other_sets import apply_model

        apply_model(find_model(self.model), [str(self.wish)], progress, out=self.place, asked=HOW)


def model_tests(one: SuiteSet, matrix: Matrix, out: Path) -> tuple[ModelTest, ...]:
    """Each model of a set on each fold of its runs.

    Raises
    ------
    UnknownNameError
        If there is no model of such a name.
    """
    for model in one.models:
        find_model(model)
    folds = dict.fromkeys(cell.fold for cell in matrix.cells)
    return tuple(
        _test(one, matrix.facts, out, model=model, fold=fold) for model in one.models for fold in folds
    )


def _test(one: SuiteSet, facts: StudyFacts, out: Path, *, model: str, fold: str) -> ModelTest:
    name, _, value = fold.partition("=")
    wish = OtherSet(
        dataset=facts.dataset,
        data=None if facts.data is None else Path(facts.data),
        use="test",
        options=dict(facts.dataset_options) | ({name: value} if fold else {}),
    )
    place = out.absolute() / "models" / model / one.name
    return ModelTest(set=one.name, model=model, fold=fold, wish=wish, place=place)


def run_models(
    tests: tuple[ModelTest, ...], progress: Progress, say: Callable[[str], None]
) -> list[tuple[str, str]]:
    """Every test that is not done; those that failed, with the reason, which stops no other one."""
    failures = []
    for number, test in enumerate(left := [test for test in tests if not test.is_done], start=1):
        say(f"model {number} of {len(left)}: {test.name} on {test.set}, without training")
        try:
            test.apply(progress)
        except BmbenchError as error:
            say(f"warning: {test.set} {test.name}: {error}")
            failures.append((f"{test.set} {test.name}", str(error)))
    return failures
