"""Aperio ImageScope XML: layers of regions, in pixels of the slide's full resolution.

A region is a freehand outline, a rectangle or an ellipse (in the corners of its box); a negative one is a
hole of the outline that holds it. A region has the class that its layer is called, or else its own text.

Indica HALO writes the same in ``.annotations``, with words for the types, ``V`` for a vertex, and pins.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.files import write_bytes
from bmbench.core.geometry import ellipse_ring
from bmbench.core.types import Annotations, Floats, Role
from bmbench.datasets.formats.annotation_folder import read_folder
from bmbench.datasets.formats.codec import Codec, Content, Fact, Left
from bmbench.datasets.formats.marks import UNNAMED, Collector, Marks, ring_of
from bmbench.datasets.formats.ring_nesting import parts_with_holes
from bmbench.datasets.reading.safe_xml import read_xml
from bmbench.datasets.reading.tables import decimal_number

DIGITS = 6
_FREEHAND, _RECTANGLE, _ELLIPSE, _PIN = "0", "1", "2", "Pin"
_OF_HALO = {"Polygon": _FREEHAND, "Rectangle": _RECTANGLE, "Ellipse": _ELLIPSE, "Pin": _PIN}
_LEFT_OUT = {"3": "arrow", "4": "ruler", "5": "counter", "Ruler": "ruler"}
SUFFIXES = (".xml", ".annotations")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Region:
    """A region that is no hole: its class, its type and its vertices."""

    name: str
    kind: str
    points: Floats


def read(path: Path, images: Path | None = None) -> Content:
    """The images of a folder of ImageScope files, or of one file; see `read_folder`."""
    return read_folder(path, images, suffixes=SUFFIXES, parse=parse)


def parse(path: Path, _size: Callable[[], tuple[int, int]]) -> Marks:
    """The regions of one file.

    Raises
    ------
    BadInputError
        If it is no ImageScope file, or a region has no sense; names the region.
    """
    root = read_xml(path)
    if root.tag != "Annotations":
        raise BadInputError(
            "not an ImageScope file", where=str(path), expected="<Annotations>", got=f"<{root.tag[:40]}>"
        )
    collector = Collector(str(path))
    for number, layer in enumerate(root.iter("Annotation"), start=1):
        drawn: list[_Region] = []
        holes: list[Floats] = []
        for place, region in enumerate(layer.iter("Region"), start=1):
            where = f"{path}, annotation {number}, region {place}"
            stated = region.get("Type", _FREEHAND)
            kind = _OF_HALO.get(stated, stated)
            if kind not in (_FREEHAND, _RECTANGLE, _ELLIPSE, _PIN) or region.get("HasEndcaps") == "1":
                line = f"region of the type {stated[:20]}" if kind == stated else "line"
                collector.notes.append(f"left out: {_LEFT_OUT.get(stated, line)}")
                continue
            points = np.array(_points(region, where))
            if region.get("NegativeROA") == "1":
                holes.append(ring_of(points.tolist(), where))
                continue
            name = (layer.get("Name") or region.get("Text") or "").strip() or UNNAMED
            ring = ring_of(points.tolist(), where) if kind == _FREEHAND else points
            drawn.append(_Region(name=name, kind=kind, points=ring))
        _add_all(collector, drawn, holes)
    return collector.marks()


def write(path: Path, content: Content) -> list[Left]:
    """Write one image, a layer for each run of objects of one class; circles become ellipses."""
    sample = content.samples[0]
    root = ElementTree.Element("Annotations")
    if sample.um_per_px is not None:
        root.set("MicronsPerPixel", f"{sample.um_per_px:.6f}")
    left: list[Left] = []
    layer, last, n_layers = root, -1, 0
    for row in range(len(sample.annotations)):
        shapes = _shapes(sample.annotations, row)
        if not shapes:
            why = "point, outline in parts, or an ignored object"
            left.append(Left(image_id=sample.image_id, row=row, why=why))
            continue
        label = int(sample.annotations.label[row])
        if label != last:
            # A new layer whenever the class changes: so objects keep their order.
            n_layers, last = n_layers + 1, label
            layer = _layer(root, str(n_layers), content.categories[label].name)
        for kind, points, negative in shapes:
            _region(layer, kind, points, negative=negative)
    ElementTree.indent(root)
    write_bytes(path, ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))
    return left


def _layer(root: ElementTree.Element, number: str, name: str) -> ElementTree.Element:
    facts = {"Id": number, "Name": name, "Type": "4", "Visible": "1"}
    layer = ElementTree.SubElement(root, "Annotation", facts)
    return ElementTree.SubElement(layer, "Regions")


def _region(layer: ElementTree.Element, kind: str, points: Floats, *, negative: bool) -> None:
    facts = {"Id": str(len(layer) + 1), "Type": kind, "Zoom": "1", "NegativeROA": str(int(negative))}
    vertices = ElementTree.SubElement(ElementTree.SubElement(layer, "Region", facts), "Vertices")
    for x, y in np.round(points, DIGITS).tolist():
        ElementTree.SubElement(vertices, "Vertex", {"X": repr(x + 0.0), "Y": repr(y + 0.0), "Z": "0"})


def _shapes(annotations: Annotations, row: int) -> list[tuple[str, Floats, bool]]:
    """The regions of one object: type, vertices, whether it is a hole; none where it cannot be written."""
    if annotations.role[row] == Role.IGNORE:
        return []
    rings = annotations.contour[row]
    if rings:
        parts = parts_with_holes(rings)
        return (
            [(_FREEHAND, ring, place > 0) for place, ring in enumerate(parts[0])] if len(parts) == 1 else []
        )
    x, y, radius = annotations.circle[row]
    corners = annotations.box[row].reshape(2, 2)
    if radius > 0:
        return [(_ELLIPSE, np.array([[x - radius, y - radius], [x + radius, y + radius]]), False)]
    if (corners[1] > corners[0]).all():
        (x0, y0), (x1, y1) = corners
        return [(_RECTANGLE, np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]), False)]
    return []


def _points(region: ElementTree.Element, where: str) -> list[list[float]]:
    vertices = list(region.iter("Vertex")) or list(region.iter("V"))
    points = [[decimal_number(vertex.get(axis, "")) for axis in ("X", "Y")] for vertex in vertices]
    if not points or not (np.abs(np.array(points)) < 1e9).all():
        raise BadInputError("region without vertices", where=where, expected="<Vertex X Y> …")
    return points


def _add_all(collector: Collector, drawn: Sequence[_Region], holes: Sequence[Floats]) -> None:
    """Take in the regions of one layer, the outlines with the holes that lie in them."""
    of_each: list[list[Floats]] = [[] for _ in drawn]
    for hole in holes:
        low, high = hole.min(axis=0), hole.max(axis=0)
        inside = [
            row
            for row, region in enumerate(drawn)
            if region.kind == _FREEHAND
            and (region.points.min(axis=0) <= low).all()
            and (high <= region.points.max(axis=0)).all()
        ]
        if inside:
            of_each[inside[-1]].append(hole)
        else:
            collector.notes.append("left out: negative region in no outline")
    for region, own in zip(drawn, of_each, strict=True):
        low, high = region.points.min(axis=0), region.points.max(axis=0)
        reach = (high - low) / 2
        if region.kind == _FREEHAND:
            collector.add(region.name, rings=(region.points, *own))
        elif region.kind == _PIN:
            collector.add(region.name, point=low.tolist())
        elif region.kind == _RECTANGLE:
            collector.add(region.name, box=[*low, *high])
        elif abs(reach[0] - reach[1]) <= 1e-6 * max(reach[0], 1.0):
            collector.add(region.name, circle=(*(low + reach), float(reach.mean())))
        else:
            collector.add(region.name, rings=(ellipse_ring(low + reach, reach, 0.0),))


CODEC = Codec(
    name="imagescope",
    title="Aperio ImageScope XML",
    extensions=SUFFIXES,
    layout="image",
    carries=frozenset({Fact.OUTLINE, Fact.CIRCLE, Fact.CLASS}),
    read=read,
    write=write,
)
