"""Points near other points on the same image, from a grid: time and memory grow with the points."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bmbench.metrics.order import by_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from bmbench.core.types import Floats, Ints

    Bounds = tuple[NDArray[np.intp], NDArray[np.intp]]

_BLOCK = 1 << 16
"""Points looked up at a time, so that what is in work fits the processor's cache."""
_BINS_A_POINT = 4
"""Bins that the grid's table may have for each point; beyond that, bins are found in a sorted list."""
_COARSEST = 4.0
"""How much wider than the reach a bin may grow to keep the table small."""
_ROUNDING = 1e-7
"""Share of a bin by which the reach is widened, so that rounding moves no point out of it."""
_FURTHEST = 2**20
"""Bins along one axis, at most, so that a bin's number fits 64 bits."""


class Points(NamedTuple):
    """Points on images; row i of every column is point i.

    ``row`` is what is handed back for it, ``image`` the row of its image, ``x`` and ``y`` are pixels.
    """

    row: Ints
    image: Ints
    x: Floats
    y: Floats


def near(a: Points, b: Points, *, reach: float) -> Iterator[tuple[Ints, Ints]]:
    """Blocks of all pairs (row of `a`, row of `b`) on one image at most `reach` pixels apart in x and y."""
    if not len(a.row) or not len(b.row):
        return
    if len(a.row) < len(b.row):
        for second, first in near(b, a, reach=reach):
            yield first, second
        return
    grid = _Grid(b, a, reach)
    for start in range(0, len(a.row), _BLOCK):
        block = _take(a, slice(start, start + _BLOCK))
        yield from _near_block(grid, block, reach)


def _take(points: Points, rows: Ints | slice) -> Points:
    return Points(points.row[rows], points.image[rows], points.x[rows], points.y[rows])


def _near_block(grid: _Grid, block: Points, reach: float) -> Iterator[tuple[Ints, Ints]]:
    for low, high in grid.bounds(block):
        asked, found = _expand(low, high)
        x, y = block.x[asked] - grid.points.x[found], block.y[asked] - grid.points.y[found]
        keep = np.flatnonzero((np.abs(x) <= reach) & (np.abs(y) <= reach))
        yield block.row[asked[keep]], grid.points.row[found[keep]]


def _expand(low: NDArray[np.intp], high: NDArray[np.intp]) -> Bounds:
    """Every (i, j) with ``low[i] <= j < high[i]``."""
    some = np.flatnonzero(high > low)
    low, counts = low[some], (high - low)[some] if len(some) < len(low) else high - low
    asked = np.repeat(some, counts)
    ends = np.cumsum(counts)
    found = np.arange(len(asked)) + np.repeat(low - ends + counts, counts)
    return asked, found


class _Grid:
    """Points sorted by bin; the bins of one row of one image follow each other.

    A bin is wider than twice the reach, so that what is near a point lies in two bins of two rows.
    """

    def __init__(self, points: Points, others: Points, reach: float) -> None:
        n = len(points.row)
        self._x0 = min(points.x.min(), others.x.min())
        self._y0 = min(points.y.min(), others.y.min())
        width = max(points.x.max(), others.x.max()) - self._x0
        height = max(points.y.max(), others.y.max()) - self._y0
        self._first = int(min(points.image.min(), others.image.min()))
        images = int(max(points.image.max(), others.image.max())) - self._first + 1
        finest = max(2 * reach, max(width, height) / _FURTHEST)
        room = max(_BINS_A_POINT * n, n + len(others.row), 1 << 16)
        wanted = max(finest, (images * width * height / room) ** 0.5)
        wanted = wanted if wanted <= _COARSEST * finest else finest
        self._bin = wanted * (1 + 4 * _ROUNDING)
        self._back = reach + wanted * _ROUNDING
        # One empty bin before every row and one empty row before every image: what reaches over the end of
        # one, by a bin at most, finds nothing.
        self._n_x = int(width / self._bin) + 2
        self._n_y = int(height / self._bin) + 2
        key = self._key(points)
        size = (images * self._n_y + 1) * self._n_x + 2
        order = by_key(key.astype(np.uint32)) if size < 2**32 else np.argsort(key)
        self.points = _take(points, order)
        self._find = self._table(key, size) if size <= 2 * room else self._list(key[order])

    def bounds(self, block: Points) -> Iterator[Bounds]:
        """For each of the two rows of bins around each point: where its points start and end."""
        key = self._key(block, back=self._back)
        for first in (key, key + self._n_x):
            yield self._find(first), self._find(first + 2)

    def _key(self, points: Points, *, back: float = 0.0) -> Ints:
        """(n,) bin of what lies `back` pixels to the left of and above each point."""
        shift = self._bin - back
        column = ((points.x - self._x0 + shift) / self._bin).astype(np.int64)
        row = ((points.y - self._y0 + shift) / self._bin).astype(np.int64)
        key: Ints = ((points.image - self._first) * self._n_y + row) * self._n_x + column
        return key

    @staticmethod
    def _table(key: Ints, size: int) -> Callable[[Ints], NDArray[np.intp]]:
        starts = np.zeros(size + 1, np.int32 if len(key) < 2**31 else np.int64)
        np.cumsum(np.bincount(key, minlength=size), out=starts[1:])
        return lambda wanted: starts[wanted].astype(np.intp)

    @staticmethod
    def _list(key: Ints) -> Callable[[Ints], NDArray[np.intp]]:
        return lambda wanted: np.searchsorted(key, wanted)
