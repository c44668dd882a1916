"""Areas and overlaps of boxes (n, 4) and circles (n, 3); pairs come from a spatial index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bmbench.core.geometry import circle_box, circle_shared_area

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scipy.spatial import cKDTree

    from bmbench.core.types import Floats, Ints


class Pairs(NamedTuple):
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neighbours:
    """Shapes in a spatial index; only those of the same label are neighbours.

    `groups` are rows whose longer sides lie between the same two powers of two, shortest first, `trees` their
    centres: one giant must not make a neighbour of everything.
    """

    shapes: Floats
    label: Ints | None
    side: Floats
    groups: tuple[Ints, ...]
    trees: tuple[cKDTree[None], ...]

    @classmethod
    def of(cls, shapes: Floats, label: Ints | None = None) -> Neighbours:
        """The index of these shapes."""
        from scipy.spatial import cKDTree

        box = bounding_box(shapes)
        side = (box[:, 2:] - box[:, :2]).max(axis=1, initial=0.0)
        octave = np.floor(np.log2(np.maximum(side, 1e-9)))
        groups = tuple(np.flatnonzero(octave == value) for value in np.unique(octave))
        trees = tuple(cKDTree(_centre(box[rows])) for rows in groups)
        return cls(shapes=shapes, label=label, side=side, groups=groups, trees=trees)

    def pairs(self, rows: Ints, *, above_iou: float = 0.0) -> Pairs:
        """All pairs of one of these rows with any other one whose intersection over union is above that.

        A pair of two of these rows stands twice, once either way round.
        """
        pairs = np.concatenate([np.zeros((0, 2), np.int64), *self._candidates(rows, above_iou)])
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]
        if self.label is not None:
            pairs = pairs[self.label[pairs[:, 0]] == self.label[pairs[:, 1]]]
        one, other = pairs.T
        a, b = self.shapes[one], self.shapes[other]
        shared = shared_area(a, b)
        union = area(a) + area(b) - shared
        iou = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
        near = iou > above_iou
        return Pairs(one=one[near], other=other[near], iou=iou[near], shared=shared[near])

    def _candidates(self, rows: Ints, iou: float) -> Iterator[Ints]:
        """(m, 2) pairs that may overlap that much, a part at a time."""
        from scipy.spatial import cKDTree

        for group in self.groups:
            mine = np.intersect1d(rows, group, assume_unique=True)
            if not len(mine):
                continue
            own = cKDTree(_centre(bounding_box(self.shapes[mine])))
            for theirs, their_tree in zip(self.groups, self.trees, strict=True):
                reach = _reach(self.side[group].max(), self.side[theirs].max(), iou)
                near: Any = own.sparse_distance_matrix(their_tree, reach, p=np.inf, output_type="ndarray")
                yield np.column_stack([mine[near["i"]], theirs[near["j"]]])


def _centre(box: Floats) -> Floats:
    centre: Floats = (box[:, :2] + box[:, 2:]) / 2
    return centre


def _reach(a: float, b: float, iou: float) -> float:
    """Most that the centres of two boxes, with sides of at most a and b, can be apart on either axis.

    If intervals of lengths a ≤ b share more than t b, their centres are less than (a + b) / 2 − t b apart;
    boxes that overlap by more than t of their union do so on both axes.
    """
    a, b = min(a, b), max(a, b)
    return (1 - iou) * a if iou > 0.5 else (a + b) / 2 - iou * b
