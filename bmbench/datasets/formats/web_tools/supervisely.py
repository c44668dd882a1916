"""Supervisely: ``ann/NAME.png.json`` beside ``img/NAME.png``, ``meta.json`` above.

Polygons with holes, rectangles, bitmaps and points; lines are left out and named.
"""

import base64
import binascii
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.types import Rings
from bmbench.datasets.formats.annotation_folder import read_folder
from bmbench.datasets.formats.codec import Codec, Content
from bmbench.datasets.formats.marks import UNNAMED, Collector, Marks, ring_of
from bmbench.datasets.formats.masks import mask_rings
from bmbench.datasets.formats.web_tools.objects import mapping, number, numbers
from bmbench.datasets.reading.limits import read_object

MASK_LIMIT_PX = 1 << 26
_PACKED_LIMIT_BYTES = 64 << 20
_OF_POINTS = ("polygon", "rectangle", "point", "line", "polyline")
_WRONG = (TypeError, ValueError, binascii.Error, zlib.error, OSError, SyntaxError)


def read(path: Path, images: Path | None = None) -> Content:
    """The images of a folder of Supervisely files, or of one file; see `read_folder`."""
    return read_folder(path, images, suffixes=(".json",), parse=parse, folders=("ann",))


def parse(path: Path, _size: Callable[[], tuple[int, int]]) -> Marks:
    """The objects of one file.

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
        _add(collector, mapping(item, where), where)
    sides = [number(size, side, f"{path}, size") for side in ("width", "height")]
    if not all(side.is_integer() and 0 < side < 1 << 31 for side in sides):
        raise BadInputError("no image size", where=str(path), got=f"{sides[0]:g} × {sides[1]:g}")
    return collector.marks(size=(int(sides[0]), int(sides[1])))


def _add(collector: Collector, item: dict[str, Any], where: str) -> None:
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
    outer = _ring(points.get("exterior"), where)
    if kind == "polygon":
        inner = points.get("interior") or []
        if not isinstance(inner, list):
            raise BadInputError("not a list of holes", where=where, got=repr(inner)[:40])
        holes = [ring_of(_ring(ring, where), where) for ring in inner]
        collector.add(name, rings=(ring_of(outer, where), *holes))
    elif kind == "rectangle" and len(outer) == 2:
        collector.add(name, box=(*np.min(outer, axis=0), *np.max(outer, axis=0)))
    elif kind == "point" and outer:
        collector.add(name, point=outer[0])
    else:
        collector.notes.append(f"left out: {str(kind)[:20]}")


def _ring(value: Any, where: str) -> list[list[float]]:
    if not isinstance(value, list):
        raise BadInputError("not a list of points", where=where, got=repr(value)[:40])
    return [numbers(point, where, 2) for point in value]


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
)
