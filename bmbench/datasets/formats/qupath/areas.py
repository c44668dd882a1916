"""Which objects of QuPath files mark a cell, and which are areas, or are not asked for.

A pathologist draws areas (tumour, stroma, a square to count in) beside cells, and both are annotations. An
annotation that holds other objects is an area:

- if one of them is a detection or a cell of QuPath's, of which it is the parent there;
- if all are annotations, unless it is about as large as those of its own class that hold nothing: a large
  cell may lie around a small one.

So is an annotation that holds nothing, if it is far larger than cells and its class has such areas. What has
been written by bmbench says of itself that it is an object, whatever it holds.
"""

from collections.abc import Sequence

import numpy as np

from bmbench.core.geometry import rings_contain
from bmbench.core.types import Annotations, Bools, Floats, Ints, Role

LARGE = 3.0
"""Longer sides than the median one, from which on an annotation is no cell among others."""
OTHER_SHARE = 0.5
"""A smaller share of the box of what holds it is another object, not the same one drawn twice."""
NOTHING, ANNOTATIONS, DETECTIONS = 0, 1, 2
"""What an object holds."""


def held(annotations: Annotations, drawn: Bools) -> Ints:
    """(n,) what each object holds: `NOTHING`, or only `ANNOTATIONS`, or `DETECTIONS` too.

    Parameters
    ----------
    drawn : (n,) bool
        Which objects are annotations; only these can hold others.
    """
    holds = np.full(len(annotations), NOTHING, np.int64)
    side = longer_sides(annotations)
    outer = np.flatnonzero(drawn & (side > 0) & (annotations.role != Role.IGNORE))
    if len(outer) == 0 or len(annotations) < 2:
        return holds
    from scipy.spatial import cKDTree

    centre = (annotations.box[:, :2] + annotations.box[:, 2:]) / 2
    tree = cKDTree(centre)
    reach = side[outer] / 2
    counts = tree.query_ball_point(centre[outer], reach, p=np.inf, return_length=True)
    for row, radius in zip(outer[counts > 1].tolist(), reach[counts > 1].tolist(), strict=True):
        near = np.array(tree.query_ball_point(centre[row], radius, p=np.inf), np.int64)
        inner = _inner(annotations, row, near)
        if len(inner):
            holds[row] = ANNOTATIONS if drawn[inner].all() else DETECTIONS
    return holds


def areas(
    sides: Sequence[Floats], holds: Sequence[Ints], classes: Sequence[Sequence[str]], drawn: Sequence[Bools]
) -> list[Bools]:
    """Of each file (n,) which objects are areas, from what all files of a set have in common.

    Parameters
    ----------
    sides : (n,) float64 of each file, pixels
        The longer side of every object.
    holds, drawn : (n,) of each file
        See `held`.
    classes : n names of each file
    """
    if not any((one > NOTHING).any() for one in holds):
        return [np.zeros(len(one), bool) for one in holds]
    side, hold, hand = (np.concatenate([np.zeros(0), *parts]) for parts in (sides, holds, drawn))
    names = np.array([name for some in classes for name in some])
    cells = hold == NOTHING
    area = hold == DETECTIONS
    for name in np.unique(names[hold == ANNOTATIONS]):
        own = names == name
        usual = side[own & cells & (side > 0)]
        large = side > LARGE * np.median(usual) if len(usual) else np.ones(len(side), bool)
        area |= own & (hold == ANNOTATIONS) & large
    usual = side[cells & (side > 0)]
    if len(usual):
        named = np.isin(names, np.unique(names[area]))
        area |= named & (hand > 0) & cells & (side > LARGE * np.median(usual))
    return np.split(area, np.cumsum([len(one) for one in holds])[:-1])


def longer_sides(annotations: Annotations) -> Floats:
    """(n,) the longer side of each box."""
    sides: Floats = (annotations.box[:, 2:] - annotations.box[:, :2]).max(axis=1, initial=0.0)
    return sides


def _inner(annotations: Annotations, row: int, near: Ints) -> Ints:
    """Which of the objects nearby lie in an object, and are others."""
    size = np.prod(annotations.box[:, 2:] - annotations.box[:, :2], axis=1)
    near = near[(near != row) & (size[near] <= OTHER_SHARE * size[row]) & ~annotations.region[near]]
    inside: Bools
    xy, (x, y, radius) = annotations.xy[near], annotations.circle[row]
    if annotations.contour[row]:
        inside = rings_contain(annotations.contour[row], xy)
    elif radius > 0:
        inside = np.asarray(np.hypot(xy[:, 0] - x, xy[:, 1] - y) <= radius, bool)
    else:
        low, high = annotations.box[row, :2], annotations.box[row, 2:]
        inside = np.asarray(((xy >= low) & (xy <= high)).all(axis=1), bool)
    return near[inside]
