"""The geometry of objects as QuPath's GeoJSON has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.core.geometry import circle_box
from bmbench.core.types import Annotations, Bools, Detections, Floats, Rings

if TYPE_CHECKING:
    _Ring = list[list[float]]

CORNERS = 24
"""Of a circle, for readers that do not know ``isEllipse``: 1.2 % too small in area, 0.9 % in radius between
corners. More would only make files of a million circles longer."""
_ROWS = 256
"""Objects whose corners are computed at a time: few enough for them to stay in the processor's cache."""
_ANGLE = np.arange(CORNERS + 1) % CORNERS * (2 * np.pi / CORNERS)
# Exact zeros and ones where the circle touches its bounding box.
_UNIT = np.round(np.stack([np.cos(_ANGLE), np.sin(_ANGLE)], axis=1), 15) + 0.0


def shapes(marks: Annotations | Detections, decimals: int) -> Iterator[dict[str, Any]]:
    """The geometry of every object: its outline, else its circle, else its box, else its centre."""
    drawn = circle_box(marks.circle) if isinstance(marks, Annotations) else marks.box
    given: Bools = np.ones(len(marks), bool)
    if isinstance(marks, Annotations):
        given = marks.circle[:, 2] > 0
    box = np.asarray(np.round(np.where(given[:, None], drawn, marks.box), decimals) + 0.0, np.float64)
    extent = np.all(box[:, 2:] > box[:, :2], axis=1)
    for start in range(0, len(marks), _ROWS):
        some = slice(start, start + _ROWS)
        contours, sides = marks.contour[some], box[some].tolist()
        rounds = [] if all(contours) else _ellipses(box[some], decimals).tolist()
        rings = iter(_closed_rings([ring for rings in contours for ring in rings], decimals))
        for row, contour in enumerate(contours, start=start):
            if len(contour) == 1:
                yield {"type": "Polygon", "coordinates": [next(rings)]}
            elif contour:
                yield _parted(contour, [next(rings) for _ in contour])
            elif not extent[row]:
                yield {"type": "Point", "coordinates": (np.round(marks.xy[row], decimals) + 0.0).tolist()}
            elif given[row]:
                yield {"type": "Polygon", "coordinates": [rounds[row - start]], "isEllipse": True}
            else:
                x0, y0, x1, y1 = sides[row - start]
                yield {"type": "Polygon", "coordinates": [[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]]}


def _ellipses(box: Floats, decimals: int) -> Floats:
    """(n, CORNERS + 1, 2) closed polygons that touch each bounding box exactly, however they are rounded."""
    low, high = box[:, None, :2], box[:, None, 2:]
    points = np.round((low + high) / 2 + _UNIT * (high - low) / 2, decimals) + 0.0
    return np.where(_UNIT == 1, high, np.where(_UNIT == -1, low, points))


def _parted(rings: Rings, written: list[_Ring]) -> dict[str, Any]:
    """The geometry of an outline of several rings, each `written` as it will stand in the file."""
    from bmbench.datasets.formats.ring_nesting import parts_with_holes

    of_ring = {id(ring): points for ring, points in zip(rings, written, strict=True)}
    parts = [[of_ring[id(ring)] for ring in part] for part in parts_with_holes(rings)]
    # A multi-polygon of one part breaks the import of other programs.
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": parts}


def _closed_rings(rings: Sequence[Floats], decimals: int) -> Iterator[_Ring]:
    """The points of each ring, rounded, the first one repeated at the end."""
    if not rings:
        return
    points = (np.round(np.concatenate(rings), decimals) + 0.0).tolist()
    start = 0
    for ring in rings:
        end = start + len(ring)
        yield [*points[start:end], points[start]]
        start = end
