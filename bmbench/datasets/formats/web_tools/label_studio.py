"""Label Studio's own JSON, its small form (JSON-MIN) and its CSV, the same in the cells of a table.

One file for all images, coordinates in per cent.

Rectangles (turned about their corner), polygons, ellipses and key points; brushes are left out and named. Of
several annotations of an image the first that was not cancelled holds. `score` of a prediction is its
confidence.
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.geometry import ellipse_ring
from bmbench.core.types import Sample
from bmbench.datasets.formats.annotation_folder import join_marks
from bmbench.datasets.formats.codec import Codec, Content
from bmbench.datasets.formats.marks import UNNAMED, Collector, Marks, ring_of
from bmbench.datasets.formats.web_tools.objects import ImagePlaces, mapping, number, numbers
from bmbench.datasets.reading.limits import loads, read_value
from bmbench.datasets.reading.tables import read_table
from bmbench.datasets.slides.whole_images import WHOLE_SUFFIXES

_UPLOAD = re.compile(r"^[0-9a-f]{8}-")
"""What Label Studio puts before the name of an uploaded file."""
_LABELS = re.compile(r"(rectangle|polygon|ellipse|keypoint|brush)?labels")
_IMAGE_NAMES = ("image", "img", "picture", "ocr", "url")


def read(path: Path, images: Path | None = None) -> Content:
    """The images of a Label Studio export.

    Raises
    ------
    BadInputError
        If it is none, or a result in it has no sense; names the task, counted from 0.
    """
    tasks = _rows(path) if path.suffix.lower() == ".csv" else read_value(path)
    if not isinstance(tasks, list):
        raise BadInputError("not a Label Studio export", where=str(path), expected="a list of tasks")
    places = ImagePlaces.beside(path, images)
    found: list[tuple[Sample, Marks]] = []
    several = 0
    for row, task in enumerate(tasks):
        where = f"{path}, [{row}]"
        facts = mapping(task, where)
        results, more = _results(facts, where)
        several += more
        size = _size(results, where)
        collector = Collector(where)
        for place, result in enumerate(results):
            if size is not None:
                _add(collector, mapping(result, where), size, f"{where}, result {place}")
        found.append((places.sample(_image_names(facts, where), size), collector.marks()))
    notes = [f"{several} images have several annotations: the first of each is read"] if several else []
    return join_marks(found, notes=notes, where=str(path))


def _rows(path: Path) -> list[Any]:
    """The rows of a CSV export as tasks of the small form: cells that hold lists hold JSON."""
    table = read_table(path)
    table.require_narrow()
    rows = []
    for where, cells in table.rows:
        row: dict[str, Any] = {}
        for column, cell in zip(table.columns, cells, strict=True):
            try:
                row[column] = loads(cell.encode()) if cell.startswith("[") else cell
            except ValueError as error:
                place = f"{where}, column {column[:40]}"
                raise BadInputError("not valid JSON", where=place, got=str(error)[:80]) from None
        rows.append(row)
    return rows


def _results(task: Mapping[str, Any], where: str) -> tuple[list[Any], bool]:
    """The results of a task, and whether it has those of others too."""
    if "annotations" not in task and "completions" not in task:
        listed = [v for v in task.values() if isinstance(v, list) and v and isinstance(v[0], dict)]
        predicted = task.get("predictions")
        if isinstance(predicted, list) and predicted:
            return _list(mapping(predicted[0], where).get("result"), where), False
        return [{"value": item} | mapping(item, where) for items in listed for item in items], False
    given = _list(task.get("annotations", task.get("completions")), where)
    usable = [mapping(one, where) for one in given if not mapping(one, where).get("was_cancelled")]
    if not usable:
        return [], False
    return _list(usable[0].get("result"), where), len(usable) > 1


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise BadInputError("not a list of results", where=where, got=repr(value)[:40])
    return value


def _image_names(task: Mapping[str, Any], where: str) -> list[str]:
    """What the image may be called: as it is written, and without what an upload put before it."""
    data = mapping(task.get("data", task), where)
    known = [data[name] for name in _IMAGE_NAMES if isinstance(data.get(name), str)]
    # Dates and shares have dots too.
    texts = known or [v for v in data.values() if isinstance(v, str) and v.lower().endswith(WHOLE_SUFFIXES)]
    text = str(task.get("file_upload") or (texts[0] if texts else ""))
    name = re.split(r"[/\\=]", text)[-1]
    if not name:
        raise BadInputError("task without an image", where=where, expected="data: {image: …}")
    return [name, _UPLOAD.sub("", name)]


def _size(results: list[Any], where: str) -> tuple[int, int] | None:
    for result in results:
        facts = mapping(result, where)
        if "original_width" in facts:
            sides = [number(facts, side, where) for side in ("original_width", "original_height")]
            if not all(side.is_integer() and 0 < side < 1 << 31 for side in sides):
                raise BadInputError("no image size", where=where, got=f"{sides[0]} × {sides[1]}")
            return int(sides[0]), int(sides[1])
    return None


def _add(collector: Collector, result: Mapping[str, Any], size: tuple[int, int], where: str) -> None:
    value = mapping(result.get("value", {}), where)
    label = next((key for key in value if _LABELS.fullmatch(key)), "")
    kind = label.removesuffix("labels") or str(result.get("type", "")).removesuffix("labels")
    names = value.get(label) if label else None
    name = str(names[0]) if isinstance(names, list) and names else UNNAMED
    scale = np.array(size, np.float64) / 100
    sure = number(result, "score", where) if result.get("score") is not None else None
    turn = math.radians(number(value, "rotation", where, 0.0))
    if kind == "rectangle":
        corner = np.array([number(value, axis, where) for axis in "xy"]) * scale
        across, down = (number(value, s, where) * scale[n] for n, s in enumerate(("width", "height")))
        flat = np.array([[0, 0], [across, 0], [across, down], [0, down]])
        if turn:
            matrix = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
            collector.add(name, rings=(corner + flat @ matrix,), confidence=sure)
        else:
            collector.add(name, box=(*corner, corner[0] + across, corner[1] + down), confidence=sure)
    elif kind == "polygon":
        points = _list(value.get("points"), where)
        ring = np.array([numbers(point, where, 2) for point in points]).reshape(-1, 2) * scale
        collector.add(name, rings=(ring_of(ring.tolist(), where),), confidence=sure)
    elif kind == "ellipse":
        centre = np.array([number(value, axis, where) for axis in "xy"]) * scale
        radii = np.array([number(value, f"radius{axis}", where) for axis in "XY"]) * scale
        if abs(radii[0] - radii[1]) <= 1e-6 * radii[0]:
            collector.add(name, circle=(*centre, radii[0]), confidence=sure)
        else:
            collector.add(name, rings=(ellipse_ring(centre, radii, turn),), confidence=sure)
    elif kind == "keypoint":
        point = np.array([number(value, axis, where) for axis in "xy"]) * scale
        collector.add(name, point=point.tolist(), confidence=sure)
    elif kind:
        collector.notes.append(f"left out: {kind[:20]}")


CODEC = Codec(
    name="labelstudio",
    title="Label Studio JSON and CSV",
    extensions=(".json", ".csv"),
    layout="set",
    carries=frozenset(),
    read=read,
    folder="labelstudio.json",
)
