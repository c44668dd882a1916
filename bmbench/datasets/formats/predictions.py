"""Predictions files: read as columns, written whole with the same bytes for the same detections.

Two forms are read: the COCO results list that detectron2, MMDetection and Ultralytics write, and the same
list wrapped as ``{"schema": "bmbench.predictions/1", "images": [...], "detections": [...]}``, where `images`
names every image that was answered, those without detections too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.files import read_bytes, writing
from bmbench.core.types import Predictions
from bmbench.datasets.reading.json_rows import BOM, Layout, decode_json, pieces
from bmbench.datasets.reading.row_columns import (
    RowNumbers,
    Where,
    corners_and_size,
    id_column,
    joined,
    number_table,
    numbers_or_none,
    refuse_repeats,
    replaced,
)
from bmbench.datasets.reading.top_level import decode_outermost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bmbench.core.types import Bools, Category, Detections, Floats, GroundTruth, ImageId
    from bmbench.datasets.reading.json_rows import Columns

SCHEMA = "bmbench.predictions/1"
PX_DECIMALS = 3
"""Decimal places of written coordinates, in pixels."""
CONFIDENCE_DECIMALS = 6
"""Decimal places of written scores."""


class _File(msgspec.Struct):
    schema: str
    images: msgspec.Raw
    detections: msgspec.Raw


class _Detection(msgspec.Struct, gc=False):
    image_id: int | str
    category_id: int
    score: float
    bbox: tuple[float, float, float, float] | None = None
    center: tuple[float, float] | None = None


_DETECTIONS = Layout(
    record=_Detection,
    columns={
        "image_id": lambda rows: [row.image_id for row in rows],
        "category_id": lambda rows: [row.category_id for row in rows],
        "score": lambda rows: [row.score for row in rows],
        "bbox": lambda rows: [row.bbox for row in rows],
        "center": lambda rows: [row.center for row in rows],
    },
    numbers={
        "image_id": ("q", 0),
        "category_id": ("q", 0),
        "score": ("d", 0),
        "bbox": ("d", 4),
        "center": ("d", 2),
    },
    needed=frozenset({"bbox"}),
)


def read_predictions(path: Path, truth: GroundTruth) -> Predictions:
    """The detections of a file as flat columns, in its order, on the images and categories of `truth`.

    Raises
    ------
    BadInputError
        If the file is missing, is not of either form, names an image or category that `truth` does not
        have, or holds a number that cannot be one: with the file, the index and the remedy.
    """
    return bind(read_columns(path), truth, path)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DetectionColumns:
    """The detections of a file before it is known which images and categories there are.

    Attributes
    ----------
    image_id, category_id : (n,) int64, or objects where ids are texts
    score : (n,) float64 in [0, 1]
    box : (n, 4) float64, pixels
        x0 y0 x1 y1.
    size, xy : (n, 2) float64, pixels
        Width and height as stated; centre.
    answered : tuple of ImageId, or None
        The images that the wrapped form names.
    """

    image_id: NDArray[Any]
    category_id: NDArray[Any]
    score: Floats
    box: Floats
    size: Floats
    xy: Floats
    answered: tuple[ImageId, ...] | None = None


def read_columns(path: Path) -> DetectionColumns:
    """The detections of a file, checked as far as they can be without the ground truth."""
    data = read_bytes(path).removeprefix(BOM)
    text, answered = memoryview(data), None
    opening = data[:64].lstrip()[:1]
    if opening == b"{":
        text, answered = _unwrapped(data, path)
    elif opening != b"[":
        raise BadInputError(
            "not a list of detections",
            where=str(path),
            expected="a COCO results list, as UTF-8 text",
            got=repr(data[:16]) if data else "an empty file",
            remedy="check that this is the file that is meant",
        )
    columns = joined(
        [
            _part(part, Where(path, "detections", first))
            for first, part in pieces(text, _DETECTIONS, path=path, name="detections")
        ]
    )
    where = Where(path, "detections", 0)
    score = columns["score"]
    outside: Bools = (score < 0) | (score > 1)
    where.refuse(outside, "score", "score out of range", "a number from 0 to 1", values=score)
    box, size = corners_and_size(columns["box"], where)
    return DetectionColumns(
        image_id=columns["image_id"],
        category_id=columns["category_id"],
        score=score,
        box=box,
        size=size,
        xy=replaced(columns["center"], box[:, :2] + size / 2, where, "center"),
        answered=answered,
    )


def bind(columns: DetectionColumns, truth: GroundTruth, path: Path) -> Predictions:
    """The detections on the images and categories of a ground truth; BadInputError for an unknown id."""
    where = Where(path, "detections", 0)
    images = RowNumbers(truth.image_ids)
    if columns.answered is not None:
        named = images.find(
            columns.answered, Where(path, "images", 0), "id", known="an image of the ground truth"
        )
    image = images.find(columns.image_id, where, "image_id", known="an image of the ground truth")
    if columns.answered is not None:
        is_named = np.zeros(len(truth.image_ids), bool)
        is_named[named] = True
        where.refuse(~is_named[image], "image_id", "an image that 'images' does not name", "one of 'images'")
    labels = RowNumbers([category.id for category in truth.categories])
    label = labels.find(columns.category_id, where, "category_id", known="a category of the ground truth")
    return Predictions(
        image=image,
        xy=columns.xy,
        box=columns.box,
        confidence=columns.score,
        label=label,
        size=columns.size,
        schema="coco-results" if columns.answered is None else SCHEMA,
    )


def write_predictions(
    path: Path, answers: Mapping[ImageId, Detections], categories: Sequence[Category]
) -> None:
    """Write the wrapped form, whole or not at all: one detection a line, images in the order of `answers`.

    Coordinates are rounded to `PX_DECIMALS` and scores to `CONFIDENCE_DECIMALS` decimal places. `center` is
    written where it is not the centre of the box, `segmentation` (polygons) where there is an outline.
    """
    write_prediction_parts(path, list(answers), answers.items(), categories)


def write_prediction_parts(
    path: Path,
    images: Sequence[ImageId],
    parts: Iterable[tuple[ImageId, Detections]],
    categories: Sequence[Category],
) -> int:
    """As `write_predictions`, from parts that need not fit into memory together; how many were written.

    `images` names every image that was answered, those without detections too.
    """
    written = 0
    with writing(path) as aside, aside.open("wb") as file:
        file.write(
            f'{{"schema": {json.dumps(SCHEMA)},\n"images": {json.dumps(images)},\n"detections": ['.encode()
        )
        for image_id, detections in parts:
            for record in _records(image_id, detections, categories):
                line = json.dumps(record, separators=(",", ":"), allow_nan=False)
                file.write(f"{',' if written else ''}\n{line}".encode())
                written += 1
        file.write(b"\n]}\n" if written else b"]}\n")
    return written


def _records(
    image_id: ImageId, detections: Detections, categories: Sequence[Category]
) -> Iterator[dict[str, Any]]:
    corner = _rounded(detections.box[:, :2])
    size = _rounded(np.maximum(detections.box[:, 2:] - detections.box[:, :2], 0.0))
    xy = _rounded(detections.xy)
    off_centre: Bools = np.any(np.abs(detections.xy - (corner + size / 2)) > 10.0**-PX_DECIMALS, axis=1)
    score = _rounded(detections.confidence, CONFIDENCE_DECIMALS)
    for row in range(len(detections)):
        record: dict[str, Any] = {
            "image_id": image_id,
            "category_id": categories[detections.label[row]].id,
            "bbox": [*corner[row].tolist(), *size[row].tolist()],
            "score": float(score[row]),
        }
        if off_centre[row]:
            record["center"] = xy[row].tolist()
        if detections.contour[row]:
            record["segmentation"] = [_rounded(ring).ravel().tolist() for ring in detections.contour[row]]
        yield record


def _rounded(values: Floats, decimals: int = PX_DECIMALS) -> Floats:
    # Adding zero turns the -0.0 of rounding into 0.0.
    rounded: Floats = np.round(values, decimals) + 0.0
    return rounded


def _unwrapped(text: bytes, path: Path) -> tuple[memoryview, tuple[ImageId, ...]]:
    """The list of detections in the wrapped form, and the images that it names."""
    file = decode_outermost(text, _File, path=path)
    if file.schema != SCHEMA:
        raise BadInputError(
            "unknown schema",
            where=f"{path}, schema",
            expected=SCHEMA,
            got=file.schema,
            remedy="write this form, or a plain COCO results list",
        )
    images: list[int | str] = decode_json(bytes(file.images), list[int | str], path=path, name="images")
    refuse_repeats(id_column(images), where=f"{path}, images")
    return memoryview(file.detections), tuple(images)


def _part(columns: Columns, where: Where) -> dict[str, Any]:
    n = len(columns["score"])
    boxes, centres = columns.get("bbox", [None] * n), columns.get("center", [None] * n)
    if not isinstance(boxes, np.ndarray) and None in boxes:
        where.refuse(
            np.array([box is None and xy is None for box, xy in zip(boxes, centres, strict=True)], bool),
            "bbox",
            "no box",
            "[x, y, width, height]",
        )
        # A detection that is a point only can be matched by its centre, and has no box to overlap with.
        boxes = [(*xy, 0.0, 0.0) if box is None else box for box, xy in zip(boxes, centres, strict=True)]
    return {
        "image_id": id_column(columns["image_id"]),
        "category_id": id_column(columns["category_id"]),
        "score": np.asarray(columns["score"], np.float64),
        "box": number_table(boxes, 4),
        "center": numbers_or_none(columns.get("center"), 2),
    }
