"""Boxes that lie near each other, found without one giant making a neighbour of everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.core.geometry import box_centre

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scipy.spatial import cKDTree

    from bmbench.core.types import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nearby:
    """Boxes in a spatial index.

    Attributes
    ----------
    side : (n,) float64
        The longer side of each box.
    groups : tuple of (k,) int64
        Rows whose sides lie between the same two powers of two, shortest first.
    trees : tuple of cKDTree
        Their centres.
    """

    side: Floats
    groups: tuple[Ints, ...]
    trees: tuple[cKDTree[None], ...]

    @classmethod
    def of(cls, box: Floats) -> Nearby:
        """The index of (n, 4) boxes."""
        from scipy.spatial import cKDTree

        side = (box[:, 2:] - box[:, :2]).max(axis=1, initial=0.0)
        octave = np.floor(np.log2(np.maximum(side, 1e-9)))
        groups = tuple(np.flatnonzero(octave == value) for value in np.unique(octave))
        return cls(side=side, groups=groups, trees=tuple(cKDTree(box_centre(box[rows])) for rows in groups))

    def pairs(self, box: Floats, reach: Callable[[float, float], float]) -> Ints:
        """(m, 2) rows of these boxes and of the index whose centres are at most `reach` apart on both axes.

        `reach` says how far that is for boxes whose longer sides are at most a and b; it grows with both.
        Some pairs that are further apart are among them.
        """
        return np.concatenate([np.zeros((0, 2), np.int64), *self._parts(Nearby.of(box), reach)])

    def _parts(self, other: Nearby, reach: Callable[[float, float], float]) -> Iterator[Ints]:
        for mine, tree in zip(other.groups, other.trees, strict=True):
            for theirs, their_tree in zip(self.groups, self.trees, strict=True):
                far = reach(other.side[mine].max(), self.side[theirs].max())
                near: Any = tree.sparse_distance_matrix(their_tree, far, p=np.inf, output_type="ndarray")
                yield np.column_stack([mine[near["i"]], theirs[near["j"]]])


def iou_reach(a: float, b: float, iou: float) -> float:
    """Most that the centres of two boxes, with sides of at most a and b, can be apart on either axis.

    If intervals of lengths a ≤ b share more than t b, their centres are less than (a + b) / 2 − t b apart;
    boxes that overlap by more than t of their union do so on both axes.
    """
    a, b = min(a, b), max(a, b)
    return (1 - iou) * a if iou > 0.5 else (a + b) / 2 - iou * b
