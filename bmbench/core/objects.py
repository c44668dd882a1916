"""The objects of one image: how large they are, moved and scaled together, ignored regions beside them."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from bmbench.core.enclosing_circles import enclosing_circles
from bmbench.core.geometry import outline_areas, rings_box
from bmbench.core.types import Annotations, Detections, Floats, Rings, Role, Sample


def object_circles(annotations: Annotations) -> Floats:
    """(n, 3) circle of each object, from the best geometry it has.

    An outline gives the circle of its own area around `xy`; else the circle that was given; else a box
    gives the circle of its mean side around `xy`.
    """
    sides = annotations.box[:, 2:] - annotations.box[:, :2]
    radius = np.where(annotations.circle[:, 2] > 0, annotations.circle[:, 2], sides.mean(axis=1) / 2)
    centre = np.where(annotations.circle[:, 2:] > 0, annotations.circle[:, :2], annotations.xy)
    outlined = np.array([bool(rings) for rings in annotations.contour], bool)
    if outlined.any():
        centre[outlined] = annotations.xy[outlined]
        radius[outlined] = np.sqrt(outline_areas(annotations.contour) / np.pi)[outlined]
    return np.column_stack([centre, radius])


def diameters(annotations: Annotations) -> Floats:
    """(n,) diameter of the circle of every object in pixels; 0 of a point without a size."""
    diameter: Floats = 2 * object_circles(annotations)[:, 2]
    return diameter


def cell_diameters(images: Iterable[Annotations]) -> Floats:
    """(n,) diameters of the cells (role CELL) of all images, in pixels."""
    cells = [diameters(annotations)[annotations.role == Role.CELL] for annotations in images]
    return np.concatenate([np.zeros(0), *cells])


def mean_cell_diameter(images: Iterable[Annotations]) -> float | None:
    """Mean diameter in pixels of the cells of all images; None if there is none.

    Points say nothing about sizes and are left out; of points alone the mean is 0.
    """
    return mean_size(cell_diameters(images))


def mean_size(diameter: Floats) -> float | None:
    """The mean of diameters (n,) in pixels as `mean_cell_diameter` tells it."""
    if not len(diameter):
        return None
    sized = diameter[diameter > 0]
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
    return shape_circles_of([annotations])[0]


def shape_circles_of(images: Sequence[Annotations]) -> list[Floats]:
    """The `shape_circles` of each of many images, sooner than one after the other."""
    outlined = [[row for row, rings in enumerate(one.contour) if rings] for one in images]
    around = enclosing_circles(
        [np.concatenate(one.contour[row]) for one, rows in zip(images, outlined, strict=True) for row in rows]
    )
    parts = np.split(around, np.cumsum([len(rows) for rows in outlined])[:-1])
    found = []
    for one, rows, part in zip(images, outlined, parts, strict=True):
        middle = (one.box[:, :2] + one.box[:, 2:]) / 2
        reach = (one.box[:, 2:] - one.box[:, :2]).max(axis=1, initial=0.0) / 2
        given = one.circle[:, 2:] > 0
        circles: Floats = np.where(given, one.circle, np.column_stack([middle, reach]))
        circles[rows] = part
        found.append(circles)
    return found


Objects = TypeVar("Objects", Annotations, Detections)


def moved(objects: Objects, by: Floats) -> Objects:
    """The objects shifted by (x, y) pixels."""
    columns: dict[str, Any] = {
        "xy": objects.xy + by,
        "box": objects.box + np.tile(by, 2),
        "contour": tuple(tuple(ring + by for ring in rings) for rings in objects.contour),
    }
    if isinstance(objects, Annotations):
        given = objects.circle[:, 2:] > 0
        columns["circle"] = np.where(given, objects.circle + np.append(by, 0), objects.circle)
    return dataclasses.replace(objects, **columns)


def scaled(objects: Objects, ratio: Floats) -> Objects:
    """The objects with x and y multiplied by `ratio` (2,), radii by its geometric mean."""
    columns: dict[str, Any] = {
        "xy": objects.xy * ratio,
        "box": objects.box * np.tile(ratio, 2),
        "contour": tuple(tuple(ring * ratio for ring in rings) for rings in objects.contour),
    }
    if isinstance(objects, Annotations):
        columns["circle"] = objects.circle * np.array([*ratio, np.sqrt(ratio[0] * ratio[1])])
    return dataclasses.replace(objects, **columns)


def upright(annotations: Annotations, orientation: int, stored: tuple[int, int]) -> Annotations:
    """Annotations of a picture as it is stored (width, height), on the picture as it is to be seen.

    `orientation` is that of EXIF, 1 to 8.
    """
    width, height = stored

    def turned(xy: Floats) -> Floats:
        x, y = xy[:, 0], xy[:, 1]
        x = width - x if orientation in (2, 3, 7, 8) else x
        y = height - y if orientation in (3, 4, 6, 7) else y
        return np.column_stack([y, x] if orientation >= 5 else [x, y])

    corners = np.stack([turned(annotations.box[:, :2]), turned(annotations.box[:, 2:])])
    given = annotations.circle[:, 2:] > 0
    circle = np.column_stack([turned(annotations.circle[:, :2]), annotations.circle[:, 2]])
    return dataclasses.replace(
        annotations,
        xy=turned(annotations.xy),
        box=np.concatenate([corners.min(axis=0), corners.max(axis=0)], axis=1),
        circle=np.where(given, circle, annotations.circle),
        contour=tuple(tuple(turned(ring) for ring in rings) for rings in annotations.contour),
    )


def with_regions(annotations: Annotations, outlines: Sequence[Rings]) -> Annotations:
    """The annotations, and every outline as an ignored region after them."""
    n = len(outlines)
    if n == 0:
        return annotations
    box = np.array([rings_box(rings) for rings in outlines])
    return Annotations(
        xy=np.concatenate([annotations.xy, (box[:, :2] + box[:, 2:]) / 2]),
        box=np.concatenate([annotations.box, box]),
        circle=np.concatenate([annotations.circle, np.zeros((n, 3))]),
        contour=(*annotations.contour, *outlines),
        label=np.append(annotations.label, np.zeros(n, np.int64)),
        role=np.append(annotations.role, np.full(n, int(Role.IGNORE), np.int64)),
        region=np.append(annotations.region, np.ones(n, bool)),
    )
