"""Pixels of image files as RGB bytes, by one rule for every format.

The rule, in order: the picture is turned as its file says (EXIF orientation, which a TIFF has as a tag); a
palette is resolved; transparent pixels lie on white, the colour of an empty bright-field image; grey becomes
three equal channels; 16-bit values are scaled so that `white` is 255, which is one value for all images of a
set (`bit_depth`), and without one the full range. Real-valued and signed pixels are refused: their scale is
not written in the file, and guessing it would change the contrast from image to image.
"""

import lzma
import math
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from bmbench.core.errors import BadInputError
from bmbench.core.gate import open_file, read_bytes
from bmbench.core.types import Pixels
from bmbench.datasets.reading.bit_depth import FULL, to_8_bits
from bmbench.datasets.reading.orientation import (
    TAG,
    UPRIGHT,
    orientation_of,
    png_tells_orientation,
    turned_upright,
    upright_size,
)
from bmbench.datasets.reading.tiff_files import LIMIT_PX, tiff_facts, tiff_file

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
"""Endings of files that count as images when a folder is listed."""
_ANY_BYTES, _RATIO = 64 << 20, 2000
"""Pixels beyond the first number must be in a file; Deflate makes a thousand bytes of one at most."""
_TIFF = (".tif", ".tiff", ".btf", ".tf8")
_DEEP_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I")
_DAMAGED = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError, AttributeError,
    AssertionError, RuntimeError, MemoryError, struct.error, zlib.error, lzma.LZMAError,
)  # fmt: skip
"""What Pillow and tifffile raise on one damaged file or another: both believe what its header says."""


class TooLargeError(BadInputError):
    """An image has more pixels than are read at once; a slide may be read in parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What an image file says of itself before its pixels are read.

    Attributes
    ----------
    size : (width, height)
        As it is to be seen.
    orientation : int
        1 where it is stored so; see `bmbench.datasets.reading.orientation`.
    deep : bool
        Whether it has 16 bits a value.
    """

    size: tuple[int, int]
    orientation: int
    deep: bool


def read_rgb(
    path: Path, size: tuple[int, int] | None = None, *, within: Path | None = None, white: int | None = None
) -> Pixels:
    """(height, width, 3) uint8 pixels of an image file; see the module for the rule.

    Parameters
    ----------
    size : (width, height), optional
        What the annotations say; another size is refused, since every coordinate would be wrong.
    within : Path, optional
        The folder that the file must lie in, if a file from outside names it or it was found in a folder.
    white : int, optional
        The value of a 16-bit image that is white; without it, the full range.

    Raises
    ------
    BadInputError
        If the file is missing, truncated, no image, too large, or of another size.
    """
    raw = read_raw(path, within=within)
    if white not in (None, FULL) and raw.dtype == np.uint8 and read_header(path, within=within).deep:
        raise by_high_bytes(path, white)
    pixels = to_rgb(raw, path, white=white)
    if size is not None and (pixels.shape[1], pixels.shape[0]) != tuple(size):
        raise _wrong_size(path, size, (pixels.shape[1], pixels.shape[0]))
    return pixels


def check_size(path: Path, size: tuple[int, int], *, within: Path | None = None) -> None:
    """Nothing, if the image's header says (width, height) `size`; BadInputError otherwise."""
    found = image_size(path, within=within)
    if found != tuple(size):
        raise _wrong_size(path, size, found)


def image_size(path: Path, *, within: Path | None = None) -> tuple[int, int]:
    """(width, height) of an image file as it is to be seen, from its header alone."""
    return read_header(path, within=within).size


def read_header(path: Path, *, within: Path | None = None) -> Header:
    """What an image file says of itself; see `read_rgb` for the errors."""
    with open_file(path, within=within, limit=None) as file, _named_errors(path):
        if path.suffix.lower() in _TIFF:
            facts = tiff_facts(file)
            return _header(facts.size, facts.orientation, deep=facts.deep)
        with Image.open(file) as image:
            size, deep, told = image.size, image.mode in _DEEP_MODES, True
            if image.format == "PNG":
                told = png_tells_orientation(file)
                file.seek(24)
                deep = file.read(1) == b"\x10"
        if not told:
            return _header(size, UPRIGHT, deep=deep)
        file.seek(0)
        with Image.open(file) as image:
            # Of a PNG this reads to its end, where the tag may stand.
            return _header(size, orientation_of(image.getexif().get(TAG)), deep=deep)


def read_raw(path: Path, *, within: Path | None = None, planes: bool = False) -> NDArray[Any]:
    """Values as stored, turned upright: (h, w) or (h, w, 1 to 4), 8 or 16 bits; what label images need.

    With `planes`, up to four planes of a TIFF count as channels, whatever it calls them. Errors: `read_rgb`.
    """
    data = read_bytes(path, within=within)
    with _named_errors(path):
        tiff = path.suffix.lower() in _TIFF
        pixels = _read_tiff(data, path, planes=planes) if tiff else _read_pillow(data)
    if not pixels.size:
        raise BadInputError("image without pixels", where=str(path), remedy="copy the file again")
    return pixels


def read_mask(
    path: Path, size: tuple[int, int], *, within: Path | None = None, of: str = "the image"
) -> NDArray[Any]:
    """(height, width) the first channel of a picture, with the values that it has.

    Parameters
    ----------
    size : (width, height)
        That of the image; a BadInputError if the picture has another one.
    of : str
        What has that size, for the error.
    """
    raw = read_raw(path, within=within)
    if raw.shape[:2] != size[::-1]:
        raise BadInputError(
            f"mask of another size than {of}",
            where=str(path),
            expected=f"{size[0]} × {size[1]} px",
            got=f"{raw.shape[1]} × {raw.shape[0]} px",
        )
    values: NDArray[Any] = raw.reshape(*raw.shape[:2], -1)[:, :, 0]
    return values


def to_rgb(raw: NDArray[Any], path: Path, *, white: int | None = None) -> Pixels:
    """(h, w, 3) uint8 from pixels as stored; `path` is named in errors, `white` is that of 16 bits."""
    if raw.dtype == np.bool_:
        raw = raw.astype(np.uint8) * np.uint8(255)
    if raw.dtype not in (np.uint8, np.uint16):
        raise BadInputError(
            "pixels of an unknown scale",
            where=str(path),
            expected="8- or 16-bit unsigned values",
            got=str(raw.dtype),
            remedy="save the image as 8-bit PNG",
        )
    if raw.dtype == np.uint16:
        raw = to_8_bits(raw, FULL if white is None else white)
    if raw.ndim == 2:
        raw = raw[:, :, None]
    if raw.shape[2] in (2, 4):
        raw = _on_white(raw[:, :, :-1], raw[:, :, -1:])
    return np.ascontiguousarray(np.broadcast_to(raw, (*raw.shape[:2], 3)))


def _on_white(colour: Pixels, alpha: Pixels) -> Pixels:
    weight = alpha.astype(np.uint32)
    blend: Pixels = ((colour * weight + 255 * (255 - weight) + 127) // 255).astype(np.uint8)
    return blend


def _require_plausible(n_bytes: int, data: bytes) -> None:
    """Nothing, or a DecompressionBombError if so many bytes of pixels cannot be packed in a file so small."""
    if n_bytes > _ANY_BYTES and n_bytes > _RATIO * len(data):
        raise Image.DecompressionBombError


def _read_pillow(data: bytes) -> NDArray[Any]:
    with Image.open(BytesIO(data)) as image:
        _require_plausible(image.width * image.height * len(image.getbands()), data)
        values = _pillow_values(image)
        # Asked for afterwards: Pillow turns a TIFF while it loads it, and takes the tag away.
        return turned_upright(values, orientation_of(image.getexif().get(TAG)))


def _pillow_values(image: Image.Image) -> NDArray[Any]:
    image.load()
    if image.mode in _DEEP_MODES:
        values = np.asarray(image)
        deep = values.dtype.kind == "i" and values.size and values.min() >= 0 and values.max() < 2**16
        return values.astype(np.uint16) if deep else values
    if image.mode == "RGB":
        # Already copied out of Pillow, and nobody writes into colours: a second copy is spared.
        return np.asarray(image)
    if image.mode in ("L", "LA", "RGBA", "F"):
        return np.array(image)
    see_through = image.mode in ("PA", "La", "RGBa") or "transparency" in image.info
    return np.array(image.convert("RGBA" if see_through else "RGB"))


def _read_tiff(data: bytes, path: Path, *, planes: bool) -> NDArray[Any]:
    import tifffile

    facts = tiff_facts(BytesIO(data))
    shape, axes = facts.shape, facts.axes
    _require_plausible(math.prod(shape), data)
    with tiff_file(BytesIO(data)) as tiff:
        plain = tiff.series[0].keyframe.photometric in (
            tifffile.PHOTOMETRIC.MINISBLACK,
            tifffile.PHOTOMETRIC.RGB,
        )
    any_axis = axes.strip("YX") if planes and len(axes) == 3 else ""
    channel = next((axis for axis in "SC" if axis in axes), any_axis)
    if set(axes) - {"Y", "X", channel} or (channel and shape[axes.index(channel)] > 4):
        raise BadInputError(
            "a stack, not one image", where=str(path), got=f"axes {axes}", remedy="save one plane as a file"
        )
    if not plain:
        # tifffile hands out palette rows and printing inks as they stand; Pillow turns them into colours.
        return _read_pillow(data)
    try:
        values: NDArray[Any] = tifffile.imread(BytesIO(data), series=0, level=0, _multifile=False)
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        # Pillow's own libtiff knows the compressions that tifffile leaves to a package of its own.
        return _read_pillow(data)
    values = np.moveaxis(values, axes.index(channel), -1) if channel else values
    return turned_upright(values, facts.orientation)


def _header(stored: tuple[int, int], orientation: int, *, deep: bool) -> Header:
    return Header(size=upright_size(stored, orientation), orientation=orientation, deep=deep)


def by_high_bytes(path: Path, white: int | None) -> BadInputError:
    """The error for 16-bit colours with another white than the full range, of which Pillow drops half."""
    return BadInputError(
        "16-bit colour of which only the high bytes can be read",
        where=str(path),
        expected="white at 65535",
        got=str(white),
        remedy="save it as a 16-bit TIFF or an 8-bit PNG",
    )


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            yield
    except Image.DecompressionBombError:
        raise TooLargeError(
            "image too large to read whole",
            where=str(path),
            expected=f"at most {LIMIT_PX} pixels, and no more than its file can hold",
            remedy="cut it into fields of view",
        ) from None
    except UnidentifiedImageError:
        raise BadInputError(
            "not an image", where=str(path), expected="PNG, JPEG, TIFF or BMP", remedy="check the file"
        ) from None
    except _DAMAGED as error:
        raise BadInputError(
            "image damaged or truncated", where=str(path), got=str(error), remedy="copy the file again"
        ) from None


def _wrong_size(path: Path, expected: tuple[int, int], got: tuple[int, int]) -> BadInputError:
    return BadInputError(
        "image size differs from the annotations",
        where=str(path),
        expected=f"{expected[0]} × {expected[1]} px",
        got=f"{got[0]} × {got[1]} px",
        remedy="annotate this very file",
    )
