"""Encodings by how often a pixel of that depth turned out to be foreground.

A quick circle is larger than its cell and not quite in its place: close to the outline it holds background as
often as foreground. The curve says how often, and the network learns just that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bmbench.adapters.unet.encodings.encoding import Encoding, Regrowth

if TYPE_CHECKING:
    from bmbench.adapters.learning.fit_request import ForegroundCurve
    from bmbench.adapters.unet.encodings.depth_map import Reals
    from bmbench.adapters.unet.encodings.encoding import ObjectPixels
    from bmbench.adapters.unet.settings import UNetSettings


FLAT = 0.02
"""A curve that rises by less says nothing."""


def measured(pixels: ObjectPixels) -> tuple[Reals, Reals]:
    """The measured probability that a pixel of this normalised depth is foreground."""
    return _curve(pixels)(pixels.normalised)[None], np.ones_like(pixels.depth)


def measured_and_scaled(pixels: ObjectPixels) -> tuple[Reals, Reals]:
    """The same on a scale from −1 at the outline to 1 at the centre, as a class and its weight.

    Above 0 a pixel is foreground, below it background, and it weighs as much as it is away from 0: at the
    outline the loss punishes foreground as it does outside, where circles and cells part ways it looks away.
    """
    signed = scaled_to_signed(pixels.normalised, _curve(pixels))
    return (signed > 0)[None].astype(np.float32), np.abs(signed)


def scaled_to_signed(depth: Reals, curve: ForegroundCurve) -> Reals:
    """The curve at normalised depths, scaled to −1 at the outline and 1 at the centre.

    Where the curve is flat (the shapes are the cells' own contours) there is nothing to scale, and all of
    the inside is 1.
    """
    least, most = curve.probability[0], curve.probability[-1]
    if most - least < FLAT:
        return np.ones_like(depth)
    signed: Reals = (2 * (curve(depth) - least) / (most - least) - 1).astype(np.float32)
    return signed


def _curve(pixels: ObjectPixels) -> ForegroundCurve:
    if pixels.curve is None:
        raise ValueError("this encoding needs a foreground curve")
    return pixels.curve


def _none(_threshold: float, _settings: UNetSettings) -> Regrowth:
    """None: where foreground is as likely as not, the cell ends."""
    return Regrowth()


STATISTICAL = Encoding(
    name="statistical", channels=("cell",), pixel_targets=measured, regrowth=_none, uses_curve=True
)
STATISTICAL_SCALED = Encoding(
    name="statistical_scaled",
    channels=("cell",),
    pixel_targets=measured_and_scaled,
    regrowth=_none,
    uses_curve=True,
)
