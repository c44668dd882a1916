"""Images and annotations at the scale at which a network works.

A network learns fastest where cells have the size it was built for, so images are resized until the mean
training cell has a stated diameter. Whole images are resized before patches are drawn from them: an area
average of the original pixels is exact, is done once, and spares the augmentation most of its work.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.geometry import rings_area
from bmbench.core.types import Annotations, Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bmbench.core.types import Floats, Pixels


def object_circles(annotations: Annotations) -> Floats:
    """(n, 3) circle of each object, from the best geometry it has.

    An outline gives the circle of its own area around `xy`; else the circle that was given; else a box
    gives the circle of its mean side around `xy`.
    """
    sides = annotations.box[:, 2:] - annotations.box[:, :2]
    radius = np.where(annotations.circle[:, 2] > 0, annotations.circle[:, 2], sides.mean(axis=1) / 2)
    centre = np.where(annotations.circle[:, 2:] > 0, annotations.circle[:, :2], annotations.xy)
    for row, rings in enumerate(annotations.contour):
        if rings:
            centre[row] = annotations.xy[row]
            radius[row] = np.sqrt(rings_area(rings) / np.pi)
    return np.column_stack([centre, radius])


def mean_diameter(annotations: Iterable[Annotations]) -> float:
    """Mean diameter of all annotated cells, in pixels.

    Raises
    ------
    BadInputError
        If there is no cell, or the cells are points without a size.
    """
    radii = [object_circles(a)[a.role == Role.CELL, 2] for a in annotations]
    radius = np.concatenate([*radii, np.zeros(0)])
    if not len(radius):
        raise BadInputError(
            "no cell in the training images", remedy="a method that learns needs annotated cells"
        )
    mean = float(radius.mean())
    if not mean > 0:
        raise BadInputError(
            "the annotated cells are points without a size", remedy="give each point a radius"
        )
    return 2 * mean


def working_size(width: int, height: int, factor: float) -> tuple[int, int]:
    """Width and height, in whole pixels, of an image resized by `factor`."""
    return max(1, round(width * factor)), max(1, round(height * factor))


def resized(image: Pixels, size: tuple[int, int]) -> Pixels:
    """The image at `size` (width, height): area averages where it shrinks, linear where it grows."""
    import cv2

    height, width = image.shape[:2]
    if (width, height) == size:
        return image
    way = cv2.INTER_AREA if size[0] <= width and size[1] <= height else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(image), size, interpolation=way), np.uint8)


def scaled(annotations: Annotations, ratio: Floats) -> Annotations:
    """The annotations with x and y multiplied by `ratio` (2,), radii by its geometric mean."""
    growth = np.array([ratio[0], ratio[1], np.sqrt(ratio[0] * ratio[1])])
    return dataclasses.replace(
        annotations,
        xy=annotations.xy * ratio,
        box=annotations.box * np.tile(ratio, 2),
        circle=annotations.circle * growth,
        contour=tuple(tuple(ring * ratio for ring in rings) for rings in annotations.contour),
    )


def moved(annotations: Annotations, by: Floats) -> Annotations:
    """The annotations shifted by (x, y) pixels."""
    given = annotations.circle[:, 2:] > 0
    return dataclasses.replace(
        annotations,
        xy=annotations.xy + by,
        box=annotations.box + np.tile(by, 2),
        circle=np.where(given, annotations.circle + np.append(by, 0), annotations.circle),
        contour=tuple(tuple(ring + by for ring in rings) for rings in annotations.contour),
    )
