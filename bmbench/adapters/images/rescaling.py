"""Images at the scale at which a network works.

A network learns fastest where cells have the size it was built for, so images are resized until the mean
training cell has a stated diameter. Whole images are resized before patches are drawn from them: an area
average of the original pixels is exact, is done once, and spares the augmentation most of its work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bmbench.core.cell_sizes import cell_diameters
from bmbench.core.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bmbench.core.types import Annotations, Pixels


def mean_diameter(images: Iterable[Annotations]) -> float:
    """Mean diameter of all annotated cells, in pixels.

    Raises
    ------
    BadInputError
        If there is no cell, or the cells are points without a size.
    """
    diameter = cell_diameters(images)
    if not len(diameter):
        raise BadInputError(
            "no cell in the training images", remedy="a method that learns needs annotated cells"
        )
    mean = float(diameter.mean())
    if not mean > 0:
        raise BadInputError(
            "the annotated cells are points without a size", remedy="give each point a radius"
        )
    return mean


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
