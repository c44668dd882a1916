"""Intervals of what is made of whole curves: oLRP, and the AP that each cause of errors costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bmbench.statistics.intervals import MetricInterval, metric_interval
from bmbench.statistics.jackknife import Jackknife, average_precision_of, mean_of, ratio

if TYPE_CHECKING:
    from bmbench.core.types import Bools, Floats
    from bmbench.metrics.cost_of_causes import PutRight
    from bmbench.metrics.localisation_recall_precision import LrpTerms
    from bmbench.metrics.protocol import ApKind
    from bmbench.statistics.units import ChosenUnits

_MOST_NUMBERS = 1 << 22
"""Predictions × units up to which the lowest oLRP is looked for anew without each unit."""


def optimal_lrp_interval(terms: LrpTerms, units: ChosenUnits) -> MetricInterval:
    """The interval of oLRP; the threshold where it is lowest is looked for anew without each unit.

    Where that were more than 2²² numbers the threshold is held fixed: near its lowest value an error does not
    depend on it to first order.
    """
    (upper,), (lower,) = terms.sums(np.zeros_like(units.row), 1)
    best = int(np.argmin(upper / lower))
    if len(terms.misplaced) * units.n > _MOST_NUMBERS:
        return metric_interval(_error(*_parts_at(terms, best, units)))
    own_upper, own_lower = terms.sums(units.row, units.n)
    rest = lower - own_lower
    anew = np.divide(upper - own_upper, rest, out=np.ones_like(rest), where=rest > 0).min(axis=1)
    found = _error(own_upper[:, best], own_lower[:, best])
    # The column of no prediction holds the cells: without any the metric is undefined.
    return metric_interval(replace(found, without=np.where(rest[:, 0] > 0, anew, np.nan)))


def _error(upper: Floats, lower: Floats) -> Jackknife:
    """The jackknife of a share that is 0 where all is right."""
    found = ratio(upper, lower)
    return replace(found, loss=found.gain, gain=found.loss)


def _parts_at(terms: LrpTerms, step: int, units: ChosenUnits) -> tuple[Floats, Floats]:
    """(units,) twice, what `LrpTerms.sums` holds at one step."""
    tally = terms.tally
    kept = tally.step_ends[step - 1] + 1 if step else 0
    image, hit = tally.image[:kept], tally.hit[:kept]
    n_images = len(tally.cells)
    added = np.where(hit, terms.misplaced[:kept] - 1, 1.0)
    upper = tally.cells + np.bincount(image, added, n_images)
    lower = tally.cells + np.bincount(image[~hit], minlength=n_images)
    above, below = (
        np.bincount(units.row, part, units.n).astype(np.float64) for part in (upper, lower.astype(np.float64))
    )
    return above, below


def cost_intervals(
    found: Sequence[PutRight], units: ChosenUnits, kind: ApKind
) -> Mapping[str, MetricInterval]:
    """The interval of the AP that each cause costs (`bmbench.metrics.cost_of_causes`), by cause."""
    n = units.n
    before = [average_precision_of([one.before], units.row, n, kind) for one in found]
    costs = {}
    for name in found[0].after:
        parts = []
        for one, ap in zip(found, before, strict=True):
            right = average_precision_of([one.after[name]], units.row, n, kind)
            parts.append(_difference(right, ap, np.bincount(units.row, one.errors[name], n) > 0))
        costs[name] = metric_interval(mean_of(parts))
    return costs


def _difference(right: Jackknife, ap: Jackknife, wrong: Bools) -> Jackknife:
    """What AP gains once a cause is put right; it is 1 with no cell that is still asked for."""
    value = 1.0 if np.isnan(right.value) else right.value
    without = np.where(np.isnan(right.without) & ~np.isnan(ap.without), 1.0, right.without) - ap.without
    gain = max(value - ap.value, 0.0)
    return replace(ap, value=gain, without=without, loss=wrong, gain=np.ones_like(wrong))
