"""The smallest circle around each of many outlines, all of them at the same time."""

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from bmbench.core.types import Floats, Ints

_AT_ONCE = 1 << 14
"""Points that are looked at together: few enough to stay in the processor's cache."""
_PAIRS = np.array(list(itertools.combinations(range(4), 2)))
_TRIPLES = np.array(list(itertools.combinations(range(4), 3)))
_CARRIERS = np.concatenate([_PAIRS[:, [0, 0, 1]], _TRIPLES])
"""(10, 3) which of four points may carry a circle; of a pair the first one stands twice."""


def enclosing_circles(outlines: Sequence[Floats]) -> Floats:
    """(n, 3) x, y, radius of the smallest circle around the points (k, 2) of each outline, k ≥ 1.

    Exact up to rounding. Of the points outside the circle found so far the farthest one joins it, and
    the smallest circle around the (at most three) points that carry it and the new one is the next; its
    radius grows each time, so that this ends (the idea of Welzl 1991, with the pivot of Gärtner 1999).
    """
    circles = np.zeros((len(outlines), 3))
    for rows in _of_like_length(np.array([len(outline) for outline in outlines], np.int64)):
        circles[rows] = _circles(_padded([outlines[row] for row in rows.tolist()]))
    return circles


def _of_like_length(lengths: Ints) -> Iterator[Ints]:
    """The rows of outlines that are worked on together, so that little is padded."""
    rows = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(rows):
        longest = lengths[rows[start:]]
        fit = longest * np.arange(1, len(longest) + 1) <= _AT_ONCE
        end = start + max(int(fit.sum()), 1)
        yield rows[start:end]
        start = end


def _padded(outlines: Sequence[Floats]) -> Floats:
    """(n, k, 2) the points of each outline, its first one again where it has fewer than the longest."""
    length = np.array([len(outline) for outline in outlines])
    column = np.arange(length.max())
    within = np.where(column < length[:, None], column, 0)
    padded: Floats = np.concatenate(outlines)[(np.cumsum(length) - length)[:, None] + within]
    return padded


def _circles(points: Floats) -> Floats:
    """(n, 3) the smallest circle around each row of points (n, k, 2)."""
    near = points - points[:, :1]
    circles = np.zeros((len(points), 3))
    # The points that carry each circle; those of the circle before, and behind them the one that joined it.
    carriers, few = np.zeros((len(points), 3, 2)), np.zeros((len(points), 4, 2))
    rows = np.arange(len(points))
    for _ in range(points.shape[1] + 100):
        # What an outline's circle holds already is not looked at again.
        x, y, radius = circles[rows].T[:, :, None]
        distance = np.hypot(near[rows, :, 0] - x, near[rows, :, 1] - y)
        far = distance.argmax(axis=1)
        outside = distance[np.arange(len(rows)), far] > radius[:, 0] * (1 + 1e-12)
        rows, far = rows[outside], far[outside]
        if not len(rows):
            break
        few[rows, :3], few[rows, 3] = carriers[rows], near[rows, far]
        circles[rows], carriers[rows] = _around_four(few[rows])
    # Rounded as well as can be, unlike NumPy's: an outline that is moved keeps its radius.
    arms = (few - circles[:, None, :2]).reshape(-1, 2)
    radii = np.array(list(map(math.hypot, *arms.T.tolist()))).reshape(-1, 4)
    return np.column_stack([circles[:, :2] + points[:, 0], radii.max(axis=1)])


def _around_four(few: Floats) -> tuple[Floats, Floats]:
    """(n, 3) the smallest circle around each four points (n, 4, 2), and (n, 3, 2) those that carry it.

    Two or three of the points carry it, so that its centre is one of ten; taking the centre whose farthest
    point is nearest needs no tolerance, which nearly straight triples would defeat.
    """
    a, b = few[:, _PAIRS[:, 0]], few[:, _PAIRS[:, 1]]
    centre = np.concatenate([(a + b) / 2, _equally_far(few[:, _TRIPLES])], axis=1)
    away = few[:, None] - centre[:, :, None]
    radius = np.hypot(away[..., 0], away[..., 1]).max(axis=2)
    each = np.arange(len(few))
    best = np.where(np.isnan(radius), np.inf, radius).argmin(axis=1)
    circles = np.column_stack([centre[each, best], radius[each, best]])
    return circles, few[each[:, None], _CARRIERS[best]]


def _equally_far(triples: Floats) -> Floats:
    """(n, 4, 2) the point equally far from three (n, 4, 3, 2); NaN where those lie on a line."""
    origin = triples[:, :, 0]
    bx, by = np.moveaxis(triples[:, :, 1] - origin, -1, 0)
    cx, cy = np.moveaxis(triples[:, :, 2] - origin, -1, 0)
    cross = 2 * (bx * cy - by * cx)
    cross = np.where(cross == 0, np.nan, cross)
    b2, c2 = bx * bx + by * by, cx * cx + cy * cy
    middle: Floats = origin + np.stack([(cy * b2 - by * c2) / cross, (bx * c2 - cx * b2) / cross], axis=-1)
    return middle
