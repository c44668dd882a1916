"""The scores of a study by seed: read from its finished runs, for the statistics of means over seeds.

The folds of one seed are one test set, their images together. Thresholds are held at what the optimisation
images gave. What varies is the groups of the test images, and the trainings.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from bmbench.benchmark.reproduce.report.runs import Collection, FinishedRun, Key, unit_rows
from bmbench.core.types import Floats, Ints
from bmbench.metrics.protocol import Geometry
from bmbench.metrics.scores import Scores
from bmbench.statistics.jackknife import Scale, ratio
from bmbench.statistics.methods import Methods
from bmbench.statistics.resampling import envelope_at
from bmbench.statistics.seed_variance import SeedVariance
from bmbench.statistics.seeds import (
    JoinedSets,
    ScoreName,
    SeedMean,
    SeedScores,
    difference,
    same_networks,
    seed_variance,
)

Repeat: TypeAlias = tuple[int, str]
"""A seed, and the fold where folds are no test sets of their own; the fold is empty where they are."""


class Table:
    """The scores of every row of a collection."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self._units = collection.groups
        self.n_units = len(self._units)
        self.seeds = lru_cache(maxsize=None)(self._seeds)
        self.seed_variance = lru_cache(maxsize=None)(self._seed_variance)
        self.gap_variance = lru_cache(maxsize=None)(self._gap_variance)

    def mean(self, key: Key, geometry: Geometry, name: ScoreName) -> SeedMean:
        """The mean over the seeds."""
        return self.seeds(key, geometry, name).mean(self.seed_variance(geometry, name))

    def difference(self, name: ScoreName, geometry: Geometry, plus: Key, minus: Key) -> SeedMean:
        """One row minus another one."""
        first, second = (self.seeds(key, geometry, name) for key in (plus, minus))
        return difference(first, second, self.seed_variance(geometry, name))

    def methods(
        self, keys: Sequence[Key], geometry: Geometry, name: ScoreName
    ) -> tuple[list[Key], Methods | None]:
        """Rows as methods on the same units, without those that are undefined; None if all are."""
        rows = [(key, self.seeds(key, geometry, name)) for key in keys]
        defined = [(key, row.scores) for key, row in rows if row.is_defined]
        if not defined:
            return [], None
        variance = self.seed_variance(geometry, name)
        return [key for key, _ in defined], Methods.of([scores for _, scores in defined], seeds=variance)

    def gap(self, key: Key) -> SeedMean:
        """F1 by centres minus F1 by boxes of the same networks."""
        return self.gaps(key).mean(self.gap_variance())

    def gap_difference(self, plus: Key, minus: Key) -> SeedMean:
        """How much wider that gap is in one row than in another."""
        return difference(self.gaps(plus), self.gaps(minus), self.gap_variance())

    def gaps(self, key: Key) -> SeedScores:
        """That gap, seed by seed."""
        return same_networks(self.seeds(key, "cd", "f1"), self.seeds(key, "bb", "f1"))

    def _gap_variance(self) -> SeedVariance | None:
        return seed_variance([self.gaps(key) for key in self.collection.rows])

    def _seed_variance(self, geometry: Geometry, name: ScoreName) -> SeedVariance | None:
        return seed_variance([self.seeds(key, geometry, name) for key in self.collection.rows])

    def _seeds(self, key: Key, geometry: Geometry, name: ScoreName) -> SeedScores:
        runs = [run for run in self.collection.rows.get(key, ()) if run.scores(geometry) is not None]
        n_folds = self.collection.n_folds
        whole = {seed: folds for seed, folds in by_seed(runs).items() if len(folds) == n_folds}
        return SeedScores(
            seeds=tuple(whole),
            scores=tuple(
                _joined(folds, geometry, self._units).jackknife(name, folds[0].protocol.ap, self.n_units)
                for folds in whole.values()
            ),
            n_units=self.n_units,
        )


def ratio_by_seed(
    scores: Table,
    key: Key,
    count: Callable[[FinishedRun, Scores], tuple[Ints, Ints]],
    *,
    scale: Scale = "number",
) -> SeedScores:
    """A ratio of counts by centres, over the groups; `count` gives what is divided by what, by image."""
    found, units = {}, scores.collection.groups
    for seed, runs in by_seed(scores.collection.rows[key]).items():
        parts = np.zeros((2, len(units)))
        for run in runs:
            by_rule = run.scores("cd")
            if by_rule is not None:
                for part, values in zip(parts, count(run, by_rule), strict=True):
                    np.add.at(part, unit_rows(run, units), values)
        found[seed] = ratio(parts[0], parts[1], scale=scale)
    return SeedScores(seeds=tuple(found), scores=tuple(found.values()), n_units=scores.n_units)


def by_seed(runs: Sequence[FinishedRun]) -> dict[Repeat, list[FinishedRun]]:
    """The runs of each repeat: one, or one a fold."""
    found: dict[Repeat, list[FinishedRun]] = {}
    for run in runs:
        found.setdefault(run.repeat, []).append(run)
    return found


def _joined(runs: Sequence[FinishedRun], geometry: Geometry, units: Sequence[str]) -> JoinedSets:
    parts = [scores for run in runs if (scores := run.scores(geometry)) is not None]
    return JoinedSets.of(parts, np.concatenate([unit_rows(run, units) for run in runs]))


def mean_curve(runs: Sequence[FinishedRun], geometry: Geometry, recalls: Floats) -> Floats:
    """The highest precision at each recall or beyond, the mean over seeds (folds of a seed together)."""
    found = []
    for some in by_seed(runs).values():
        units = sorted({name for run in some for name in run.units})
        together = _joined(some, geometry, units)
        found.append(envelope_at(together.tallies[0], together.unit, recalls, np.ones((1, len(units))))[0])
    mean: Floats = np.mean(found, axis=0)
    return mean
