"""Files that hold all cells of a class as the parts of one object, as CellViT writes them.

Each class is there once, as a ``MultiPolygon`` over the whole image. A cell of several parts looks the same
but for its spread: its parts lie together.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bmbench.core.geometry import rings_box, rings_contain
from bmbench.core.types import Annotations, Floats, Rings
from bmbench.datasets.formats.qupath.geojson import QupathFile

SPREAD = 4.0
"""Times the median part that an object is longer, from which on its parts are cells of their own."""
_NESTED_LOOKED_AT = 2000
"""Rings that are looked at for holes; a file of more is no drawing of one object."""


def holds_classes(one: QupathFile) -> bool:
    """Whether each class of a file is one object whose parts are the cells."""
    contours = one.annotations.contour
    several = [rings for rings in contours if len(rings) > 1]
    names = one.annotations.label.tolist()
    if not several or len(set(names)) < len(names) or one.own.any() or not (one.kind == "annotation").all():
        return False
    return all(map(_is_spread, several)) and not any(map(_has_holes, several))


def parted(one: QupathFile) -> QupathFile:
    """The file with every ring as an object of its own."""
    contours = [rings or None for rings in one.annotations.contour]
    counts = np.array([len(rings) if rings else 1 for rings in contours], np.int64)
    rows = np.repeat(np.arange(len(counts)), counts)
    old = one.annotations.take(rows)
    contour: list[Rings] = [
        (ring,) if ring is not None else ()
        for rings in contours
        for ring in (rings if rings is not None else (None,))
    ]
    box = np.array([rings_box(r) if r else b for r, b in zip(contour, old.box, strict=True)]).reshape(-1, 4)
    annotations = Annotations(
        xy=(box[:, :2] + box[:, 2:]) / 2,
        box=box,
        circle=old.circle,
        contour=tuple(contour),
        label=old.label,
        role=old.role,
        region=old.region,
    )
    return replace(
        one,
        annotations=annotations,
        confidence=one.confidence[rows],
        kind=one.kind[rows],
        # An id is that of one object: parts have none.
        ids=tuple("" if counts[row] > 1 else one.ids[row] for row in rows.tolist()),
        plane=one.plane[rows],
        own=one.own[rows],
    )


def _is_spread(rings: Rings) -> bool:
    whole, sides = rings_box(rings), [_side(rings_box((ring,))) for ring in rings]
    return _side(whole) >= SPREAD * float(np.median(sides))


def _has_holes(rings: Sequence[Floats]) -> bool:
    """Whether a ring lies in another one."""
    if len(rings) > _NESTED_LOOKED_AT:
        return False
    boxes = np.array([rings_box((ring,)) for ring in rings])
    for row, ring in enumerate(rings):
        inside = (boxes[:, :2] >= boxes[row, :2]).all(axis=1) & (boxes[:, 2:] <= boxes[row, 2:]).all(axis=1)
        for other in np.flatnonzero(inside).tolist():
            if other != row and rings_contain((ring,), rings[other]).all():
                return True
    return False


def _side(box: Floats) -> float:
    return float((box[2:] - box[:2]).max())
