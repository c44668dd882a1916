"""LabelMe JSON: one file an image; a circle is its centre and one point on it.

Shapes with the same label and ``group_id`` are parts (or holes) of one object. The flags ``ignore`` and
``region`` of a shape say that predictions on it count neither way, and so does LabelMe's own label
``__ignore__``; a shape of the type ``mask`` is read as its outline, and a turned box as its four corners.
"""

import base64
import binascii
import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.files import write_text
from bmbench.core.types import Annotations, Floats, Rings, Role
from bmbench.datasets.formats.annotation_folder import inner_path, read_folder
from bmbench.datasets.formats.codec import Codec, Content, Fact, Left
from bmbench.datasets.formats.marks import UNNAMED, UNSURE, Collector, Flags, Marks, ring_of
from bmbench.datasets.formats.masks import mask_rings
from bmbench.datasets.reading.limits import read_object

DIGITS = 6
MASK_LIMIT_PX = 1 << 24
_NOWHERE = "__ignore__"
_CORNERS = ("oriented_rectangle", "rotation", "quadrilateral")
"""What LabelMe, and AnyLabeling and its kin, call boxes that are turned."""


def read(path: Path, images: Path | None = None) -> Content:
    """The images of a folder of LabelMe files, or of one file; see `read_folder`."""
    return read_folder(path, images, suffixes=(".json",), parse=parse, folders=("annotations", "images"))


def parse(path: Path, _size: Callable[[], tuple[int, int]]) -> Marks:
    """The objects of one LabelMe file.

    Raises
    ------
    BadInputError
        If the file is none, or a shape in it has no sense; names the shape, counted from 0.
    """
    value = read_object(path)
    shapes = value.get("shapes")
    if not isinstance(shapes, list):
        raise BadInputError("not a LabelMe file", where=str(path), expected="a list 'shapes'")
    collector = Collector(str(path))
    # An object stands where its first shape does, with the later parts of its group.
    parts: dict[tuple[str, str], tuple[list[Floats], int, Flags]] = {}
    for number, shape in enumerate(shapes):
        where = f"{path}, shapes[{number}]"
        name, points, group, flags = _facts(shape, where)
        if isinstance(shape.get("score"), int | float):
            collector.notes.append(UNSURE)
        polygon = shape.get("shape_type", "polygon") == "polygon"
        key = (name, f"group {group}" if polygon and group is not None else f"shape {number}")
        rings, _, _ = parts.setdefault(key, ([], number, flags))
        if polygon:
            rings.append(ring_of(points, where))
    for (name, _), (rings, number, flags) in parts.items():
        if rings:
            collector.add(name, rings=tuple(rings), **flags)
        else:
            _add(collector, name, shapes[number], where=f"{path}, shapes[{number}]", flags=flags)
    image = value.get("imagePath")
    return collector.marks(image=image if isinstance(image, str) else "", size=_stated_size(value, str(path)))


def write(path: Path, content: Content) -> list[Left]:
    """Write one image; nothing is left out."""
    sample = content.samples[0]
    shapes: list[dict[str, Any]] = []
    for row in range(len(sample.annotations)):
        name = content.categories[sample.annotations.label[row]].name
        flags = {"region": True} if sample.annotations.region[row] else {}
        if sample.annotations.role[row] == Role.IGNORE:
            flags["ignore"] = True
        drawn = _shapes(sample.annotations, row)
        for shape_type, points in drawn:
            shapes.append(
                {
                    "label": name,
                    "points": (np.round(points, DIGITS) + 0.0).tolist(),
                    "group_id": row + 1 if len(drawn) > 1 else None,
                    "shape_type": shape_type,
                    "flags": flags,
                }
            )
    image = inner_path(sample)
    value: dict[str, Any] = {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": f"{'../' * len(image.parts)}images/{image}",
        "imageData": None,
        "imageHeight": sample.height,
        "imageWidth": sample.width,
    }
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    return []


def _facts(shape: Any, where: str) -> tuple[str, list[list[float]], object, Flags]:
    if not isinstance(shape, dict) or not isinstance(shape.get("points"), list):
        raise BadInputError("not a LabelMe shape", where=where, expected="an object with points")
    points = shape["points"]
    for point in points:
        good = isinstance(point, list) and len(point) == 2
        if not good or not all(isinstance(v, int | float) and abs(v) < 1e12 for v in point):
            raise BadInputError("not a list of points", where=where, got=repr(point)[:40])
    flags = shape.get("flags")
    stated = flags if isinstance(flags, dict) else {}
    own = Flags(ignore=stated.get("ignore") is True, region=stated.get("region") is True)
    name = str(shape.get("label") or UNNAMED)
    if name == _NOWHERE:
        name, own = UNNAMED, Flags(ignore=True, region=True)
    group = shape.get("group_id")
    return name, points, group if isinstance(group, int | str) else None, own


def _add(collector: Collector, name: str, shape: dict[str, Any], *, where: str, flags: Flags) -> None:
    points, kind = shape["points"], shape["shape_type"]
    needed = {"rectangle": 2, "circle": 2, "point": 1, "mask": 2}.get(str(kind), 3 if kind in _CORNERS else 0)
    if len(points) < needed:
        raise BadInputError(f"{kind} of {len(points)} points", where=where, expected=f"{needed}")
    if kind == "rectangle":
        collector.add(name, box=(*np.min(points, axis=0), *np.max(points, axis=0)), **flags)
    elif kind == "circle":
        (x, y), (edge_x, edge_y) = points[:2]
        collector.add(name, circle=(x, y, float(np.hypot(edge_x - x, edge_y - y))), **flags)
    elif kind in ("point", "points"):
        for point in points:
            collector.add(name, point=point, **flags)
    elif kind in _CORNERS:
        collector.add(name, rings=(ring_of(points, where),), **flags)
    elif kind == "mask":
        rings = _mask_rings(shape.get("mask"), points[0], where)
        if rings:
            collector.add(name, rings=rings, **flags)
    else:
        collector.notes.append(f"left out: shape of the type {str(kind)[:40]}")


def _mask_rings(text: Any, corner: list[float], where: str) -> Rings:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(base64.b64decode(text, validate=True)), formats=("PNG",)) as image:
            if image.width * image.height > MASK_LIMIT_PX:
                raise BadInputError("mask too large", where=where, got=f"{image.width} × {image.height} px")
            mask = np.asarray(image.convert("L")) > 0
    except (TypeError, ValueError, binascii.Error, UnidentifiedImageError, OSError, SyntaxError) as error:
        raise BadInputError("mask is not a PNG in base 64", where=where, got=str(error)[:80]) from None
    return mask_rings(mask, (round(corner[0]), round(corner[1])))


def _stated_size(value: dict[str, Any], where: str) -> tuple[int, int] | None:
    size = value.get("imageWidth"), value.get("imageHeight")
    if size == (None, None):
        return None
    if not all(isinstance(side, int) and 0 < side < 1 << 31 for side in size):
        raise BadInputError("no image size", where=where, got=f"{size[0]!r} × {size[1]!r}"[:60])
    return size  # type: ignore[return-value]


def _shapes(annotations: Annotations, row: int) -> list[tuple[str, Floats]]:
    """The shapes of one object: type and points."""
    if annotations.contour[row]:
        return [("polygon", ring) for ring in annotations.contour[row]]
    x, y, radius = annotations.circle[row]
    if radius > 0:
        return [("circle", np.array([[x, y], [x + radius, y]]))]
    corners = annotations.box[row].reshape(2, 2)
    if (corners[1] > corners[0]).all():
        return [("rectangle", corners)]
    return [("point", annotations.xy[row : row + 1])]


CODEC = Codec(
    name="labelme",
    title="LabelMe JSON",
    extensions=(".json",),
    layout="image",
    carries=frozenset(
        {Fact.OUTLINE, Fact.RINGS, Fact.CIRCLE, Fact.POINT, Fact.CLASS, Fact.IGNORE, Fact.REGION}
    ),
    read=read,
    write=write,
)
