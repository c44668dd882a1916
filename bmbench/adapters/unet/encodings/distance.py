"""Encodings by how deep a pixel lies: a cone, and a cone with a steep flank."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bmbench.adapters.unet.encodings.encoding import Encoding, Regrowth

if TYPE_CHECKING:
    from bmbench.adapters.unet.encodings.depth_map import Reals
    from bmbench.adapters.unet.encodings.encoding import ObjectPixels
    from bmbench.adapters.unet.settings import UNetSettings

STEEPNESS = 10.0
"""Of the sigmoid of the normalised depth, around 0.5 (Graebel et al. 2021)."""
_DEEPEST = 0.95
"""Cut off deeper in the flank, an object is too small to tell how large its cell is."""


def cone(pixels: ObjectPixels) -> tuple[Reals, Reals]:
    """The normalised depth: 1 at the centre, 0 at the outline."""
    return pixels.normalised[None], np.ones_like(pixels.depth)


def flank(pixels: ObjectPixels) -> tuple[Reals, Reals]:
    """The sigmoid of the normalised depth: 0.993 at the centre, 0.5 half-way, 0.007 at the outline."""
    value: Reals = 1 / (1 + np.exp(-np.float32(STEEPNESS) * (pixels.normalised - np.float32(0.5))))
    return value[None], np.ones_like(pixels.depth)


def _cone_regrowth(threshold: float, _: UNetSettings) -> Regrowth:
    return _from_depth(threshold)


def _flank_regrowth(threshold: float, _: UNetSettings) -> Regrowth:
    # A flank runs from 0.007 to 0.993; thresholds may lie beyond, cells do not.
    depth = 0.5 + np.log(threshold / (1 - threshold)) / STEEPNESS
    return _from_depth(float(np.clip(depth, 0, _DEEPEST)))


def _from_depth(depth: float) -> Regrowth:
    """Cut off at a normalised depth, a round cell of radius r is one of (1 − depth) r."""
    return Regrowth(share=depth / (1 - depth))


DISTANCE = Encoding(name="distance", channels=("cell",), pixel_targets=cone, regrowth=_cone_regrowth)
SIGMOID = Encoding(name="sigmoid", channels=("cell",), pixel_targets=flank, regrowth=_flank_regrowth)
