"""The objects of one image moved together."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bmbench.core.types import Detections, Floats


def moved(detections: Detections, by: Floats, ratio: Floats) -> Detections:
    """The detections with every point multiplied by `ratio` (2,) after `by` (2,) was added."""
    both = np.tile(by, 2), np.tile(ratio, 2)
    return dataclasses.replace(
        detections,
        xy=(detections.xy + by) * ratio,
        box=(detections.box + both[0]) * both[1],
        contour=tuple(tuple((ring + by) * ratio for ring in rings) for rings in detections.contour),
    )
