"""What resampling says: bands of curves, and percentiles of whatever is computed anew from drawn units.

Units (patients or slides, else images) are drawn with replacement, as many as there are, and count as often
as they are drawn (Efron and Tibshirani 1993, section 8.3); nothing is matched again. Percentiles of such
replicates (section 13.3) make the bands of curves. Of few units they are too narrow for the interval of a
score: that is in `intervals`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bmbench.core.types import Floats, Ints
from bmbench.metrics.curve import f_score, precision_at
from bmbench.metrics.protocol import ApKind
from bmbench.metrics.scores import Interval
from bmbench.metrics.tally import ImageCounts, Tally
from bmbench.statistics.curve_steps import BLOCK, CurveSteps, areas_under, precision_of
from bmbench.statistics.draws import UnitDraws

LEVEL = 0.95
"""Share of the replicates inside an interval."""


def interval(values: Floats, *, level: float = LEVEL) -> Interval | None:
    """The middle `level` of the defined ones of (n,) values; None if there is none."""
    defined = values[np.isfinite(values)]
    if not len(defined):
        return None
    low, _, high = percentiles(defined, level=level).tolist()
    return low, high


def percentiles(values: Floats | NDArray[np.int32], *, level: float = LEVEL, whole: bool = False) -> Floats:
    """(3, …) lower end, median and upper end of the middle `level` of (n, …) values.

    Parameters
    ----------
    whole : bool
        Whether only numbers that are among the values may come out: ranks stay ranks.
    """
    tail = round((1 - level) / 2, 9)
    found: Floats = np.quantile(
        values, (tail, 0.5, 1 - tail), axis=0, method="nearest" if whole else "linear"
    )
    return found


def resampled_ap(tallies: Sequence[Tally], unit: Ints, kind: ApKind, draws: UnitDraws) -> Floats:
    """(n,) AP of each replicate, the mean over classes; NaN where a replicate holds no cell.

    Parameters
    ----------
    tallies : one a class
    unit : (images,) int64
        Unit of each image, numbered from 0 among those that are drawn from.
    """
    each = np.stack([_resampled_ap(tally, unit, kind, draws) for tally in tallies])
    defined = np.isfinite(each)
    total = np.where(defined, each, 0.0).sum(axis=0)
    mean: Floats = np.divide(
        total, defined.sum(axis=0), out=np.full(draws.n, np.nan), where=defined.any(axis=0)
    )
    return mean


def _resampled_ap(tally: Tally, unit: Ints, kind: ApKind, draws: UnitDraws) -> Floats:
    cells = np.bincount(unit, weights=tally.cells, minlength=draws.n_units)
    steps = CurveSteps(tally, unit[tally.image], draws.n_units)
    found = []
    for rows in draws.blocks(steps.block):
        weights = np.ascontiguousarray(rows.T)
        n_cells = cells @ weights
        area = areas_under(*steps.counts(weights), n_cells, kind)
        found.append(np.where(n_cells > 0, area, np.nan))
    return np.concatenate(found)


def resampled_f1(images: ImageCounts, unit: Ints, draws: UnitDraws) -> Floats:
    """(n,) F1 of each replicate at a threshold that is held fixed; NaN where a replicate holds no cell.

    `unit` as in `resampled_ap`.
    """
    hits, false_alarms, cells = (
        np.bincount(unit, weights=count, minlength=draws.n_units)
        for count in (images.tp, images.fp, images.cells)
    )
    blocks = draws.blocks(max(1, BLOCK // draws.n_units))
    return np.concatenate([f_score(w @ hits, w @ false_alarms, w @ cells) for w in blocks])


def envelope_at(tally: Tally, unit: Ints, recalls: Floats, weights: Floats) -> Floats:
    """(n, k) highest precision at each of k recalls or beyond; 0 where no threshold reaches the recall.

    Parameters
    ----------
    unit : (images,) int64
        Unit of each image, numbered from 0.
    weights : (n, units) float64
        How often each unit counts, one row a replicate.
    """
    steps = CurveSteps(tally, unit[tally.image], weights.shape[1])
    cells = weights @ np.bincount(unit, weights=tally.cells, minlength=weights.shape[1])
    found = np.zeros((len(weights), len(recalls)))
    size = steps.block
    for start in range(0, len(weights), size):
        block = slice(start, start + size)
        hits, every = steps.counts(np.ascontiguousarray(weights[block].T))
        found[block] = precision_at(precision_of(hits, every), hits / np.maximum(cells[block], 1), recalls)
    return found
