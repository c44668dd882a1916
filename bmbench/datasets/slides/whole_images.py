"""Images of data sets, slides among them: the size, and all pixels where memory holds them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bmbench.core.errors import BadInputError
from bmbench.core.gate import require_file
from bmbench.core.types import Pixels
from bmbench.datasets.reading.images import SUFFIXES, Header, TooLargeError, check_size, read_header, read_rgb
from bmbench.datasets.reading.tiff_files import LIMIT_PX
from bmbench.datasets.slides.opening import DICOM_SUFFIXES, OPENSLIDE_SUFFIXES, TIFF_SUFFIXES, opened

WHOLE_SUFFIXES = (*SUFFIXES, *OPENSLIDE_SUFFIXES, *DICOM_SUFFIXES)
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
    require_file(path, within=within)
    with opened(path) as slide:
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
    """What an image file says of itself; None of a slide, which is never turned and has 8 bits a value."""
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


def _slide_size(path: Path, within: Path | None) -> tuple[int, int]:
    require_file(path, within=within)
    with opened(path) as slide:
        return slide.finest


def is_slide(path: Path | None, size: tuple[int, int]) -> bool:
    """Whether a file of that (width, height) is a whole slide, by its ending and its size."""
    return path is not None and size[0] * size[1] > (LIMIT_PX if _is_plain(path) else FIELD_PX)


def pixel_size_of(path: Path, *, within: Path | None = None) -> float | None:
    """µm per px that a slide states; None where it states none, and of files that are no slides."""
    if path.suffix.lower() in _WITHOUT_SCALE:
        return None
    require_file(path, within=within)
    with opened(path) as slide:
        return slide.um_per_px


def _is_plain(path: Path) -> bool:
    return path.suffix.lower() not in (*OPENSLIDE_SUFFIXES, *DICOM_SUFFIXES)
