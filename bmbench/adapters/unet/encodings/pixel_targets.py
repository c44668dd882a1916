"""What a pixel of a cell is worth in each encoding: eroded shapes, depths, frequencies of foreground.

Erosion: touching cells become separate kernels, and a circle shrinks concentrically. A cell that is shallower
than the erosion would vanish; it is eroded by `keep` of its own depth instead.

Depth: a cone, or a cone with a steep flank.

Frequency: how often a pixel of that depth turned out to be foreground. A quick circle is larger than its cell
and not quite in its place: close to the outline it holds background as often as foreground. The curve says
how often, and the network learns just that.
"""

from collections.abc import Callable

import numpy as np

from bmbench.adapters.learning.fit_request import ForegroundCurve
from bmbench.adapters.unet.encodings.depth_map import Reals
from bmbench.adapters.unet.encodings.encoding import Encoding
from bmbench.adapters.unet.encodings.levels import Levels
from bmbench.adapters.unet.encodings.object_pixels import ObjectPixels, Regrowth
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
    width = np.float32(_contour_px(pixels.settings))
    kernel: Bools = pixels.depth > edge
    band = ~kernel & (pixels.depth > edge - width)
    return np.stack([kernel, band]).astype(np.float32), np.ones_like(pixels.depth)


def ring_left_open(pixels: ObjectPixels) -> tuple[Reals, Reals]:
    """1 in the kernel; the loss does not look at the ring."""
    kernel, _ = eroded(pixels)
    return kernel, kernel[0]


def _edge(pixels: ObjectPixels) -> Reals:
    return _kernel_edge(pixels.deepest, pixels.settings)


def _kernel_edge(deepest: Reals, settings: UNetSettings) -> Reals:
    """Depth at which the kernel of an object of that largest depth begins."""
    edge: Reals = np.minimum(erosion_px(settings), settings.keep * deepest).astype(np.float32)
    return edge


def _kernel_levels(ring: Callable[[UNetSettings], float]) -> Levels:
    """Distance to the kernel's edge, above 0 inside, where a ring of that width around it matters too.

    The ring of a cell that is eroded by less is narrower; its levels span those of a whole ring.
    """

    def of(depth: Reals, deepest: Reals, settings: UNetSettings) -> Reals:
        edge = _kernel_edge(deepest, settings)
        outer = np.maximum(edge - np.float32(ring(settings)), 0)
        whole = np.float32(_ring_px(settings, ring))
        inside = (depth - edge) * (whole / np.maximum(edge - outer, np.float32(1e-6)))
        below = np.where(depth > outer, inside, depth - outer - whole)
        return np.where(depth > edge, depth - edge, below).astype(np.float32)

    def pixels(level: Reals, settings: UNetSettings) -> tuple[Reals, Reals]:
        deepest = np.full_like(level, 1e6)
        return level + _kernel_edge(deepest, settings), deepest

    def limits(settings: UNetSettings) -> tuple[float, float]:
        return -_ring_px(settings, ring) - _SEEN_PX, _SEEN_PX

    return Levels(of=of, pixels=pixels, limits=limits)


_SEEN_PX = 4.0
"""So far from an edge its distance matters: more than neighbouring pixels are apart."""


def _ring_px(settings: UNetSettings, ring: Callable[[UNetSettings], float]) -> float:
    return min(ring(settings), erosion_px(settings)) if settings.keep > 0 else 0.0


def _contour_px(settings: UNetSettings) -> float:
    return settings.contour * settings.cell_px


def _undone(_: float, settings: UNetSettings) -> Regrowth:
    return Regrowth(px=erosion_px(settings))


SHRINK = Encoding(
    name="shrink",
    channels=("cell",),
    pixel_targets=eroded,
    regrowth=_undone,
    levels=_kernel_levels(lambda _: 0.0),
)
SHRINK_CONTOUR = Encoding(
    name="shrink_contour",
    channels=("cell", "contour"),
    pixel_targets=eroded_with_contour,
    regrowth=_undone,
    levels=_kernel_levels(_contour_px),
)
DONT_CARE = Encoding(
    name="dont_care",
    channels=("cell",),
    pixel_targets=ring_left_open,
    regrowth=_undone,
    levels=_kernel_levels(erosion_px),
)


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


FLAT = 0.02
"""A curve that rises by less says nothing."""


def measured(pixels: ObjectPixels) -> tuple[Reals, Reals]:
    """The measured probability that a pixel of this normalised depth is foreground."""
    return _curve(pixels)(pixels.normalised)[None], np.ones_like(pixels.depth)


def measured_and_scaled(pixels: ObjectPixels) -> tuple[Reals, Reals]:
    """The same on a scale from −1 at the outline to 1 at the centre, as a class and its weight.

    Above 0 a pixel is foreground, below it background, and it weighs as much as it is away from 0: at the
    outline the loss punishes foreground as it does outside, where circles and cells part ways it looks away.
    With ``scaled=regression`` the number itself is the target.
    """
    signed = scaled_to_signed(pixels.normalised, _curve(pixels))
    if pixels.settings.scaled == "regression":
        return signed[None], np.ones_like(signed)
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
    may_be_signed=True,
)
