"""Pascal VOC boxes: whole pixels, counted from 1, the last one included.

Many programs write corners between pixels instead, counted from 0, and the format has no word for it. It is
found for a whole set: a corner below 1 or between whole numbers proves it. Without any proof the format's
own way holds. (The name of a program is none: "roboflow.ai" is written by two that count differently.) What
bmbench writes says that it counts from 1.
"""

import dataclasses
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.files import write_bytes
from bmbench.core.geometry import turned_box
from bmbench.core.types import Annotations, Bools, Category, Floats, Role
from bmbench.datasets.formats.annotation_folder import (
    ANNOTATION_FOLDERS,
    annotation_files,
    inner_path,
    read_folder,
)
from bmbench.datasets.formats.codec import Codec, Content, Fact, Left
from bmbench.datasets.formats.marks import CONFIDENCE_WORDS, UNSURE, Collector, Marks
from bmbench.datasets.reading.safe_xml import read_xml
from bmbench.datasets.reading.tables import decimal_number

DIGITS = 6
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_DIFFICULT = {
    **dict.fromkeys(("", "0", "false", "no", "unspecified"), False),
    **dict.fromkeys(("1", "true", "yes"), True),
}
_OWN = "bmbench, pixels from 1"


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
    turned : (n,) float64, degrees clockwise
        By how much each box is turned about its middle, as CVAT writes it.
    proof : str
        Why the file counts from 0; empty where nothing in it says so.
    own : bool
        Whether bmbench wrote it.
    unsure : int
        How many objects have a confidence.
    """

    width: int
    height: int
    names: tuple[str, ...]
    box: Floats
    difficult: Bools
    image: str = ""
    turned: Floats = dataclasses.field(default_factory=lambda: np.zeros(0))
    proof: str = ""
    own: bool = False
    unsure: int = 0


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
    names, rows, difficult, turned = [], [], [], []
    for number, item in enumerate(root.iter("object"), start=1):
        place = f"{path}, object {number}"
        names.append((item.findtext("name") or "").strip())
        if not names[-1]:
            raise BadInputError("object without a name", where=place)
        rows.append([_number(item.find("bndbox"), corner, place) for corner in _CORNERS])
        difficult.append(_is_difficult(item.findtext("difficult") or "", place))
        turned.append(_rotation(item, place))
    box = np.array(rows, np.float64).reshape(-1, 4)
    proof = _proof(box)
    box[:, :2] -= 1
    size = root.find("size")
    return VocFile(
        width=int(_number(size, "width", str(path))),
        height=int(_number(size, "height", str(path))),
        names=tuple(names),
        box=box,
        difficult=np.array(difficult, bool),
        image=(root.findtext("filename") or "").strip(),
        turned=np.array(turned, np.float64),
        proof=proof,
        own=root.findtext("source/annotation") == _OWN,
        unsure=sum(item.tag in CONFIDENCE_WORDS for item in root.iterfind("object/*")),
    )


def _is_difficult(text: str, where: str) -> bool:
    """Whether an object is to be ignored; BadInputError for a word that says neither."""
    word = text.strip().lower()
    if word not in _DIFFICULT:
        raise BadInputError("not 0 or 1", where=f"{where}, difficult", got=repr(text)[:40])
    return _DIFFICULT[word]


def read(path: Path, images: Path | None = None, *, first_pixel: str = "") -> Content:
    """The images of a folder of VOC files, or of one file; objects marked difficult are to be ignored.

    Boxes of one pixel, a click without a drag, are left out and named. `first_pixel` is "0" or "1": what
    corners count from, where it is not to be found out.
    """
    files = _files([path])
    first = first_pixel or _first_pixel(files.values())
    if first not in ("0", "1"):
        raise BadInputError("--option first_pixel", expected="0 or 1", got=repr(first_pixel))

    def parse(file: Path, _size: Callable[[], tuple[int, int]]) -> Marks:
        return _marks(files[file] if file in files else read_voc(file), str(file), shift=1 - int(first))

    content = read_folder(path, images, suffixes=(".xml",), parse=parse)
    note = _note(files.values(), first)
    return dataclasses.replace(content, notes=(*content.notes, note)) if note else content


def first_pixel_of(paths: Sequence[Path]) -> Mapping[str, str]:
    """What the corners of all VOC files of a set count from, as a choice for `read`."""
    return {"first_pixel": _first_pixel(_files(paths).values())}


def _first_pixel(files: Collection[VocFile]) -> str:
    proven = any(voc.proof for voc in files) and not any(voc.own for voc in files)
    return "0" if proven else "1"


def _files(paths: Sequence[Path]) -> dict[Path, VocFile]:
    lists = [annotation_files(path, (".xml",), ANNOTATION_FOLDERS)[0] for path in paths]
    return {file: read_voc(file) for files in lists for file in files}


def _note(files: Collection[VocFile], first: str) -> str:
    proofs = [voc.proof for voc in files if voc.proof]
    if any(voc.own for voc in files):
        return ""
    if first == "0":
        return f"corners count from 0 ({proofs[0] if proofs else 'as was said'})"
    return "corners count from 1, as Pascal VOC has it (--option first_pixel=0 says otherwise)"


def _proof(corners: Floats) -> str:
    """Why (n, 4) corners as written count from 0; empty where nothing says so."""
    low = corners[:, :2]
    if (low < 1).any():
        return f"there is a corner at {low.min():g}"
    between = corners[corners % 1 != 0]
    return f"there is a corner between pixels, at {between[0]:g}" if len(between) else ""


def _rotation(item: ElementTree.Element, place: str) -> float:
    for attribute in item.iter("attribute"):
        if attribute.findtext("name") == "rotation":
            return _number(attribute, "value", place)
    return 0.0


def _marks(voc: VocFile, where: str, *, shift: int) -> Marks:
    """The objects of a file; `shift` is 1 where its corners count from 0."""
    collector = Collector(where, notes=[UNSURE] * voc.unsure)
    corners = voc.box + np.array([shift, shift, 0, 0])
    for row, (name, corner) in enumerate(zip(voc.names, corners.tolist(), strict=True)):
        box, rings = turned_box(corner, float(voc.turned[row]))
        if min(corner[2] - corner[0], corner[3] - corner[1]) <= 1 - shift:
            collector.notes.append(f"left out: the {name} box without extent at ({box[0]:g}, {box[1]:g})")
        else:
            collector.add(name, box=box, rings=rings, ignore=bool(voc.difficult[row]))
    return collector.marks(image=voc.image, size=(voc.width, voc.height))


def write(path: Path, content: Content) -> list[Left]:
    """Write one image; ignored objects are marked difficult, points and regions are left out."""
    sample = content.samples[0]
    box, region = sample.annotations.box, sample.annotations.region
    small: Bools = np.less_equal((box[:, 2:] - box[:, :2]).min(axis=1), 1)
    left = [
        Left(
            image_id=sample.image_id,
            row=row,
            why="box of a pixel or less" if small[row] else "ignored region",
        )
        for row in np.flatnonzero(small | region).tolist()
    ]
    lines = ["<annotation>"]
    lines += _tags(2, folder="images", filename=str(inner_path(sample)), segmented="0")
    lines += ["  <source>", *_tags(4, annotation=_OWN), "  </source>"]
    size = _tags(4, width=str(sample.width), height=str(sample.height), depth="3")
    lines += ["  <size>", *size, "  </size>"]
    lines += _objects(sample.annotations.take(~(small | region)), content.categories)
    write_bytes(path, "\n".join([*lines, "</annotation>"]).encode(errors="xmlcharrefreplace"))
    return left


def _objects(annotations: Annotations, categories: Sequence[Category]) -> Iterator[str]:
    """The lines of all objects: as ElementTree writes them, which takes five times as long."""
    heads = [_tags(4, name=one.name, pose="Unspecified", truncated="0") for one in categories]
    corners = (annotations.box + np.array([1, 1, 0, 0])).tolist()
    difficult = (annotations.role == Role.IGNORE).astype(int).tolist()
    for label, hard, corner in zip(annotations.label.tolist(), difficult, corners, strict=True):
        yield "  <object>"
        yield from heads[label]
        yield f"    <difficult>{hard}</difficult>"
        yield "    <bndbox>"
        for tag, value in zip(_CORNERS, corner, strict=True):
            # Whole numbers without a point: many readers refuse another form.
            number = repr(round(value, DIGITS)).removesuffix(".0")
            yield f"      <{tag}>{number}</{tag}>"
        yield "    </bndbox>"
        yield "  </object>"


def _tags(indent: int, **texts: str) -> list[str]:
    """A line for each tag with its text."""
    space = " " * indent
    return [f"{space}<{tag}>{escape(text, quote=False)}</{tag}>" for tag, text in texts.items()]


def _number(parent: ElementTree.Element | None, name: str, place: str) -> float:
    text = None if parent is None else parent.findtext(name)
    value = decimal_number(text or "")
    if not math.isfinite(value):
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
    choices={"first_pixel": "what corners count from: 0 or 1"},
    agree=first_pixel_of,
)
