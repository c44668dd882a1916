"""Which of the predictions that overlap stay."""

import numpy as np

from bmbench.adapters.detection.merging.overlaps import area, bounding_box, overlapping
from bmbench.core.types import Floats, Ints

_FIRST_ROWS = 256
"""How many of the highest ranked rows are looked at together; bounds the work, not the result."""


def by_confidence(shapes: Floats, confidence: Floats, *others: Ints) -> Ints:
    """(n,) rows, most confident first; equal ones by their place, then by `others`, never by their row."""
    order: Ints = np.lexsort((*others[::-1], *shapes.T[::-1], -confidence))
    return order


def taken_by(shapes: Floats, *, iou: float, label: Ints | None = None) -> Ints:
    """(n,) the row that takes each row, where rows stand in order of rank.

    From the first row to the last, a row that nothing has taken takes itself and all free rows that overlap
    it by more than `iou`.
    """
    n = len(shapes)
    owner = np.full(n, -1, np.int64)
    # The first of many votes on a cell takes the others: most pairs are never looked at.
    step = max(_FIRST_ROWS, n // 16)
    while len(rows := np.flatnonzero(owner < 0)[:step]):
        pairs = overlapping(shapes, rows, above_iou=iou, label=label)
        later = (pairs.other > pairs.one) & (owner[pairs.other] < 0)
        one, other = pairs.one[later], pairs.other[later]
        order = np.argsort(one, kind="stable")
        other, ends = other[order], np.searchsorted(one[order], rows, side="right")
        first = 0
        for row, end in zip(rows.tolist(), ends.tolist(), strict=True):
            if owner[row] < 0:
                owner[row] = row
                near = other[first:end]
                owner[near[owner[near] < 0]] = row
            first = end
    return owner


def suppress(shapes: Floats, confidence: Floats, *, iou: float, label: Ints | None = None) -> Ints:
    """(k,) rows that stay, most confident first: non-maximum suppression.

    Of predictions that overlap by more than `iou`, the most confident stays; with labels, only those of the
    same label compete.
    """
    order = by_confidence(shapes, confidence, *([] if label is None else [label]))
    owner = taken_by(shapes[order], iou=iou, label=None if label is None else label[order])
    kept: Ints = order[owner == np.arange(len(order))]
    return kept


def drop_nested(
    shapes: Floats, confidence: Floats, *, share: float, rival: float = 0.0, label: Ints | None = None
) -> Ints:
    """(k,) rows that stay, in their order: those not largely inside another prediction (ANMS).

    A prediction is dropped if a larger one that stays covers more than `share` of its area (a nucleus that
    was found beside its cell; Graebel et al. 2021). The larger one must be at least `rival` times as
    confident: 0 lets any, as the paper's words have it, so that a faint false alarm around several cells
    takes them all with it; 1 lets only those at least as sure.
    """
    pairs = overlapping(shapes, np.arange(len(shapes)), label=label)
    size, inner, outer = area(shapes), pairs.one, pairs.other
    drops = (
        (size[inner] < size[outer])
        & (pairs.shared > share * size[inner])
        & (confidence[outer] >= rival * confidence[inner])
    )
    inner, outer = inner[drops], outer[drops]
    stays = np.ones(len(shapes), bool)
    # From the largest inner one down: whether the outer one stays is then settled when its turn comes.
    for pair in np.argsort(-size[inner], kind="stable").tolist():
        if stays[outer[pair]]:
            stays[inner[pair]] = False
    return np.flatnonzero(stays)


def drop_near(shapes: Floats, confidence: Floats, *, distance: float, label: Ints | None = None) -> Ints:
    """(k,) rows that stay, in their order: of shapes whose centres are nearer than that, the most confident.

    Where only points are known, all boxes were drawn of one size, and two answers to one cell may overlap as
    little as those to two cells that touch.
    """
    box = bounding_box(shapes)
    middle = (box[:, :2] + box[:, 2:]) / 2
    # Circles of one size overlap exactly where their centres are nearer than their diameter.
    circles = np.column_stack([middle, np.full(len(middle), distance / 2)])
    return np.sort(suppress(circles, confidence, iou=0.0, label=label))
