"""Areas and overlaps of boxes (n, 4) and circles (n, 3); pairs come from a spatial index."""

from functools import partial
from typing import NamedTuple

import numpy as np

from bmbench.core.geometry import circle_box, circle_shared_area
from bmbench.core.spatial_index import iou_reach, near_boxes
from bmbench.core.types import Floats, Ints


class OverlapPairs(NamedTuple):
    """Pairs of overlapping shapes.

    Attributes
    ----------
    one, other : (m,) int64
        Rows of the shapes.
    iou : (m,) float64
        Intersection over union.
    shared : (m,) float64, square pixels
        Area of the intersection.
    """

    one: Ints
    other: Ints
    iou: Floats
    shared: Floats


def are_circles(shapes: Floats) -> bool:
    """Whether the rows are circles (three columns) and not boxes (four)."""
    if shapes.ndim != 2 or shapes.shape[1] not in {3, 4}:
        raise ValueError(f"shapes are (n, 4) boxes or (n, 3) circles, not {shapes.shape}")
    return bool(shapes.shape[1] == 3)


def bounding_box(shapes: Floats) -> Floats:
    """(n, 4) boxes around the shapes."""
    return circle_box(shapes) if are_circles(shapes) else shapes


def area(shapes: Floats) -> Floats:
    """(n,) areas."""
    if are_circles(shapes):
        disc: Floats = np.pi * shapes[:, 2] ** 2
        return disc
    box: Floats = (shapes[:, 2] - shapes[:, 0]) * (shapes[:, 3] - shapes[:, 1])
    return box


def shared_area(one: Floats, other: Floats) -> Floats:
    """(n,) area that shape i of `one` shares with shape i of `other`."""
    if are_circles(one):
        return circle_shared_area(one, other)
    width = np.minimum(one[:, 2], other[:, 2]) - np.maximum(one[:, 0], other[:, 0])
    height = np.minimum(one[:, 3], other[:, 3]) - np.maximum(one[:, 1], other[:, 1])
    shared: Floats = np.maximum(width, 0) * np.maximum(height, 0)
    return shared


def enlarged(shapes: Floats, by_px: float) -> Floats:
    """The shapes with `by_px` added to the sides of boxes (far corner) or to the diameters of circles."""
    extra = [0.0, 0.0, by_px / 2] if are_circles(shapes) else [0.0, 0.0, by_px, by_px]
    grown: Floats = shapes + np.array(extra)
    return grown


def overlapping(
    shapes: Floats, rows: Ints, *, above_iou: float = 0.0, label: Ints | None = None
) -> OverlapPairs:
    """All pairs of one of these rows with any other one whose intersection over union is above that.

    With labels only pairs of the same label. A pair of two of these rows stands twice, once either way round.
    """
    boxes = bounding_box(shapes)
    pairs = near_boxes(boxes[rows], boxes, partial(iou_reach, iou=above_iou))
    one, other = rows[pairs[:, 0]], pairs[:, 1]
    kept = one != other if label is None else (one != other) & (label[one] == label[other])
    one, other = one[kept], other[kept]
    a, b = shapes[one], shapes[other]
    shared = shared_area(a, b)
    union = area(a) + area(b) - shared
    iou = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    near = iou > above_iou
    return OverlapPairs(one=one[near], other=other[near], iou=iou[near], shared=shared[near])
