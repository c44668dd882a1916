"""Predictions files: read as columns, written whole with the same bytes for the same detections.

Two forms are read: the COCO results list that detectron2, MMDetection and Ultralytics write, and the same
list wrapped as ``{"schema": "bmbench.predictions/1", "images": [...], "detections": [...]}``, where `images`
names every image that was answered, those without detections too.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bmbench.core.errors import BadInputError
from bmbench.core.files import read_bytes, writing
from bmbench.core.types import (
    Bools,
    Category,
    Detections,
    Floats,
    GroundTruth,
    ImageId,
    Ints,
    Predictions,
    Rings,
)
from bmbench.datasets.formats.coco.outlines import outline
from bmbench.datasets.reading.image_lookup import ImageLookup
from bmbench.datasets.reading.json_lists import JsonLists
from bmbench.datasets.reading.limits import MARK
from bmbench.datasets.reading.near_misses import shift_of, shift_words, shown
from bmbench.datasets.reading.record_checks import (
    Coordinate,
    RowNumbers,
    boxes_of,
    corners_and_size,
    id_column,
    refuse,
    refuse_repeats,
    replaced,
)

SCHEMA = "bmbench.predictions/1"
PX_DECIMALS = 3
"""Decimal places of written coordinates, in pixels."""
CONFIDENCE_DECIMALS = 6
"""Decimal places of written scores."""
Score = Annotated[float, msgspec.Meta(ge=0, le=1, title="a number from 0 to 1")]


class _Detection(msgspec.Struct, gc=False):
    image_id: int | str
    category_id: int
    score: Score
    file_name: str | None = None
    bbox: tuple[Coordinate, Coordinate, Coordinate, Coordinate] | None = None
    center: tuple[Coordinate, Coordinate] | None = None


class _OutlinedDetection(msgspec.Struct, gc=False):
    segmentation: msgspec.Raw = msgspec.Raw(b"null")


class _Results(msgspec.Struct):
    detections: list[_Detection]


class _Wrapped(msgspec.Struct):
    schema: str
    images: list[int | str]
    detections: list[_Detection]


def read_predictions(path: Path, truth: GroundTruth, *, outlines: bool = False) -> Predictions:
    """The detections of a file as flat columns, in its order, on the images and categories of `truth`.

    Raises
    ------
    BadInputError
        If the file is missing, is not of either form, names an image or category that `truth` does not
        have, or holds a number that cannot be one: with the file, the index and the remedy.
    """
    return bind(read_columns(path, outlines=outlines), truth, path)


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
    file_name : (n,) objects, or None
        The file name beside the id, where detections have one.
    outline : tuple of n Rings, or None
        Where they were asked for; ``()`` of a detection without one.
    """

    image_id: NDArray[Any]
    category_id: NDArray[Any]
    score: Floats
    box: Floats
    size: Floats
    xy: Floats
    answered: tuple[ImageId, ...] | None = None
    file_name: NDArray[Any] | None = None
    outline: tuple[Rings, ...] | None = None


def read_columns(path: Path, *, outlines: bool = False) -> DetectionColumns:
    """The detections of a file, checked as far as they can be without the ground truth."""
    text, answered = read_bytes(path).removeprefix(MARK), None
    opening = text[:64].lstrip()[:1]
    if opening not in (b"[", b"{"):
        raise BadInputError(
            "not a list of detections",
            where=str(path),
            expected="a COCO results list, as UTF-8 text",
            got=repr(text[:16]) if text else "an empty file",
            remedy="check that this is the file that is meant",
        )
    file = JsonLists(path, text, _Results if opening == b"[" else _Wrapped, title="predictions file")
    if opening == b"{":
        answered, schema = tuple(file.value("images")), file.value("schema")
        if schema != SCHEMA:
            raise BadInputError(
                "unknown schema",
                where=f"{path}, schema",
                expected=SCHEMA,
                got=schema,
                remedy="write this form, or a plain COCO results list",
            )
    columns, where = file.columns("detections"), f"{path}, detections"
    drawn = None
    if outlines:
        segments = file.columns("detections", _OutlinedDetection)["segmentation"]
        bare = ((),) * len(columns["image_id"])
        drawn = (
            bare
            if segments is None
            else tuple(
                outline(one, None, where=f"{where}[{row}].segmentation") for row, one in enumerate(segments)
            )
        )
    del text
    file.close()
    if answered is not None:
        refuse_repeats(id_column(answered), where=f"{path}, images")
    # A detection that is a point only can be matched by its centre, and has no box to overlap with.
    boxes = boxes_of(columns, len(columns["score"]))
    refuse(np.isnan(boxes[:, 0]), "no box", where=where, field="bbox", expected="[x, y, width, height]")
    box, size = corners_and_size(boxes, where=where)
    return DetectionColumns(
        image_id=columns["image_id"],
        category_id=columns["category_id"],
        score=columns["score"],
        box=box,
        size=size,
        xy=replaced(columns["center"], box[:, :2] + size / 2),
        answered=answered,
        file_name=columns["file_name"],
        outline=drawn,
    )


def bind(columns: DetectionColumns, truth: GroundTruth, path: Path) -> Predictions:
    """The detections on the images and categories of a ground truth; BadInputError for an unknown id.

    Images are found by `ImageLookup`; in the wrapped form ids are ids.
    """
    images = ImageLookup(truth.image_ids, names=truth.names or (), numbers=truth.numbers or ())
    where, wrapped = f"{path}, detections", columns.answered is not None
    if columns.answered is not None:
        named = images.find(id_column(columns.answered), where=f"{path}, images", field="id", certain=True)
    image = images.find(columns.image_id, columns.file_name, where=where, certain=wrapped)
    if columns.answered is not None:
        unnamed = np.ones(len(truth.image_ids), bool)
        unnamed[named] = False
        what, expected = "an image that 'images' does not name", "one of 'images'"
        refuse(unnamed[image], what, where=where, field="image_id", expected=expected)
    label = _labels(columns.category_id, [category.id for category in truth.categories], where)
    return Predictions(
        image=image,
        xy=columns.xy,
        box=columns.box,
        confidence=columns.score,
        label=label,
        size=columns.size,
        outline=columns.outline,
        schema="coco-results" if columns.answered is None else SCHEMA,
    )


def _labels(ids: NDArray[Any], known: Sequence[int], where: str) -> Ints:
    """(n,) row of the category of each id; what all unknown ones would fit is said, and never taken."""
    labels = RowNumbers(known)
    rows = labels.rows(ids)
    if not (rows < 0).any():
        return rows
    there = list(dict.fromkeys(ids.tolist()))
    shift = shift_of(there, known)
    words = "the ids of the truth's categories"
    refuse(
        rows < 0,
        "unknown category_id",
        where=where,
        expected=f"a category of the ground truth: {shown(known)}",
        got=ids,
        remedy="check that both files belong together" if shift is None else shift_words(shift, words),
    )
    return rows


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
    *,
    origins: Mapping[ImageId, tuple[int, int]] | None = None,
) -> int:
    """As `write_predictions`, from parts that need not fit into memory together; how many were written.

    `images` names every image that was answered, those without detections too; `origins` says where those
    begin that are a part of a glass.
    """
    written = 0
    with writing(path) as aside, aside.open("wb") as file:
        heads: dict[str, Any] = {"schema": SCHEMA, "images": images}
        if origins:
            heads["origins"] = [{"image_id": one, "x": x, "y": y} for one, (x, y) in origins.items()]
        lines = ",\n".join(f'"{name}": {json.dumps(value)}' for name, value in heads.items())
        file.write(f'{{{lines},\n"detections": ['.encode())
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
