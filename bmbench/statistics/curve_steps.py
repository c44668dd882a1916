"""The curve of re-weighted images: hits and predictions so far at every step, and the area under it."""

from functools import cached_property

import numpy as np

from bmbench.core.types import Floats, Ints
from bmbench.metrics.curve import interpolated_precision, precision_envelope
from bmbench.metrics.protocol import ApKind
from bmbench.metrics.tally import Tally, step_ends, steps_of

BLOCK = 1 << 14
"""Numbers in work at a time (steps of the curve × replicates): few enough for the processor's cache, and for
memory that is used again instead of being asked of the system each time."""
_FEW_UNITS = 256
"""Up to this many units, counts by step and unit are multiplied with the weights as a matrix."""


class CurveSteps:
    """The steps of a curve that hold a hit: only there can the envelope of any replicate turn.

    Attributes
    ----------
    n : int
        Steps.
    row, unit, hit : (p,) int64, int64, bool
        Step, unit and outcome of every prediction that counts in some step, ascending by step.
    """

    def __init__(self, tally: Tally, unit: Ints, n_units: int) -> None:
        ends = tally.step_ends
        step = steps_of(ends)
        some = np.zeros(len(ends), bool)
        some[step[tally.hit]] = True
        # A step without a hit is counted with the next one that has one; those after the last fall away.
        row = np.cumsum(some) - some
        self.n = int(some.sum())
        # They ascend: what is kept is a beginning.
        row = row[step]
        kept = slice(0, int(np.searchsorted(row, self.n)))
        self.row, self.unit, self.hit = row[kept], unit[kept], tally.hit[kept]
        self.n_units = n_units

    @cached_property
    def _dense(self) -> tuple[Floats, Floats] | None:
        return self._counted() if self.n_units <= _FEW_UNITS else None

    @property
    def block(self) -> int:
        """Replicates to be worked on at a time."""
        rows = self.n if self._dense is not None else len(self.row)
        return max(1, BLOCK // max(rows, self.n_units, 1))

    def counts(self, weights: Floats) -> tuple[Floats, Floats]:
        """Two (steps, replicates) arrays, hits so far and predictions so far, from (units, n) weights."""
        if self._dense is not None:
            hits, every = self._dense
            return hits @ weights, every @ weights
        drawn = weights[self.unit]
        last = step_ends(self.row)
        every = np.cumsum(drawn, axis=0)[last]
        drawn[~self.hit] = 0
        return np.cumsum(drawn, axis=0)[last], every

    def areas_without_each(self, cells: Ints, kind: ApKind) -> Floats:
        """(units,) AP without each unit in turn; NaN where no cell is left.

        Parameters
        ----------
        cells : (units,) int64
            Cells of each unit.
        """
        order = np.argsort(self.unit, kind="stable")
        ends = np.searchsorted(self.unit[order], np.arange(self.n_units + 1))
        some = np.bincount(self.row[self.hit], minlength=self.n).cumsum().astype(np.float64)
        every = np.bincount(self.row, minlength=self.n).cumsum().astype(np.float64)
        left = (cells.sum() - cells).astype(np.float64)
        found = np.full(self.n_units, np.nan)
        for unit in np.flatnonzero(left > 0):
            mine = order[ends[unit] : ends[unit + 1]]
            row, hit = self.row[mine], self.hit[mine]
            hits = some - np.bincount(row[hit], minlength=self.n).cumsum()
            kept = every - np.bincount(row, minlength=self.n).cumsum()
            found[unit] = areas_under(hits[:, None], kept[:, None], left[unit : unit + 1], kind)[0]
        return found

    def _counted(self) -> tuple[Floats, Floats]:
        place = self.row * self.n_units + self.unit
        shape = (self.n, self.n_units)
        hits = np.bincount(place[self.hit], minlength=self.n * self.n_units).reshape(shape)
        every = np.bincount(place, minlength=self.n * self.n_units).reshape(shape)
        return np.cumsum(hits, axis=0, dtype=np.float64), np.cumsum(every, axis=0, dtype=np.float64)


def areas_under(hits: Floats, every: Floats, n_cells: Floats, kind: ApKind) -> Floats:
    """(replicates,) AP from (steps, replicates) cumulative counts."""
    if not len(hits):
        return np.zeros(len(n_cells))
    n_cells = np.maximum(n_cells, 1)
    precision = precision_of(hits, every)
    if kind == "all":
        envelope = precision_envelope(precision)
        area: Floats = (
            hits[0] * envelope[0] + np.einsum("ij,ij->j", np.diff(hits, axis=0), envelope[1:])
        ) / n_cells
        return area
    interpolated: Floats = interpolated_precision(precision, hits / n_cells, kind).mean(axis=1)
    return interpolated


def precision_of(hits: Floats, every: Floats) -> Floats:
    """(steps, replicates) precision, 0 before the first prediction drawn; written over `every`."""
    return np.divide(hits, np.maximum(every, 1, out=every), out=every)
