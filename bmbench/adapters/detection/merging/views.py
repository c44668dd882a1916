"""Mirror images and tiles: from a view's pixels to the image's, and how many views could see a place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bmbench.adapters.detection.merging.overlaps import are_circles

if TYPE_CHECKING:
    from bmbench.core.types import Floats

MIRRORS = ((False, False), (True, False), (False, True), (True, True))
"""(left and right exchanged, top and bottom exchanged) of each mirrored view."""


def mirrored(shapes: Floats, *, width: float, height: float, flip: tuple[bool, bool]) -> Floats:
    """The shapes as they lie in the mirror image of a (height, width) image; applied twice, as they were."""
    result = shapes.copy()
    for axis, (length, flipped) in enumerate(zip((width, height), flip, strict=True)):
        if not flipped:
            continue
        if are_circles(shapes):
            result[:, axis] = length - shapes[:, axis]
        else:
            result[:, axis], result[:, axis + 2] = length - shapes[:, axis + 2], length - shapes[:, axis]
    return result


def centrality(xy: Floats, corner: Floats, size: Floats, *, sigma: float = 0.8) -> Floats:
    """(n,) how central points lie in their tiles: 1 in the middle.

    The mean over both axes of a Gaussian of the distance to the tile's middle; `sigma` is in half sides of
    the tile (0.8 in the toolkit of Jaeger et al.: 0.46 at the middle of an edge's far end on both axes).

    Parameters
    ----------
    xy, corner, size : (n, 2) pixels
        The points; the first corner, and width and height, of each one's tile.
    """
    away = (xy - corner - size / 2) / (sigma * size / 2)
    near: Floats = np.exp(-0.5 * away**2).mean(axis=1)
    return near
