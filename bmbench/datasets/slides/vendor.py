"""Scanner formats (SVS, NDPI, MRXS …) through OpenSlide."""

from pathlib import Path
from typing import Any

import numpy as np

from bmbench.core.errors import BadInputError, MissingExtraError
from bmbench.core.gate import require_file
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
    width, height = file.dimensions

    def read(level: int, x: int, y: int, w: int, h: int) -> Pixels:
        across, down = (full / part for full, part in zip(file.dimensions, file.level_dimensions[level]))  # noqa: B905
        try:
            part = file.read_region((round(x * across), round(y * down)), level, (w, h))
        except openslide.OpenSlideError as error:
            raise BadInputError("damaged", where=str(path), got=str(error)) from None
        return to_rgb(np.asarray(part), path)

    return Slide(
        path=path,
        width=width,
        height=height,
        um_per_px=plausible_um(*(_number(file.properties, f"openslide.mpp-{axis}") for axis in "xy")),
        levels=tuple(file.level_dimensions),
        read=read,
        close=file.close,
        reader="openslide",
    )


def _number(properties: Any, name: str) -> float | None:
    try:
        return float(properties[name])
    except (KeyError, ValueError):
        return None
