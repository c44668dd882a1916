"""Encodings that erode the shapes, so that touching cells become separate kernels.

A circle shrinks concentrically. A cell that is shallower than the erosion would vanish; it is eroded by
`keep` of its own depth instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bmbench.adapters.unet.encodings.encoding import Encoding, Regrowth

if TYPE_CHECKING:
    from bmbench.adapters.unet.encodings.depth_map import Reals
    from bmbench.adapters.unet.encodings.encoding import ObjectPixels
    from bmbench.adapters.unet.settings import UNetSettings
    from bmbench.core.types import Bools


def erosion_px(settings: UNetSettings) -> float:
    """The erosion in pixels at working scale."""
    return settings.shrink * settings.cell_px


def eroded(pixels: ObjectPixels) -> tuple[Reals, Reals]:
    """1 in the kernel, 0 in the ring around it."""
    kernel = pixels.depth > _edge(pixels)
    return kernel[None].astype(np.float32), np.ones_like(pixels.depth)


def eroded_with_contour(pixels: ObjectPixels) -> tuple[Reals, Reals]:
    """The kernel, and the band of `contour` mean diameters around it, which ends at the outline."""
    edge = _edge(pixels)
    width = np.float32(pixels.settings.contour * pixels.settings.cell_px)
    kernel: Bools = pixels.depth > edge
    band = ~kernel & (pixels.depth > edge - width)
    return np.stack([kernel, band]).astype(np.float32), np.ones_like(pixels.depth)


def ring_left_open(pixels: ObjectPixels) -> tuple[Reals, Reals]:
    """1 in the kernel; the loss does not look at the ring."""
    kernel, _ = eroded(pixels)
    return kernel, kernel[0]


def _edge(pixels: ObjectPixels) -> Reals:
    """Depth at which the kernel of each pixel's object begins."""
    settings = pixels.settings
    edge: Reals = np.minimum(erosion_px(settings), settings.keep * pixels.deepest).astype(np.float32)
    return edge


def _undone(_: float, settings: UNetSettings) -> Regrowth:
    return Regrowth(px=erosion_px(settings))


SHRINK = Encoding(name="shrink", channels=("cell",), pixel_targets=eroded, regrowth=_undone)
SHRINK_CONTOUR = Encoding(
    name="shrink_contour", channels=("cell", "contour"), pixel_targets=eroded_with_contour, regrowth=_undone
)
DONT_CARE = Encoding(name="dont_care", channels=("cell",), pixel_targets=ring_left_open, regrowth=_undone)
