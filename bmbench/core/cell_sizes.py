"""How large the annotated objects are, and the circle around each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bmbench.core.geometry import enclosing_circle, rings_area
from bmbench.core.types import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bmbench.core.types import Annotations, Floats, Sample


def diameters(annotations: Annotations) -> Floats:
    """(n,) diameter of every object in pixels, from the best geometry it has.

    That of the disc of equal area for a contour, else that of the circle, else the mean side of the box.
    """
    sides = (annotations.box[:, 2:] - annotations.box[:, :2]).mean(axis=1)
    result: Floats = np.where(annotations.circle[:, 2] > 0, 2 * annotations.circle[:, 2], sides)
    for row, rings in enumerate(annotations.contour):
        if rings:
            result[row] = 2 * np.sqrt(rings_area(rings) / np.pi)
    return result


def mean_cell_diameter(images: Iterable[Annotations]) -> float | None:
    """Mean diameter in pixels of the cells (role CELL) of all images; None if there is none.

    Points say nothing about sizes and are left out; of points alone the mean is 0.
    """
    cells = [diameters(annotations.take(annotations.role == Role.CELL)) for annotations in images]
    joined = np.concatenate([np.zeros(0), *cells])
    if not len(joined):
        return None
    sized = joined[joined > 0]
    return float(sized.mean()) if len(sized) else 0.0


def measured_radius(samples: Iterable[Sample], default: float) -> float:
    """A third of the mean cell diameter in pixels, with one decimal; the default where no cell has a size."""
    diameter = mean_cell_diameter(sample.annotations for sample in samples)
    return round(diameter / 3, 1) if diameter else default


def shape_circles(annotations: Annotations) -> Floats:
    """(n, 3) the smallest circle around each contour, else the circle given, else that of the box.

    A box alone has a circle around its middle with half of its longer side as radius: cells are round, so
    that the circle through the corners would be far too large.
    """
    middle = (annotations.box[:, :2] + annotations.box[:, 2:]) / 2
    reach = (annotations.box[:, 2:] - annotations.box[:, :2]).max(axis=1, initial=0.0) / 2
    given = annotations.circle[:, 2:] > 0
    circles: Floats = np.where(given, annotations.circle, np.column_stack([middle, reach]))
    for row, rings in enumerate(annotations.contour):
        if rings:
            circles[row] = enclosing_circle(np.concatenate(rings))
    return circles
