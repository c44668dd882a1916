"""Training patches in other stains than their slide's.

Dyes absorb: a picture is the exponential of minus the sum of their densities. So stains are varied in optical
density, where more dye is a factor, another dye is another direction, and a stained film under the cells is a
shift, and not in colour, where they would be none of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bmbench.core.types import Pixels

_DENSITY = -np.log((np.arange(256) + 1) / 256).astype(np.float32)
"""Optical density (natural logarithm) of each grey level; of 0 that of half a level above it."""


def jitter_stain(image: Pixels, strength: float, generator: np.random.Generator) -> Pixels:
    """The image with each channel's optical density scaled and shifted at random.

    Half of the deviation is common to all channels (more or less stain), half is each channel's own
    (another hue); the offset is a tenth of the factor's deviation.
    """
    if strength == 0:
        return image
    import cv2

    common, own = generator.normal(0, strength, 1), generator.normal(0, strength, 3)
    factor = np.exp((common + own) / np.sqrt(2))
    offset = generator.normal(0, strength / 10, 3)
    density = -np.log((np.arange(256)[:, None] + 1) / 256)
    table = np.clip(np.round(256 * np.exp(-(density * factor + offset)) - 1), 0, 255).astype(np.uint8)
    return cv2.LUT(image, table[None]).astype(np.uint8, copy=False)


def shift_stain(image: Pixels, strength: float, generator: np.random.Generator) -> Pixels:
    """The image as another laboratory might have stained it.

    Every second image is left as it is. The others' optical densities are mixed between the channels (each
    weight off the diagonal N(0, strength / 2)), scaled as a whole (by the exponential of N(0, strength)), and
    lie on a film of |N(0, strength)| with a random colour.
    """
    if strength == 0 or generator.random() < 0.5:
        return image
    mixing = np.eye(3) + generator.normal(0, strength / 2, (3, 3)) * (1 - np.eye(3))
    amount = np.exp(generator.normal(0, strength))
    film = abs(generator.normal(0, strength)) * generator.uniform(0.2, 1.0, 3)
    density = _DENSITY[image] @ (amount * mixing).T.astype(np.float32) + film.astype(np.float32)
    pixels: Pixels = np.clip(np.rint(256 * np.exp(-density) - 1), 0, 255).astype(np.uint8)
    return pixels
