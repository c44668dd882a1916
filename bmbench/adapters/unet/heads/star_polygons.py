"""Star-convex polygons: corners from distances, shared areas, suppression of those that overlap.

Schmidt et al., Cell detection with star-convex polygons, MICCAI 2018: a polygon is a point inside and its
distances to the outline along rays at equal angles; of polygons that overlap, the most probable stays.
"""

from __future__ import annotations

import numpy as np

from bmbench.core.geometry import circle_shared_area
from bmbench.core.types import Floats, Ints

RAYS = 32
"""As many as in the paper; their directions begin with that of x and turn towards y."""
_LEAST_PX = 1e-3
"""No corner lies nearer to its centre: a polygon has an area."""


def directions(rays: int = RAYS) -> Floats:
    """(rays, 2) unit vectors x, y."""
    angle = 2 * np.pi * np.arange(rays) / rays
    return np.column_stack([np.cos(angle), np.sin(angle)])


def star_polygons(centre: Floats, distance: Floats) -> Floats:
    """(n, rays, 2) corners of the polygons around (n, 2) centres, from (n, rays) distances."""
    far = np.maximum(distance, _LEAST_PX)
    corners: Floats = centre[:, None] + far[..., None] * directions(distance.shape[1])
    return corners


def suppress_polygons(centre: Floats, distance: Floats, confidence: Floats, *, overlap: float) -> Ints:
    """(k,) rows of the polygons that stay, the most confident first.

    One that stays drops all less confident ones that share more than `overlap` with it, as a part of the
    smaller polygon's area. Of equally confident ones the first goes before.

    The circles inside and around two polygons decide most pairs; corners are asked only for the others.

    Parameters
    ----------
    centre : (n, 2) pixels
    distance : (n, rays) pixels
    confidence : (n,)
    overlap : float
        In [0, 1].
    """
    from scipy.spatial import cKDTree

    if not len(centre):
        return np.zeros(0, np.int64)
    order = np.argsort(-confidence, kind="stable")
    centre = centre[order]
    corner = star_polygons(centre, distance[order])
    area = _areas(corner, centre)
    inside, around = (np.column_stack([centre, radius]) for radius in _radii(corner, centre))
    tree, widest = cKDTree(centre), float(around[:, 2].max())
    waits = np.ones(len(order), bool)
    kept = []
    for i in range(len(order)):
        if not waits[i]:
            continue
        kept.append(i)
        near = np.array(tree.query_ball_point(centre[i], around[i, 2] + widest))
        near = near[(near > i) & waits[near]]
        limit = overlap * np.minimum(area[i], area[near])
        surely = circle_shared_area(np.repeat(inside[i : i + 1], len(near), axis=0), inside[near]) > limit
        waits[near[surely]] = False
        perhaps = ~surely & (
            circle_shared_area(np.repeat(around[i : i + 1], len(near), axis=0), around[near]) > limit
        )
        asked = near[perhaps]
        waits[asked] = shared_areas(corner[i], centre[i], corner[asked]) <= limit[perhaps]
    return order[kept]


def shared_areas(star: Floats, centre: Floats, others: Floats) -> Floats:
    """(m,) area that a star-convex polygon shares with each of m simple ones.

    Every polygon is the sum of the triangles between a point and its edges, counted negative where an edge
    runs the other way round the point. With the star's centre as that point a pair of triangles shares a
    wedge, cut off by the nearer of two lines; the lines may cross in it once.

    Parameters
    ----------
    star : (rays, 2)
        Its corners along `directions` from the centre.
    others : (m, k, 2)
        Corners that turn the same way.
    """
    mine = star - centre
    theirs = (others - centre).reshape(-1, 2)
    following = (np.roll(others, -1, axis=1) - centre).reshape(-1, 2)
    sign = np.sign(_cross(theirs, following))
    swapped = sign[:, None] < 0
    one, other = np.where(swapped, following, theirs), np.where(swapped, theirs, following)
    # In angles between rays: an edge begins in one sector of the star, and ends in that or a later one.
    sector = 2 * np.pi / len(star)
    begins = np.arctan2(one[:, 1], one[:, 0]) / sector
    ends = begins + _angle(one, other) / sector
    first = np.floor(begins).astype(np.int64)
    n_sectors = np.floor(ends).astype(np.int64) - first + 1
    edge = np.repeat(np.arange(len(one)), n_sectors)
    within = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(n_sectors) - n_sectors, n_sectors)
    start, end = sector * np.maximum(begins[edge], within), sector * np.minimum(ends[edge], within + 1)
    near, far = mine[within % len(star)], mine[(within + 1) % len(star)]
    wedge = _nearer_area(_reach(near, far, start, end), _reach(one[edge], other[edge], start, end))
    wedge *= np.sin(end - start) * sign[edge]
    shared = np.zeros(len(others))
    np.add.at(shared, edge // others.shape[1], wedge)
    return shared


def _nearer_area(one: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> Floats:
    """Area in a wedge up to the nearer of two lines, by the sine of the wedge's angle.

    From how far each line is away along the wedge's two sides. On the chord between the sides the inverse of
    that runs straight, so that lines cross where the two inverses do.
    """
    inverse = np.array([[1 / far for far in line] for line in (one, other)])
    nearer = inverse.max(axis=0)
    first, second = inverse[0] - inverse[1]
    crosses = first * second < 0
    share = np.where(crosses, first / np.where(crosses, first - second, 1.0), 0.5)
    at = np.where(crosses, (1 - share) * inverse[0, 0] + share * inverse[0, 1], 1.0)
    bent = (share / nearer[0] + (1 - share) / nearer[1]) / (2 * at)
    area: Floats = np.where(crosses, bent, 1 / (2 * nearer[0] * nearer[1]))
    return area


def _reach(begin: Floats, end: Floats, *angles: Floats) -> tuple[Floats, Floats]:
    """How far the line through two points is away along each of two directions."""
    edge = end - begin
    whole = _cross(begin, edge)
    one, other = (
        np.maximum(whole / _cross(np.stack([np.cos(angle), np.sin(angle)], axis=-1), edge), 1e-12)
        for angle in angles
    )
    return one, other


def _cross(one: Floats, other: Floats) -> Floats:
    product: Floats = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    return product


def _angle(one: Floats, other: Floats) -> Floats:
    """The angle from one vector to the other, in [−π, π]."""
    angle: Floats = np.arctan2(_cross(one, other), (one * other).sum(axis=-1))
    return angle


def _areas(corner: Floats, centre: Floats) -> Floats:
    away = corner - centre[:, None]
    area: Floats = _cross(away, np.roll(away, -1, axis=1)).sum(axis=1) / 2
    return area


def _radii(corner: Floats, centre: Floats) -> tuple[Floats, Floats]:
    """(n,) of the largest circle around the centre inside each polygon, and of the smallest around it."""
    away = corner - centre[:, None]
    edge = np.roll(away, -1, axis=1) - away
    along = -(away * edge).sum(axis=-1) / np.maximum((edge**2).sum(axis=-1), 1e-12)
    foot = away + np.clip(along, 0, 1)[..., None] * edge
    return np.hypot(*np.moveaxis(foot, -1, 0)).min(axis=1), np.hypot(*np.moveaxis(away, -1, 0)).max(axis=1)
