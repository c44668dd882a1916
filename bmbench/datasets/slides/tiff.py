"""Pyramidal TIFF and OME-TIFF, tile by tile.

tifffile finds the pyramid and undoes plain compressions; JPEG tiles, the usual kind, are decoded by Pillow,
since tifffile leaves them to a package of its own.
"""

import lzma
import re
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from bmbench.core.errors import BadInputError
from bmbench.core.gate import open_file
from bmbench.core.numerals import numeral
from bmbench.core.types import Pixels
from bmbench.datasets.reading.images import to_rgb
from bmbench.datasets.reading.orientation import TAG, UPRIGHT, orientation_of
from bmbench.datasets.reading.tiff_files import LIMIT_PX, tiff_file
from bmbench.datasets.slides.slide import DAMAGE, Slide, plausible_um

_JPEG = 7
_GREY, _RGB, _YCBCR = 1, 2, 6
_LZMA = 34925
_TIFFFILE_ALONE = (1, 8, 32946, _LZMA)
"""Compressions that tifffile undoes by itself: none, Deflate (two codes), LZMA."""
LARGEST_SEGMENT_PX = 16_777_216
"""A strip or tile larger than this (4096 × 4096) is no way to read a part of an image."""
_LARGEST_BYTES = 4 * LARGEST_SEGMENT_PX
_HARMLESS = 1 << 14
"""So few packed bytes cannot unpack to much: Deflate makes a thousand of one at most, LZMA ten thousand."""
_UNIT_UM = {"nm": 1e-3, "µm": 1.0, "um": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6, "in.": 25_400.0}


class UnreadableTilesError(Exception):
    """The tiles have a compression that nothing here decodes; the text names it."""


def open_tiff(path: Path) -> Slide | None:
    """The slide of a TIFF that is stored in tiles or strips; None where it is to be read whole.

    Whole is read, as training images are, what has other values than 8-bit grey or RGB, or is to be turned.

    Raises
    ------
    BadInputError
        If the file is missing or damaged, or holds other values and is too large to be read whole.
    UnreadableTilesError
        If the tiles have a compression that nothing here decodes.
    """
    import tifffile

    wrong: tuple[type[Exception], ...] = (tifffile.TiffFileError, *DAMAGE)
    with ExitStack() as stack:
        source = stack.enter_context(open_file(path, limit=None))
        try:
            file = stack.enter_context(tiff_file(source))
            levels = _pyramid(file)
        except wrong as error:
            raise BadInputError("damaged, or not a TIFF", where=str(path), got=str(error)) from None
        if not levels or levels[0].segment[0] * levels[0].segment[1] > LARGEST_SEGMENT_PX:
            return None
        page = levels[0].pages[0].keyframe
        if not _as_it_stands(page) and levels[0].width * levels[0].height <= LIMIT_PX:
            return None
        _check(levels, path)
        close = stack.pop_all().close
    return Slide(
        path=path,
        width=levels[0].width,
        height=levels[0].height,
        um_per_px=_um_per_px(file, levels[0].pages[0]),
        levels=tuple((level.width, level.height) for level in levels),
        read=lambda level, x, y, w, h: _read(file, levels[level], (x, y, w, h), path),
        close=close,
        reader="tiff",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Level:
    """One resolution: a page with interleaved samples, or one page a channel."""

    width: int
    height: int
    pages: tuple[Any, ...]
    segment: tuple[int, int]
    """Width and height of a tile, or of a strip."""

    @property
    def across(self) -> int:
        """Segments in a row."""
        return -(-self.width // self.segment[0])

    @property
    def total(self) -> int:
        """Segments of one channel."""
        return self.across * -(-self.height // self.segment[1])


def _pyramid(file: Any) -> tuple[_Level, ...]:
    """The levels of the largest image, largest first; other images (label, overview) left out."""
    found = [level for series in file.series for part in series.levels if (level := _of(part)) is not None]
    if not found:
        return ()
    base = max(found, key=lambda level: level.width * level.height)
    levels = [base]
    for level in sorted(found, key=lambda level: -level.width):
        factor = base.width / level.width
        # A reduced image has the shape of the full one, up to the rounding of its own size.
        same_shape = abs(base.height / factor - level.height) <= max(1.5, 0.005 * level.height)
        if level.width < levels[-1].width and same_shape and len(level.pages) == len(base.pages):
            levels.append(level)
    return tuple(levels)


def _of(part: Any) -> _Level | None:
    axes = str(part.axes)
    if "Y" not in axes or "X" not in axes or set(axes) - set("YXSC"):
        return None
    page = part.keyframe
    pages = tuple(part.pages)
    if len(pages) not in (1, 3) or (len(pages) == 1 and "C" in axes and part.shape[axes.index("C")] > 1):
        return None
    segment = (page.tilewidth, page.tilelength) if page.is_tiled else (page.imagewidth, page.rowsperstrip)
    if min(*segment, page.imagewidth, page.imagelength) < 1:
        raise ValueError(f"tiles of {segment[0]} × {segment[1]} px")
    return _Level(width=page.imagewidth, height=page.imagelength, pages=pages, segment=segment)


def _as_it_stands(page: Any) -> bool:
    """Whether tiles and strips hold 8-bit grey or RGB values of an upright picture."""
    tag = page.tags.get(TAG)
    colours = page.photometric in (_GREY, _RGB) or (page.photometric == _YCBCR and page.compression == _JPEG)
    upright = orientation_of(None if tag is None else tag.value) == UPRIGHT
    return bool(colours and upright and page.dtype == np.uint8 and page.samplesperpixel in (1, 3, 4))


def _check(levels: tuple[_Level, ...], path: Path) -> None:
    for level in levels:
        page = level.pages[0].keyframe
        if not _as_it_stands(page):
            colours = getattr(page.photometric, "name", page.photometric)
            got = f"{page.samplesperpixel} samples of {page.dtype}, {colours}"
            expected = "8-bit grey or RGB, upright, where an image is too large to be read whole"
            raise BadInputError("not a bright-field slide", where=str(path), expected=expected, got=got)
        if page.compression != _JPEG and page.compression not in _TIFFFILE_ALONE:
            name = getattr(page.compression, "name", str(page.compression))
            raise UnreadableTilesError(f"tiles compressed with {name}")


def _read(file: Any, level: _Level, part: tuple[int, int, int, int], path: Path) -> Pixels:
    """(h, w, 3) pixels of x, y, width, height in one level."""
    left, top, width, height = part
    out = np.empty((height, width, 3), np.uint8)
    seg_w, seg_h = level.segment
    for row in range(top // seg_h, -(-(top + height) // seg_h)):
        for column in range(left // seg_w, -(-(left + width) // seg_w)):
            x, y = column * seg_w, row * seg_h
            pixels = _segment(file, level, row * level.across + column, path)
            x0, y0 = max(x, left), max(y, top)
            x1, y1 = min(x + seg_w, left + width), min(y + seg_h, top + height)
            out[y0 - top : y1 - top, x0 - left : x1 - left] = pixels[y0 - y : y1 - y, x0 - x : x1 - x]
    return out


def _segment(file: Any, level: _Level, number: int, path: Path) -> Pixels:
    """(h, w, 3) pixels of one tile or strip; white where the file leaves it out."""
    page = level.pages[0].keyframe
    try:
        if len(level.pages) > 1:
            planes = [_decoded(file, channel, number) for channel in level.pages]
        elif page.planarconfig == 2:
            planes = [_decoded(file, page, number + level.total * s) for s in range(page.samplesperpixel)]
        else:
            planes = [_decoded(file, page, number)]
    except DAMAGE as error:
        raise BadInputError(f"tile {number} is damaged", where=str(path), got=str(error)) from None
    if any(plane is None for plane in planes):
        return np.full((level.segment[1], level.segment[0], 3), 255, np.uint8)
    return to_rgb(np.concatenate(planes, axis=2), path)


def _decoded(file: Any, page: Any, number: int) -> Any:
    offset, count = page.dataoffsets[number], page.databytecounts[number]
    if count == 0:
        return None
    if offset + count > file.filehandle.size:
        raise OSError("the file ends inside it")
    file.filehandle.seek(offset)
    data = file.filehandle.read(count)
    keyframe = page.keyframe
    if keyframe.compression == _JPEG:
        return _jpeg(data, keyframe)
    _require_tile(data, keyframe)
    values, _, shape = keyframe.decode(data, number % max(len(keyframe.dataoffsets), 1))
    decoded: NDArray[np.uint8] = np.asarray(values).reshape(shape)[0]
    return decoded


def _require_tile(data: bytes, page: Any) -> None:
    """Raise a ValueError if packed bytes unpack to far more than a tile: tifffile would unpack them all."""
    if len(data) <= _HARMLESS or page.compression == 1:
        return
    packed = lzma.LZMADecompressor() if page.compression == _LZMA else zlib.decompressobj()
    if len(packed.decompress(data, _LARGEST_BYTES + 1)) > _LARGEST_BYTES:
        raise ValueError(f"unpacks to more than {_LARGEST_BYTES:,} bytes")


def _jpeg(data: bytes, page: Any) -> NDArray[np.uint8]:
    """The pixels of a JPEG tile: its tables may stand in a tag, and its colours are those of the page."""
    from PIL import Image

    tables = page.jpegtables[2:-2] if page.jpegtables else b""
    # Without Adobe's marker a decoder guesses whether the three components are RGB; the page knows.
    transform = b"\x00" if page.photometric == 2 else b"\x01"
    marker = (
        b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + transform if page.samplesperpixel == 3 else b""
    )
    with Image.open(BytesIO(data[:2] + marker + tables + data[2:])) as image:
        pixels = np.asarray(image)
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def _um_per_px(file: Any, page: Any) -> float | None:
    """From OME-XML, else an Aperio description, else the resolution tags."""
    if file.is_ome and file.ome_metadata:
        found = _ome_um(file.ome_metadata)
        if found is not None:
            return found
    mpp = re.search(r"\bMPP\s*=\s*([0-9.]+)", str(page.keyframe.description or ""))
    if mpp:
        return plausible_um(_number(mpp[1]), _number(mpp[1]))
    try:
        unit_um = {2: 25_400.0, 3: 10_000.0}.get(int(page.keyframe.resolutionunit))
        x, y = page.keyframe.resolution
    except (KeyError, TypeError, ValueError, ZeroDivisionError, AttributeError):
        return None
    return None if unit_um is None or not x or not y else plausible_um(unit_um / x, unit_um / y)


def _ome_um(xml: str) -> float | None:
    try:
        root = ET.fromstring(xml)
    except ET.ParseError:
        return None
    for element in root.iter():
        if element.tag.rpartition("}")[2] != "Pixels":
            continue
        sizes = []
        for axis in "XY":
            number = _number(element.get(f"PhysicalSize{axis}"))
            unit = _UNIT_UM.get(element.get(f"PhysicalSize{axis}Unit", "µm"))
            sizes.append(number * unit if number and unit else None)
        return plausible_um(*sizes)
    return None


def _number(text: str | None) -> float | None:
    """What a description says a number is; None where it is none, since such texts are written by hand."""
    try:
        return float(numeral(text) or "")
    except ValueError:
        return None
