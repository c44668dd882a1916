"""What tells a countable field: how many nuclei, how many of them alone, how sharp, how much bare ground.

All lengths are in diameters of a nucleus, which is measured on the slide itself
(`bmbench.adapters.images.appearance`), so that objectives and scanners need not be known. Nuclei are looked
at in red light, which they absorb most, and red cells and plasma least; the ground between all cells in
green light, which everything absorbs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmbench.core.types import Bools, Floats, Ints, Pixels

NUCLEUS_PX = 12.0
"""Diameter of a nucleus in the pixels in which fields are looked at for their nuclei."""
FAINTEST = 0.05
"""Response (optical density) of the faintest blob that is taken for anything."""
NUCLEAR = 0.4
"""A blob is a nucleus from this share of the response of the darkest tenth on; red cells lie below."""
COHERENT = 0.75
"""Of a nucleus that stands alone, edges point at its middle: their mean cosine is at least this. Fibres of a
smudge cell, and nuclei that lie over each other, point anywhere."""
PALEST_RING = 0.35
"""Around a nucleus that stands alone there is cytoplasm or glass: the density there is at most this share of
its own. In a thick part, and in clumps, there are other nuclei."""
SAME_GROUND = 0.08
"""Green density up to which a place is as bare as the slide's clearest ground."""
GREEN_STEP, GREEN_LEVELS = 0.01, 256
_RADIUS = int(NUCLEUS_PX)
_INNER, _RIM, _RING = 0.3, (0.3, 0.7), (0.8, 1.0)
"""Radii in diameters of a nucleus: its middle, its edge, what lies around it."""
_SURE = 0.8
"""The share of a window's contrast that lies between these quantiles belongs to nucleus and ground."""

Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NuclearBlobs:
    """Dark blobs of the size of a nucleus; row i of every column is one.

    Attributes
    ----------
    size : (2,) float64
        Width and height of the image that was looked at.
    xy : (n, 2) float64
        In its pixels.
    response : (n,) float64
        How much darker (optical density) it is than what lies around it.
    alone : (n,) bool
        Whether it is round and stands alone.
    green : (4, GREEN_LEVELS) int64
        Pixels of each quarter by their green density, `GREEN_STEP` a level: how much bare ground there is.
    """

    size: Floats
    xy: Floats
    response: Floats
    alone: Bools
    green: Ints

    @property
    def quarter(self) -> Ints:
        """(n,) in which quarter of the image each blob lies, from 0 to 3, row by row."""
        return np.asarray((self.xy >= self.size // 2) @ np.array([1, 2]), np.int64)

    @property
    def ground(self) -> float:
        """The green density that a tenth of the image is paler than."""
        below = self.green.sum(axis=0).cumsum()
        return float(np.searchsorted(below, 0.1 * below[-1]) * GREEN_STEP)

    def bare(self, ground: float) -> Floats:
        """(4,) the share of each quarter that is as pale as this ground."""
        levels = int(np.ceil((ground + SAME_GROUND) / GREEN_STEP))
        return np.asarray(self.green[:, :levels].sum(axis=1) / np.maximum(self.green.sum(axis=1), 1))


def nuclear_blobs(image: Pixels) -> NuclearBlobs:
    """The blobs of a (h, w, 3) image whose nuclei are `NUCLEUS_PX` wide."""
    from scipy import ndimage

    density = _density(image)
    green = np.minimum(_density(image, channel=1) / GREEN_STEP, GREEN_LEVELS - 1).astype(np.int64)
    top, left = image.shape[0] // 2, image.shape[1] // 2
    quarters = green[:top, :left], green[:top, left:], green[top:, :left], green[top:, left:]
    # The response to a disc of diameter d is largest at sigma = d / (2 √2): Lindeberg, IJCV 1998;30:79.
    sigma = NUCLEUS_PX / (2 * np.sqrt(2))
    answer = -(sigma**2) * ndimage.gaussian_laplace(density, sigma, mode="reflect")
    peak = answer == ndimage.maximum_filter(answer, size=2 * round(sigma) + 1, mode="nearest")
    rows, columns = np.nonzero(peak & (answer > FAINTEST))
    return NuclearBlobs(
        size=np.array([image.shape[1], image.shape[0]], np.float64),
        xy=np.column_stack([columns, rows]).astype(np.float64) + 0.5,
        response=answer[rows, columns].astype(np.float64),
        alone=_alone(density, rows, columns),
        green=np.stack([np.bincount(part.ravel(), minlength=GREEN_LEVELS) for part in quarters]),
    )


def clearest_ground(parts: Sequence[NuclearBlobs]) -> float:
    """The green density of a slide's ground where its film is thinnest: the clearest tenth of the parts."""
    return float(np.quantile([part.ground for part in parts], 0.1)) if parts else 0.0


def nuclear_response(parts: Sequence[NuclearBlobs]) -> float:
    """From which response on a blob of this slide is a nucleus."""
    every = np.concatenate([part.response for part in parts]) if parts else np.zeros(0)
    return max(FAINTEST, NUCLEAR * float(np.quantile(every, 0.9))) if len(every) else FAINTEST


def edge_widths(image: Pixels, xy: Floats, nucleus_px: float) -> Floats:
    """(n,) width of the edge of the nucleus at each of (n, 2) places of an image at full resolution.

    In diameters of a nucleus: the standard deviation of the blur that would make an ideal edge as flat, which
    is the contrast over the steepest slope and over the square root of 2 pi. NaN of one that the border cuts.
    """
    from scipy import ndimage

    density = _density(image)
    slope = ndimage.gaussian_gradient_magnitude(density, 0.7)
    reach = max(2, round(0.8 * nucleus_px))
    corners = np.floor(xy).astype(int) - reach
    height, width = density.shape
    inside = ((corners >= 0) & (corners + 2 * reach < [width, height])).all(axis=1)
    widths = np.full(len(xy), np.nan)
    for row in np.flatnonzero(inside).tolist():
        left, top = corners[row].tolist()
        window = np.s_[top : top + 2 * reach + 1, left : left + 2 * reach + 1]
        low, high = np.quantile(density[window], [(1 - _SURE) / 2, (1 + _SURE) / 2])
        steepest = float(np.quantile(slope[window], 0.98))
        if steepest > 0:
            widths[row] = float(high - low) / (steepest * np.sqrt(2 * np.pi)) / nucleus_px
    return widths


def _density(image: Pixels, *, channel: int = 0) -> Plane:
    """(h, w) optical density of red light, or of another channel."""
    density: Plane = -np.log((image[..., channel].astype(np.float32) + 1) / 256)
    return density


def _alone(density: Plane, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Bools:
    """(n,) whether the blobs at these places are round, and paler around than inside."""
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(density, NUCLEUS_PX / 12)
    planes = [smooth, ndimage.sobel(smooth, 1), ndimage.sobel(smooth, 0)]
    there, across, down = (np.pad(plane, _RADIUS, mode="reflect") for plane in planes)
    x, y = np.meshgrid(*2 * [np.arange(-_RADIUS, _RADIUS + 1)])
    far = np.hypot(x, y)
    inner = far <= _INNER * NUCLEUS_PX
    ring = (far >= _RING[0] * NUCLEUS_PX) & (far <= _RING[1] * NUCLEUS_PX)
    rim = (far >= _RIM[0] * NUCLEUS_PX) & (far <= _RIM[1] * NUCLEUS_PX)
    inwards_x, inwards_y = -x[rim] / far[rim], -y[rim] / far[rim]
    alone = np.zeros(len(rows), bool)
    for number, (row, column) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        window = np.s_[row : row + 2 * _RADIUS + 1, column : column + 2 * _RADIUS + 1]
        slope_x, slope_y = across[window][rim], down[window][rim]
        steep = float(np.hypot(slope_x, slope_y).sum())
        coherence = float((slope_x * inwards_x + slope_y * inwards_y).sum()) / max(steep, 1e-9)
        around = float(np.median(there[window][ring])) / max(float(there[window][inner].mean()), 1e-9)
        alone[number] = coherence >= COHERENT and around <= PALEST_RING
    return alone
