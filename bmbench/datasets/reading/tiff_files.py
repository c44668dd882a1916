"""TIFF files from outside: opened alone, with an end to their pages, and what the first image is."""

import logging
import math
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from bmbench.datasets.reading.orientation import TAG, orientation_of

LIMIT_PX = 178_956_970
"""Most pixels of one image: twice Pillow's own warning level, where it refuses as well."""
LIMIT_BYTES = 8 * LIMIT_PX
"""Most bytes of its pixels: what a file says of itself is no reason to ask the system for more."""
LIMIT_PAGES = 100_000
"""Most pages of a TIFF."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TiffFacts:
    """Shape and axes of an image as stored, its orientation, and whether it has 16 bits a value."""

    shape: tuple[int, ...]
    axes: str
    orientation: int
    deep: bool

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) as stored."""
        return self.shape[self.axes.index("X")], self.shape[self.axes.index("Y")]


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


def tiff_facts(file: BinaryIO) -> TiffFacts:
    """What a TIFF says of its first image; a DecompressionBombError if that is too large to be read whole."""
    with tiff_file(file) as tiff:
        series = tiff.series[0]
        shape, axes = tuple(series.shape), str(series.axes)
        itemsize, deep = series.dtype.itemsize, bool(series.dtype == np.uint16)
        tag = series.keyframe.tags.get(TAG)
        orientation = orientation_of(None if tag is None else tag.value)
    if (
        math.prod(shape) * itemsize > LIMIT_BYTES
        or shape[axes.index("X")] * shape[axes.index("Y")] > LIMIT_PX
    ):
        raise Image.DecompressionBombError
    return TiffFacts(shape=shape, axes=axes, orientation=orientation, deep=deep)
