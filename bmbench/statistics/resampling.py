"""What resampling says: bands of curves, and percentiles of whatever is computed anew from drawn units.

Units (patients or slides, else images) are drawn with replacement, as many as there are, and count as often
as they are drawn (Efron and Tibshirani 1993, section 8.3); nothing is matched again. Percentiles of such
replicates (section 13.3) make the bands of curves. Of few units they are too narrow for the interval of a
score: that is in `intervals`.
"""

import numpy as np

from bmbench.core.types import Floats, Ints
from bmbench.metrics.curve import precision_at
from bmbench.metrics.tally import Tally
from bmbench.statistics.curve_steps import CurveSteps, precision_of

LEVEL = 0.95
"""Share of the replicates inside an interval."""


def percentiles(values: Floats, *, level: float = LEVEL) -> Floats:
    """(3, …) lower end, median and upper end of the middle `level` of (n, …) values."""
    tail = round((1 - level) / 2, 9)
    found: Floats = np.quantile(values, (tail, 0.5, 1 - tail), axis=0)
    return found


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
