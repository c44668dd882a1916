"""The human line: how far raters agree among themselves, and how an answer stands beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bmbench.metrics.raters import RaterAgreement
from bmbench.metrics.scores import Scores
from bmbench.statistics.intervals import MetricInterval, metric_interval
from bmbench.statistics.jackknife import Jackknife, counts_by_unit, mean_of, ratio, ratio_of_counts
from bmbench.statistics.units import ChosenUnits


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanLine:
    """F1 of raters among themselves and of an answer against them, with 95 % intervals over units.

    Attributes
    ----------
    pairs : one MetricInterval a pair of raters
        In the order of the agreements that were given.
    raters : MetricInterval
        Mean of the pairs: the human line.
    answer : MetricInterval
        Mean F1 of the answer over the raters, at its threshold.
    difference : MetricInterval
        The answer minus the line; what a unit does to both falls out of the interval.
    """

    pairs: tuple[MetricInterval, ...]
    raters: MetricInterval
    answer: MetricInterval
    difference: MetricInterval


def human_line(against: Sequence[Scores], among: Sequence[RaterAgreement], units: ChosenUnits) -> HumanLine:
    """The line of all pairs of raters, and the answer scored against each of them on the same images."""
    pairs = [_agreement(one, units) for one in among]
    answers = [ratio_of_counts("f1", counts_by_unit(one.images, units.row, units.n)) for one in against]
    line, answer = mean_of(pairs), mean_of(answers)
    return HumanLine(
        pairs=tuple(metric_interval(one) for one in pairs),
        raters=metric_interval(line),
        answer=metric_interval(answer),
        difference=metric_interval(_difference(answer, line)),
    )


def _agreement(one: RaterAgreement, units: ChosenUnits) -> Jackknife:
    shared, alone = (
        np.bincount(units.row, weights=column, minlength=units.n) for column in (one.shared, one.alone)
    )
    return ratio(shared, shared + alone)


def _difference(first: Jackknife, second: Jackknife) -> Jackknife:
    without = first.without - second.without
    return Jackknife(
        value=first.value - second.value,
        without=without,
        weight=(first.weight + second.weight) / 2,
        loss=first.loss | second.loss,
        gain=first.gain | second.gain,
        scale="number",
    )
