"""Each cell once: who reports a cell that two tiles see.

A detection belongs to the tile whose core holds its centre; its own tile reports it and the others do not.
That alone goes wrong where two tiles put the centre of one cell on different sides of their seam: both
report it, or neither does. So the detections near seams, from every tile that sees them, are compared. Two
of different tiles whose boxes overlap by more than `SAME_CELL`, or whose centres are nearer than `NEAR`, are
views of one cell, of which one is reported. A view that its own tile does not own is reported only if
another tile sees that cell too; what one tile alone sees in another one's core is left to the other's
judgement.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bmbench.benchmark.prediction.tiles import Grid, Tile, within
from bmbench.core.geometry import box_centre, box_iou
from bmbench.core.spatial_index import iou_reach, near_boxes
from bmbench.core.types import Bools, Detections, Floats, Ints

SAME_CELL = 0.3
"""Two views of one cell overlap by more than this (intersection over union of boxes), two neighbouring
cells by less: discs that press on each other until their centres are 0.84 of their radii's sum apart have
0.09."""
NEAR = 0.5
"""Two views of one cell have their centres nearer than this share of the sum of their radii (half the mean
side of the box each)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Views:
    """What several tiles see near their seams; row i of every column is one detection.

    Attributes
    ----------
    tile, row : (n,) int64
        Number of the tile; row among the tile's detections.
    box : (n, 4) float64, confidence : (n,) float64
    owned : (n,) bool
        Whether the centre lies in the tile's own core.
    """

    tile: Ints
    row: Ints
    box: Floats
    confidence: Floats
    owned: Bools


def candidates(detections: Detections, tile: Tile, grid: Grid) -> Detections:
    """The detections that a tile may have to report: in its core, or at most a band outside it."""
    return detections.take(within(detections.xy, tile.core, grid.size, grid.band_px))


def owned(detections: Detections, tile: Tile, grid: Grid) -> Bools:
    """(n,) whether each detection's centre lies in the tile's core."""
    return within(detections.xy, tile.core, grid.size)


def near_seams(parts: Iterable[tuple[Tile, Detections]], grid: Grid) -> Views:
    """The detections of all tiles that another tile may see in its band, or sees in their core's.

    A view in somebody's band lies at most one band from the seam, and its fellow another band further in.
    """
    tiles, rows, boxes, confidences, mine = [], [], [np.zeros((0, 4))], [np.zeros(0)], []
    for tile, detections in parts:
        inner = within(detections.xy, tile.core, grid.size, -2 * grid.band_px)
        near = np.flatnonzero(~inner)
        tiles.append(np.full(len(near), tile.number, np.int64))
        rows.append(near)
        boxes.append(detections.box[near])
        confidences.append(detections.confidence[near])
        mine.append(owned(detections, tile, grid)[near])
    return Views(
        tile=np.concatenate([*tiles, np.zeros(0, np.int64)]),
        row=np.concatenate([*rows, np.zeros(0, np.int64)]),
        box=np.concatenate(boxes),
        confidence=np.concatenate(confidences),
        owned=np.concatenate([*mine, np.zeros(0, bool)]),
    )


def settle(views: Views) -> Bools:
    """(n,) whether each view near a seam is reported.

    Views are taken in the order: owned ones first, then by confidence, tile and row. One that is reported
    rules out the views of *other* tiles that show the same cell. A view that was ruled out still bears
    witness: of two cells that their owner sees as one, the other tile's two views may both be reported.
    """
    order = np.lexsort((views.row, views.tile, -views.confidence, ~views.owned))
    others = _same_cell(views)
    reported = np.zeros(len(order), bool)
    ruled_out = np.zeros(len(order), bool)
    for view in order.tolist():
        witnesses = others.get(view, [])
        if not ruled_out[view] and (views.owned[view] or witnesses):
            reported[view] = True
            ruled_out[witnesses] = True
    return reported


def _same_cell(views: Views) -> dict[int, list[int]]:
    """For each view the views of other tiles that show the same cell."""
    found: dict[int, list[int]] = {}
    box = views.box
    centre, radius = box_centre(box), (box[:, 2:] - box[:, :2]).mean(axis=1) / 2
    pairs = near_boxes(box, box, _reach)
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    pairs = pairs[views.tile[pairs[:, 0]] != views.tile[pairs[:, 1]]]
    a, b = pairs.T
    near = np.hypot(*(centre[a] - centre[b]).T) < NEAR * (radius[a] + radius[b])
    pairs = pairs[near | (box_iou(views.box[a], views.box[b]) > SAME_CELL)]
    for one, other in pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))].tolist():
        found.setdefault(one, []).append(other)
        found.setdefault(other, []).append(one)
    return found


def _reach(a: float, b: float) -> float:
    """Most that the centres of two views of one cell, with sides of at most a and b, can be apart."""
    return max(iou_reach(a, b, SAME_CELL), NEAR * (a + b) / 2)
