"""Geometry of boxes, circles and polygons, in pixels."""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bmbench.core.types import Bools, Floats, Ints, Rings

Number = TypeVar("Number", bound=np.generic)
_MOST_AT_ONCE = 1 << 22
"""Pairs of a line and an edge that are compared at a time, for the memory's sake."""


def box_centre(box: Floats) -> Floats:
    """(n, 2) centres of (n, 4) boxes."""
    return (box[:, :2] + box[:, 2:]) / 2


def circle_box(circle: Floats) -> Floats:
    """(n, 4) bounding boxes of (n, 3) circles x, y, radius."""
    return np.concatenate([circle[:, :2] - circle[:, 2:], circle[:, :2] + circle[:, 2:]], axis=1)


def box_iou(a: Floats, b: Floats) -> Floats:
    """(n,) intersection over union of box i of `a` with box i of `b`, both (n, 4); 0 for two empty boxes."""
    extent = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    shared = np.prod(np.clip(extent, 0.0, None), axis=1)
    union = np.prod(a[:, 2:] - a[:, :2], axis=1) + np.prod(b[:, 2:] - b[:, :2], axis=1) - shared
    iou: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return iou


def circle_shared_area(a: Floats, b: Floats) -> Floats:
    """(n,) area of the lens that circle i of `a` shares with circle i of `b`, both (n, 3) x, y, radius.

    Two circular segments; all of the smaller circle where it lies inside the larger one.
    """
    r, s = np.maximum(a[:, 2], b[:, 2]), np.minimum(a[:, 2], b[:, 2])
    d = np.hypot(a[:, 0] - b[:, 0], a[:, 1] - b[:, 1])
    shared = np.where(d <= r - s, np.pi * s**2, 0.0)
    lens = (d > r - s) & (d < r + s)
    r, s, d = r[lens], s[lens], d[lens]
    # Half the angle under which each centre sees the chord through the two crossings.
    at_r = np.arccos(np.clip((d**2 + r**2 - s**2) / (2 * d * r), -1, 1))
    at_s = np.arccos(np.clip((d**2 + s**2 - r**2) / (2 * d * s), -1, 1))
    shared[lens] = r**2 * (at_r - np.sin(2 * at_r) / 2) + s**2 * (at_s - np.sin(2 * at_s) / 2)
    return shared


def circle_iou(a: Floats, b: Floats) -> Floats:
    """(n,) intersection over union of circle i of `a` with circle i of `b`, both (n, 3); 0 for two points."""
    shared = circle_shared_area(a, b)
    union = np.pi * (a[:, 2] ** 2 + b[:, 2] ** 2) - shared
    iou: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return iou


def rectangle(x0: float, y0: float, x1: float, y1: float) -> Rings:
    """The outline of a rectangle."""
    return (np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64),)


def turned_box(box: Sequence[float], degrees: float) -> tuple[list[float], Rings]:
    """The bounding box and the outline of a box x0 y0 x1 y1 that is turned clockwise about its middle.

    There is no outline where the turned box is a box again.

    >>> turned_box([100, 140, 300, 160], 90)
    ([190.0, 50.0, 210.0, 250.0], ())
    """
    quarters, rest = divmod(degrees % 180, 90)
    if not quarters and not rest:
        return list(box), ()
    x0, y0, x1, y1 = box
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    half = np.array([(x1 - x0) / 2, (y1 - y0) / 2])
    if not rest:
        return [*(centre - half[::-1]).tolist(), *(centre + half[::-1]).tolist()], ()
    angle = math.radians(degrees)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    ring: Floats = centre + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half @ turn
    return rings_box((ring,)).tolist(), (ring,)


def ellipse_ring(centre: Sequence[float] | Floats, radii: Sequence[float] | Floats, turn: float) -> Floats:
    """(64, 2) corners of an ellipse that is turned clockwise (in images) by `turn` radians."""
    angle = np.arange(64) * (2 * np.pi / 64)
    flat = np.stack([radii[0] * np.cos(angle), radii[1] * np.sin(angle)], axis=1)
    turned = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    points: Floats = np.asarray(centre, np.float64) + flat @ turned
    return points


def cut_rings(corners: NDArray[Number], lengths: Sequence[int]) -> list[NDArray[Number]]:
    """The rings whose corners stand one after the other in (m, 2) `corners`, so many of each.

    As `numpy.split` does it, which takes forty times as long.
    """
    ends = list(accumulate(lengths, initial=0))
    return [corners[start:end] for start, end in pairwise(ends)]


def rings_box(rings: Rings) -> Floats:
    """(4,) bounding box of an outline with at least one point."""
    points = rings[0] if len(rings) == 1 else np.concatenate(rings)
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def ring_area(ring: Floats) -> float:
    """Area of one closed polygon (k, 2), whichever way it turns (shoelace formula); 0 without corners."""
    x, y = (ring - ring[:1]).T
    # The first corner is the origin: the pair of the last and the first corner adds nothing.
    return float(abs(np.dot(x[:-1], y[1:]) - np.dot(y[:-1], x[1:])) / 2)


def rings_area(rings: Rings) -> float:
    """Area of an outline; a ring inside another one is a hole, inside a hole a part again (even-odd).

    The rings must not cross each other, but may touch.
    """
    areas = [ring_area(ring) for ring in rings]
    if len(areas) < 2:
        return sum(areas, 0.0)
    total = 0.0
    for area, depth in zip(areas, rings_around(rings).sum(axis=0).tolist(), strict=True):
        total += -area if depth % 2 else area
    return total


def outline_areas(outlines: Sequence[Rings]) -> Floats:
    """(n,) `rings_area` of each outline, 0 of one without rings."""
    areas = np.array([rings_area(rings) if len(rings) > 1 else 0.0 for rings in outlines], np.float64)
    rows = [row for row, rings in enumerate(outlines) if len(rings) == 1 and len(rings[0])]
    simple = [outlines[row][0] for row in rows]
    if simple:
        length = np.array([len(ring) for ring in simple])
        ends, points = np.cumsum(length), np.concatenate(simple)
        x, y = (points - np.repeat(points[ends - length], length, axis=0)).T
        areas[rows] = [
            abs(np.dot(x[a : b - 1], y[a + 1 : b]) - np.dot(y[a : b - 1], x[a + 1 : b])) / 2
            for a, b in zip((ends - length).tolist(), ends.tolist(), strict=True)
        ]
    return areas


def rings_around(rings: Rings) -> Bools:
    """(n, n) whether ring i lies around ring j. The rings must not cross each other, but may touch."""
    area = np.array([ring_area(ring) for ring in rings])
    inside = np.array([inner_point(ring) for ring in rings]).reshape(-1, 2)
    holds = np.array([rings_contain((ring,), inside) for ring in rings], bool)
    # A smaller ring may hold a point inside j as well: that is a hole of j, not the other way round.
    around: Bools = holds.reshape(len(rings), len(rings)) & (area[:, None] > area)
    return around


def rings_contain(rings: Rings, xy: Floats) -> Bools:
    """(n,) whether an outline contains each point (n, 2) (even-odd rule).

    Of points on the outline itself those at its left and at its upper edge are inside.
    """
    point, at = _crossings(rings, xy[:, 1])
    inside: Bools = np.bincount(point[at > xy[point, 0]], minlength=len(xy)) % 2 == 1
    return inside


def rings_mask(
    rings: Rings, height: int, width: int, *, corner: tuple[int, int] = (0, 0), lower: bool = True
) -> NDArray[np.uint8]:
    """(height, width) 1 where a pixel's centre lies inside the outline (even-odd rule), else 0.

    Takes the time of the outline's corners and rows, not of their product with the columns.

    Parameters
    ----------
    corner : (x, y)
        Of the first pixel.
    lower : bool
        Of centres on the outline itself those at its left are inside, and those at its lower edge, or else at
        its upper one: shapes that touch share no pixel.
    """
    heights = np.arange(height, dtype=np.float64) + (corner[1] + 0.5)
    row, at = _crossings(rings, heights, lower=lower)
    # Right of a crossing, inside and outside change places.
    first = np.clip(np.ceil(at - (corner[0] + 0.5)), 0, width).astype(np.intp)
    crossings = np.bincount(row * (width + 1) + first, minlength=height * (width + 1))
    odd = crossings.reshape(height, width + 1)[:, :-1].cumsum(axis=1) & 1
    return odd.astype(np.uint8)


def inner_point(ring: Floats) -> Floats:
    """(2,) a point strictly inside a closed polygon of some area, however it is bent.

    On a horizontal line between two neighbouring corner heights, the middle between the first two
    crossings lies inside.
    """
    heights = np.unique(ring[:, 1])
    if len(heights) < 2:
        flat: Floats = ring.mean(axis=0)
        return flat
    gap = int(np.argmax(np.diff(heights)))
    y = (heights[gap] + heights[gap + 1]) / 2
    at = np.sort(_crossings((ring,), np.array([y]))[1])
    return np.array([(at[0] + at[1]) / 2, y])


def clip_ring(ring: Floats, width: float, height: float) -> Floats:
    """(k, 2) the part of a closed polygon inside the rectangle 0 ≤ x ≤ width, 0 ≤ y ≤ height; maybe empty.

    Sutherland and Hodgman (1974). A bent polygon that falls apart stays one ring, its parts joined along
    the rectangle's edge: area and bounding box are exact.
    """
    if len(ring) and (ring >= 0).all() and (ring <= (width, height)).all():
        return ring
    for axis, limit, sign in ((0, 0.0, 1.0), (0, width, -1.0), (1, 0.0, 1.0), (1, height, -1.0)):
        if len(ring) == 0:
            break
        ring = _clip_half(ring, axis, limit, sign)
    return ring


def _crossings(rings: Rings, y: Floats, *, lower: bool = False) -> tuple[Ints, Floats]:
    """(m,) which of the horizontal lines at heights `y` (n,) cross an outline, and (m,) at which x.

    A line at the height of a corner passes below it; with `lower` above it.
    """
    ax, ay = np.concatenate(rings).T
    if len(y) * len(ay) > _MOST_AT_ONCE and len(y) > 1:
        middle = len(y) // 2
        first, second = _crossings(rings, y[:middle], lower=lower), _crossings(rings, y[middle:], lower=lower)
        return np.concatenate([first[0], second[0] + middle]), np.concatenate([first[1], second[1]])
    bx, by = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings]).T
    beyond = np.less if lower else np.greater
    line, edge = np.nonzero(beyond(ay, y[:, None]) != beyond(by, y[:, None]))
    at: Floats = ax[edge] + (y[line] - ay[edge]) * (bx[edge] - ax[edge]) / (by[edge] - ay[edge])
    return line, at


def _clip_half(ring: Floats, axis: int, limit: float, sign: float) -> Floats:
    depth = sign * (ring[:, axis] - limit)
    if (depth >= 0).all():
        return ring
    follower, depth_after = np.roll(ring, -1, axis=0), np.roll(depth, -1)
    inside, leaves = depth >= 0, (depth >= 0) != (depth_after >= 0)
    share = np.divide(depth, depth - depth_after, out=np.zeros_like(depth), where=leaves)
    cut = ring + share[:, None] * (follower - ring)
    cut[:, axis] = limit
    both = np.stack([ring, cut], axis=1).reshape(-1, 2)
    clipped: Floats = both[np.stack([inside, leaves], axis=1).ravel()]
    return clipped
