"""Bootstrap intervals: groups of images are drawn again and tallies re-weighted; nothing is matched again.

Groups (patients or slides, else images) are drawn with replacement, as many as there are, and count as
often as they are drawn (Efron and Tibshirani 1993, section 8.3). Intervals are percentiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bmbench.metrics.areas import reaching
from bmbench.metrics.tally import step_ends

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bmbench.core.types import Floats, Ints
    from bmbench.metrics.protocol import ApKind
    from bmbench.metrics.tally import ImageCounts, Tally

LEVEL = 0.95
"""Share of the replicates inside an interval."""

_BLOCK = 1 << 15
"""Numbers in work at a time (steps of the curve × replicates): few enough for the processor's cache."""


def resample_weights(n_groups: int, n: int, *, seed: int, block: int) -> Iterator[Floats]:
    """Blocks of (n_groups, up to `block`) columns: how often each group is drawn in each of `n` replicates.

    The same seed gives the same draws for any detector on the same groups, whatever the block.
    """
    generator = np.random.default_rng(seed)
    even = np.full(n_groups, 1 / n_groups)
    for start in range(0, n, block):
        drawn = generator.multinomial(n_groups, even, size=min(block, n - start))
        weights: Floats = np.ascontiguousarray(drawn.T, dtype=np.float64)
        yield weights


def resampled_ap(
    tallies: Sequence[Tally], group: Ints, kind: ApKind, *, n: int, seed: int, n_groups: int | None = None
) -> Floats:
    """(n,) AP of each replicate, the mean over classes; NaN where a replicate holds no cell.

    Parameters
    ----------
    tallies : one a class
    group : (images,) int64
        Group of each image, numbered from 0.
    n_groups : int, optional
        Groups that are drawn from, where there are more than these images are of.
    """
    n_groups = _how_many(group) if n_groups is None else n_groups
    each = np.stack([_resampled_ap(tally, group, kind, n_groups, n=n, seed=seed) for tally in tallies])
    defined = np.isfinite(each)
    total = np.where(defined, each, 0.0).sum(axis=0)
    mean: Floats = np.divide(total, defined.sum(axis=0), out=np.full(n, np.nan), where=defined.any(axis=0))
    return mean


def _resampled_ap(tally: Tally, group: Ints, kind: ApKind, n_groups: int, *, n: int, seed: int) -> Floats:
    cells = np.bincount(group, weights=tally.cells, minlength=n_groups)
    steps = _Steps(tally, group[tally.image], n_groups)
    block = max(1, _BLOCK // max(len(steps), n_groups, 1))
    found = []
    for weights in resample_weights(n_groups, n, seed=seed, block=block):
        n_cells = cells @ weights
        area = _areas(*steps.counts(weights), n_cells, kind)
        found.append(np.where(n_cells > 0, area, np.nan))
    return np.concatenate(found)


def resampled_f1(
    images: ImageCounts, group: Ints, *, n: int, seed: int, n_groups: int | None = None
) -> Floats:
    """(n,) F1 of each replicate at a threshold that is held fixed; NaN where a replicate holds no cell.

    `n_groups` as in `resampled_ap`.
    """
    n_groups = _how_many(group) if n_groups is None else n_groups
    hits, false_alarms, cells = (
        np.bincount(group, weights=count, minlength=n_groups)
        for count in (images.tp, images.fp, images.cells)
    )
    found = []
    for weights in resample_weights(n_groups, n, seed=seed, block=max(1, _BLOCK // n_groups)):
        n_cells = cells @ weights
        f1 = 2 * (hits @ weights) / np.maximum(n_cells + (hits + false_alarms) @ weights, 1)
        found.append(np.where(n_cells > 0, f1, np.nan))
    return np.concatenate(found)


def interval(values: Floats, *, level: float = LEVEL) -> tuple[float, float] | None:
    """The middle `level` of the defined values; None if there is none."""
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _how_many(group: Ints) -> int:
    return int(group.max(initial=-1)) + 1


class _Steps:
    """The steps of a curve that hold a hit: only there can the envelope of any replicate turn."""

    def __init__(self, tally: Tally, group: Ints, n_groups: int) -> None:
        ends = tally.step_ends
        step = np.searchsorted(ends, np.arange(len(tally.confidence)))
        some = np.zeros(len(ends), bool)
        some[step[tally.hit]] = True
        # A step without a hit is counted with the next one that has one; those after the last fall away.
        row = np.cumsum(some) - some
        self._n = int(some.sum())
        kept = row[step] < self._n
        self._row, self._group, self._hit = row[step][kept], group[kept], tally.hit[kept]
        self._n_groups = n_groups
        self._dense = self._counted() if n_groups <= _FEW_GROUPS else None

    def __len__(self) -> int:
        return self._n if self._dense is not None else len(self._row)

    def counts(self, weights: Floats) -> tuple[Floats, Floats]:
        """Two (steps, replicates) arrays: hits so far, predictions so far."""
        if self._dense is not None:
            hits, every = self._dense
            return hits @ weights, every @ weights
        drawn = weights[self._group]
        last = step_ends(self._row)
        every = np.cumsum(drawn, axis=0)[last]
        drawn[~self._hit] = 0
        return np.cumsum(drawn, axis=0)[last], every

    def _counted(self) -> tuple[Floats, Floats]:
        place = self._row * self._n_groups + self._group
        shape = (self._n, self._n_groups)
        hits = np.bincount(place[self._hit], minlength=self._n * self._n_groups).reshape(shape)
        every = np.bincount(place, minlength=self._n * self._n_groups).reshape(shape)
        return np.cumsum(hits, axis=0, dtype=np.float64), np.cumsum(every, axis=0, dtype=np.float64)


_FEW_GROUPS = 256
"""Up to this many groups, counts by step and group are multiplied with the weights as a matrix."""


def _areas(hits: Floats, every: Floats, n_cells: Floats, kind: ApKind) -> Floats:
    """(replicates,) AP from (steps, replicates) cumulative counts."""
    if not len(hits):
        return np.zeros(len(n_cells))
    n_cells = np.maximum(n_cells, 1)
    envelope = np.divide(hits, every, out=np.zeros_like(hits), where=every > 0)[::-1]
    np.maximum.accumulate(envelope, axis=0, out=envelope)
    envelope = envelope[::-1]
    if kind == "all":
        area: Floats = (
            hits[0] * envelope[0] + np.einsum("ij,ij->j", np.diff(hits, axis=0), envelope[1:])
        ) / n_cells
        return area
    recall = hits / n_cells
    padded = np.concatenate([envelope, np.zeros((1, len(n_cells)))])
    points: Sequence[Ints] = [reaching(column, kind) for column in recall.T]
    return np.array([padded[rows, column].mean() for column, rows in enumerate(points)])
