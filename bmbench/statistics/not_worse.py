"""Whether a method is not worse than another one by more than a margin (non-inferiority)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from bmbench.metrics.scores import Interval
from bmbench.statistics.intervals import jackknife_variance
from bmbench.statistics.methods import Methods
from bmbench.statistics.planning import NORMAL_80, NORMAL_95
from bmbench.statistics.seed_variance import satterthwaite
from bmbench.statistics.student import logit, t_quantile
from bmbench.statistics.units import FEWEST_FOR_INTERVAL

MARGIN = 0.02
"""Two points, as in the study."""
_ONE_SIDED = 0.025
NotWorseVerdict: TypeAlias = Literal["not worse", "worse", "open", "same", "too few units"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotWorse:
    """Whether a first method is at most `margin` worse than a second one.

    Attributes
    ----------
    verdict : str
        "not worse" if the 95 % interval of the difference lies above −margin on the raw and on the logit
        scale, "worse" if it lies below on both, else "open"; "same" of one submission and its copy;
        "too few units" below 3.
    difference : float
        First minus second.
    interval : (low, high) or None
        On the raw scale; None below 3 units.
    margin : float
    units_needed : int or None
        Units from which on two equal methods would be shown not to be worse in 4 of 5 cases; None if no
        number of units does it, because the seeds vary too much.
    """

    verdict: NotWorseVerdict
    difference: float
    interval: Interval | None
    margin: float
    units_needed: int | None


def not_worse(methods: Methods, first: int, second: int, *, margin: float = MARGIN) -> NotWorse:
    """Whether one row of the methods is at most `margin` worse than another, by a one-sided test at 2.5 %.

    The test has to be passed on both scales: near 1 the raw one is too easily passed, near the margin the
    other.
    """
    a, b = float(methods.value[first]), float(methods.value[second])
    z_a, z_b = methods.influence[first], methods.influence[second]
    if methods.n_units < FEWEST_FOR_INTERVAL or not np.isfinite(z_a - z_b).all():
        return NotWorse(
            verdict="too few units", difference=a - b, interval=None, margin=margin, units_needed=None
        )
    if a == b and not (z_a - z_b).any():
        return NotWorse(verdict="same", difference=0.0, interval=None, margin=margin, units_needed=None)
    raw = _Scaled.of(methods, (first, second), difference=a - b, slopes=(1.0, 1.0))
    reach = t_quantile(1 - _ONE_SIDED, raw.df) * math.sqrt(raw.variance)
    sides = {raw.side(margin), _logit_side(methods, (first, second), margin)}
    verdicts: dict[frozenset[int], NotWorseVerdict] = {frozenset({1}): "not worse", frozenset({-1}): "worse"}
    return NotWorse(
        verdict=verdicts.get(frozenset(sides), "open"),
        difference=a - b,
        interval=(a - b - reach, a - b + reach),
        margin=margin,
        units_needed=_units_needed(methods, (first, second), margin),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scaled:
    """A difference on some scale, its variance and its degrees of freedom."""

    difference: float
    variance: float
    df: float

    @classmethod
    def of(
        cls, methods: Methods, rows: tuple[int, int], *, difference: float, slopes: tuple[float, float]
    ) -> _Scaled:
        """The difference of two methods, each moved by its influences times a slope."""
        z = [slope * methods.influence[row] for row, slope in zip(rows, slopes, strict=True)]
        parts = [(float(jackknife_variance(z[0] - z[1])), methods.df)]
        if methods.seeds is not None:
            each = zip(rows, slopes, strict=True)
            share = sum(slope**2 / float(methods.n_seeds[row]) for row, slope in each)
            parts.append((methods.seeds.variance * share, float(methods.seeds.df)))
        variance, df = satterthwaite(parts)
        return cls(difference=difference, variance=variance, df=df)

    def side(self, margin: float) -> int:
        """+1 if the interval of the difference lies above −margin, −1 if below, 0 if it holds it."""
        if not self.variance > 0:
            return 0
        t = (self.difference + margin) / math.sqrt(self.variance)
        quantile = t_quantile(1 - _ONE_SIDED, self.df)
        return int(t > quantile) - int(t < -quantile)


def _logit_side(methods: Methods, rows: tuple[int, int], margin: float) -> int:
    """The same on the logit scale, where the second one is lowered by the margin first."""
    a, x = float(methods.value[rows[0]]), float(methods.value[rows[1]]) - margin
    if not (0 < a < 1 and 0 < x < 1):
        return 0
    slopes = 1 / (a * (1 - a)), 1 / (x * (1 - x))
    scaled = _Scaled.of(methods, rows, difference=logit(a) - logit(x), slopes=slopes)
    return scaled.side(0.0)


def _units_needed(methods: Methods, rows: tuple[int, int], margin: float) -> int | None:
    z = methods.influence[rows[0]] - methods.influence[rows[1]]
    by_seeds = 0.0
    if methods.seeds is not None:
        by_seeds = methods.seeds.variance * float((1 / methods.n_seeds[list(rows)]).sum())
    left = (margin / (NORMAL_95 + NORMAL_80)) ** 2 - by_seeds
    if left <= 0:
        return None
    return max(math.ceil(float(jackknife_variance(z)) * len(z) / left), FEWEST_FOR_INTERVAL)
