"""CVAT XML 1.1 for images: one file for all images; a circle is an ellipse of equal radii.

Shapes of one label and ``group_id`` (not 0) are parts or holes of one object. The attributes ``ignore`` and
``region`` of a shape say that predictions on it count neither way. An ellipse that is no circle is read as an
outline of 64 corners, a mask as its outline, a box with ``rotation`` as the turned rectangle.

Images lie in ``images``, or in ``images/SUBSET`` as a project's do, where two of them may have one name.
"""

import math
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from bmbench.core.dataset import SUBSETS, Subset
from bmbench.core.errors import BadInputError
from bmbench.core.files import write_bytes
from bmbench.core.gate import is_file
from bmbench.core.geometry import ellipse_ring, turned_box
from bmbench.core.numerals import numeral
from bmbench.core.types import Annotations, Floats, ImageId, Rings, Role, Sample, is_artefact_name
from bmbench.datasets.formats.annotation_folder import join_marks
from bmbench.datasets.formats.codec import Codec, Content, Fact, Left
from bmbench.datasets.formats.folder_words import SUBSET_WORDS, unknown_subsets
from bmbench.datasets.formats.images_beside import IMAGE_FOLDERS
from bmbench.datasets.formats.marks import CONFIDENCE_WORDS, UNNAMED, UNSURE, Collector, Flags, Marks, ring_of
from bmbench.datasets.formats.masks import mask_rings
from bmbench.datasets.reading.safe_xml import read_xml
from bmbench.datasets.slides.whole_images import read_whole

DIGITS = 6
MASK_LIMIT_PX = 1 << 26
_NO_SUBSET = ("", "default")
_SHAPES = ("box", "polygon", "ellipse", "points", "mask", "polyline", "skeleton", "cuboid")


def read(path: Path, images: Path | None = None) -> Content:
    """The images of a CVAT file, or of the folder that holds ``annotations.xml``.

    Raises
    ------
    BadInputError
        If it is no such file (one for videos is named as such), or a number in it has no sense.
    """
    file = path / CODEC.folder if path.is_dir() else path
    root = read_xml(file)
    if root.tag != "annotations" or root.find("track") is not None:
        video = root.tag == "annotations"
        raise BadInputError(
            "not CVAT XML for images",
            where=str(file),
            expected="<annotations>",
            got="an export for videos" if video else f"<{root.tag[:40]}>",
            remedy="export the task as 'CVAT for images 1.1'" if video else "",
        )
    folder = images or next(
        (file.parent / n for n in IMAGE_FOLDERS if (file.parent / n).is_dir()), file.parent
    )
    kinds = _stated_kinds(root)
    names = _image_names(root, folder)
    found: list[tuple[Sample, Marks]] = []
    subsets: dict[ImageId, Subset] = {}
    unknown: Counter[str] = Counter()
    for number, (item, name) in enumerate(zip(root.iter("image"), names, strict=True)):
        where = f"{file}, image {number}"
        sample = _sample(item, name, folder, images or file.parent, where=where)
        found.append((sample, _marks(item, where, kinds)))
        word = item.get("subset", "")
        if word.lower() in SUBSET_WORDS:
            subsets[sample.image_id] = SUBSET_WORDS[word.lower()]
        elif word.lower() not in _NO_SUBSET:
            unknown[word] += 1
    notes = unknown_subsets(unknown)
    labels = [name for name in (label.findtext("name") for label in root.iter("label")) if name]
    return join_marks(found, names=labels, subsets=subsets, notes=notes, where=str(file))


def write(path: Path, content: Content) -> list[Left]:
    """Write every image; nothing is left out."""
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    labels = _write_meta(ElementTree.SubElement(root, "meta"), content)
    for category in content.categories:
        label = ElementTree.SubElement(labels, "label")
        ElementTree.SubElement(label, "name").text = category.name
        # The place where CVAT keeps further facts about a label.
        ElementTree.SubElement(label, "attributes")
        if category.artefact:
            ElementTree.SubElement(label, "type").text = "artefact"
        elif is_artefact_name(category.name):
            ElementTree.SubElement(label, "type").text = "cell"
    for number, sample in enumerate(content.samples):
        facts = {
            "id": str(number),
            "name": sample.name,
            "width": str(sample.width),
            "height": str(sample.height),
        }
        if sample.image_id in content.subsets:
            facts["subset"] = content.subsets[sample.image_id]
        item = ElementTree.SubElement(root, "image", facts)
        for row in range(len(sample.annotations)):
            _write_object(item, sample.annotations, row, content)
    ElementTree.indent(root)
    write_bytes(path, ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))
    return []


def _write_meta(meta: ElementTree.Element, content: Content) -> ElementTree.Element:
    """The place for labels. Programs that read CVAT look for subsets in the tasks of a project alone."""
    used = [subset for subset in SUBSETS if subset in content.subsets.values()]
    whole = ElementTree.SubElement(meta, "project" if used else "task")
    labels = ElementTree.SubElement(whole, "labels")
    tasks = ElementTree.SubElement(whole, "tasks") if used else whole
    for subset in used:
        task = ElementTree.SubElement(tasks, "task")
        ElementTree.SubElement(task, "name").text = subset
        ElementTree.SubElement(task, "subset").text = subset
    return labels


def _stated_kinds(root: ElementTree.Element) -> dict[str, bool]:
    """Label → whether its objects are artefacts, where bmbench wrote so."""
    kinds = {label.findtext("name", ""): label.findtext("type") for label in root.iter("label")}
    return {name: kind == "artefact" for name, kind in kinds.items() if kind in ("artefact", "cell")}


def _image_names(root: ElementTree.Element, folder: Path) -> list[str]:
    """What each image is called: its name, after its subset where it lies there or has a namesake."""
    stated = [(item.get("name", ""), item.get("subset", "")) for item in root.iter("image")]
    count = Counter(name for name, _ in stated)
    names = []
    for name, subset in stated:
        inner = f"{subset}/{name}" if subset and name else name
        apart = count[name] > 1 or (not is_file(folder / name) and is_file(folder / inner))
        names.append(inner if apart else name)
    return names


def _sample(item: ElementTree.Element, name: str, folder: Path, within: Path, *, where: str) -> Sample:
    size = tuple(_float(item, side, where) for side in ("width", "height"))
    if not name or not all(side.is_integer() and 0 < side < 1 << 31 for side in size):
        raise BadInputError("image without name or size", where=where, got=f"{name[:40]!r}, {size}")
    width, height = int(size[0]), int(size[1])
    return Sample(
        image_id=name,
        name=name,
        width=width,
        height=height,
        group=name,
        annotations=Annotations.empty(),
        load=partial(read_whole, folder / name, (width, height), within=within),
        file=folder / name,
        within=within,
    )


def _marks(item: ElementTree.Element, where: str, kinds: Mapping[str, bool]) -> Marks:
    collector = Collector(where, kinds=kinds)
    grouped: dict[tuple[str, str], tuple[list[Floats], list[ElementTree.Element]]] = {}
    for number, shape in enumerate(child for child in item if child.tag in _SHAPES):
        group = shape.get("group_id", "0")
        key = (shape.get("label") or UNNAMED, f"group {group}" if group != "0" else f"shape {number}")
        if shape.tag != "polygon":
            key = (key[0], f"shape {number}")
        grouped.setdefault(key, ([], []))[1].append(shape)
        if any(attribute.get("name") in CONFIDENCE_WORDS for attribute in shape.iter("attribute")):
            collector.notes.append(UNSURE)
        if shape.tag == "polygon":
            grouped[key][0].append(ring_of(_points(shape, where), where))
    for (name, _), (rings, shapes) in grouped.items():
        flags = Flags(ignore=_flag(shapes[0], "ignore"), region=_flag(shapes[0], "region"))
        if rings:
            collector.add(name, rings=tuple(rings), **flags)
        else:
            _add(collector, name, shapes[0], where, flags)
    return collector.marks()


def _add(collector: Collector, name: str, shape: ElementTree.Element, where: str, flags: Flags) -> None:
    if shape.tag == "box":
        corners = [_float(shape, k, where) for k in ("xtl", "ytl", "xbr", "ybr")]
        box, rings = turned_box(corners, _float(shape, "rotation", where, default=0.0))
        collector.add(name, box=box, rings=rings, **flags)
    elif shape.tag == "ellipse":
        x, y, rx, ry = (_float(shape, k, where) for k in ("cx", "cy", "rx", "ry"))
        turn = math.radians(_float(shape, "rotation", where, default=0.0))
        if rx == ry:
            collector.add(name, circle=(x, y, rx), **flags)
        else:
            collector.add(name, rings=(ellipse_ring((x, y), (rx, ry), turn),), **flags)
    elif shape.tag == "points":
        for point in _points(shape, where):
            collector.add(name, point=point, **flags)
    elif shape.tag == "mask":
        rings = _mask(shape, where)
        if rings:
            collector.add(name, rings=rings, **flags)
    else:
        collector.notes.append(f"left out: {shape.tag}")


def _mask(shape: ElementTree.Element, where: str) -> Rings:
    """The outline of a mask: run lengths along the rows of its box, background first."""
    left, top, width, height = (int(_float(shape, k, where)) for k in ("left", "top", "width", "height"))
    if not (0 < width * height <= MASK_LIMIT_PX and width > 0):
        raise BadInputError("mask of no sensible size", where=where, got=f"{width} × {height} px")
    try:
        runs = np.array([int(run) for run in numeral(shape.get("rle", "")).split(",")], np.int64)
    except (ValueError, OverflowError):
        runs = np.array([-1])
    if (runs < 0).any() or (runs > width * height).any() or runs.sum() != width * height:
        raise BadInputError("mask whose runs do not fill it", where=where)
    mask = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)
    return mask_rings(mask, (left, top))


def _points(shape: ElementTree.Element, where: str) -> list[list[float]]:
    try:
        points = [[float(v) for v in pair.split(",")] for pair in numeral(shape.get("points", "")).split(";")]
    except ValueError:
        points = []
    if not points or any(len(point) != 2 or not all(abs(v) < 1e9 for v in point) for point in points):
        raise BadInputError("not a list of points", where=where, expected="x,y;x,y …")
    return points


def _float(item: ElementTree.Element, name: str, where: str, default: float = math.nan) -> float:
    try:
        value = float(numeral(item.get(name, default)))
    except ValueError:
        value = math.nan
    if not abs(value) < 1e9:
        raise BadInputError(
            f"<{item.tag}> without a number {name!r}", where=where, got=repr(item.get(name))[:40]
        )
    return value


def _flag(shape: ElementTree.Element, name: str) -> bool:
    return any(a.get("name") == name and (a.text or "").strip() == "true" for a in shape.iter("attribute"))


def _write_object(item: ElementTree.Element, annotations: Annotations, row: int, content: Content) -> None:
    common = {"label": content.categories[annotations.label[row]].name, "occluded": "0", "source": "manual"}
    x, y, radius = annotations.circle[row]
    corners = annotations.box[row]
    shapes: list[tuple[str, dict[str, str]]] = []
    rings = annotations.contour[row]
    for ring in rings:
        group = {"group_id": str(row + 1)} if len(rings) > 1 else {}
        shapes.append(("polygon", {"points": _text(ring), **group}))
    if not rings and radius > 0:
        facts = {"cx": x, "cy": y, "rx": radius, "ry": radius}
        shapes.append(("ellipse", {name: _number(value) for name, value in facts.items()}))
    elif not rings and (corners[2:] > corners[:2]).all():
        facts = dict(zip(("xtl", "ytl", "xbr", "ybr"), corners.tolist(), strict=True))
        shapes.append(("box", {name: _number(value) for name, value in facts.items()}))
    elif not rings:
        shapes.append(("points", {"points": _text(annotations.xy[row : row + 1])}))
    for tag, facts_ in shapes:
        shape = ElementTree.SubElement(item, tag, common | facts_ | {"z_order": "0"})
        flags = {"ignore": annotations.role[row] == Role.IGNORE, "region": bool(annotations.region[row])}
        for name, value in flags.items():
            if value:
                ElementTree.SubElement(shape, "attribute", {"name": name}).text = "true"


def _number(value: float) -> str:
    return repr(round(float(value), DIGITS) + 0.0)


def _text(points: Floats) -> str:
    return ";".join(f"{_number(x)},{_number(y)}" for x, y in points)


CODEC = Codec(
    name="cvat",
    title="CVAT XML 1.1 for images",
    extensions=(".xml",),
    layout="set",
    carries=frozenset(
        {Fact.OUTLINE, Fact.RINGS, Fact.CIRCLE, Fact.POINT, Fact.CLASS, Fact.IGNORE, Fact.REGION}
    ),
    read=read,
    write=write,
    folder="annotations.xml",
)
