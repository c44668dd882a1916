"""ASAP XML: what CAMELYON and other challenges publish, in pixels of the slide's full resolution.

Polygons, splines (read as the polygon of their points), rectangles, dots and sets of points. An object has
the class of its group, or none.
"""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.files import write_bytes
from bmbench.core.numerals import numeral
from bmbench.core.types import Annotations, Floats, Role
from bmbench.datasets.formats.annotation_folder import read_folder
from bmbench.datasets.formats.codec import Codec, Content, Fact, Left
from bmbench.datasets.formats.marks import UNNAMED, Collector, Marks, ring_of
from bmbench.datasets.reading.safe_xml import read_xml
from bmbench.datasets.reading.tables import decimal_number

DIGITS = 6
_NO_GROUP = ("", "none")


def read(path: Path, images: Path | None = None) -> Content:
    """The images of a folder of ASAP files, or of one file; see `read_folder`."""
    return read_folder(path, images, suffixes=(".xml",), parse=parse)


def parse(path: Path, _size: Callable[[], tuple[int, int]]) -> Marks:
    """The annotations of one file.

    Raises
    ------
    BadInputError
        If it is no ASAP file, or an annotation has no sense; names the annotation.
    """
    root = read_xml(path)
    if root.tag != "ASAP_Annotations":
        raise BadInputError(
            "not an ASAP file", where=str(path), expected="<ASAP_Annotations>", got=f"<{root.tag[:40]}>"
        )
    collector = Collector(str(path))
    for number, item in enumerate(root.iter("Annotation"), start=1):
        where = f"{path}, annotation {number}"
        group = (item.get("PartOfGroup") or "").strip()
        name = UNNAMED if group.lower() in _NO_GROUP else group
        kind = (item.get("Type") or "").lower()
        if kind in ("polygon", "spline"):
            collector.add(name, rings=(ring_of(_points(item, where), where),))
        elif kind == "rectangle":
            points = np.array(_points(item, where))
            collector.add(name, box=[*points.min(axis=0), *points.max(axis=0)])
        elif kind in ("dot", "pointset"):
            for point in _points(item, where):
                collector.add(name, point=point)
        else:
            collector.notes.append(f"left out: {kind[:20] or 'annotation without a type'}")
    return collector.marks()


def write(path: Path, content: Content) -> list[Left]:
    """Write one image; circles, holes and ignored objects are left out."""
    sample = content.samples[0]
    root = ElementTree.Element("ASAP_Annotations")
    drawn = ElementTree.SubElement(root, "Annotations")
    left: list[Left] = []
    used: dict[str, None] = {}
    for row in range(len(sample.annotations)):
        kind, points = _shape(sample.annotations, row)
        if not kind:
            why = "circle, outline in parts, or an ignored object"
            left.append(Left(image_id=sample.image_id, row=row, why=why))
            continue
        name = content.categories[sample.annotations.label[row]].name
        used.setdefault(name)
        facts = {"Name": f"Annotation {row}", "Type": kind, "PartOfGroup": name, "Color": "#F4FA58"}
        places = ElementTree.SubElement(ElementTree.SubElement(drawn, "Annotation", facts), "Coordinates")
        for order, (x, y) in enumerate(np.round(points, DIGITS).tolist()):
            place = {"Order": str(order), "X": repr(x + 0.0), "Y": repr(y + 0.0)}
            ElementTree.SubElement(places, "Coordinate", place)
    groups = ElementTree.SubElement(root, "AnnotationGroups")
    for name in used:
        facts = {"Name": name, "PartOfGroup": "None", "Color": "#64FE2E"}
        ElementTree.SubElement(ElementTree.SubElement(groups, "Group", facts), "Attributes")
    ElementTree.indent(root)
    write_bytes(path, ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))
    return left


def _shape(annotations: Annotations, row: int) -> tuple[str, Floats]:
    """The type and points of an object; an empty type where ASAP has none for it."""
    rings, box = annotations.contour[row], annotations.box[row]
    nothing = np.zeros((0, 2))
    if annotations.role[row] == Role.IGNORE or len(rings) > 1:
        return "", nothing
    if rings:
        return "Polygon", rings[0]
    if annotations.circle[row, 2] > 0:
        return "", nothing
    x0, y0, x1, y1 = box
    if x1 > x0 and y1 > y0:
        return "Rectangle", np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    return "Dot", annotations.xy[row : row + 1]


def _points(item: ElementTree.Element, where: str) -> list[list[float]]:
    """The coordinates in their order."""
    try:
        rows = [
            (
                float(numeral(place.get("Order", "0"))),
                [decimal_number(place.get(axis, "")) for axis in ("X", "Y")],
            )
            for place in item.iter("Coordinate")
        ]
    except ValueError:
        rows = []
    points = [point for _, point in sorted(rows, key=lambda row: row[0])]
    if not points or not (np.abs(np.array(points)) < 1e9).all():
        raise BadInputError("annotation without coordinates", where=where, expected="<Coordinate X Y> …")
    return points


CODEC = Codec(
    name="asap",
    title="ASAP XML",
    extensions=(".xml",),
    layout="image",
    carries=frozenset({Fact.OUTLINE, Fact.POINT, Fact.CLASS}),
    read=read,
    write=write,
)
