"""The scores of a study by seed: read from its finished runs, for the statistics of means over seeds.

The folds of one seed are one test set, their images together. Images are re-weighted, never matched again,
and thresholds are held at what the optimisation images gave.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from bmbench.benchmark.reproduce.report.runs import Collection, FinishedRun, Key, Unit, unit_rows
from bmbench.core.types import Floats
from bmbench.metrics.protocol import Geometry
from bmbench.statistics.draws import UnitDraws
from bmbench.statistics.resampling import envelope_at
from bmbench.statistics.seeds import JoinedSets, ScoreName, SeedMean, SeedScores, difference
from bmbench.statistics.units import FEWEST_UNITS

Repeat: TypeAlias = tuple[int, str]
"""A seed, and the fold where folds are no test sets of their own; the fold is empty where they are."""
Side: TypeAlias = "tuple[Key, Geometry]"


class Table:
    """The scores of every row of a collection, drawn once each."""

    def __init__(self, collection: Collection, *, unit: Unit = "group", seed: int = 0) -> None:
        self.collection = collection
        self.unit: Unit = unit
        self._units = collection.units(unit)
        self.n_units = len(self._units)
        self._seed = seed
        self.seeds = lru_cache(maxsize=None)(self._seeds)

    def mean(self, key: Key, geometry: Geometry, name: ScoreName) -> SeedMean:
        """The mean over the seeds."""
        return self.seeds(key, geometry, name).mean(seed=self._seed)

    def contrast(self, name: ScoreName, *, plus: Sequence[Side], minus: Sequence[Side]) -> SeedMean:
        """The mean over the seeds that all sides have of the one sum minus the other, drawn together.

        Undefined where they have none in common.
        """
        sides = ([self.seeds(*side, name) for side in some] for some in (plus, minus))
        return difference(*sides).mean(seed=self._seed)

    def _seeds(self, key: Key, geometry: Geometry, name: ScoreName) -> SeedScores:
        runs = [run for run in self.collection.rows.get(key, ()) if run.scores(geometry) is not None]
        n_folds = self.collection.n_folds
        whole = {seed: folds for seed, folds in by_seed(runs).items() if len(folds) == n_folds}
        found = [self._score(folds, geometry, name) for folds in whole.values()]
        n = found[0][1].size if found else 0
        return SeedScores(
            seeds=tuple(whole),
            values=np.array([value for value, _ in found]),
            replicates=np.array([replicates for _, replicates in found]).reshape(len(found), n),
            n_units=self.n_units,
        )

    def _score(
        self, runs: Sequence[FinishedRun], geometry: Geometry, name: ScoreName
    ) -> tuple[float, Floats]:
        """A score of one seed, its folds together, and its replicates."""
        together = _joined(runs, geometry, self._units, self.unit)
        kind, n = runs[0].protocol.ap, runs[0].config.profile.bootstrap
        value = together.value(name, kind)
        if self.n_units < 2 or not n:
            return value, np.zeros(0)
        draws = UnitDraws(n_units=self.n_units, n=n, seed=self._seed)
        return value, together.replicates(name, kind, draws)


def judge(scores: Table) -> Table:
    """The table that orders are stated by: by groups, or by images where there are too few groups.

    By images an order holds for further images of these very groups, and says nothing of other patients.
    """
    return scores if scores.n_units >= FEWEST_UNITS else Table(scores.collection, unit="image")


def by_seed(runs: Sequence[FinishedRun]) -> dict[Repeat, list[FinishedRun]]:
    """The runs of each repeat: one, or one a fold."""
    found: dict[Repeat, list[FinishedRun]] = {}
    for run in runs:
        found.setdefault(run.repeat, []).append(run)
    return found


def _joined(runs: Sequence[FinishedRun], geometry: Geometry, units: Sequence[str], unit: Unit) -> JoinedSets:
    parts = [scores for run in runs if (scores := run.scores(geometry)) is not None]
    return JoinedSets.of(parts, np.concatenate([unit_rows(run, units, unit) for run in runs]))


def mean_curve(runs: Sequence[FinishedRun], geometry: Geometry, recalls: Floats) -> Floats:
    """The highest precision at each recall or beyond, the mean over seeds (folds of a seed together)."""
    found = []
    for some in by_seed(runs).values():
        units = sorted({name for run in some for name in run.units("group")})
        together = _joined(some, geometry, units, "group")
        found.append(envelope_at(together.tallies[0], together.unit, recalls, np.ones((1, len(units))))[0])
    mean: Floats = np.mean(found, axis=0)
    return mean
