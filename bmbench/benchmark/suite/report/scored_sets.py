"""The finished runs of each set of a suite, scored: what every section of the report is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median

import numpy as np

from bmbench.adapters import METHODS
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.run_records import Timing
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.report.runs import Collection, Key, collect, unit_rows
from bmbench.benchmark.reproduce.report.seed_means import Table, by_seed
from bmbench.benchmark.reproduce.report.tables import ordered
from bmbench.benchmark.suite.models import model_tests
from bmbench.benchmark.suite.plan import set_folder
from bmbench.benchmark.suite.report.model_rows import with_models
from bmbench.benchmark.suite.suite_file import Suite, SuiteSet
from bmbench.core.types import Bools
from bmbench.statistics.intervals import jackknife_variance
from bmbench.statistics.jackknife import Jackknife, mean_of, ratio
from bmbench.statistics.methods import Methods
from bmbench.statistics.stratified import distance_between
from bmbench.statistics.units import degrees_of_freedom


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoredSet:
    """One set of a suite with its finished runs.

    Attributes
    ----------
    scores : Table
        The scores of every row by seed; what varies is the groups (patients, slides, fields), else images.
    baselines : tuple of str
        The baselines of the suite, and models that learned nothing from this set.
    absent_models : tuple of (test, reason)
        Models on folds of which there are no answers.
    """

    set: SuiteSet
    folder: StudyFolder
    scores: Table
    baselines: tuple[str, ...] = ()
    absent_models: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The set's name in the suite."""
        return self.set.name

    @property
    def collection(self) -> Collection:
        """Its finished runs."""
        return self.scores.collection

    @property
    def n_units(self) -> int:
        """Groups of test images."""
        return self.scores.n_units

    def main_key(self, method: str) -> Key:
        """The row of a method in the tables of the set: its first track and artefact mode."""
        return Key(self.set.tracks[0], self.set.artefacts[0], method)

    @cached_property
    def keys(self) -> list[Key]:
        """The rows of the main table that are finished in every fold, in the order of the methods."""
        main = [key for key in self.collection.rows if key == self.main_key(key.method)]
        return [key for key in ordered(main) if self.scores.seeds(key, "cd", "f1").is_defined]

    @cached_property
    def other_keys(self) -> list[Key]:
        """Rows of other tracks and artefact modes, likewise."""
        return [
            key
            for key in ordered(list(self.collection.rows))
            if key not in self.keys and self.scores.seeds(key, "cd", "f1").is_defined
        ]

    @property
    def one_training(self) -> bool:
        """Whether each row is one network, so that nothing says how trainings differ.

        Folds are networks of their own: how these vary is part of how the folds' groups do.
        """
        return self.collection.n_folds == 1 and all(
            self.scores.mean(key, "cd", "f1").n_seeds == 1
            for key in self.keys
            if key.method not in self.baselines
        )

    def methods(self, keys: Sequence[Key]) -> Methods | None:
        """Rows as methods on this set's units, by F1 between centres."""
        return self.scores.methods(keys, "cd", "f1")[1]

    def seconds(self, key: Key, stage: str = "all") -> float | None:
        """The median time of a run of a row, or of a stage; of all folds together, where there are folds."""
        found = []
        for runs in by_seed(self.collection.rows[key]).values():
            times = [_timing(self.folder.run(run.cell)).seconds.get(stage) for run in runs]
            known = [one for one in times if one is not None]
            if len(known) == len(times):
                found.append(sum(known))
        return median(found) if found else None

    def memory_mb(self, key: Key) -> float | None:
        """The most memory that a run of a row held; None where no run knows."""
        found = [_timing(self.folder.run(run.cell)).memory_mb for run in self.collection.rows[key]]
        return max((one for one in found if one is not None), default=None)

    def parameters(self, key: Key) -> int | None:
        """Parameters of a row's network, as its method states them; None where settings were changed."""
        cells = [run.cell for run in self.collection.rows[key]]
        if key.method not in METHODS or any(cell.settings for cell in cells):
            return None
        return METHODS.get(key.method).parameters.get(self.collection.facts.profile)

    def is_familiar(self) -> Bools | None:
        """(units,) whether each looks like training images; None where the suite does not say."""
        if not self.set.familiar:
            return None
        return np.array([self.set.familiar in name for name in self.collection.groups])

    def share_of_units(self, key: Key, chosen: Bools) -> tuple[float, float, float] | None:
        """F1 on some of the units, its variance over them, and its degrees; None below 3 units."""
        if np.count_nonzero(chosen) < _FEWEST:
            return None
        mean = mean_of(self._by_unit(key, chosen))
        variance = float(jackknife_variance(mean.influence))
        return mean.value, variance, degrees_of_freedom(mean.weight)

    def _by_unit(self, key: Key, chosen: Bools) -> list[Jackknife]:
        """F1 of each seed on the chosen units."""
        found, units = [], self.collection.groups
        for runs in by_seed(self.collection.rows[key]).values():
            parts = np.zeros((2, len(units)))
            for run in runs:
                scores = run.scores("cd")
                if scores is not None:
                    images = scores.images
                    rows = unit_rows(run, units)
                    np.add.at(parts[0], rows, 2 * images.tp)
                    np.add.at(parts[1], rows, images.tp + images.fp + images.cells)
            found.append(ratio(parts[0][chosen], parts[1][chosen]))
        return found

    def drop(self, key: Key) -> tuple[float, tuple[float, float] | None] | None:
        """F1 on familiar units minus F1 on the others, with its interval; None where there are no others."""
        familiar = self.is_familiar()
        if familiar is None:
            return None
        sides = [self.share_of_units(key, chosen) for chosen in (familiar, ~familiar)]
        if sides[0] is None or sides[1] is None:
            return None
        interval = distance_between(sides[0], sides[1])
        return sides[0][0] - sides[1][0], None if interval is None else (interval[0], interval[1])

    def spread(self, key: Key) -> float | None:
        """The standard deviation of F1 between units, weighted by their size; None below 3 units."""
        if self.n_units < _FEWEST:
            return None
        every = np.ones(self.n_units, bool)
        mean = mean_of(self._by_unit(key, every))
        return float(np.sqrt(jackknife_variance(mean.influence) * self.n_units))


_FEWEST = 3


def read_sets(suite: Suite, out: Path) -> list[ScoredSet]:
    """The sets of a suite that have a finished run in the folder, in the order of the suite."""
    found = []
    for one in suite.sets:
        folder = set_folder(out, one.name)
        if (folder.path / "study.json").is_file():
            tests = model_tests(one, folder.read(), out)
            rows = with_models(collect(folder), one, tests)
            scored = ScoredSet(
                set=one,
                folder=folder,
                scores=Table(rows.collection),
                baselines=(*suite.baselines, *one.models),
                absent_models=rows.absent,
            )
            if scored.keys:
                found.append(scored)
    return found


def same_images(one: ScoredSet, sets: Sequence[ScoredSet]) -> ScoredSet | None:
    """The first of the sets before this one that has the same images; None where there is none.

    They lie in the same folder, or are drawn by the same data set with the same options.
    """
    before = list(sets)[: list(sets).index(one)] if one in sets else []
    return next((other for other in before if _images(other.set) == _images(one.set)), None)


def _images(one: SuiteSet) -> tuple[str, ...]:
    options = () if one.folder else tuple(f"{name}={value}" for name, value in sorted(one.options.items()))
    return one.folder or one.dataset, *options


def _timing(path: Path) -> Timing:
    run = RunDir(path)
    return run.times() if run.timing.is_file() else Timing()
