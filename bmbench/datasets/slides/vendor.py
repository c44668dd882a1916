"""Scanner formats (SVS, NDPI, MRXS …) through OpenSlide.

A file of some scanners (MRXS, SCN, BIF) describes the whole glass and states the bounds of what was scanned.
Only that is the slide, as in QuPath: else every coordinate would be off by the bounds' corner, which is tens
of thousands of pixels.
"""

from pathlib import Path
from typing import Any

import numpy as np

from bmbench.core.errors import BadInputError, MissingExtraError
from bmbench.core.gate import require_file
from bmbench.core.numerals import numeral
from bmbench.core.types import Pixels
from bmbench.datasets.reading.images import to_rgb
from bmbench.datasets.slides.slide import Slide, plausible_um


def open_vendor(path: Path) -> Slide:
    """The slide of a file that OpenSlide reads.

    Raises
    ------
    BadInputError
        If the file is missing, damaged, or not a slide.
    MissingExtraError
        If OpenSlide is not installed.
    """
    try:
        import openslide
    except (ImportError, OSError):
        raise MissingExtraError("OpenSlide", extra="wsi") from None
    require_file(path)
    try:
        file = openslide.OpenSlide(path)
    except openslide.OpenSlideError as error:
        raise BadInputError("not a slide that OpenSlide reads", where=str(path), got=str(error)) from None
    left, top, width, height = _bounds(file)
    cropped = (left, top, width, height) != (0, 0, *file.dimensions)
    levels = tuple(
        (max(1, round(width / down)), max(1, round(height / down))) if cropped else size
        for down, size in zip(file.level_downsamples, file.level_dimensions, strict=True)
    )

    def read(level: int, x: int, y: int, w: int, h: int) -> Pixels:
        across, down = width / levels[level][0], height / levels[level][1]
        try:
            part = file.read_region((left + round(x * across), top + round(y * down)), level, (w, h))
        except openslide.OpenSlideError as error:
            raise BadInputError("damaged", where=str(path), got=str(error)) from None
        return to_rgb(np.asarray(part), path)

    return Slide(
        path=path,
        width=width,
        height=height,
        um_per_px=plausible_um(*(_number(file.properties, f"openslide.mpp-{axis}") for axis in "xy")),
        levels=levels,
        read=read,
        close=file.close,
        reader="openslide",
        origin=(left, top),
    )


def _bounds(file: Any) -> tuple[int, int, int, int]:
    """x, y, width, height of the scanned area in pixels of level 0; the whole glass where none is stated."""
    full = (0, 0, *file.dimensions)
    stated = [_number(file.properties, f"openslide.bounds-{side}") for side in ("x", "y", "width", "height")]
    x, y, width, height = (
        whole if number is None else int(number) for number, whole in zip(stated, full, strict=True)
    )
    inside = 0 <= x < full[2] and 0 <= y < full[3] and width > 0 and height > 0
    return (x, y, min(width, full[2] - x), min(height, full[3] - y)) if inside else full


def _number(properties: Any, name: str) -> float | None:
    try:
        return float(numeral(properties[name]))
    except (KeyError, ValueError):
        return None
