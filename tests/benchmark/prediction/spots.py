"""A detector that finds dark discs, and slides of such discs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from bmbench.core.types import Detections, Floats, Pixels
from bmbench.datasets.slides import Slide


@dataclass(frozen=True)
class DarkSpots:
    """Finds connected dark spots in the pixels; a spot that the image's edge cuts looks smaller."""

    def predict(self, image: Pixels) -> Detections:
        spots, n = ndimage.label(image[..., 0] < 128)
        if not n:
            return Detections.empty()
        rows = np.arange(1, n + 1)
        centre = np.array(ndimage.center_of_mass(spots > 0, spots, rows))[:, ::-1] + 0.5
        box = np.array([[c.start, r.start, c.stop, r.stop] for r, c in ndimage.find_objects(spots)])
        size = np.bincount(spots.ravel())[1:]
        return Detections.of(xy=centre, box=box.astype(np.float64), confidence=size / (size + 100.0))

    def save(self, folder: Path) -> None:
        raise NotImplementedError


def in_memory(pixels: Pixels, um_per_px: float | None = None) -> Slide:
    height, width = pixels.shape[:2]
    return Slide(
        path=Path(__file__),
        width=width,
        height=height,
        um_per_px=um_per_px,
        levels=((width, height),),
        read=lambda level, x, y, w, h: pixels[y : y + h, x : x + w],
        close=lambda: None,
        reader="image",
    )


def discs(rng: np.random.Generator, size: tuple[int, int], n: int, radius: float) -> tuple[Pixels, Floats]:
    """White pixels with dark discs that do not touch, and their centres."""
    centres: list[Floats] = []
    for _ in range(20 * n):
        xy = rng.uniform(radius + 1, np.array(size) - radius - 1)
        if len(centres) < n and all(np.hypot(*(xy - other)) > 2 * radius + 3 for other in centres):
            centres.append(xy)
    y, x = np.mgrid[: size[1], : size[0]] + 0.5
    pixels = np.full((size[1], size[0], 3), 240, np.uint8)
    for cx, cy in centres:
        pixels[(x - cx) ** 2 + (y - cy) ** 2 <= radius**2] = 40
    return pixels, np.array(centres).reshape(-1, 2)
