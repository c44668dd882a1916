"""Pixels of image files as RGB bytes, by one rule for every format.

The rule, in order: the orientation is that of the file (EXIF rotation is not applied, because annotations
are drawn on the stored pixels); a palette is resolved; transparent pixels lie on white, the colour of an
empty bright-field image; grey becomes three equal channels; 16-bit values keep their high byte, and where a
16-bit image uses no value above 4095 (a 12-bit camera) v // 16. Real-valued and signed pixels are refused:
their scale is not written in the file, and guessing it would change the contrast from image to image.
"""

import logging
import lzma
import math
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from bmbench.core.errors import BadInputError
from bmbench.core.gate import open_file, read_bytes
from bmbench.core.types import Pixels

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
"""Endings of files that count as images when a folder is listed."""
LIMIT_PX = 178_956_970
"""Most pixels of one image: twice Pillow's own warning level, where it refuses as well."""
LIMIT_BYTES = 8 * LIMIT_PX
"""Most bytes of its pixels: what a file says of itself is no reason to ask the system for more."""
_ANY_BYTES, _RATIO = 64 << 20, 2000
"""Pixels beyond the first number must be in a file; Deflate makes a thousand bytes of one at most."""
LIMIT_PAGES = 100_000
"""Most pages of a TIFF."""
_TIFF = (".tif", ".tiff")
_DEEP_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I")
_DAMAGED = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError, AttributeError,
    AssertionError, RuntimeError, MemoryError, struct.error, zlib.error, lzma.LZMAError,
)  # fmt: skip
"""What Pillow and tifffile raise on one damaged file or another: both believe what its header says."""


def read_rgb(path: Path, size: tuple[int, int] | None = None, *, within: Path | None = None) -> Pixels:
    """(height, width, 3) uint8 pixels of an image file; see the module for the rule.

    Parameters
    ----------
    size : (width, height), optional
        What the annotations say; another size is refused, since every coordinate would be wrong.
    within : Path, optional
        The folder that the file must lie in, if a file from outside names it or it was found in a folder.

    Raises
    ------
    BadInputError
        If the file is missing, truncated, no image, too large, or of another size.
    """
    pixels = to_rgb(read_raw(path, within=within), path)
    if size is not None and (pixels.shape[1], pixels.shape[0]) != tuple(size):
        raise _wrong_size(path, size, (pixels.shape[1], pixels.shape[0]))
    return pixels


def check_size(path: Path, size: tuple[int, int], *, within: Path | None = None) -> None:
    """Nothing, if the image's header says (width, height) `size`; BadInputError otherwise."""
    found = image_size(path, within=within)
    if found != tuple(size):
        raise _wrong_size(path, size, found)


def image_size(path: Path, *, within: Path | None = None) -> tuple[int, int]:
    """(width, height) of an image file, from its header alone."""
    with open_file(path, within=within, limit=None) as file, _named_errors(path):
        if path.suffix.lower() in _TIFF:
            shape, axes = _tiff_shape(file)
            return shape[axes.index("X")], shape[axes.index("Y")]
        with Image.open(file) as image:
            return image.size


def read_raw(path: Path, *, within: Path | None = None) -> NDArray[Any]:
    """Pixels as stored: (h, w) or (h, w, 1 to 4), 8 or 16 bits; what label images need.

    Raises
    ------
    BadInputError
        As `read_rgb`.
    """
    data = read_bytes(path, within=within)
    with _named_errors(path):
        pixels = _read_tiff(data, path) if path.suffix.lower() in _TIFF else _read_pillow(data)
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


def to_rgb(raw: NDArray[Any], path: Path) -> Pixels:
    """(h, w, 3) uint8 from pixels as stored; `path` is named in errors."""
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
        raw = (raw >> (4 if raw.size and int(raw.max()) <= 4095 else 8)).astype(np.uint8)
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
        if image.mode in _DEEP_MODES:
            values = np.asarray(image)
            deep = values.dtype.kind == "i" and values.size and values.min() >= 0 and values.max() < 2**16
            return values.astype(np.uint16) if deep else values
        if image.mode in ("L", "LA", "RGB", "RGBA", "F"):
            return np.array(image)
        see_through = image.mode in ("PA", "La", "RGBa") or "transparency" in image.info
        return np.array(image.convert("RGBA" if see_through else "RGB"))


def tiff_file(file: BinaryIO) -> Any:
    """Tifffile's reader of an open file, which reads that file alone and raises what it does not print.

    By itself it opens every file that the OME-XML in a TIFF names, wherever that lies, and tells of each
    damaged tag on the error stream; and it walks for ever through pages that follow each other in a ring.
    """
    import tifffile

    _require_end(file)

    logger = logging.getLogger("tifffile")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    return tifffile.TiffFile(file, name="image.tif", _multifile=False)


def _require_end(file: BinaryIO) -> None:
    """Nothing, or a ValueError if the pages of a TIFF have no end, or are too many; the file is rewound."""
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
    # Of the classic format and of BigTIFF: where the first page is named, how numbers of tags and places
    # are written, and how long a tag is. Whatever else a file is, tifffile refuses.
    known = {42: (4, "H", "I", 12), 43: (8, "Q", "Q", 20)}
    with suppress(struct.error, KeyError, OverflowError, OSError):
        start, count, place, tag_bytes = known[struct.unpack(order + "H", head[2:4])[0] if order else 42]
        count, place = order + count, order + place
        (page,) = struct.unpack_from(place, head, start)
        seen: set[int] = set()
        while page:
            if page in seen or len(seen) >= LIMIT_PAGES:
                raise ValueError("its pages follow each other in a ring, or are too many")
            seen.add(page)
            file.seek(page)
            (tags,) = struct.unpack(count, file.read(struct.calcsize(count)))
            file.seek(page + struct.calcsize(count) + tags * tag_bytes)
            (page,) = struct.unpack(place, file.read(struct.calcsize(place)))
    file.seek(0)


def _read_tiff(data: bytes, path: Path) -> NDArray[Any]:
    import tifffile

    shape, axes = _tiff_shape(BytesIO(data))
    _require_plausible(math.prod(shape), data)
    with tiff_file(BytesIO(data)) as tiff:
        plain = tiff.series[0].keyframe.photometric in (
            tifffile.PHOTOMETRIC.MINISBLACK,
            tifffile.PHOTOMETRIC.RGB,
        )
    channel = next((axis for axis in "SC" if axis in axes), "")
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
    return np.moveaxis(values, axes.index(channel), -1) if channel else values


def _tiff_shape(file: BinaryIO) -> tuple[tuple[int, ...], str]:
    with tiff_file(file) as tiff:
        series = tiff.series[0]
        shape, axes = tuple(series.shape), str(series.axes)
        itemsize = series.dtype.itemsize
    if (
        math.prod(shape) * itemsize > LIMIT_BYTES
        or shape[axes.index("X")] * shape[axes.index("Y")] > LIMIT_PX
    ):
        raise Image.DecompressionBombError
    return shape, axes


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            yield
    except Image.DecompressionBombError:
        raise BadInputError(
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
        remedy="annotate this very file, or correct width and height",
    )
