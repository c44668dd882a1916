"""Images of data sets, slides among them: the size, and all pixels where memory holds them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmbench.core.errors import BadInputError
from bmbench.core.gate import STORES, is_file, is_there, require_file, require_inside
from bmbench.core.types import Pixels
from bmbench.datasets.reading.bit_depth import FULL, white_of
from bmbench.datasets.reading.images import (
    SUFFIXES,
    Header,
    TooLargeError,
    by_high_bytes,
    check_size,
    read_header,
    read_raw,
    read_rgb,
)
from bmbench.datasets.reading.orientation import UPRIGHT
from bmbench.datasets.reading.tiff_files import LIMIT_PX
from bmbench.datasets.slides.ome_zarr import is_store, read_zarr_image
from bmbench.datasets.slides.opening import DICOM_SUFFIXES, OPENSLIDE_SUFFIXES, TIFF_SUFFIXES, opened

WHOLE_SUFFIXES = (*SUFFIXES, *OPENSLIDE_SUFFIXES, *DICOM_SUFFIXES, *STORES)
"""Endings of files that annotations may belong to."""
FIELD_PX = 4096 * 4096
"""Scanners' files of no more pixels are fields of view, cut from slides."""
_WITHOUT_SCALE = (".png", ".jpg", ".jpeg", ".bmp")


def size_of(path: Path, *, within: Path | None = None) -> tuple[int, int]:
    """(width, height) of an image or slide at full resolution; see `read_rgb` for the errors."""
    header = header_of(path, within=within)
    return _slide_size(path, within) if header is None else header.size


def read_whole(
    path: Path, size: tuple[int, int] | None = None, *, within: Path | None = None, white: int | None = None
) -> Pixels:
    """(height, width, 3) uint8 pixels of an image, or of a slide that is small enough; see `read_rgb`."""
    if _is_plain(path):
        with _too_large_but_for_slides(path):
            return read_rgb(path, size, within=within, white=white)
    _require(path, within)
    with opened(path, white=white) as slide:
        width, height = slide.finest
        if width * height > LIMIT_PX:
            raise BadInputError(
                "slide too large to read whole",
                where=str(path),
                expected=f"at most {LIMIT_PX} pixels",
                got=f"{width} × {height}",
                remedy="draw areas around what is annotated, which become its images, or export fields",
            )
        if size is not None and tuple(size) != (width, height):
            raise BadInputError(
                "slide of another size than its annotations say",
                where=str(path),
                expected=f"{size[0]} × {size[1]} px",
                got=f"{width} × {height} px",
            )
        return slide.read(0, 0, 0, width, height)


def check_whole(path: Path, size: tuple[int, int], *, within: Path | None = None) -> None:
    """Nothing, if an image has that (width, height), or it is a slide; see `check_size` for the errors."""
    if _is_plain(path):
        with _too_large_but_for_slides(path):
            check_size(path, size, within=within)


def header_of(path: Path, *, within: Path | None = None) -> Header | None:
    """What an image says of itself; None of a scanner's slide, never turned and of 8 bits a value."""
    if is_store(path):
        _require(path, within)
        image = read_zarr_image(path)
        return Header(size=image.size(), orientation=UPRIGHT, deep=image.deep)
    if _is_plain(path):
        with _too_large_but_for_slides(path):
            return read_header(path, within=within)
    return None


@contextmanager
def _too_large_but_for_slides(path: Path) -> Iterator[None]:
    """Passes over that an image is too large to be read whole, of a kind that is read in parts too."""
    try:
        yield
    except TooLargeError:
        if path.suffix.lower() not in TIFF_SUFFIXES:
            raise


def common_white(files: Sequence[tuple[Path, Path | None]]) -> int:
    """The white of several 16-bit images, each with the folder that it must lie in; see `bit_depth`."""

    def values() -> Iterator[NDArray[Any]]:
        for path, within in files:
            raw = _values(path, within=within)
            if raw.dtype == np.uint8:
                # Pillow hands out the high bytes of 16-bit colours; what they were is not known.
                raw = (raw.astype(np.uint16) << 8) | np.uint16(255)
                if (white := white_of([raw])) < FULL:
                    raise by_high_bytes(path, white)
            if raw.dtype == np.uint16:
                yield raw

    return white_of(values())


def is_image_there(path: Path) -> bool:
    """Whether there is a file, or a folder that is one image."""
    return is_file(path) or (is_store(path) and is_there(path))


def _values(path: Path, *, within: Path | None = None) -> NDArray[Any]:
    if not is_store(path):
        return read_raw(path, within=within)
    _require(path, within)
    return read_zarr_image(path).overview()


def _require(path: Path, within: Path | None) -> None:
    """Nothing, or a BadInputError if a path leads out of a folder, or to no file (or store)."""
    if not is_store(path):
        require_file(path, within=within)
    elif within is not None:
        require_inside(path, within)


def _slide_size(path: Path, within: Path | None) -> tuple[int, int]:
    _require(path, within)
    with opened(path) as slide:
        return slide.finest


def is_slide(path: Path | None, size: tuple[int, int]) -> bool:
    """Whether a file of that (width, height) is a whole slide, by its ending and its size."""
    return path is not None and size[0] * size[1] > (LIMIT_PX if _is_plain(path) else FIELD_PX)


def pixel_size_of(path: Path, *, within: Path | None = None) -> float | None:
    """µm per px that a slide states; None where it states none, and of files that are no slides."""
    if path.suffix.lower() in _WITHOUT_SCALE:
        return None
    _require(path, within)
    with opened(path) as slide:
        return slide.um_per_px


def _is_plain(path: Path) -> bool:
    return path.suffix.lower() not in (*OPENSLIDE_SUFFIXES, *DICOM_SUFFIXES, *STORES)
