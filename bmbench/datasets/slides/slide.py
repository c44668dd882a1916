"""What a slide is: its size, its pixel size, its levels, and a function that reads a part of one level."""

import lzma
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.types import Pixels

DAMAGE: tuple[type[Exception], ...] = (
    OSError, EOFError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError, AssertionError,
    RuntimeError, SyntaxError, struct.error, zlib.error, lzma.LZMAError,
)  # fmt: skip
"""What the packages that read slides raise on damaged files, beside errors of their own."""
_AT_ONCE_PX = 4_000_000
PLAUSIBLE_UM = (0.02, 50.0)
"""Range of µm per px that a microscope image has; printing resolutions (72 dpi …) lie outside."""


class UnreadableImageError(BadInputError):
    """An image is missing or damaged, or nothing here reads its kind: others may be as they should."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slide:
    """An open image of any size; only what is asked for is ever read.

    Attributes
    ----------
    width, height : int
        Of level 0, the full resolution.
    um_per_px : float or None
        Pixel size of level 0; None where the file does not say it.
    levels : tuple of (width, height)
        Of every resolution, level 0 first.
    read : (level, x0, y0, width, height) → (height, width, 3) uint8 RGB
        A part of one level in that level's pixels, all of it inside the level.
    close : () → None
    reader : str
        What reads it: "image", "tiff", "openslide", "dicom", "ome-zarr".
    origin : (x, y)
        Where level 0 begins on the glass, in its own pixels: some scanners store a whole glass with a small
        scanned area, which alone is the slide, here as in QuPath.
    """

    path: Path
    width: int
    height: int
    um_per_px: float | None
    levels: tuple[tuple[int, int], ...]
    read: Callable[[int, int, int, int, int], Pixels]
    close: Callable[[], None]
    reader: str
    origin: tuple[int, int] = (0, 0)

    @property
    def finest(self) -> tuple[int, int]:
        """(width, height) of level 0."""
        return self.width, self.height


def read_region(slide: Slide, box: tuple[float, float, float, float], size: tuple[int, int]) -> Pixels:
    """(height, width, 3) pixels of a part of the slide, resized to `size`.

    The coarsest level that is not coarser than what is asked for is read. Each result pixel depends on the
    pixels around its own place only, also beyond `box`: neighbouring parts fit together without a seam.

    Parameters
    ----------
    box : x0, y0, x1, y1
        In pixels of level 0, inside the slide.
    size : (width, height)
        Of the result.
    """
    level = _level(slide, (box[2] - box[0]) / size[0], (box[3] - box[1]) / size[1])
    width, height = slide.levels[level]
    across, down = width / slide.width, height / slide.height
    wanted = box[0] * across, box[1] * down, box[2] * across, box[3] * down
    nearest = tuple(round(edge) for edge in wanted)
    native = (nearest[2] - nearest[0], nearest[3] - nearest[1]) == tuple(size)
    if native and np.allclose(wanted, nearest, atol=1e-3):
        return slide.read(level, nearest[0], nearest[1], *size)
    return _resampled(slide, level, wanted, size)


def read_scaled(slide: Slide, size: tuple[int, int]) -> Pixels:
    """(height, width, 3) the whole slide, resized to `size`, read piece by piece."""
    width, height = size
    across, down = slide.width / width, slide.height / height
    finest_read = min(slide.levels, key=lambda level: abs(slide.width / level[0] - across))
    piece = max(16, int(_AT_ONCE_PX**0.5 * width / finest_read[0]))
    whole = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, piece):
        for left in range(0, width, piece):
            bottom, right = min(top + piece, height), min(left + piece, width)
            box = left * across, top * down, right * across, bottom * down
            whole[top:bottom, left:right] = read_region(slide, box, (right - left, bottom - top))
    return whole


def _level(slide: Slide, across: float, down: float) -> int:
    """The coarsest level whose pixels are at most `across` × `down` level-0 pixels large."""
    fitting = [
        number
        for number, (width, height) in enumerate(slide.levels)
        if slide.width / width <= across * 1.001 and slide.height / height <= down * 1.001
    ]
    return max(fitting, key=lambda number: -slide.levels[number][0], default=0)


def _resampled(
    slide: Slide, level: int, wanted: tuple[float, float, float, float], size: tuple[int, int]
) -> Pixels:
    from PIL import Image

    width, height = slide.levels[level]
    across, down = (wanted[2] - wanted[0]) / size[0], (wanted[3] - wanted[1]) / size[1]
    # The filters reach one result pixel to each side, and two pixels at least where they enlarge.
    reach = int(np.ceil(max(across, down, 1.0))) + 2
    x0, y0 = max(int(wanted[0]) - reach, 0), max(int(wanted[1]) - reach, 0)
    x1 = min(int(np.ceil(wanted[2])) + reach, width)
    y1 = min(int(np.ceil(wanted[3])) + reach, height)
    source = Image.fromarray(slide.read(level, x0, y0, x1 - x0, y1 - y0))
    way = Image.Resampling.HAMMING if max(across, down) > 1 else Image.Resampling.BILINEAR
    part = (
        max(wanted[0] - x0, 0.0),
        max(wanted[1] - y0, 0.0),
        min(wanted[2] - x0, float(x1 - x0)),
        min(wanted[3] - y0, float(y1 - y0)),
    )
    return np.asarray(source.resize(size, way, box=part))


def plausible_um(x: float | None, y: float | None) -> float | None:
    """The pixel size in µm if both directions agree (within 2 %) on one that a microscope has, else None."""
    if x is None or y is None or not (np.isfinite(x) and np.isfinite(y)) or min(x, y) <= 0:
        return None
    if max(x, y) > 1.02 * min(x, y) or not PLAUSIBLE_UM[0] <= x <= PLAUSIBLE_UM[1]:
        return None
    return float(x + y) / 2
