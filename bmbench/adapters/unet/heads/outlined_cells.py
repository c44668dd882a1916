"""Outlines as detections: cut off at the image's edge, with the centre of their area and their box."""

from collections.abc import Sequence

import numpy as np

from bmbench.adapters.unet.encodings.depth_map import Reals
from bmbench.adapters.unet.labelled_pixels import LabelledPixels
from bmbench.adapters.unet.object_outlines import boxes_of, grown_outlines
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
        box=boxes_of(kept),
        confidence=np.clip(confidence[rows], 0, 1).astype(np.float64),
        label=np.asarray(label[rows], np.int64),
        contour=tuple((ring,) for ring in kept),
    )


def labelled_cells(labels: Ints, probable: Reals, *, smallest_px2: float) -> Detections:
    """The objects of (h, w) labels from 1, each of the kind that is likeliest in it.

    From (h, w, kinds) probabilities; its confidence is the mean of its kind's.
    """
    objects = LabelledPixels.of(labels)
    rings = grown_outlines(objects, np.zeros(len(objects)))
    if not rings:
        return Detections.empty()
    values = objects.of_map(probable)
    mean = np.array([values[pixels].mean(axis=0, dtype=np.float64) for pixels in objects.slices])
    return outlined(
        rings, mean.max(axis=1), mean.argmax(axis=1), size=probable.shape[:2], smallest_px2=smallest_px2
    )


def ring_centre(ring: Floats) -> Floats:
    """(2,) the centre of mass of a closed polygon's area; within its box."""
    at = ring - ring[0]
    following = np.roll(at, -1, axis=0)
    twice = at[:, 0] * following[:, 1] - at[:, 1] * following[:, 0]
    middle = ((at + following) * twice[:, None]).sum(axis=0) / (3 * twice.sum()) + ring[0]
    centre: Floats = np.clip(middle, ring.min(axis=0), ring.max(axis=0))
    return centre
