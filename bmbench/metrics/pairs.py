"""Which predictions may take which objects: candidate pairs from a grid, never all against all.

Box limits bound the distance between centres. For an intersection over union above t, the same must hold
along each axis, and two intervals of widths v and w whose centres are d apart reach at most
(s − d) / (s + d) with s = (v + w) / 2; so d < s (1 − t) / (1 + t), and neither is wider than the other
over t. Boxes of very different sizes are therefore never compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmbench.core.spatial_index import Points, near
from bmbench.core.types import Bools, Floats, Ints
from bmbench.metrics.matching_input import ObjectColumns
from bmbench.metrics.outline_pairs import points_inside, shared_pixels
from bmbench.metrics.protocol import Geometry, Protocol

DECIMALS = 9
"""Similarities are compared at this many decimals: boxes given in decimal fractions (10.1, 20.2) reach an
IoU of exactly one half only up to rounding, and rounding must not decide."""

_SAMPLE = 1 << 14
"""Boxes that are enough to tell the usual size."""

_NO_LEVEL = -(2**12)
"""The level of boxes without an extent, far below that of the smallest number as a side."""

_MARGIN = 1e-6
"""Candidates are sought this much further (relative) than they can lie, for rounding's sake."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdmissiblePairs:
    """Pairs that the matching limit admits; row i of every column is a pair.

    Attributes
    ----------
    prediction, cell : (m,) int64
        Rows of the `ObjectColumns` that were paired.
    value : (m,) float64
        Intersection over union of boxes, or distance between centres in pixels.
    merit : (m,) float64
        What is maximised: the IoU, or the distance over the limit, negated; rounded to `DECIMALS`.
    """

    prediction: Ints
    cell: Ints
    value: Floats
    merit: Floats

    def __len__(self) -> int:
        return len(self.prediction)

    def take(self, rows: Ints | Bools) -> AdmissiblePairs:
        """The pairs of these rows (indices or a mask)."""
        return AdmissiblePairs(
            prediction=self.prediction[rows],
            cell=self.cell[rows],
            value=self.value[rows],
            merit=self.merit[rows],
        )


def admissible(
    predictions: ObjectColumns,
    objects: ObjectColumns,
    protocol: Protocol,
    geometry: Geometry,
    *,
    widen: bool = False,
) -> AdmissiblePairs:
    """Every pair that the limit of the protocol admits; `widen`: the limit of a near miss."""
    if protocol.outlines and not widen:
        return _by_outline(predictions, objects, protocol, geometry)
    if geometry == "bb":
        iou = protocol.near_iou if widen else protocol.iou
        assert iou is not None
        return box_pairs(predictions, objects, iou=iou, inclusive=protocol.inclusive)
    if protocol.outlines:
        return centre_pairs(predictions, objects, radius=_diagonal(objects))
    radius: float | Floats | None = protocol.radius_px if objects.radius is None else objects.radius
    assert radius is not None
    return centre_pairs(predictions, objects, radius=radius * (protocol.near_radii if widen else 1))


def _by_outline(
    predictions: ObjectColumns, objects: ObjectColumns, protocol: Protocol, geometry: Geometry
) -> AdmissiblePairs:
    """Pairs by shared pixels, or by a centre inside an outline: of several cells around it the nearest."""
    if geometry == "cd":
        p, c, distance = points_inside(predictions, objects)
        # No point inside lies further from the centre than the box is long from corner to corner.
        return AdmissiblePairs(
            prediction=p, cell=c, value=distance, merit=-np.round(distance / _diagonal(objects)[c], DECIMALS)
        )
    p, c, shared, either = shared_pixels(predictions, objects)
    value = shared / either
    merit = np.round(value, DECIMALS)
    assert protocol.iou is not None
    keep = np.flatnonzero((merit >= protocol.iou) if protocol.inclusive else (merit > protocol.iou))
    return AdmissiblePairs(prediction=p, cell=c, value=value, merit=merit).take(keep)


def _diagonal(objects: ObjectColumns) -> Floats:
    diagonal: Floats = np.maximum(np.hypot(*objects.size), np.finfo(float).tiny)
    return diagonal


def centre_pairs(
    predictions: ObjectColumns, cells: ObjectColumns, *, radius: float | Floats
) -> AdmissiblePairs:
    """All pairs on one image whose centres are at most `radius` pixels apart, which may be one a cell."""
    found = []
    reach = radius if isinstance(radius, int | float) else float(radius.max(initial=0.0))
    for p, c in near(_centres(predictions), _centres(cells), reach=reach * (1 + _MARGIN)):
        distance = np.hypot(predictions.x[p] - cells.x[c], predictions.y[p] - cells.y[c])
        limit = radius if isinstance(radius, int | float) else radius[c]
        merit = -np.round(distance / limit, DECIMALS)
        keep = np.flatnonzero(merit >= -1)
        found.append((p[keep], c[keep], distance[keep], merit[keep]))
    return _joined(found)


def box_pairs(
    predictions: ObjectColumns, cells: ObjectColumns, *, iou: float, inclusive: bool
) -> AdmissiblePairs:
    """All pairs on one image whose boxes reach an IoU above `iou` (`inclusive`: or equal to it)."""
    found = []
    for p, c in _box_candidates(predictions, cells, iou=iou):
        value = _intersection_over_union(predictions, p, cells, c)
        merit = np.round(value, DECIMALS)
        keep = np.flatnonzero((merit >= iou) if inclusive else (merit > iou))
        found.append((p[keep], c[keep], value[keep], merit[keep]))
    return _joined(found)


def _joined(found: list[tuple[Ints, Ints, Floats, Floats]]) -> AdmissiblePairs:
    none, nothing = np.zeros(0, np.int64), np.zeros(0)
    columns = zip((none, none, nothing, nothing), *found, strict=True)
    prediction, cell, value, merit = (np.concatenate(column) for column in columns)
    return AdmissiblePairs(prediction=prediction, cell=cell, value=value, merit=merit)


def inside_regions(
    predictions: ObjectColumns, regions: ObjectColumns, protocol: Protocol, geometry: Geometry
) -> Ints:
    """Rows of the predictions inside a region: by the share of their own box (BB) or by their centre (CD)."""
    inside = np.zeros(len(predictions), bool)
    for p, r in region_candidates(predictions, regions, geometry):
        if geometry == "bb":
            area = predictions.size[0][p] * predictions.size[1][p]
            within = intersection(predictions, p, regions, r) > protocol.region_share * area
        else:
            x, y = predictions.x[p], predictions.y[p]
            x0, y0, x1, y1 = (side[r] for side in regions.box)
            within = (x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)
        inside[p[within]] = True
    return np.flatnonzero(inside)


def intersection(a: ObjectColumns, i: Ints, b: ObjectColumns, j: Ints) -> Floats:
    """(m,) area shared by box i of `a` and box j of `b`, square pixels."""
    width = np.minimum(a.box[2][i], b.box[2][j]) - np.maximum(a.box[0][i], b.box[0][j])
    height = np.minimum(a.box[3][i], b.box[3][j]) - np.maximum(a.box[1][i], b.box[1][j])
    area: Floats = np.where((width > 0) & (height > 0), width * height, 0.0)
    return area


def _intersection_over_union(a: ObjectColumns, i: Ints, b: ObjectColumns, j: Ints) -> Floats:
    """(m,) intersection over union of box i of `a` with box j of `b`; 0 for two empty boxes."""
    shared = intersection(a, i, b, j)
    union = a.size[0][i] * a.size[1][i] + b.size[0][j] * b.size[1][j] - shared
    iou: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return iou


def _box_candidates(
    predictions: ObjectColumns, cells: ObjectColumns, *, iou: float
) -> Iterator[tuple[Ints, Ints]]:
    """Candidate pairs of boxes: those whose sides and centres allow the limit."""
    sides = _longer_sides(predictions), _longer_sides(cells)
    if not sides[0].any() or not sides[1].any():
        return
    usual = _usual(sides)
    levels = [_size_levels(side, usual, iou) for side in sides]
    middles = _middles(predictions), _middles(cells)
    for level in _present(levels[1]):
        indexed = _rows_on(levels[1], level)
        for other in (level - 1, level, level + 1):
            asking = _rows_on(levels[0], other)
            if len(side := sides[0][asking]):
                widest = (side.max() + sides[1][indexed].max()) / 2
                reach = widest * (1 - iou) / (1 + iou) + widest * _MARGIN
                yield from near(middles[0].take(asking), middles[1].take(indexed), reach=reach)


def _longer_sides(objects: ObjectColumns) -> Floats:
    """(n,) the longer side of each box, pixels; 0 of a box without an extent."""
    longer: Floats = np.maximum(*objects.size)
    longer[np.minimum(*objects.size) <= 0] = 0
    return longer


def _usual(sides: tuple[Floats, Floats]) -> float:
    """About the median of the sides above 0: which one it is moves nothing but the time."""
    some = np.concatenate([side[:: 1 + len(side) // _SAMPLE] for side in sides])
    if not some.any():
        some = np.concatenate(sides)
    some = some[some > 0]
    # np.median itself loads numpy.ma, which takes longer than a small set of images.
    return float(np.partition(some, len(some) // 2)[len(some) // 2])


def _size_levels(side: Floats, usual: float, iou: float) -> NDArray[np.int16]:
    """(n,) boxes that may match are on the same level or on neighbouring ones; `_NO_LEVEL` of a side of 0.

    All boxes of about the usual side are on level 0, so that an ordinary set of images has but one level.
    """
    levels = np.zeros(len(side), np.int16)
    odd = np.flatnonzero((side > usual * 1.9) | (side < usual / 15))
    base = np.log(max(1 / iou, 4.0) * (1 + _MARGIN))
    ratio = np.log(np.maximum(side[odd], np.finfo(float).tiny) / usual)
    above, below = np.ceil((ratio - np.log(2)) / base), np.floor((ratio + np.log(16)) / base)
    levels[odd] = np.where(ratio > np.log(2), above, np.where(ratio < -np.log(16), below, 0.0))
    levels[odd[side[odd] == 0]] = _NO_LEVEL
    return levels


def _present(levels: NDArray[np.int16]) -> list[int]:
    """The levels that any box is on, ascending."""
    numbers: list[int] = np.flatnonzero(np.bincount(levels.astype(np.int64) - _NO_LEVEL)).tolist()
    return [number + _NO_LEVEL for number in numbers if number]


def _rows_on(levels: NDArray[np.int16], level: int) -> Ints | slice:
    """The rows of the boxes on a level."""
    on_level = levels == level
    return slice(None) if on_level.all() else np.flatnonzero(on_level)


def _middles(objects: ObjectColumns, rows: Ints | slice = slice(None)) -> Points:
    x0, y0, x1, y1 = (side[rows] for side in objects.box)
    return Points(np.arange(len(objects))[rows], objects.image[rows], _halfway(x0, x1), _halfway(y0, y1))


def _halfway(low: Floats, high: Floats) -> Floats:
    middle: Floats = low + high
    middle /= 2
    return middle


def _centres(objects: ObjectColumns) -> Points:
    return Points(np.arange(len(objects)), objects.image, objects.x, objects.y)


def region_candidates(
    predictions: ObjectColumns, regions: ObjectColumns, geometry: Geometry, *, share: float = 0.5
) -> Iterator[tuple[Ints, Ints]]:
    """Candidate pairs of a prediction and a region that may hold `share` of it."""
    if not len(predictions) or not len(regions):
        return
    half = np.maximum(*regions.size) / 2
    level = np.floor(np.log2(np.maximum(half, 1.0)))
    asking = _middles(predictions) if geometry == "bb" else _centres(predictions)
    # Of a box that lies half inside a region the middle is inside it too; for less, it may lie outside.
    beyond = 0.0 if share >= 0.5 else float(np.maximum(*predictions.size).max()) / 2
    for here in np.unique(level):
        rows = np.flatnonzero(level == here)
        reach = (half[rows].max() + beyond) * (1 + _MARGIN) + _MARGIN
        yield from near(asking, _middles(regions, rows), reach=reach)
