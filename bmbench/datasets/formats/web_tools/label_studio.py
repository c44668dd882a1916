"""Label Studio's own JSON, its small form (JSON-MIN) and its CSV, the same in the cells of a table.

One file for all images, coordinates in per cent.

Rectangles (turned about their corner), polygons, ellipses and key points; brushes are left out and named. Of
several annotations of an image the first that was not cancelled holds, of a shape's labels the first.
A shape and its label may be two results of one id. `score` of a prediction is its confidence. A task that
nobody has finished says nothing of its image, which is left out and named.
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

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
_KIND_BY_KEY = {"points": "polygon", "radiusX": "ellipse", "height": "rectangle", "x": "keypoint"}
"""What a shape is, by the first of these keys that it has."""
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
    several, unfinished = 0, []
    for row, task in enumerate(tasks):
        where = f"{path}, [{row}]"
        facts = mapping(task, where)
        results, more = _results(facts, where)
        names = _image_names(facts, where)
        if results is None:
            unfinished.append(names[-1])
            continue
        several += more
        size, labels = _size(results, where), _labels(results, where)
        collector = Collector(where)
        for place, result in enumerate(results):
            if size is not None:
                _add(collector, mapping(result, where), (size, labels), f"{where}, result {place}")
        found.append((places.sample(names, size), collector.marks()))
    notes = [f"{several} images have several annotations: the first of each is read"] if several else []
    if unfinished:
        notes.append(f"left out: {len(unfinished)} images without annotations ({', '.join(unfinished[:5])})")
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


def _results(task: Mapping[str, Any], where: str) -> tuple[list[Any] | None, bool]:
    """The results of a task, None where nobody has finished it, and whether it has those of others too."""
    if "annotations" not in task and "completions" not in task:
        listed = [v for v in task.values() if isinstance(v, list) and v and isinstance(v[0], dict)]
        predicted = task.get("predictions")
        if isinstance(predicted, list) and predicted:
            return _list(mapping(predicted[0], where).get("result"), where), False
        return [{"value": item} | mapping(item, where) for items in listed for item in items], False
    given = _list(task.get("annotations", task.get("completions")), where)
    usable = [mapping(one, where) for one in given if not mapping(one, where).get("was_cancelled")]
    if not usable:
        return None, False
    return _list(usable[0].get("result"), where), len(usable) > 1


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise BadInputError("not a list of results", where=where, got=repr(value)[:40])
    return value


def _image_names(task: Mapping[str, Any], where: str) -> list[str]:
    """What the image may be called: as it is written, and without what an upload put before it.

    Names in web addresses are those of the files only when their percent signs are undone.
    """
    data = mapping(task.get("data", task), where)
    known = [data[name] for name in _IMAGE_NAMES if isinstance(data.get(name), str)]
    # Dates and shares have dots too.
    texts = known or [v for v in data.values() if isinstance(v, str) and v.lower().endswith(WHOLE_SUFFIXES)]
    text = str(task.get("file_upload") or (texts[0] if texts else ""))
    # ``/data/local-files/?d=FOLDER/NAME``; of other addresses the query says who may see the image.
    path = text.partition("?d=")[2] or (text.partition("?")[0] if "://" in text else text)
    name = re.split(r"[/\\=]", unquote(path) if "/" in text else path)[-1]
    if not name:
        raise BadInputError("task without an image", where=where, expected="data: {image: …}")
    return [name, _UPLOAD.sub("", name)]


def _labels(results: list[Any], where: str) -> dict[Any, list[Any]]:
    """Id of a result → the labels of the shape of that id, wherever they stand.

    Raises
    ------
    BadInputError
        If the results are of several images, or were drawn on a picture that was turned.
    """
    labels: dict[Any, list[Any]] = {}
    shown = set()
    for result in results:
        facts = mapping(result, where)
        value = mapping(facts.get("value", {}), where)
        key = next((key for key in value if _LABELS.fullmatch(key)), "")
        names, number_ = value.get(key), facts.get("id")
        if isinstance(names, list) and names and isinstance(number_, str | int):
            labels.setdefault(number_, names)
        if "original_width" in facts:
            shown.add(str(facts.get("to_name")))
        if facts.get("image_rotation"):
            raise BadInputError(
                "annotations of a picture that was turned in Label Studio",
                where=where,
                got=f"image_rotation {facts['image_rotation']!r}"[:40],
                remedy="turn it back there, or turn the file, and export again",
            )
    if len(shown) > 1:
        raise BadInputError(
            "a task of several images",
            where=where,
            got=", ".join(sorted(shown))[:60],
            remedy="make a task of each image",
        )
    return labels


def _size(results: list[Any], where: str) -> tuple[int, int] | None:
    for result in results:
        facts = mapping(result, where)
        if "original_width" in facts:
            sides = [number(facts, side, where) for side in ("original_width", "original_height")]
            if not all(side.is_integer() and 0 < side < 1 << 31 for side in sides):
                raise BadInputError("no image size", where=where, got=f"{sides[0]} × {sides[1]}")
            return int(sides[0]), int(sides[1])
    return None


def _add(
    collector: Collector,
    result: Mapping[str, Any],
    task: tuple[tuple[int, int], Mapping[Any, list[Any]]],
    where: str,
) -> None:
    """Take in one result; `task` is the size of its image, and the labels that stand elsewhere."""
    value = mapping(result.get("value", {}), where)
    label = next((key for key in value if _LABELS.fullmatch(key)), "")
    kind = label.removesuffix("labels") or str(result.get("type", "")).removesuffix("labels")
    if label and not kind and "type" not in result:
        # The small form does not say what was drawn where the labels are those of any shape.
        kind = next((kind for key, kind in _KIND_BY_KEY.items() if key in value), "")
    number_ = result.get("id")
    names = value.get(label) if label else task[1].get(number_ if isinstance(number_, str | int) else None)
    name = str(names[0]) if isinstance(names, list) and names else UNNAMED
    if isinstance(names, list) and len(names) > 1 and kind:
        collector.notes.append("objects with several labels, of which the first is read")
    scale = np.array(task[0], np.float64) / 100
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
