"""Supervisely: ``ann/NAME.png.json`` beside ``img/NAME.png``, ``meta.json`` above.

Polygons with holes, rectangles, bitmaps and points; lines are left out and named.

The tool in the browser draws between pixels, and its SDK rounds down to pixels, of which a rectangle's last
one belongs to it: of whole numbers the middle of the pixel counts, as the SDK itself turns them back.
"""

import base64
import binascii
import dataclasses
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.types import Rings
from bmbench.datasets.formats.annotation_folder import annotation_files, read_folder
from bmbench.datasets.formats.codec import Codec, Content
from bmbench.datasets.formats.marks import UNNAMED, Collector, Marks, ring_of
from bmbench.datasets.formats.masks import mask_rings
from bmbench.datasets.formats.web_tools.objects import mapping, number, numbers
from bmbench.datasets.reading.limits import read_limited, read_object

MASK_LIMIT_PX = 1 << 26
_PACKED_LIMIT_BYTES = 64 << 20
CORNERS = ("pixels", "edges")
_PIXELS, _EDGES = CORNERS
_FOLDERS = ("ann",)
_FRACTION = re.compile(rb'"(exterior|interior)"\s*:\s*\[[^{}"]*?\d\.\d')
"""A number with a point among the corners of a shape."""
_OF_POINTS = ("polygon", "rectangle", "point", "line", "polyline")
_WRONG = (TypeError, ValueError, binascii.Error, zlib.error, OSError, SyntaxError)


def read(path: Path, images: Path | None = None, *, corners: str = "") -> Content:
    """The images of a folder of Supervisely files, or of one file; see `read_folder`.

    Parameters
    ----------
    corners : one of `CORNERS`, optional
        What coordinates are; without it, pixels where all of them are whole numbers.
    """
    if corners and corners not in CORNERS:
        raise UnknownNameError("corners", corners, CORNERS)
    chosen = corners or corners_of([path])["corners"]
    parts = partial(parse, pixels=chosen == _PIXELS)
    content = read_folder(path, images, suffixes=(".json",), parse=parts, folders=_FOLDERS)
    drawn = any(len(sample.annotations) for sample in content.samples)
    if chosen == _PIXELS and drawn:
        note = "corners are whole pixels, as Supervisely's SDK has it (--option corners=edges says otherwise)"
        content = dataclasses.replace(content, notes=(*content.notes, note))
    return content


def corners_of(paths: Sequence[Path]) -> Mapping[str, str]:
    """What the coordinates of all files of a set are, as a choice for `read`: one fraction proves edges."""
    for path in paths:
        for file in annotation_files(path, (".json",), _FOLDERS)[0]:
            if _FRACTION.search(read_limited(file)):
                return {"corners": _EDGES}
    return {"corners": _PIXELS}


def parse(path: Path, _size: Callable[[], tuple[int, int]], *, pixels: bool = False) -> Marks:
    """The objects of one file.

    Parameters
    ----------
    pixels : bool
        Whether a corner is a pixel: its middle counts, and the last pixel of a rectangle belongs to it.

    Raises
    ------
    BadInputError
        If it is none, or an object in it has no sense; names the object, counted from 0.
    """
    value = read_object(path)
    size = mapping(value.get("size"), f"{path}, size")
    objects = value.get("objects")
    if not isinstance(objects, list):
        raise BadInputError("not a Supervisely file", where=str(path), expected="a list 'objects'")
    collector = Collector(str(path))
    for row, item in enumerate(objects):
        where = f"{path}, objects[{row}]"
        _add(collector, mapping(item, where), where, shift=0.5 if pixels else 0.0)
    sides = [number(size, side, f"{path}, size") for side in ("width", "height")]
    if not all(side.is_integer() and 0 < side < 1 << 31 for side in sides):
        raise BadInputError("no image size", where=str(path), got=f"{sides[0]:g} × {sides[1]:g}")
    return collector.marks(size=(int(sides[0]), int(sides[1])))


def _add(collector: Collector, item: dict[str, Any], where: str, *, shift: float) -> None:
    name = str(item.get("classTitle") or UNNAMED)
    kind = item.get("geometryType")
    if kind == "bitmap":
        rings = _bitmap(mapping(item.get("bitmap"), where), where)
        if rings:
            collector.add(name, rings=rings)
        return
    if kind not in _OF_POINTS:
        collector.notes.append(f"left out: {str(kind or 'object without a geometryType')[:30]}")
        return
    points = mapping(item.get("points"), where)
    outer = _ring(points.get("exterior"), where, shift)
    if kind == "polygon":
        inner = points.get("interior") or []
        if not isinstance(inner, list):
            raise BadInputError("not a list of holes", where=where, got=repr(inner)[:40])
        holes = [ring_of(_ring(ring, where, shift), where) for ring in inner]
        collector.add(name, rings=(ring_of(outer, where), *holes))
    elif kind == "rectangle" and len(outer) == 2:
        low, high = np.min(outer, axis=0) - shift, np.max(outer, axis=0) + shift
        collector.add(name, box=(*low, *high))
    elif kind == "point" and outer:
        collector.add(name, point=outer[0])
    else:
        collector.notes.append(f"left out: {str(kind)[:20]}")


def _ring(value: Any, where: str, shift: float) -> list[list[float]]:
    if not isinstance(value, list):
        raise BadInputError("not a list of points", where=where, got=repr(value)[:40])
    return [[side + shift for side in numbers(point, where, 2)] for point in value]


def _bitmap(value: dict[str, Any], where: str) -> Rings:
    """The outline of a mask: a PNG, packed with zlib, in base 64."""
    from PIL import Image, UnidentifiedImageError

    x, y = numbers(value.get("origin"), where, 2)
    try:
        packed = zlib.decompressobj()
        data = packed.decompress(base64.b64decode(value.get("data", ""), validate=True), _PACKED_LIMIT_BYTES)
        with Image.open(BytesIO(data), formats=("PNG",)) as image:
            if packed.unconsumed_tail or image.width * image.height > MASK_LIMIT_PX:
                raise BadInputError("mask too large", where=where, got=f"{image.width} × {image.height} px")
            pixels = np.asarray(image.getchannel("A") if "A" in image.getbands() else image.convert("L"))
    except (*_WRONG, UnidentifiedImageError) as error:
        raise BadInputError("bitmap is not a packed PNG", where=where, got=str(error)[:80]) from None
    return mask_rings(pixels > 0, (round(x), round(y)))


CODEC = Codec(
    name="supervisely",
    title="Supervisely JSON",
    extensions=(".json",),
    layout="image",
    carries=frozenset(),
    read=read,
    folder="ann",
    agree=corners_of,
    choices={"corners": "pixels or edges: what coordinates are, where all are whole numbers"},
)
