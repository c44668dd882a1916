"""The geometry of objects as QuPath's GeoJSON has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.core.geometry import circle_box
from bmbench.core.types import Annotations, Detections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bmbench.core.types import Bools, Floats, Rings

CORNERS = 24
"""Of a circle, for readers that do not know ``isEllipse``: 1.2 % too small in area, 0.9 % in radius between
corners. More would only make files of a million circles longer."""
_ROWS = 4096
"""Objects whose circles are computed at a time."""
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
        rounds = _ellipses(box[some], decimals)
        for row, rings in enumerate(marks.contour[some], start=start):
            if rings:
                yield _outline(rings, decimals)
            elif not extent[row]:
                yield {"type": "Point", "coordinates": (np.round(marks.xy[row], decimals) + 0.0).tolist()}
            elif given[row]:
                yield {"type": "Polygon", "coordinates": [rounds[row - start].tolist()], "isEllipse": True}
            else:
                x0, y0, x1, y1 = box[row].tolist()
                yield {"type": "Polygon", "coordinates": [[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]]}


def _ellipses(box: Floats, decimals: int) -> Floats:
    """(n, CORNERS + 1, 2) closed polygons that touch each bounding box exactly, however they are rounded."""
    low, high = box[:, None, :2], box[:, None, 2:]
    points = np.round((low + high) / 2 + _UNIT * (high - low) / 2, decimals) + 0.0
    return np.where(_UNIT == 1, high, np.where(_UNIT == -1, low, points))


def _outline(rings: Rings, decimals: int) -> dict[str, Any]:
    if len(rings) == 1:
        return {"type": "Polygon", "coordinates": [_closed(rings[0], decimals)]}
    from bmbench.datasets.codecs.nesting import parts_with_holes

    parts = [[_closed(ring, decimals) for ring in part] for part in parts_with_holes(rings)]
    # A multi-polygon of one part breaks the import of other programs.
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": parts}


def _closed(ring: Floats, decimals: int) -> list[list[float]]:
    points: list[list[float]] = (np.round(ring, decimals) + 0.0).tolist()
    return [*points, points[0]]
