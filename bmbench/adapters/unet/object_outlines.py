"""Separate objects → outlines, grown: many objects at a time.

Each object alone, as one writes it down, takes scikit-image's level line of a small map of distances. What
that costs is no arithmetic but Python: so distances, crossings of the level and the way along them are found
for dozens of objects in one go, laid under each other in one map, far enough apart not to see each other.
Corners, where a ring begins and which way it turns are those of `skimage.measure.find_contours`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from bmbench.adapters.unet.encodings.depth_map import edge_distance
from bmbench.adapters.unet.labelled_pixels import LabelledPixels, Stack, stacks
from bmbench.core.geometry import clip_ring, cut_rings, ring_area
from bmbench.core.types import Bools, Floats, Ints

_BEYOND_PX = 2
"""Outside of the image an outline runs one pixel on, and ends there."""
_TOP, _RIGHT, _BOTTOM, _LEFT = range(4)
_SEGMENTS: tuple[tuple[tuple[int, int], ...], ...] = (
    (),
    ((_TOP, _LEFT),),
    ((_RIGHT, _TOP),),
    ((_RIGHT, _LEFT),),
    ((_LEFT, _BOTTOM),),
    ((_TOP, _BOTTOM),),
    ((_RIGHT, _TOP), (_LEFT, _BOTTOM)),
    ((_RIGHT, _BOTTOM),),
    ((_BOTTOM, _RIGHT),),
    ((_TOP, _LEFT), (_BOTTOM, _RIGHT)),
    ((_BOTTOM, _TOP),),
    ((_BOTTOM, _LEFT),),
    ((_LEFT, _RIGHT),),
    ((_TOP, _RIGHT),),
    ((_LEFT, _TOP),),
    (),
)
"""From which side to which the level runs through a square of four pixels, low ones on its left.

By which of them are higher: 1 for the upper left one, 2 upper right, 4 lower left, 8 lower right."""
_COUNT = np.array([len(segments) for segments in _SEGMENTS])
_FROM, _TO = (
    np.array([[pair[end] for pair in (*segments, (0, 0), (0, 0))[:2]] for segments in _SEGMENTS])
    for end in (0, 1)
)


def grown_outlines(objects: LabelledPixels, by_px: Floats) -> list[Floats]:
    """(k, 2) closed outline of each object grown by a disc of that radius (n,), in pixels of the image.

    The level line of the distance to the nearest pixel centre of the object, half a pixel further out than
    the growth, as the object's edge lies half a pixel outside its outermost centres. Just beyond the image's
    edge it is cut off. Of an object in parts, the outline of the largest.
    """
    if not len(objects):
        return []
    objects, boxes, order = objects.by_side(1)
    by_px = by_px[order]
    rings = list[Floats]()
    for stack in stacks(objects, boxes, np.ceil(by_px).astype(np.int64) + 2, beyond=_BEYOND_PX):
        rings += _Windows.of(stack, boxes[stack.part], by_px[stack.part], objects.shape).rings()
    return [rings[i] for i in np.argsort(order).tolist()]


def boxes_of(rings: Sequence[Floats]) -> Floats:
    """(n, 4) the box around each of n rings with corners."""
    if not len(rings):
        return np.zeros((0, 4))
    points, starts = np.concatenate(rings), np.cumsum([0, *map(len, rings[:-1])])
    return np.hstack([side.reduceat(points, starts) for side in (np.minimum, np.maximum)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Windows:
    """Objects laid under each other, each in a window with a margin.

    Attributes
    ----------
    distance : (rows, columns) float64
        From each pixel to its object.
    level : (k,) float64
        Where each outline runs.
    row : (k + 1,) int64
        Where windows begin.
    corner : (k, 2) int64
        Row and column, in the map of distances, of the pixel at which coordinates of an object begin.
    last : (k, 2) int64
        The last one of it.
    before : (k, 2) int64
        How far above and left of the object that pixel lies.
    place : (k, 2) int64
        Row and column of the object in the image.
    shape : (height, width)
        Of the image.
    """

    distance: Floats
    level: Floats
    row: Ints
    corner: Ints
    last: Ints
    before: Ints
    place: Ints
    shape: tuple[int, int]

    @classmethod
    def of(cls, stack: Stack, boxes: Ints, by_px: Floats, shape: tuple[int, int]) -> "_Windows":
        """The windows of objects with these boxes in an image of that shape."""
        own = np.ceil(by_px).astype(np.int64)[:, None] + 2
        row = stack.row
        sides = boxes[:, 2:] - boxes[:, :2]
        outside = np.ones(stack.shape, np.uint8)
        outside.ravel()[stack.place] = 0
        distance = edge_distance(outside).astype(np.float64)
        before = np.minimum(own, boxes[:, :2] + _BEYOND_PX)
        after = np.minimum(own, np.array(shape) - boxes[:, 2:] + _BEYOND_PX)
        corner = stack.before - before
        corner[:, 0] += row[:-1]
        last = corner + before + sides + after - 1
        for i in np.flatnonzero(((before < own) | (after < own)).any(axis=1)).tolist():
            window = distance[row[i] : row[i + 1]]
            (y0, x0), (y1, x1), y = corner[i], last[i], row[i]
            for beyond in (np.s_[: y0 - y + 1], np.s_[y1 - y :], np.s_[:, : x0 + 1], np.s_[:, x1:]):
                window[beyond] = by_px[i] + 1
        return cls(
            distance=distance,
            level=by_px + 0.5,
            row=row,
            corner=corner,
            last=last,
            before=before,
            place=boxes[:, :2],
            shape=shape,
        )

    def rings(self) -> list[Floats]:
        """The outline of each object, in pixels of the image."""
        begins, ends = self._segments()
        order, lengths = _walked(begins, ends, 2 * self.distance.size)
        starts = np.cumsum(lengths) - lengths
        window = np.searchsorted(self.row, ends[order[starts]] // (2 * self.distance.shape[1]), "right") - 1
        at, meets = self._points(ends[order], np.repeat(window, lengths))
        # Where the level meets a pixel's own value segments shrink to points, and rings may touch there.
        doubtful = window[np.logical_or.reduceat(meets, starts)]
        found = [list[tuple[int, Floats]]() for _ in self.level]
        firsts = np.minimum.reduceat(order, starts)
        columns = window.tolist(), firsts.tolist(), cut_rings(at, lengths.tolist())
        for i, first, ring in zip(*columns, strict=True):
            found[i].append((first, ring))
        for i in set(doubtful.tolist()):
            found[i] = [(number, ring[:-1]) for number, ring in enumerate(self._one_by_one(i))]
        in_turn = ([ring for _, ring in sorted(rings, key=itemgetter(0))] for rings in found)
        return self._placed([_largest(rings) for rings in in_turn])

    def _segments(self) -> tuple[Ints, Ints]:
        """(m,) the edges between pixels from which and to which segments of the level run, row by row.

        Of pixel p, edge 2 p leads to the right and edge 2 p + 1 down.
        """
        columns = self.distance.shape[1]
        above = (self.distance > np.repeat(self.level, np.diff(self.row))[:, None]).view(np.uint8)
        kind = above[:-1, :-1] + 2 * above[:-1, 1:] + 4 * above[1:, :-1] + 8 * above[1:, 1:]
        # Zero becomes the largest number there is.
        square = np.flatnonzero(kind - np.uint8(1) < len(_SEGMENTS) - 2)
        kind = kind.ravel()[square]
        pixel = square + square // (columns - 1)
        which = np.repeat(np.arange(len(square)), _COUNT[kind])
        second = np.diff(which, prepend=-1) == 0
        side = np.array([0, 3, 2 * columns, 1])
        pixel, kind = 2 * pixel[which], kind[which]
        return pixel + side[_FROM[kind, second.view(np.uint8)]], pixel + side[
            _TO[kind, second.view(np.uint8)]
        ]

    def _points(self, edge: Ints, window: Ints) -> tuple[Floats, Bools]:
        """(m, 2) row and column, in its object's own coordinates, where the level crosses each edge.

        And (m,) whether it crosses it at one of its ends.
        """
        pixel, down = edge >> 1, (edge & 1).astype(bool)
        columns = self.distance.shape[1]
        one = self.distance.ravel()[pixel]
        other = self.distance.ravel()[pixel + np.where(down, columns, 1)]
        share = (self.level[window] - one) / (other - one)
        row, column = np.divmod(pixel, columns)
        at = np.empty((len(edge), 2))
        at[:, 0] = row - self.corner[window, 0]
        at[:, 1] = column - self.corner[window, 1]
        moving = np.where(down, at[:, 0], at[:, 1]) + share
        at[down, 0] = moving[down]
        at[~down, 1] = moving[~down]
        return at, moving == np.rint(moving)

    def _one_by_one(self, i: int) -> list[Floats]:
        """The closed rings of an object, one point after the other."""
        from skimage.measure import find_contours

        (top, left), (bottom, right) = self.corner[i], self.last[i] + 1
        window = self.distance[top:bottom, left:right]
        rings: list[Floats] = find_contours(window, self.level[i])  # type: ignore[no-untyped-call]
        return rings

    def _placed(self, local: list[Floats]) -> list[Floats]:
        """Rings in their objects' own coordinates, row and column, as x, y in the image, up to its edge."""
        lengths = [len(ring) for ring in local]
        which = np.repeat(np.arange(len(local)), lengths)
        height, width = self.shape
        xy = np.concatenate(local)[:, ::-1] + 0.5 - self.before[which, ::-1] + self.place[which, ::-1]
        inside = ((xy >= 0) & (xy <= (width, height))).all(axis=1)
        whole = np.logical_and.reduceat(inside, np.cumsum([0, *lengths[:-1]])).tolist()
        return [
            ring if kept else clip_ring(ring, width, height)
            for ring, kept in zip(cut_rings(xy, lengths), whole, strict=True)
        ]


def _largest(rings: Sequence[Floats]) -> Floats:
    """The first of the largest rings (k, 2)."""
    if len(rings) == 1:
        return rings[0]
    return max(rings, key=lambda ring: ring_area(np.append(ring, ring[:1], axis=0)))


def _walked(begins: Ints, ends: Ints, edges: int) -> tuple[Ints, Ints]:
    """The segments of all rings, one ring after the other, and (k,) of how many each is made.

    A ring begins with the last of its segments.
    """
    begun = np.zeros(edges, np.int64)
    begun[begins] = np.arange(len(begins))
    following: list[int] = begun[ends].tolist()
    order, lengths = list[int](), list[int]()
    for last in range(len(following) - 1, -1, -1):
        if following[last] < 0:
            continue
        here, before = last, len(order)
        while following[here] >= 0:
            order.append(here)
            following[here], here = -1, following[here]
        lengths.append(len(order) - before)
    return np.array(order, np.int64), np.array(lengths, np.int64)
