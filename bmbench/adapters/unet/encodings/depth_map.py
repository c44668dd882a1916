"""Which object owns a pixel, and how deep the pixel lies inside it.

Every target map is a function of these two. Circles overlap, cells do not: where circles do, a pixel goes
to the circle whose centre is nearer in units of that circle's radius. The border so drawn runs through the
points where the circles cross, and even a small circle inside a large one keeps its own centre, which it
would lose under the power distance.

Or no border is drawn: each circle keeps its own depth everywhere, and a pixel goes to the circle in which it
ranks highest, so that its target is the highest of all that it would have.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bmbench.adapters.unet.labelled_pixels import exact_parts
from bmbench.core.geometry import rings_mask
from bmbench.core.objects import object_circles
from bmbench.core.scan_lines import pixels_of, runs_inside
from bmbench.core.types import Annotations, Bools, Floats, Ints, Rings, Role

Reals: TypeAlias = NDArray[np.float32]
Rank: TypeAlias = Callable[[Reals, Reals], Reals]
"""(depth of pixels, largest depth of their object) → how high they rank."""
_CHUNK = 1_000_000
"""Pixels of all windows that are computed at once; bounds the memory, not the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthMap:
    """Owner and depth of every pixel of one image.

    Attributes
    ----------
    owner : (h, w) int32
        Row of the annotations, plus one; 0 where no object is.
    depth : (h, w) float32, pixels
        Distance of the pixel's centre to the outline of its owner's own part; 0 outside.
    deepest : (n,) float32, pixels
        Largest depth of each object, also beyond the image's edge; 0 for an object without pixels.
    outside : float, pixels
        Depth of the pixels without an owner: 0, or below it where depth goes on outside of the objects.
    """

    owner: NDArray[np.int32]
    depth: Reals
    deepest: Reals
    outside: float = 0.0


def depth_map(
    annotations: Annotations,
    height: int,
    width: int,
    *,
    artefacts: bool = False,
    rank: Rank | None = None,
    beyond: float = 0.0,
) -> DepthMap:
    """The depth map of all cells and ignored objects, and of artefacts if they are asked for.

    Else artefacts are background: they own nothing. Ignored regions are no objects: see `ignored_regions`.
    Depth is exact up to the border between overlapping circles, where it is the first-order distance to
    that border (error below 0.2 px for equal radii within a radius of it); inside contours it is the
    distance of pixel centres, less half a pixel.

    With a `rank` no border is drawn between overlapping objects (see this module's first words).
    Pixels up to `beyond` px outside of an object are its own too, with minus their distance to it as depth.
    """
    n = len(annotations)
    result = DepthMap(
        owner=np.zeros((height, width), np.int32),
        depth=np.full((height, width), 0 - beyond, np.float32),
        deepest=np.zeros(n, np.float32),
        outside=0 - beyond,
    )
    objects = ~annotations.region
    if not artefacts:
        objects &= annotations.role != Role.ARTEFACT
    outlined = np.array([bool(rings) for rings in annotations.contour], bool)
    rows = np.flatnonzero(objects & outlined)
    _enter_contours(result, rows, [annotations.contour[row] for row in rows.tolist()], rank)
    rows = np.flatnonzero(objects & ~outlined)
    if not len(rows):
        return result
    circle = object_circles(annotations)
    rows = _without_duplicates(circle, annotations.role, rows)
    for part, corner, depth in _circle_windows(circle[rows], apart=rank is None, beyond=beyond):
        _enter_windows(result, rows[part], corner, depth, rank)
    return result


def ignored_regions(annotations: Annotations, height: int, width: int) -> Bools:
    """(h, w) True inside every ignored region: its outline, else its circle, else its box."""
    import cv2

    canvas = np.zeros((height, width), np.uint8)
    for row in np.flatnonzero(annotations.region):
        x, y, radius = annotations.circle[row]
        if annotations.contour[row]:
            canvas |= rings_mask(annotations.contour[row], height, width)
        elif radius > 0:
            dy, dx = np.ogrid[:height, :width]
            canvas[(dx + 0.5 - x) ** 2 + (dy + 0.5 - y) ** 2 < radius**2] = 1
        else:
            x0, y0, x1, y1 = np.round(annotations.box[row]).astype(int)
            cv2.rectangle(canvas, (x0, y0), (x1 - 1, y1 - 1), 1, thickness=cv2.FILLED)
    return canvas > 0


def edge_distance(mask: NDArray[np.uint8]) -> Reals:
    """(h, w) distance from each pixel of the mask to the nearest one outside it, between centres; 0 outside.

    Correctly rounded up to 1,600 px. OpenCV's own last digit depends on where in memory an array happens to
    lie; squared distances are whole numbers, and their roots are the same everywhere. Where nothing is
    outside, it is the sum of the sides.
    """
    import cv2

    distance = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    np.minimum(distance, np.float32(sum(mask.shape)), out=distance)
    np.square(distance, out=distance)
    np.rint(distance, out=distance)
    root: Reals = np.sqrt(distance, out=distance)
    return root


def _without_duplicates(circle: Floats, role: Ints, rows: Ints) -> Ints:
    """The rows without those that repeat a circle (they would share no pixel fairly); cells come first."""
    ordered = rows[np.argsort(role[rows], kind="stable")]
    # Entered backwards, so that the first of each stays.
    kept = dict(zip(map(tuple, circle[ordered[::-1]].tolist()), ordered[::-1].tolist(), strict=True))
    return np.array(sorted(kept.values()), np.int64)


def _circle_windows(circle: Floats, *, apart: bool, beyond: float) -> Iterator[tuple[Ints, Ints, Reals]]:
    """Rows of `circle`, the corner (x, y) of each one's square window, and depth (rows, side, side) in it."""
    if not len(circle):
        return
    pairs = _overlapping(circle) if apart else np.zeros((0, 2), np.int64)
    half = int(np.ceil(circle[:, 2].max() + beyond)) + 1
    step = max(1, _CHUNK // (2 * half + 1) ** 2)
    for first in range(0, len(circle), step):
        part = np.arange(first, min(first + step, len(circle)))
        corner = np.floor(circle[part, :2]).astype(np.int64) - half
        mine = pairs[(pairs[:, 0] >= first) & (pairs[:, 0] <= part[-1])]
        yield part, corner, _window_depth(circle, part, corner, mine, 2 * half + 1)


def _overlapping(circle: Floats) -> Ints:
    """(m, 2) ordered pairs of circles that overlap, both ways round, sorted by the first."""
    from scipy.spatial import cKDTree

    pairs = cKDTree(circle[:, :2]).query_pairs(2 * circle[:, 2].max(), output_type="ndarray")
    pairs = np.concatenate([pairs, pairs[:, ::-1]]).astype(np.int64)
    one, other = circle[pairs[:, 0]], circle[pairs[:, 1]]
    apart = np.hypot(*(one[:, :2] - other[:, :2]).T)
    pairs = pairs[apart < one[:, 2] + other[:, 2]]
    sorted_pairs: Ints = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    return sorted_pairs


def _window_depth(circle: Floats, part: Ints, corner: Ints, pairs: Ints, side: int) -> Reals:
    ramp = np.arange(side) + 0.5
    x, y = (corner[:, axis, None] + ramp for axis in (0, 1))

    def towards(rows: Ints, windows: Ints) -> tuple[Reals, Reals, Reals]:
        dx = (x[windows] - circle[rows, 0, None]).astype(np.float32)[:, None, :]
        dy = (y[windows] - circle[rows, 1, None]).astype(np.float32)[:, :, None]
        return dx, dy, np.sqrt(dx * dx + dy * dy) + np.float32(1e-6)

    radius = circle[:, 2].astype(np.float32)[:, None, None]
    windows = np.arange(len(part))
    depth: Reals = radius[part] - towards(part, windows)[2]
    if not len(pairs):
        return depth
    mine = pairs[:, 0] - part[0]
    one, other = pairs.T
    dx, dy, far = towards(one, mine)
    other_dx, other_dy, other_far = towards(other, mine)
    cosine = (dx * other_dx + dy * other_dy) / (far * other_far)
    a, b = 1 / radius[one], 1 / radius[other]
    slope = np.sqrt(np.maximum(a * a + b * b - 2 * a * b * cosine, 1e-8))
    border = (other_far * b - far * a) / slope
    starts = np.flatnonzero(np.diff(mine, prepend=-1))
    depth[mine[starts]] = np.minimum(depth[mine[starts]], np.minimum.reduceat(border, starts, axis=0))
    return depth


def _enter_windows(result: DepthMap, rows: Ints, corner: Ints, depth: Reals, rank: Rank | None) -> None:
    result.deepest[rows] = np.maximum(depth.max(axis=(1, 2)), 0)
    deep = np.flatnonzero(depth > result.outside)
    which, down, right = np.unravel_index(deep, depth.shape)
    inside, pixel = _in_image(result, corner[which, 1] + down, corner[which, 0] + right)
    _enter(result, rows[which[inside]], pixel, depth.ravel()[deep[inside]], rank)


def _in_image(result: DepthMap, y: Ints, x: Ints) -> tuple[Bools, Ints]:
    """(m,) which of these places lie in the image, and the numbers of those pixels."""
    height, width = result.depth.shape
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    return inside, (y * width + x)[inside]


def _enter(result: DepthMap, row: Ints, pixel: Ints, value: Reals, rank: Rank | None) -> None:
    if rank is None:
        wins = np.flatnonzero(value > result.depth.ravel()[pixel])
    else:
        wins = _highest(result, pixel, value, row, rank)
    result.depth.ravel()[pixel[wins]] = value[wins]
    result.owner.ravel()[pixel[wins]] = row[wins] + 1


def _highest(result: DepthMap, pixel: Ints, value: Reals, row: Ints, rank: Rank) -> Ints:
    """Of pixels with depths in objects, the places of those that rank highest where they are, one a pixel.

    They rank above what the map holds there; of equal ones the first row's.
    """
    owner = result.owner.ravel()[pixel] - 1
    held = np.where(owner < 0, -np.inf, rank(result.depth.ravel()[pixel], result.deepest[owner]))
    height = rank(value, result.deepest[row])
    order = np.lexsort((-row, height, pixel))
    order = order[height[order] > held[order]]
    highest: Ints = order[np.flatnonzero(np.diff(pixel[order], append=-1))]
    return highest


def _enter_contours(result: DepthMap, rows: Ints, contours: Sequence[Rings], rank: Rank | None) -> None:
    """Outlined objects, one after the other; their pixels and depths are found together."""
    if not len(rows):
        return
    margin = 1 + int(np.ceil(-result.outside))
    points = np.concatenate([ring for rings in contours for ring in rings])
    firsts = np.cumsum([0, *(sum(map(len, rings)) for rings in contours[:-1])])
    corner = np.floor(np.minimum.reduceat(points, firsts)).astype(np.int64) - margin
    end = np.ceil(np.maximum.reduceat(points, firsts)).astype(np.int64) + margin
    sides = (end - corner)[:, ::-1]
    for part in exact_parts(sides, np.zeros(len(rows), np.int64)):
        own = [
            tuple(ring - at for ring in rings) for rings, at in zip(contours[part], corner[part], strict=True)
        ]
        top = np.append(0, np.cumsum(sides[part, 0]))
        depth = _stacked_depth(own, sides[part], top, beyond=result.outside < 0)
        deep = np.flatnonzero(depth > result.outside)
        down, right = np.divmod(deep, depth.shape[1])
        which = np.searchsorted(top, down, side="right") - 1
        value = depth.ravel()[deep]
        np.maximum.at(result.deepest, rows[part][which], value)
        y, x = down - top[which] + corner[part][which, 1], right + corner[part][which, 0]
        inside, pixel = _in_image(result, y, x)
        _enter_deepest(result, rows[part][which[inside]], pixel, value[inside], rank)


def _enter_deepest(result: DepthMap, row: Ints, pixel: Ints, value: Reals, rank: Rank | None) -> None:
    """As if every object were entered after the one before it; a pixel may be that of several rising rows."""
    if rank is not None:
        _enter(result, row, pixel, value, rank)
        return
    depth, held = result.depth.ravel(), result.depth.ravel()[pixel]
    np.maximum.at(depth, pixel, value)
    # Of equally deep ones the first row's; of several numbers for one place the last one stays.
    wins = np.flatnonzero((value > held) & (value == depth[pixel]))[::-1]
    result.owner.ravel()[pixel[wins]] = row[wins] + 1


def _stacked_depth(outlines: Sequence[Rings], sides: Ints, top: Ints, *, beyond: bool) -> Reals:
    """(rows, columns) depth of each outline in a window of its own, of these heights and widths.

    Windows lie under each other and begin in the rows `top`. With `beyond` depth goes on outside, where it is
    right up to the margin that each outline has in its window.
    """
    runs = runs_inside(outlines, np.hstack([np.zeros_like(sides), sides[:, ::-1]]), lower=True)
    mask = np.zeros((top[-1], sides[:, 1].max()), np.uint8)
    pixel, _ = pixels_of(runs._replace(y=runs.y + top[runs.owner]), mask.shape[1])
    mask.ravel()[pixel] = 1
    half = np.float32(0.5)
    depth: Reals = np.maximum(edge_distance(mask) - half, 0)
    if beyond:
        depth -= np.maximum(edge_distance(1 - mask) - half, 0)
    return depth
