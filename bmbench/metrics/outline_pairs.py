"""Which predictions may take which cells where outlines are known: by shared pixels, or by a point inside.

The two criteria of Metrics Reloaded (Maier-Hein et al., Nature Methods 2024) beside boxes and distances. An
object without an outline counts by its box.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bmbench.core.geometry import rectangle, rings_box, rings_contain, rings_mask
from bmbench.core.spatial_index import Points, near
from bmbench.core.types import Floats, Ints, Rings
from bmbench.metrics.matching_input import ObjectColumns

_Found = tuple[Ints, Ints, Floats]
_Mask = tuple[NDArray[np.bool_], int, int]
"""The pixels of an object on the smallest part of the image that holds it, and its first column and row."""


def points_inside(predictions: ObjectColumns, cells: ObjectColumns) -> _Found:
    """Predictions with their centre inside a cell's outline: rows of both, distances of their centres, px."""
    rows, owners, distances = [], [], []
    for p, c in _by_cell(predictions, cells):
        points = np.column_stack([predictions.x[p], predictions.y[p]])
        inside = p[rings_contain(rings_of(cells, c), points)]
        rows.append(inside)
        owners.append(np.full(len(inside), c))
        distances.append(np.hypot(predictions.x[inside] - cells.x[c], predictions.y[inside] - cells.y[c]))
    return _joined(rows, owners, distances)


def shared_pixels(predictions: ObjectColumns, cells: ObjectColumns) -> tuple[Ints, Ints, Ints, Ints]:
    """Pairs of outlines that share pixels: rows of both, the pixels that they share, and those of either."""
    rows, owners, shared, either = [], [], [], []
    masks: dict[int, _Mask] = {}
    # A prediction's pixels are kept from cell to cell, a cell's are drawn once.
    for p, c in box_neighbours(predictions, cells):
        for row, owner in zip(p.tolist(), c.tolist(), strict=True):
            for key, objects, place in ((row, predictions, row), (-1 - owner, cells, owner)):
                if key not in masks:
                    masks[key] = pixels_of(rings_of(objects, place))
            both = _overlap(masks[row], masks[-1 - owner])
            if both:
                rows.append(row)
                owners.append(owner)
                shared.append(both)
                either.append(int(masks[row][0].sum()) + int(masks[-1 - owner][0].sum()) - both)
    columns = (np.array(column, np.int64) for column in (rows, owners, shared, either))
    first, second, third, fourth = columns
    return first, second, third, fourth


def rings_of(objects: ObjectColumns, row: int) -> Rings:
    """The outline of an object, or else its box."""
    rings: Rings = () if objects.outline is None else objects.outline[row]
    if rings:
        return rings
    x0, y0, x1, y1 = (float(side[row]) for side in objects.box)
    return rectangle(x0, y0, x1, y1)


def pixels_of(rings: Rings) -> _Mask:
    """The pixels whose centres an outline holds."""
    x0, y0, x1, y1 = rings_box(rings)
    left, top = int(np.floor(x0)), int(np.floor(y0))
    height, width = int(np.ceil(y1)) - top, int(np.ceil(x1)) - left
    mask = rings_mask(rings, max(height, 0), max(width, 0), corner=(left, top)).astype(bool)
    return mask, left, top


def _overlap(a: _Mask, b: _Mask) -> int:
    (one, left, top), (other, x, y) = a, b
    x0, x1 = max(left, x), min(left + one.shape[1], x + other.shape[1])
    y0, y1 = max(top, y), min(top + one.shape[0], y + other.shape[0])
    if x0 >= x1 or y0 >= y1:
        return 0
    return int(
        np.count_nonzero(
            one[y0 - top : y1 - top, x0 - left : x1 - left] & other[y0 - y : y1 - y, x0 - x : x1 - x]
        )
    )


def _by_cell(predictions: ObjectColumns, cells: ObjectColumns) -> Iterator[tuple[Ints, int]]:
    """Each cell with the predictions whose centres its box may hold."""
    asking = Points(np.arange(len(predictions)), predictions.image, predictions.x, predictions.y)
    for _, reach, points in _levels(cells):
        for p, c in near(asking, points, reach=reach / 2):
            order = np.argsort(c, kind="stable")
            cuts = np.flatnonzero(np.diff(c[order])) + 1
            for some in np.split(order, cuts):
                if len(some):
                    yield p[some], int(c[some[0]])


def box_neighbours(a: ObjectColumns, b: ObjectColumns) -> Iterator[tuple[Ints, Ints]]:
    """Pairs of objects on one image whose boxes share an area; by size, so that no giant meets everything."""
    ends, other_ends = _extent(a), _extent(b)
    for _, reach, points in _levels(a):
        for _, other_reach, others in _levels(b):
            for i, j in near(points, others, reach=(reach + other_reach) / 2):
                some = np.all(
                    np.minimum(ends[2:, i], other_ends[2:, j]) > np.maximum(ends[:2, i], other_ends[:2, j]),
                    axis=0,
                )
                yield i[some], j[some]


def _levels(objects: ObjectColumns) -> Iterator[tuple[Ints, float, Points]]:
    """The objects between two powers of two, by their longer side: rows, the longest side, box middles."""
    x0, y0, x1, y1 = _extent(objects)
    side = np.maximum(x1 - x0, y1 - y0)
    level = np.floor(np.log2(np.maximum(side, 1e-9)))
    for here in np.unique(level):
        rows = np.flatnonzero(level == here)
        middle = Points(rows, objects.image[rows], (x0[rows] + x1[rows]) / 2, (y0[rows] + y1[rows]) / 2)
        yield rows, float(side[rows].max()) * (1 + 1e-6), middle


def _extent(objects: ObjectColumns) -> Floats:
    """(4, n) x0, y0, x1, y1 of each object as it counts: a file may state a box that is not its outline's."""
    extent = np.array(objects.box)
    for row, rings in enumerate(objects.outline or ()):
        if rings:
            extent[:, row] = rings_box(rings)
    return extent


def _joined(rows: list[Ints], owners: list[Ints], values: list[Floats]) -> _Found:
    none, nothing = np.zeros(0, np.int64), np.zeros(0)
    return np.concatenate([none, *rows]), np.concatenate([none, *owners]), np.concatenate([nothing, *values])
