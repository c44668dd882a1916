"""Pascal VOC boxes: whole pixels, counted from 1, the last one included."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.files import write_bytes
from bmbench.core.types import Annotations, Bools, Category, Floats, Role
from bmbench.datasets.formats.annotation_folder import inner_path, read_folder
from bmbench.datasets.formats.codec import Codec, Content, Fact, Left
from bmbench.datasets.formats.marks import Collector, Marks
from bmbench.datasets.reading.safe_xml import read_xml

DIGITS = 6
_CORNERS = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VocFile:
    """What a VOC file says; row i of every column is object i.

    Attributes
    ----------
    width, height : int, pixels
    names : tuple of n str
        Class of each object.
    box : (n, 4) float64, pixels
        In continuous coordinates: pixel 1 to pixel 3 is 0 to 3.
    difficult : (n,) bool
        Objects that the authors of the format leave out of scoring.
    image : str
        The image's file name, as far as the file says so.
    """

    width: int
    height: int
    names: tuple[str, ...]
    box: Floats
    difficult: Bools
    image: str = ""


def read_voc(path: Path) -> VocFile:
    """The objects of a VOC file, as they stand: a box may be of one pixel, a click without a drag.

    Raises
    ------
    BadInputError
        If the file is not VOC, or a number in it is not one.
    """
    root = read_xml(path)
    if root.tag != "annotation":
        raise BadInputError("not a VOC file", where=str(path), expected="<annotation>", got=f"<{root.tag}>")
    names, rows, difficult = [], [], []
    for number, item in enumerate(root.iter("object"), start=1):
        place = f"{path}, object {number}"
        names.append((item.findtext("name") or "").strip())
        if not names[-1]:
            raise BadInputError("object without a name", where=place)
        rows.append([_number(item.find("bndbox"), corner, place) for corner in _CORNERS])
        difficult.append((item.findtext("difficult") or "0").strip() not in ("", "0"))
    box = np.array(rows, np.float64).reshape(-1, 4)
    box[:, :2] -= 1
    size = root.find("size")
    return VocFile(
        width=int(_number(size, "width", str(path))),
        height=int(_number(size, "height", str(path))),
        names=tuple(names),
        box=box,
        difficult=np.array(difficult, bool),
        image=(root.findtext("filename") or "").strip(),
    )


def read(path: Path, images: Path | None = None) -> Content:
    """The images of a folder of VOC files, or of one file; objects marked difficult are to be ignored.

    Boxes of one pixel, a click without a drag, are left out and named.
    """
    return read_folder(path, images, suffixes=(".xml",), parse=parse)


def parse(path: Path, _size: Callable[[], tuple[int, int]]) -> Marks:
    """The objects of one file."""
    voc = read_voc(path)
    collector = Collector(str(path))
    for name, box, difficult in zip(voc.names, voc.box.tolist(), voc.difficult.tolist(), strict=True):
        if box[2] - box[0] <= 1 or box[3] - box[1] <= 1:
            collector.notes.append(f"left out: the {name} box without extent at ({box[0]:g}, {box[1]:g})")
        else:
            collector.add(name, box=box, ignore=difficult)
    return collector.marks(image=voc.image, size=(voc.width, voc.height))


def write(path: Path, content: Content) -> list[Left]:
    """Write one image; ignored objects are marked difficult, points and regions are left out."""
    sample = content.samples[0]
    name = inner_path(sample)
    root = ElementTree.Element("annotation")
    for tag, text in (("folder", "images"), ("filename", str(name)), ("segmented", "0")):
        ElementTree.SubElement(root, tag).text = text
    size = ElementTree.SubElement(root, "size")
    for tag, number in (("width", sample.width), ("height", sample.height), ("depth", 3)):
        ElementTree.SubElement(size, tag).text = str(number)
    left = []
    for row, box in enumerate(sample.annotations.box):
        small = (box[2:] - box[:2] <= 1).any()
        if sample.annotations.region[row] or small:
            why = "box of a pixel or less" if small else "ignored region"
            left.append(Left(image_id=sample.image_id, row=row, why=why))
            continue
        _write_object(root, sample.annotations, row, content.categories)
    ElementTree.indent(root)
    write_bytes(path, ElementTree.tostring(root, encoding="utf-8"))
    return left


def _write_object(
    root: ElementTree.Element, annotations: Annotations, row: int, categories: Sequence[Category]
) -> None:
    item = ElementTree.SubElement(root, "object")
    difficult = annotations.role[row] == Role.IGNORE
    facts = {"name": categories[annotations.label[row]].name, "pose": "Unspecified", "truncated": "0"}
    for tag, text in (facts | {"difficult": str(int(difficult))}).items():
        ElementTree.SubElement(item, tag).text = text
    corners = ElementTree.SubElement(item, "bndbox")
    for tag, value in zip(_CORNERS, annotations.box[row] + [1, 1, 0, 0], strict=True):
        # Whole numbers without a point: many readers refuse another form.
        ElementTree.SubElement(corners, tag).text = repr(round(float(value), DIGITS)).removesuffix(".0")


def _number(parent: ElementTree.Element | None, name: str, place: str) -> float:
    text = None if parent is None else parent.findtext(name)
    try:
        value = float(text or "nan")
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise BadInputError(f"no number <{name}>", where=place, got=repr(text))
    return value


CODEC = Codec(
    name="voc",
    title="Pascal VOC XML",
    extensions=(".xml",),
    layout="image",
    carries=frozenset({Fact.CLASS, Fact.IGNORE}),
    read=read,
    write=write,
)
