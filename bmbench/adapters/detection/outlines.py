"""Outlines from the masks that a network gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.core.geometry import ring_area, rings_box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bmbench.core.types import Floats, Rings


def outline_of(mask: NDArray[Any] | None, flip: tuple[bool, bool]) -> Rings:
    """The outline of a (1, h, w) map of probabilities, mirrored by `flip`, in a box of side 1; () of none.

    The largest part of where the probability is above one half.
    """
    if mask is None:
        return ()
    from skimage.measure import find_contours

    grid = np.pad(mask[0].astype(np.float64), 1)
    rings = [ring[:-1, ::-1] for ring in find_contours(grid, 0.5)]  # type: ignore[no-untyped-call]
    if not rings:
        return ()
    ring = max(rings, key=ring_area)
    # Row 0 of the padded grid is the middle of a pixel outside.
    ring = (ring - 0.5) / np.array(mask.shape[:0:-1])
    return (np.where(np.array(flip), 1 - ring, ring),)


def stretched(rings: Rings, box: Floats) -> Rings:
    """The outline moved and stretched until it fills a box; () stays."""
    if not rings:
        return ()
    now = rings_box(rings)
    old, new = now[2:] - now[:2], box[2:] - box[:2]
    if not (old > 0).all():
        return ()
    return tuple(box[:2] + (ring - now[:2]) * (new / old) for ring in rings)
