"""VGG Image Annotator (VIA): a project, or its annotations as JSON; one file for all images.

Polygons, rectangles, circles, ellipses and points; lines are left out and named. The class is the attribute
of a region that is called class, label, type or name, or else its first one.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.files import write_text
from bmbench.core.geometry import ellipse_ring
from bmbench.core.numerals import numeral
from bmbench.core.types import Annotations, Role, Sample, is_artefact_name
from bmbench.datasets.formats.annotation_folder import join_marks
from bmbench.datasets.formats.codec import Codec, Content, Fact, Left
from bmbench.datasets.formats.marks import CONFIDENCE_WORDS, UNNAMED, Collector, Marks, ring_of
from bmbench.datasets.formats.web_tools.objects import ImagePlaces, mapping, number, numbers
from bmbench.datasets.reading.limits import read_object

DIGITS = 6
_CLASS_NAMES = ("class", "label", "type", "name", "category")
_METADATA = "_via_img_metadata"
_KIND = "bmbench"
"""The attribute in which bmbench says that a class is one of artefacts or of cells, whatever it is called."""


def read(path: Path, images: Path | None = None) -> Content:
    """The images of a VIA file, or of the folder that holds ``annotations.json``.

    Raises
    ------
    BadInputError
        If it is no such file, an image is not there (the file states no sizes), or a region has no sense.
    """
    file = path / CODEC.folder if path.is_dir() else path
    value = read_object(file)
    entries = mapping(value.get(_METADATA, value), str(file))
    places = ImagePlaces.beside(file, images)
    kinds = _stated_kinds(entries)
    found: list[tuple[Sample, Marks]] = []
    for key, entry in entries.items():
        where = f"{file}, {key[:60]}"
        facts = mapping(entry, where)
        name = facts.get("filename")
        if not isinstance(name, str) or not name:
            raise BadInputError("not a VIA file", where=where, expected="an image with a filename")
        found.append((places.sample([name], None), _marks(facts.get("regions", []), where, kinds)))
    return join_marks(found, where=str(file))


def write(path: Path, content: Content) -> list[Left]:
    """Write every image as VIA's annotations in JSON; holes and ignored objects are left out."""
    left: list[Left] = []
    entries = {}
    for sample in content.samples:
        regions = []
        for row in range(len(sample.annotations)):
            shape = _shape(sample.annotations, row)
            if shape is None:
                left.append(
                    Left(image_id=sample.image_id, row=row, why="outline in parts, or an ignored object")
                )
                continue
            category = content.categories[sample.annotations.label[row]]
            own = {"class": category.name}
            if category.artefact != is_artefact_name(category.name):
                own[_KIND] = "artefact" if category.artefact else "cell"
            regions.append({"shape_attributes": shape, "region_attributes": own})
        size = sample.file.stat().st_size if sample.file is not None and sample.file.is_file() else -1
        entries[f"{sample.name}{size}"] = {
            "filename": sample.name,
            "size": size,
            "regions": regions,
            "file_attributes": {},
        }
    write_text(path, json.dumps(entries, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    return left


def _stated_kinds(entries: Mapping[str, Any]) -> dict[str, bool]:
    """Class → whether its objects are artefacts, where bmbench wrote so."""
    kinds = {}
    for entry in entries.values():
        for region in _listed(entry.get("regions", []) if isinstance(entry, dict) else []) or ():
            own = region.get("region_attributes") if isinstance(region, dict) else None
            if isinstance(own, dict) and own.get(_KIND) in ("artefact", "cell"):
                kinds[str(own.get("class"))] = own[_KIND] == "artefact"
    return kinds


def _listed(regions: Any) -> list[Any] | None:
    """Regions as a list, as they stand in newer files and in older ones; None for anything else."""
    listed = list(regions.values()) if isinstance(regions, dict) else regions
    return listed if isinstance(listed, list) else None


def _marks(regions: Any, where: str, kinds: Mapping[str, bool]) -> Marks:
    collector = Collector(where, kinds=kinds)
    listed = _listed(regions)
    if listed is None:
        raise BadInputError("not a list of regions", where=where, got=repr(regions)[:40])
    for row, region in enumerate(listed):
        place = f"{where}, regions[{row}]"
        facts = mapping(region, place)
        shape = mapping(facts.get("shape_attributes"), place)
        name, confidence, note = _class(facts.get("region_attributes"), place)
        collector.notes += [note] if note else []
        _add(collector, name, shape, place, confidence)
    return collector.marks()


def _class(value: Any, where: str) -> tuple[str, float | None, str]:
    """The name of a region's class (of a checkbox what is ticked), its confidence, and what was assumed."""
    attributes = mapping(value if value is not None else {}, where)
    sure = [name for name in attributes if name.lower() in CONFIDENCE_WORDS]
    confidence = _confidence(attributes[sure[0]], where) if sure else None
    others = [name for name in attributes if name not in sure and name != _KIND]
    names = [name for name in others if name.lower() in _CLASS_NAMES] or others
    chosen = attributes[names[0]] if names else ""
    if isinstance(chosen, dict):
        chosen = next((name for name, ticked in chosen.items() if ticked), "")
    several = len(names) > 1 and names[0].lower() not in _CLASS_NAMES
    note = f"the class is the attribute {names[0]!r}, of {', '.join(names)}"[:160] if several else ""
    return str(chosen).strip() or UNNAMED, confidence, note


def _confidence(value: Any, where: str) -> float | None:
    if value in (None, ""):
        return None
    try:
        confidence = float(numeral(value))
    except (TypeError, ValueError):
        confidence = math.nan
    if not math.isfinite(confidence):
        raise BadInputError("not a confidence", where=where, got=repr(value)[:40])
    return confidence


def _add(
    collector: Collector, name: str, shape: Mapping[str, Any], where: str, confidence: float | None
) -> None:
    kind = shape.get("name")
    if kind == "polygon":
        columns = [numbers(shape.get(f"all_points_{axis}"), where) for axis in "xy"]
        if len(columns[0]) != len(columns[1]):
            raise BadInputError("more x than y", where=where)
        collector.add(name, rings=(ring_of(np.array(columns).T.tolist(), where),), confidence=confidence)
    elif kind == "rect":
        x, y, width, height = (number(shape, side, where) for side in ("x", "y", "width", "height"))
        collector.add(name, box=(x, y, x + width, y + height), confidence=confidence)
    elif kind == "circle":
        collector.add(
            name, circle=[number(shape, side, where) for side in ("cx", "cy", "r")], confidence=confidence
        )
    elif kind == "ellipse":
        x, y, rx, ry = (number(shape, side, where) for side in ("cx", "cy", "rx", "ry"))
        collector.add(
            name,
            rings=(ellipse_ring((x, y), (rx, ry), number(shape, "theta", where, 0.0)),),
            confidence=confidence,
        )
    elif kind == "point":
        collector.add(
            name, point=[number(shape, side, where) for side in ("cx", "cy")], confidence=confidence
        )
    else:
        collector.notes.append(f"left out: {str(kind)[:20]}")


def _shape(annotations: Annotations, row: int) -> dict[str, Any] | None:
    rings, (x, y, radius) = annotations.contour[row], annotations.circle[row].tolist()
    if annotations.role[row] == Role.IGNORE or len(rings) > 1:
        return None
    if rings:
        points = (np.round(rings[0], DIGITS) + 0.0).T.tolist()
        return {"name": "polygon", "all_points_x": points[0], "all_points_y": points[1]}
    if radius > 0:
        return {"name": "circle", "cx": _short(x), "cy": _short(y), "r": _short(radius)}
    x0, y0, x1, y1 = annotations.box[row].tolist()
    if x1 > x0 and y1 > y0:
        sides = {"x": _short(x0), "y": _short(y0), "width": _short(x1 - x0), "height": _short(y1 - y0)}
        return {"name": "rect", **sides}
    x, y = annotations.xy[row].tolist()
    return {"name": "point", "cx": _short(x), "cy": _short(y)}


def _short(value: float) -> float:
    return round(value, DIGITS) + 0.0


CODEC = Codec(
    name="via",
    title="VGG Image Annotator JSON",
    extensions=(".json",),
    layout="set",
    carries=frozenset({Fact.OUTLINE, Fact.CIRCLE, Fact.POINT, Fact.CLASS}),
    read=read,
    write=write,
    folder="via.json",
)
