"""Noise at the scales of a smear, from chromatin grains to stain clouds."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping

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
