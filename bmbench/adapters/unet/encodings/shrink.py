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
    from bmbench.adapters.unet.encodings.encoding import Inside
    from bmbench.adapters.unet.settings import UNetSettings
    from bmbench.core.types import Bools


def erosion_px(settings: UNetSettings) -> float:
    """The erosion in pixels at working scale."""
    return settings.shrink * settings.cell_px


def eroded(inside: Inside) -> tuple[Reals, Reals]:
    """1 in the kernel, 0 in the ring around it."""
    kernel = inside.depth > _edge(inside)
    return kernel[None].astype(np.float32), np.ones_like(inside.depth)


def eroded_with_contour(inside: Inside) -> tuple[Reals, Reals]:
    """The kernel, and the band of `contour` mean diameters around it, which ends at the outline."""
    edge = _edge(inside)
    width = np.float32(inside.settings.contour * inside.settings.cell_px)
    kernel: Bools = inside.depth > edge
    band = ~kernel & (inside.depth > edge - width)
    return np.stack([kernel, band]).astype(np.float32), np.ones_like(inside.depth)


def ring_left_open(inside: Inside) -> tuple[Reals, Reals]:
    """1 in the kernel; the loss does not look at the ring."""
    kernel, _ = eroded(inside)
    return kernel, kernel[0]


def _edge(inside: Inside) -> Reals:
    """Depth at which the kernel of each pixel's object begins."""
    settings = inside.settings
    edge: Reals = np.minimum(erosion_px(settings), settings.keep * inside.deepest).astype(np.float32)
    return edge


def _undone(_: float, settings: UNetSettings) -> Regrowth:
    return Regrowth(px=erosion_px(settings))


SHRINK = Encoding(name="shrink", channels=("cell",), marks=eroded, regrowth=_undone)
SHRINK_CONTOUR = Encoding(
    name="shrink_contour", channels=("cell", "contour"), marks=eroded_with_contour, regrowth=_undone
)
DONT_CARE = Encoding(name="dont_care", channels=("cell",), marks=ring_left_open, regrowth=_undone)
