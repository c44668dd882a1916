"""QuPath features → columns; the dialects are those of `schema`."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.geometry import rings_box
from bmbench.core.misfits import misfit_error
from bmbench.core.types import Bools, Floats, Rings
from bmbench.datasets.formats.qupath.positions import LIMIT_PX, items, open_ring, points
from bmbench.datasets.formats.qupath.properties import KIND_WORDS, NOTHING, class_of, kind_of, measured_of
from bmbench.datasets.formats.qupath.schema import NO_NUCLEUS, AnyFeature, Feature, Properties
from bmbench.datasets.reading.json_stream import Block
from bmbench.datasets.reading.limits import loads

ROUND_PX = 0.03
"""An ellipse whose sides differ by less is a circle: QuPath keeps two decimals of each corner."""
DEPTH_LIMIT = 32
_FRAMES = ("root", "tmacore", "tile")
"""Objects that hold others and mark no cell."""

_NULL = len(b"null")
_FAST = msgspec.json.Decoder(list[Feature])
_NESTED = msgspec.json.Decoder(list[list[tuple[float, float]]])
_NUMBERS = msgspec.json.Decoder(list[float])
_NUMERALS = b"0123456789.-+eE \t\r\n"


@dataclass(slots=True)
class QupathObjects:
    """The objects of some features; item i of every column is object i.

    `circle` is x, y, radius (radius 0: none), `box` x0, y0, x1, y1; a point has no ring and a box of no
    extent.
    """

    rings: list[Rings] = field(default_factory=list)
    circle: list[list[float]] | Floats = field(default_factory=list)
    box: list[list[float]] | Floats = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)
    metadata: list[Mapping[str, Any]] = field(default_factory=list)
    measurements: list[Mapping[str, float | None]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    planes: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Slice and time point of the objects that are not on the first ones."""
    names: list[str] = field(default_factory=list)
    """Of objects with a name and no class."""
    nuclei: int = 0
    """How many objects have a nucleus inside."""


def decode(block: Block, path: Path, *, nucleus: bool = False) -> QupathObjects:
    """The objects of a block of features; those that mark nothing are named in `left_out`.

    With `nucleus`, the shape of a cell is that of its nucleus, and a cell without one is left out.

    Raises
    ------
    BadInputError
        If a feature is not one; names its number in the file, counted from 0.
    """
    objects = QupathObjects()
    try:
        features = _FAST.decode(b"[" + block.text + b"]")
    except (msgspec.MsgspecError, ValueError, RecursionError):
        features = []
    if nucleus or not features or not _decode_plain(features, objects):
        _decode_any(block, path, objects, nucleus=nucleus)
    _drop_frames(objects)
    return objects


def _decode_plain(features: list[Feature], objects: QupathObjects) -> bool:
    """Add features that are all plain outlines to no objects; False, and nothing added, if one is not."""
    outlines = [bytes(feature.geometry.coordinates) for feature in features]
    try:
        together = b",".join(outlines)
        sizes = _ring_sizes(outlines, together)
        # The numbers without the brackets around them are read several times faster.
        values = _NUMBERS.decode(b"[" + together.translate(None, b"[]") + b"]")
        numbers = np.frombuffer(bytearray(struct.pack(f"={len(values)}d", *values)))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    # Asked for once: hardly an object has any of it, and in most files none.
    unusual = [
        row
        for row, one in enumerate(features)
        if one.geometry.plane is not None
        or one.nucleusGeometry is not NO_NUCLEUS
        or one.properties.childObjects is not None
    ]
    parts = np.array([len(size) for size in sizes], np.int64)
    lengths = np.array(list(chain.from_iterable(sizes)), np.int64)
    plain = parts.all() and (lengths >= 4).all() and len(numbers) == 2 * lengths.sum()
    if (
        not plain
        or any(features[row].properties.childObjects for row in unusual)
        or not (np.abs(numbers) <= LIMIT_PX).all()
    ):
        return False
    points = numbers.reshape(-1, 2)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    closed = (points[starts] == points[ends - 1]).all(axis=1)
    first = np.cumsum(parts) - parts
    low = np.minimum.reduceat(np.minimum.reduceat(points, starts), first)
    high = np.maximum.reduceat(np.maximum.reduceat(points, starts), first)
    ellipse = np.array([feature.geometry.isEllipse for feature in features], bool)
    circle = _circles(low, high, ellipse & (parts == 1))
    objects.box, objects.circle = np.concatenate([low, high], axis=1), circle
    cuts = list(zip(starts.tolist(), (ends - closed).tolist(), strict=True))
    objects.rings += [
        () if radius else tuple([points[a:b] for a, b in cuts[n : n + size]])
        for radius, n, size in zip(circle[:, 2].tolist(), first.tolist(), parts.tolist(), strict=True)
    ]
    planes = {row: plane for row in unusual if (plane := features[row].geometry.plane) is not None}
    objects.planes = {row: (plane.z, plane.t) for row, plane in planes.items() if plane.z or plane.t}
    objects.nuclei = sum(len(memoryview(features[row].nucleusGeometry)) > _NULL for row in unusual)
    _add_properties(objects, [(feature.id, feature.properties) for feature in features])
    return True


def _circles(low: Floats, high: Floats, ellipse: Bools) -> Floats:
    """(n, 3) the circle in each bounding box, as QuPath restores it; zeros where it is none."""
    size = high - low
    round_one = ellipse & (size[:, 0] > 0) & (np.abs(size[:, 0] - size[:, 1]) <= ROUND_PX)
    circle = np.column_stack([(low + high) / 2, size.sum(axis=1) / 4])
    return np.where(round_one[:, None], circle, 0.0)


def _ring_sizes(outlines: list[bytes], together: bytes) -> list[Sequence[int]]:
    """Points of each ring of each polygon's coordinates; a MsgspecError if they are none.

    `together` is the text of all of them with commas between.
    """
    points = [outline.count(b"[") - 2 for outline in outlines]
    if min(points) > 0 and together.translate(None, _NUMERALS) == b",".join(map(_one_ring, points)):
        return [(count,) for count in points]
    return [[len(ring) for ring in _NESTED.decode(outline)] for outline in outlines]


@lru_cache(maxsize=4096)
def _one_ring(points: int) -> bytes:
    return b"[[" + b",".join([b"[,]"] * points) + b"]]"


def _decode_any(block: Block, path: Path, objects: QupathObjects, *, nucleus: bool) -> None:
    try:
        values = loads(b"[" + block.text + b"]")
    except ValueError as error:
        where = f"{path}, features {block.first} to {block.first + block.count - 1}"
        raise BadInputError("not valid JSON", where=where, got=str(error)) from None
    for number, value in enumerate(values, start=block.first):
        _add_feature(objects, value, f"{path}, feature {number}", 0, nucleus=nucleus)


def _add_feature(objects: QupathObjects, value: Any, where: str, depth: int, *, nucleus: bool) -> None:
    try:
        feature = msgspec.convert(value, AnyFeature, strict=False)
    except (msgspec.ValidationError, RecursionError, OverflowError, UnicodeEncodeError) as error:
        remedy = "export it anew"
        raise misfit_error(error, "not a GeoJSON feature", where=where, remedy=remedy) from None
    if feature.type != "Feature":
        expected = "type 'Feature', or a FeatureCollection of them"
        got = "no type" if feature.type is None else f"type {feature.type[:40]!r}"
        raise BadInputError("not a GeoJSON feature", where=where, expected=expected, got=got)
    if depth > DEPTH_LIMIT:
        raise BadInputError(f"objects nested deeper than {DEPTH_LIMIT}", where=where)
    properties = feature.properties or Properties()
    before = len(objects.rings)
    geometry = feature.geometry
    objects.nuclei += bool(feature.nucleusGeometry)
    if not nucleus or kind_of(feature.id, properties) != "cell":
        _add_geometry(objects, geometry, where)
    elif feature.nucleusGeometry:
        _add_geometry(objects, feature.nucleusGeometry, where)
    else:
        objects.left_out.append("cell without a nucleus")
    rows = range(before, len(objects.rings))
    if (plane := _plane(geometry)) != (0, 0):
        objects.planes |= dict.fromkeys(rows, plane)
    _add_properties(objects, [(feature.id, properties)] * len(rows))
    children = (value.get("properties") or {}).get("childObjects") or []
    for child in children:
        _add_feature(objects, child, where, depth + 1, nucleus=nucleus)


def _add_geometry(objects: QupathObjects, geometry: dict[str, Any] | None, where: str) -> None:
    kind = (geometry or {}).get("type")
    value = (geometry or {}).get("coordinates")
    if geometry is None or not (value or geometry.get("geometries")):
        objects.left_out.append("object without a shape")
    elif kind == "Polygon":
        _add_outline(objects, items(value, where), where, ellipse=geometry.get("isEllipse") is True)
    elif kind == "MultiPolygon":
        rings = [ring for part in items(value, where) for ring in items(part, where)]
        _add_outline(objects, rings, where, ellipse=False)
    elif kind == "GeometryCollection":
        _add_collection(objects, geometry, where)
    elif kind in ("Point", "MultiPoint"):
        for x, y in points([value] if kind == "Point" else items(value, where), where).tolist():
            _add_shape(objects, (), [x, y, x, y], ellipse=False)
    else:
        objects.left_out.append(f"object of the shape {str(kind)[:40]}")


def _add_collection(objects: QupathObjects, geometry: dict[str, Any], where: str) -> None:
    """Add the outlines of a collection as the parts of one object; what else is in it is named."""
    rings: list[Any] = []
    for part in items(geometry.get("geometries"), where):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "Polygon":
            rings += items(part.get("coordinates"), where)
        elif kind == "MultiPolygon":
            rings += [ring for one in items(part.get("coordinates"), where) for ring in items(one, where)]
        else:
            objects.left_out.append(f"part of the shape {str(kind)[:40]}")
    if rings:
        _add_outline(objects, rings, where, ellipse=False)


def _plane(geometry: dict[str, Any] | None) -> tuple[int, int]:
    """Slice and time point that a geometry states."""
    stated = (geometry or {}).get("plane")
    z, t = (stated.get(axis) for axis in "zt") if isinstance(stated, dict) else (0, 0)
    return (z if isinstance(z, int) else 0), (t if isinstance(t, int) else 0)


def _add_outline(objects: QupathObjects, value: list[Any], where: str, *, ellipse: bool) -> None:
    rings = tuple(open_ring(points(items(ring, where), where)) for ring in value)
    rings = tuple(ring for ring in rings if len(ring) >= 3)
    if rings:
        _add_shape(objects, rings, rings_box(rings).tolist(), ellipse=ellipse)
    else:
        objects.left_out.append("outline of fewer than three corners")


def _add_shape(objects: QupathObjects, rings: Rings, box: list[float], *, ellipse: bool) -> None:
    """Add an outline, or a point where there is no ring; a round ellipse is its circle."""
    corners = np.array([box])
    circle = _circles(corners[:, :2], corners[:, 2:], np.array([ellipse and len(rings) == 1]))[0]
    assert isinstance(objects.box, list)
    assert isinstance(objects.circle, list)
    objects.box.append(box)
    objects.circle.append(circle.tolist())
    objects.rings.append(() if circle[2] else rings)


def _add_properties(objects: QupathObjects, items: Sequence[tuple[str | int | None, Properties]]) -> None:
    """Add the columns beside the shapes, from the id and properties of each object."""
    # What QuPath writes today needs no call, which takes as long as all else here.
    objects.kind += [
        own.objectType if own.objectType in KIND_WORDS else kind_of(identity, own) for identity, own in items
    ]
    objects.classes += [class_of(own) for _, own in items]
    objects.metadata += [properties.metadata or NOTHING for _, properties in items]
    objects.measurements += [
        own.measurements if type(own.measurements) is dict else measured_of(own) for _, own in items
    ]
    objects.names += [str(own.name) for _, own in items if own.name and not own.classification]
    objects.ids += ["" if identity is None else str(identity) for identity, _ in items]


def _drop_frames(objects: QupathObjects) -> None:
    """Leave out the objects that only hold others."""
    if not set(objects.kind) & set(_FRAMES):
        return
    keep = [row for row, kind in enumerate(objects.kind) if kind not in _FRAMES]
    objects.planes = {new: objects.planes[row] for new, row in enumerate(keep) if row in objects.planes}
    objects.left_out += [f"object of the kind {kind}" for kind in objects.kind if kind in _FRAMES]
    for name in ("rings", "circle", "box", "classes", "kind", "metadata", "measurements", "ids"):
        column = getattr(objects, name)
        setattr(objects, name, [column[row] for row in keep])
