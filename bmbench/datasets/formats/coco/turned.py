"""Boxes that CVAT turned: ``attributes.rotation`` of its COCO export, in degrees clockwise."""

import math
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bmbench.core.geometry import turned_box
from bmbench.core.types import Bools, Floats, Rings
from bmbench.datasets.reading.tables import decimal_number


class Turned(msgspec.Struct, gc=False):
    """What is read of an annotation."""

    attributes: Any = None


def turn(
    turned: NDArray[Any],
    boxes: tuple[Floats, Floats],
    rings: dict[int, Rings],
    *,
    kept: Bools,
) -> None:
    """Turn the boxes that have no outline, in place.

    Parameters
    ----------
    turned : (n,) objects
        The attributes of each annotation.
    boxes : (n, 4) and (n, 2) float64, pixels
        Corners, and width and height.
    kept : (n,) bool
        Which boxes are stated, and may be turned.
    """
    box, size = boxes
    for row in np.flatnonzero(kept).tolist():
        degrees = turned[row].get("rotation") if isinstance(turned[row], dict) else None
        if isinstance(degrees, str):
            degrees = _degrees(degrees)
        if isinstance(degrees, int | float) and degrees and row not in rings:
            corners, outline = turned_box(box[row].tolist(), degrees)
            box[row] = corners
            size[row] = box[row, 2:] - box[row, :2]
            if outline:
                rings[row] = outline


def _degrees(text: str) -> float:
    """The angle in a text; 0 for a word, which other programs have there."""
    degrees = decimal_number(text)
    return degrees if math.isfinite(degrees) else 0.0
