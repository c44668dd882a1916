"""Outlines as detections: cut off at the image's edge, with the centre of their area and their box."""

from collections.abc import Sequence

import numpy as np

from bmbench.core.geometry import clip_ring, ring_area
from bmbench.core.types import Detections, Floats, Ints


def outlined(
    rings: Sequence[Floats],
    confidence: Floats,
    label: Ints,
    *,
    size: tuple[int, ...],
    smallest_px2: float,
) -> Detections:
    """The cells with these outlines (k, 2) in an image of (height, width); small ones are left out."""
    inside = [clip_ring(ring, size[1], size[0]) for ring in rings]
    rows = [
        row for row, ring in enumerate(inside) if len(ring) and ring_area(ring) >= max(smallest_px2, 1e-6)
    ]
    if not rows:
        return Detections.empty()
    kept = [inside[row] for row in rows]
    return Detections.of(
        xy=np.array([ring_centre(ring) for ring in kept]),
        box=np.array([[*ring.min(axis=0), *ring.max(axis=0)] for ring in kept]),
        confidence=np.clip(confidence[rows], 0, 1).astype(np.float64),
        label=np.asarray(label[rows], np.int64),
        contour=tuple((ring,) for ring in kept),
    )


def ring_centre(ring: Floats) -> Floats:
    """(2,) the centre of mass of a closed polygon's area; within its box."""
    at = ring - ring[0]
    following = np.roll(at, -1, axis=0)
    twice = at[:, 0] * following[:, 1] - at[:, 1] * following[:, 0]
    middle = ((at + following) * twice[:, None]).sum(axis=0) / (3 * twice.sum()) + ring[0]
    centre: Floats = np.clip(middle, ring.min(axis=0), ring.max(axis=0))
    return centre
