"""Intervals in closed form: between which values the truth of a metric is looked for.

Units (patients or slides, else images) vary. The standard error is that of the jackknife over units, the
quantile is Student's with Kish's effective number of units − 1 degrees of freedom, and a share is looked at
on the logit scale, so that no end lies outside 0 and 1. Percentiles of resampled units hold the truth of F1
and AP in 79 to 92 % of simulated sets of 6 to 22 images, this interval in 92 to 97 %
(docs/results/calibration.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from bmbench.core.types import Floats, Ints
from bmbench.metrics.calibration import BINS, confidence_steps
from bmbench.metrics.curve import f_parts
from bmbench.metrics.details import FROC_RATES
from bmbench.metrics.free_response import RATE_SLACK, RatedSensitivity
from bmbench.metrics.protocol import ApKind
from bmbench.metrics.scores import Evaluation, Interval, IntervalRule, Scores
from bmbench.metrics.tally import pooled
from bmbench.statistics.jackknife import (
    Jackknife,
    Scale,
    counts_by_unit,
    froc_mean_of,
    jackknives,
    ratio,
)
from bmbench.statistics.seed_variance import SeedVariance, satterthwaite
from bmbench.statistics.student import logit, share_of, t_quantile
from bmbench.statistics.units import (
    FEWEST_FOR_INTERVAL,
    FEWEST_UNITS,
    ChosenUnits,
    choose_units,
    degrees_of_freedom,
)

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


def with_intervals(evaluation: Evaluation, units: ChosenUnits | None = None) -> Evaluation:
    """The evaluation with the intervals of AP, F1, precision, recall and macro-F1 in it, of every class too.

    Thresholds are held fixed.

    Parameters
    ----------
    units : ChosenUnits, optional
        Groups of images where there are any, else images.
    """
    chosen = units or choose_units(evaluation)
    kind = evaluation.protocol.ap

    def filled(scores: Scores | None) -> Scores | None:
        return None if scores is None else _with_intervals(scores, chosen, kind)

    return replace(
        evaluation, interval=interval_rule(chosen), bb=filled(evaluation.bb), cd=filled(evaluation.cd)
    )


def interval_rule(units: ChosenUnits) -> IntervalRule:
    """How intervals over these units are made."""
    return IntervalRule(method=METHOD, unit=units.name, units=units.n, level=LEVEL, groups=units.groups)


def _with_intervals(scores: Scores, units: ChosenUnits, kind: ApKind) -> Scores:
    metrics = jackknives(scores, units.row, units.n, kind)
    found = {name: metric_interval(one) for name, one in metrics.items()}
    macro = found.get("macro_f1")
    return replace(
        scores,
        ap_ci=found["ap"].interval,
        f1_ci=found["f1"].interval,
        precision_ci=found["precision"].interval,
        recall_ci=found["recall"].interval,
        macro_f1_ci=None if macro is None else macro.interval,
        no_interval={name: one.why_none for name, one in found.items() if one.why_none is not None},
        classes={name: _with_intervals(one, units, kind) for name, one in scores.classes.items()},
    )


def f_beta_interval(scores: Scores, units: ChosenUnits, *, beta: float) -> MetricInterval:
    """The interval of F-beta at the threshold of the scores; undefined where there are no cells."""
    counts = counts_by_unit(scores.images, units.row, units.n)
    if not counts.cells.any():
        return metric_interval(ratio(counts.tp, np.zeros(units.n)))
    upper, lower = f_parts(counts.tp, counts.fp, counts.cells, beta=beta)
    return metric_interval(ratio(upper, lower))


def calibration_interval(scores: Scores, units: ChosenUnits) -> MetricInterval:
    """The interval of D-ECE (`bmbench.metrics.calibration`): the whole is binned anew without each unit."""
    tally = pooled(scores.tallies)
    place = units.row[tally.image] * BINS + confidence_steps(tally)
    off = np.bincount(place, weights=tally.hit - tally.confidence, minlength=units.n * BINS)
    by_unit = off.reshape(units.n, BINS)
    n = np.bincount(units.row[tally.image], minlength=units.n)
    left = n.sum() - n
    without = np.abs(by_unit.sum(axis=0) - by_unit).sum(axis=1)
    found = Jackknife(
        value=float(np.abs(by_unit.sum(axis=0)).sum() / n.sum()) if n.any() else np.nan,
        without=np.divide(without, left, out=np.full(units.n, np.nan), where=left > 0),
        weight=n / max(n.sum(), 1),
        loss=np.abs(by_unit).sum(axis=1) > 0,
        gain=n > 0,
    )
    return metric_interval(found)


def sum_ratio_interval(part: Floats | Ints, whole: Floats | Ints, units: ChosenUnits) -> MetricInterval:
    """The interval of a ratio of sums over images (of pixels, of cells of a size), with the ratio."""
    sums = (np.bincount(units.row, weights=column, minlength=units.n) for column in (part, whole))
    return metric_interval(ratio(*sums))


def froc_interval(scores: Scores, units: ChosenUnits) -> MetricInterval:
    """The interval of the mean sensitivity of `bmbench.metrics.froc` at its seven rates."""
    return metric_interval(froc_mean_of(pooled(scores.tallies), units.row, units.n, FROC_RATES))


def rated_interval(rated: RatedSensitivity, scores: Scores, units: ChosenUnits) -> MetricInterval:
    """The interval of the mean sensitivity by steps at rates per mm² or per 100 cells."""
    tally, rates = pooled(scores.tallies), [rate * RATE_SLACK for rate in rated.rates]
    return metric_interval(froc_mean_of(tally, units.row, units.n, rates, amount=rated.amount))


def count_error_interval(scores: Scores, units: ChosenUnits) -> MetricInterval:
    """The interval of predictions minus cells, an image: a number of any sign, so on the raw scale."""
    counts = counts_by_unit(scores.images, units.row, units.n)
    images = np.bincount(units.row, minlength=units.n)
    return metric_interval(ratio(counts.tp + counts.fp - counts.cells, images, scale="number"))


def jackknife_variance(influence: Any) -> Any:
    """(…,) variance of metrics from their (…, n) influences of units: Σ z² / (n (n − 1))."""
    n = influence.shape[-1]
    return np.square(influence).sum(axis=-1) / (n * max(n - 1, 1))


def student_interval(
    value: float, variance: float, df: float, *, scale: Scale = "number", level: float = LEVEL
) -> Interval:
    """The value ± Student's quantile times its standard error; a share on the logit scale."""
    reach = float(t_quantile(1 - (1 - level) / 2, df) * np.sqrt(variance))
    if scale == "number":
        return value - reach, value + reach
    middle, reach = logit(value), reach / (value * (1 - value))
    return share_of(middle - reach), share_of(middle + reach)


def _why_none(metric: Jackknife) -> WhyNone | None:
    if not np.isfinite(metric.value):
        return "undefined"
    n = metric.n_units
    if n < FEWEST_FOR_INTERVAL or not np.isfinite(metric.without).all():
        return "too few units"
    needed, share = min(_FEW_WITH_ERRORS, n), metric.scale == "share"
    if np.count_nonzero(metric.loss) < needed or (share and metric.value >= 1):
        return "few errors"
    if share and (np.count_nonzero(metric.gain) < needed or metric.value <= 0):
        return "few hits"
    return None
