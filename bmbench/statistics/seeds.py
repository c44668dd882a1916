"""Means over the seeds of a method, and their differences, with intervals.

A score of a method is the mean over its seeds. Its interval holds what other units would change, by the
jackknife, and what other trainings would, by a variance over seeds that is pooled over all methods at hand.
In a difference the unit part is paired and the seed part is not: the third training of one method has nothing
to do with the third one of another.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from bmbench.core.types import Ints
from bmbench.metrics.protocol import ApKind
from bmbench.metrics.scores import Interval, Scores
from bmbench.metrics.tally import ImageCounts, Tally
from bmbench.statistics.intervals import (
    MetricInterval,
    jackknife_variance,
    metric_interval,
    student_interval,
)
from bmbench.statistics.jackknife import (
    Jackknife,
    average_precision_of,
    counts_by_unit,
    mean_of,
    ratio_of_counts,
)
from bmbench.statistics.seed_variance import SeedVariance, pooled_seed_variance, satterthwaite
from bmbench.statistics.student import t_quantile
from bmbench.statistics.units import FEWEST_FOR_INTERVAL, degrees_of_freedom

ScoreName: TypeAlias = Literal["ap", "f1"]
_NOTHING = 1e-24
"""A variance below which values do not differ but by rounding."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeedScores:
    """One score of a method by seed; `seeds` tells them apart, `scores` has one jackknife each."""

    seeds: tuple[Hashable, ...]
    scores: tuple[Jackknife, ...]
    n_units: int

    @property
    def is_defined(self) -> bool:
        """Whether there is a seed, and every one has the score."""
        return bool(self.scores) and all(math.isfinite(one.value) for one in self.scores)

    def mean(self, seeds: SeedVariance | None) -> SeedMean:
        """The mean over the seeds; `seeds` is how much one training varies, None where that is not known."""
        n_seeds = len(self.scores)
        if not self.is_defined:
            return SeedMean(value=None, interval=None, p=None, n_seeds=n_seeds, n_units=self.n_units)
        mean = mean_of(self.scores)
        found = metric_interval(mean, seeds=seeds, n_seeds=n_seeds)
        return SeedMean(
            value=found.value,
            interval=found.interval,
            p=_p_of_zero(found) if mean.scale == "number" else None,
            n_seeds=n_seeds,
            n_units=self.n_units,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedMean:
    """A mean over seeds, or a difference of such.

    Attributes
    ----------
    value : float or None
        None where undefined.
    interval : (low, high) or None
        95 %; None below 3 units, and where units do not vary.
    p : float or None
        Of a difference being 0: two-sided, of it alone.
    n_seeds, n_units : int
        Seeds behind it (of a difference, of the side that has fewer), and units.
    """

    value: float | None
    interval: Interval | None
    p: float | None
    n_seeds: int
    n_units: int


def seed_variance(rows: Sequence[SeedScores]) -> SeedVariance | None:
    """How much one training varies, pooled over the rows that have several."""
    return pooled_seed_variance([np.array([one.value for one in row.scores]) for row in rows])


def difference(plus: SeedScores, minus: SeedScores, seeds: SeedVariance | None) -> SeedMean:
    """The one mean minus the other."""
    n_seeds, n_units = min(len(plus.scores), len(minus.scores)), plus.n_units
    if not (plus.is_defined and minus.is_defined):
        return SeedMean(value=None, interval=None, p=None, n_seeds=0, n_units=n_units)
    first, second = mean_of(plus.scores), mean_of(minus.scores)
    value = first.value - second.value
    shared = (first.weight + second.weight) / 2
    variance, df = float(jackknife_variance(first.influence - second.influence)), degrees_of_freedom(shared)
    if seeds is not None:
        of_seeds = seeds.variance * (1 / len(plus.scores) + 1 / len(minus.scores))
        variance, df = satterthwaite([(variance, df), (of_seeds, float(seeds.df))])
    # What is left of equal influences by rounding is nothing.
    if np.count_nonzero(shared) < FEWEST_FOR_INTERVAL or not variance > _NOTHING:
        return SeedMean(value=value, interval=None, p=None, n_seeds=n_seeds, n_units=n_units)
    interval = student_interval(value, variance, df)
    p = two_sided(value, variance, df)
    return SeedMean(value=value, interval=interval, p=p, n_seeds=n_seeds, n_units=n_units)


def two_sided(value: float, variance: float, df: float) -> float:
    """The p-value of a number being 0."""
    from scipy.special import stdtr

    return 2 * float(stdtr(df, -abs(value) / math.sqrt(variance)))


def _p_of_zero(found: MetricInterval) -> float | None:
    """The p-value that an interval value ± reach on the raw scale stands for."""
    if found.value is None or found.interval is None or found.df is None:
        return None
    error = (found.interval[1] - found.value) / t_quantile(0.975, found.df)
    return two_sided(found.value, error**2, found.df) if error > 0 else None


def same_networks(plus: SeedScores, minus: SeedScores) -> SeedScores:
    """One score minus another one of the same trainings, seed by seed, of the seeds that both have."""
    other = dict(zip(minus.seeds, minus.scores, strict=True))
    mine = zip(plus.seeds, plus.scores, strict=True)
    pairs = [(seed, one, other[seed]) for seed, one in mine if seed in other]
    return SeedScores(
        seeds=tuple(seed for seed, _, _ in pairs),
        scores=tuple(
            Jackknife(
                value=one.value - two.value,
                without=one.without - two.without,
                weight=(one.weight + two.weight) / 2,
                loss=one.loss | two.loss,
                gain=one.gain | two.gain,
                scale="number",
            )
            for _, one, two in pairs
        ),
        n_units=plus.n_units,
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

    def jackknife(self, name: ScoreName, kind: ApKind, n_units: int) -> Jackknife:
        """The same score, and what it is without each unit."""
        if name == "f1":
            return ratio_of_counts("f1", counts_by_unit(self.images, self.unit, n_units))
        return average_precision_of(self.tallies, self.unit, n_units, kind)


def _joined(tallies: Sequence[Tally], starts: Ints) -> Tally:
    return Tally.of(
        confidence=np.concatenate([tally.confidence for tally in tallies]),
        hit=np.concatenate([tally.hit for tally in tallies]),
        image=np.concatenate([tally.image + start for tally, start in zip(tallies, starts, strict=True)]),
        cells=np.concatenate([tally.cells for tally in tallies]),
        grouped=tallies[0].grouped,
    )
