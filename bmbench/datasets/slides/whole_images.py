"""Images of data sets, slides among them: the size, and all pixels where memory holds them."""

from pathlib import Path

from bmbench.core.errors import BadInputError
from bmbench.core.gate import require_file
from bmbench.core.types import Pixels
from bmbench.datasets.reading.images import SUFFIXES, Header, image_size, read_header, read_rgb
from bmbench.datasets.reading.tiff_files import LIMIT_PX
from bmbench.datasets.slides.opening import DICOM_SUFFIXES, OPENSLIDE_SUFFIXES, opened

WHOLE_SUFFIXES = (*SUFFIXES, *OPENSLIDE_SUFFIXES, *DICOM_SUFFIXES)
"""Endings of files that annotations may belong to."""


def size_of(path: Path, *, within: Path | None = None) -> tuple[int, int]:
    """(width, height) of an image or slide at full resolution; see `read_rgb` for the errors."""
    if _is_plain(path):
        return image_size(path, within=within)
    require_file(path, within=within)
    with opened(path) as slide:
        return slide.finest


def read_whole(
    path: Path, size: tuple[int, int] | None = None, *, within: Path | None = None, white: int | None = None
) -> Pixels:
    """(height, width, 3) uint8 pixels of an image, or of a slide that is small enough; see `read_rgb`."""
    if _is_plain(path):
        return read_rgb(path, size, within=within, white=white)
    require_file(path, within=within)
    with opened(path) as slide:
        width, height = slide.finest
        if width * height > LIMIT_PX:
            raise BadInputError(
                "slide too large to read whole",
                where=str(path),
                expected=f"at most {LIMIT_PX} pixels",
                got=f"{width} × {height}",
                remedy="export fields of view from it and annotate these",
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
    """Nothing, if an image or slide has that (width, height); see `check_size` for the errors."""
    from bmbench.datasets.reading.images import check_size

    if _is_plain(path):
        check_size(path, size, within=within)


def header_of(path: Path, *, within: Path | None = None) -> Header | None:
    """What an image file says of itself; None of a slide, which is never turned and has 8 bits a value."""
    return read_header(path, within=within) if _is_plain(path) else None


def _is_plain(path: Path) -> bool:
    return path.suffix.lower() not in (*OPENSLIDE_SUFFIXES, *DICOM_SUFFIXES)
