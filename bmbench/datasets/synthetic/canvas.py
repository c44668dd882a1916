"""The field of view as optical density, the window of one outline on it, and noise at all scales."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bmbench.core.types import Floats
from bmbench.datasets.synthetic.outline import ANGLES, RAYS, Outline

Plane: TypeAlias = NDArray[np.floating[Any]]

SIZES_UM = {"grain": 0.16, "fine": 0.3, "mid": 0.55, "coarse": 1.0, "wide": 2.2, "cloud": 9.0}
"""Correlation length (standard deviation of the blur) of each scale of noise, in µm."""
TILE_PX = 512


@lru_cache(maxsize=4)
def noise(px_per_um: float) -> Mapping[str, Plane]:
    """Tileable (TILE_PX, TILE_PX) noise planes of unit variance, one a scale of `SIZES_UM`."""
    rng = np.random.default_rng(20210312)
    frequency = np.hypot(np.fft.fftfreq(TILE_PX)[:, None], np.fft.rfftfreq(TILE_PX)[None])
    planes = {}
    for name, size in SIZES_UM.items():
        sigma = min(size * px_per_um, TILE_PX / 10)
        spectrum = np.fft.rfft2(rng.standard_normal((TILE_PX, TILE_PX)))
        plane = np.fft.irfft2(spectrum * np.exp(-2 * (np.pi * sigma * frequency) ** 2), s=(TILE_PX, TILE_PX))
        plane -= plane.mean()
        planes[name] = (plane / plane.std()).astype(np.float32)
        planes[name].flags.writeable = False
    return planes


def patch(plane: Plane, shape: tuple[int, int], rng: np.random.Generator) -> Plane:
    """A random (rows, columns) piece of a tileable plane, wrapped where it is larger."""
    row, column = rng.integers(0, TILE_PX, 2)
    rows, columns = (row + np.arange(shape[0])) % TILE_PX, (column + np.arange(shape[1])) % TILE_PX
    piece: Plane = plane[rows[:, None], columns[None]]
    return piece


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """The pixels around one outline.

    Attributes
    ----------
    rows, columns : slice
        Where the window lies on the canvas.
    x, y : (h, w) float32, pixels
        Pixel centres relative to the outline's centre.
    inward : (h, w) float32
        Distance to the centre relative to the border's distance in that direction: 1 on the border.
    edge : (h, w) float32, pixels
        Signed distance to the border, negative inside.
    """

    rows: slice
    columns: slice
    x: Plane
    y: Plane
    inward: Plane
    edge: Plane

    def cover(self, soft_px: float = 1.0) -> Plane:
        """(h, w) share of each pixel inside the outline; the border fades over `soft_px`."""
        inside: Plane = np.clip(0.5 - self.edge / soft_px, 0, 1)
        return inside


def window(outline: Outline, size_px: int, margin_px: float) -> Window | None:
    """The window of an outline with a margin around it; None if it lies outside the image."""
    points = outline.points
    low = np.clip(np.floor(points.min(axis=0) - margin_px), 0, size_px).astype(int)
    high = np.clip(np.ceil(points.max(axis=0) + margin_px), 0, size_px).astype(int)
    if (high <= low).any():
        return None
    x = (np.arange(low[0], high[0]) + 0.5 - outline.centre[0]).astype(np.float32)[None]
    y = (np.arange(low[1], high[1]) + 0.5 - outline.centre[1]).astype(np.float32)[:, None]
    far = np.hypot(x, y)
    ray = np.arctan2(y, x) * np.float32(RAYS / (2 * np.pi)) % RAYS
    first = ray.astype(np.intp) % RAYS
    share = ray - np.floor(ray)
    radius, following = outline.radius.astype(np.float32), np.roll(outline.radius, -1).astype(np.float32)
    border = radius[first] * (1 - share) + following[first] * share
    slope = ((following - radius) / np.float32(ANGLES[1]))[first] / border
    return Window(
        rows=slice(low[1], high[1]),
        columns=slice(low[0], high[0]),
        x=np.broadcast_to(x, far.shape),
        y=np.broadcast_to(y, far.shape),
        inward=far / border,
        edge=(far - border) / np.sqrt(1 + slope * slope),
    )


class Canvas:
    """Optical density of the field of view, (size, size, 3) float32, to be painted on."""

    def __init__(self, size_px: int, px_per_um: float, dyes: Mapping[str, Floats]) -> None:
        self.size_px, self.px_per_um = size_px, px_per_um
        self.density = np.zeros((size_px, size_px, 3), np.float32)
        self._dyes = {name: value.astype(np.float32) for name, value in dyes.items()}
        self._noise = noise(px_per_um)

    def add(self, at: Window, dye: str, amount: Plane) -> None:
        """Lay `amount` (h, w) of a dye over what is there."""
        self.density[at.rows, at.columns] += amount[:, :, None] * self._dyes[dye]

    def fade(self, at: Window, share: Plane) -> None:
        """Take away this share (h, w) of what is there."""
        self.density[at.rows, at.columns] *= 1 - share[:, :, None]

    def noise(self, name: str, at: Window, rng: np.random.Generator) -> Plane:
        """(h, w) noise of unit variance at one of the scales of `SIZES_UM`."""
        return patch(self._noise[name], at.x.shape, rng)
