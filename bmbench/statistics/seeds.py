"""Means over the seeds of a method, and their differences, with intervals.

A score of a method is the mean over its seeds. Its interval is a percentile bootstrap of two levels, drawn
independently: the units (the same draw for every method, so that differences are paired), and the seeds of
the method (in a difference the same seeds for all sides). So it covers what other patients and what other
seeds would change.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from bmbench.core.types import Floats, Ints
from bmbench.metrics.curve import Curve, average_precision, f_score
from bmbench.metrics.protocol import ApKind
from bmbench.metrics.scores import Interval, Scores
from bmbench.metrics.tally import ImageCounts, Tally
from bmbench.statistics.draws import UnitDraws, drawn_seeds
from bmbench.statistics.resampling import interval, resampled_ap, resampled_f1
from bmbench.statistics.units import FEWEST_UNITS

ScoreName: TypeAlias = Literal["ap", "f1"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeedScores:
    """One score of a method by seed.

    Attributes
    ----------
    seeds : tuple
        What tells the seeds apart; row i of the arrays is seed i.
    values : (seeds,) float64
        NaN where undefined.
    replicates : (seeds, n) float64
        The score in each replicate of the units; no columns where there are fewer than two units.
    n_units : int
        Units that were drawn from.
    """

    seeds: tuple[Hashable, ...]
    values: Floats
    replicates: Floats
    n_units: int

    def take(self, seeds: Sequence[Hashable]) -> SeedScores:
        """Some of the seeds, in this order."""
        rows = [self.seeds.index(seed) for seed in seeds]
        return SeedScores(
            seeds=tuple(seeds),
            values=self.values[rows],
            replicates=self.replicates[rows],
            n_units=self.n_units,
        )

    def mean(self, *, seed: int) -> SeedMean:
        """The mean over the seeds; `seed` of the draws of seeds."""
        n_seeds, n = self.replicates.shape
        if not n_seeds or not np.isfinite(self.values).all():
            return SeedMean(value=None, interval=None, n_seeds=n_seeds, n_units=self.n_units)
        found = self.replicates[drawn_seeds(n_seeds, n, seed=seed), np.arange(n)].mean(axis=0)
        return SeedMean(
            value=float(self.values.mean()), interval=interval(found), n_seeds=n_seeds, n_units=self.n_units
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedMean:
    """A mean over seeds, or a difference of such, with its 95 % interval; None where undefined."""

    value: float | None
    interval: Interval | None
    n_seeds: int
    n_units: int

    @property
    def sign(self) -> int:
        """+1 or −1 if the interval of a difference lies above or below 0, with units enough; else 0."""
        if self.interval is None or self.n_units < FEWEST_UNITS:
            return 0
        return int(self.interval[0] > 0) - int(self.interval[1] < 0)


def difference(plus: Sequence[SeedScores], minus: Sequence[SeedScores]) -> SeedScores:
    """The one sum minus the other, by seed, of the seeds that all of them have."""
    sides = [(1, side) for side in plus] + [(-1, side) for side in minus]
    common = [seed for seed in sides[0][1].seeds if all(seed in side.seeds for _, side in sides)]
    if not common:
        return SeedScores(
            seeds=(), values=np.zeros(0), replicates=np.zeros((0, 0)), n_units=sides[0][1].n_units
        )
    taken = [(sign, side.take(common)) for sign, side in sides]
    return SeedScores(
        seeds=tuple(common),
        values=np.sum([sign * side.values for sign, side in taken], axis=0),
        replicates=np.sum([sign * side.replicates for sign, side in taken], axis=0),
        n_units=sides[0][1].n_units,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JoinedSets:
    """Scores of several test sets (the folds of one seed) as those of one; `unit` is (images,) int64."""

    tallies: tuple[Tally, ...]
    images: ImageCounts
    unit: Ints

    @classmethod
    def of(cls, parts: Sequence[Scores], unit: Ints) -> JoinedSets:
        """The scores of one matching rule on each of the sets, with the units of all their images."""
        starts = np.cumsum([0, *(len(scores.images.cells) for scores in parts)])[:-1]
        images = {
            name: np.concatenate([getattr(scores.images, name) for scores in parts])
            for name in ("tp", "fp", "cells")
        }
        by_class = zip(*(scores.tallies for scores in parts), strict=True)
        return cls(
            tallies=tuple(_joined(tallies, starts) for tallies in by_class),
            images=ImageCounts(**images),
            unit=unit,
        )

    def value(self, name: ScoreName, kind: ApKind) -> float:
        """AP (the mean over classes) or F1 (each set at its own threshold); NaN if there are no cells."""
        if name == "f1":
            hits, wrong, cells = (
                int(count.sum()) for count in (self.images.tp, self.images.fp, self.images.cells)
            )
            return float(f_score(hits, wrong, cells))
        found = [average_precision(Curve.of(tally, grouped=tally.grouped), kind) for tally in self.tallies]
        defined = [ap for ap in found if ap is not None]
        return float(np.mean(defined)) if defined else np.nan

    def replicates(self, name: ScoreName, kind: ApKind, draws: UnitDraws) -> Floats:
        """(n,) the same score in each replicate."""
        if name == "f1":
            return resampled_f1(self.images, self.unit, draws)
        return resampled_ap(self.tallies, self.unit, kind, draws)


def _joined(tallies: Sequence[Tally], starts: Ints) -> Tally:
    return Tally.of(
        confidence=np.concatenate([tally.confidence for tally in tallies]),
        hit=np.concatenate([tally.hit for tally in tallies]),
        image=np.concatenate([tally.image + start for tally, start in zip(tallies, starts, strict=True)]),
        cells=np.concatenate([tally.cells for tally in tallies]),
        grouped=tallies[0].grouped,
    )
