"""Intervals in closed form: between which values the truth of a metric is looked for.

Units (patients or slides, else images) vary. The standard error is that of the jackknife over units, the
quantile is Student's with Kish's effective number of units − 1 degrees of freedom, and a share is looked at
on the logit scale, so that no end lies outside 0 and 1. Percentiles of resampled units hold the truth of 73
to 91 % of sets of 6 to 22 images, this interval of 92 to 95 % (docs/decisions/0076).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from bmbench.statistics.jackknife import Jackknife, Scale
from bmbench.statistics.seed_variance import SeedVariance, satterthwaite
from bmbench.statistics.units import FEWEST_FOR_INTERVAL, FEWEST_UNITS, degrees_of_freedom

Interval: TypeAlias = tuple[float, float]
LEVEL = 0.95
"""Share of the sets of units whose interval is to hold the truth."""
METHOD = "logit jackknife t, Kish"
"""How intervals are made, as JSON names it."""
WhyNone: TypeAlias = Literal["undefined", "too few units", "few errors", "few hits"]
_FEW_WITH_ERRORS = 4
"""Units that must hold an error: of fewer, what the next ones will hold cannot be guessed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricInterval:
    """A metric with its 95 % interval, or with why it has none.

    Attributes
    ----------
    value : float or None
        None where undefined.
    interval : (low, high) or None
    n_units : int
        Units that the metric is measured on.
    df : float or None
        Degrees of freedom of the quantile.
    why_none : str or None
        "undefined", "too few units" (below 3), "few errors" or "few hits" (on fewer than 4 units).
    """

    value: float | None
    interval: Interval | None
    n_units: int
    df: float | None
    why_none: WhyNone | None

    @property
    def rests_on_few(self) -> bool:
        """Whether there is an interval that rests on 3 to 5 units: to be said beside it."""
        return self.interval is not None and self.n_units < FEWEST_UNITS


def metric_interval(
    metric: Jackknife, *, seeds: SeedVariance | None = None, n_seeds: int = 1
) -> MetricInterval:
    """The interval of a metric; with the variance of `seeds`, of the mean of a method over its `n_seeds`."""
    why = _why_none(metric)
    value = float(metric.value) if np.isfinite(metric.value) else None
    if why is not None or value is None:
        return MetricInterval(
            value=value, interval=None, n_units=metric.n_units, df=None, why_none=why or "undefined"
        )
    variance, df = jackknife_variance(metric.influence), degrees_of_freedom(metric.weight)
    if seeds is not None:
        variance, df = satterthwaite([(variance, df), (seeds.variance / n_seeds, float(seeds.df))])
    return MetricInterval(
        value=value,
        interval=student_interval(value, variance, df, scale=metric.scale),
        n_units=metric.n_units,
        df=df,
        why_none=None,
    )


def jackknife_variance(influence: Any) -> Any:
    """(…,) variance of metrics from their (…, n) influences of units: Σ z² / (n (n − 1))."""
    n = influence.shape[-1]
    return np.square(influence).sum(axis=-1) / (n * max(n - 1, 1))


def student_interval(
    value: float, variance: float, df: float, *, scale: Scale = "number", level: float = LEVEL
) -> Interval:
    """The value ± Student's quantile times its standard error; a share on the logit scale."""
    reach = t_quantile(1 - (1 - level) / 2, df) * float(np.sqrt(variance))
    if scale == "number":
        return value - reach, value + reach
    from scipy.special import expit

    middle, reach = float(logit(value)), reach / (value * (1 - value))
    return float(expit(middle - reach)), float(expit(middle + reach))


def logit(share: Any) -> Any:
    """log(p / (1 − p)) of numbers between 0 and 1."""
    return np.log(share / (1 - np.asarray(share)))


def t_quantile(p: Any, df: Any) -> Any:
    """Student's quantile, of numbers or arrays."""
    from scipy.special import stdtrit

    return stdtrit(df, p)


def _why_none(metric: Jackknife) -> WhyNone | None:
    if not np.isfinite(metric.value):
        return "undefined"
    n = metric.n_units
    if n < FEWEST_FOR_INTERVAL or not np.isfinite(metric.without).all():
        return "too few units"
    if metric.scale == "number":
        return None
    needed = min(_FEW_WITH_ERRORS, n)
    if np.count_nonzero(metric.loss) < needed or metric.value >= 1:
        return "few errors"
    if np.count_nonzero(metric.gain) < needed or metric.value <= 0:
        return "few hits"
    return None
