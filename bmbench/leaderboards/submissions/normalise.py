"""A predictions file of any form as a submission holds it."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.gate import is_file
from bmbench.core.types import ImageId
from bmbench.datasets.formats.predictions import DetectionColumns
from bmbench.datasets.reading.image_lookup import ImageLookup
from bmbench.leaderboards.submissions.predictions_check import PREDICTIONS_SCHEMA
from bmbench.leaderboards.tracks.manifest import Manifest


def normalised(path: Path, manifest: Manifest, truth: Path | None = None) -> bytes:
    """A predictions file as a submission holds it: every image named, one detection a line.

    Other forms than results lists are read by the names of classes in `truth`, the ground truth.

    Image ids may be the track's own, or file names or their stems, as Ultralytics writes them. Outlines
    are left out: nothing is scored by them.
    """
    columns = _columns(path, manifest, truth)
    known = [image.id for image in manifest.images]
    lookup = ImageLookup(known, names=[image.name for image in manifest.images])
    rows = lookup.find(
        columns.image_id, columns.file_name, where=f"{path}, detections", certain=columns.answered is not None
    )
    lines = [_line(columns, row, known[image]) for row, image in enumerate(rows.tolist())]
    images = json.dumps(known, separators=(",", ":"))
    body = ",\n".join(lines)
    head = f'{{"schema":"{PREDICTIONS_SCHEMA}",\n"images":{images},\n"detections":[\n'
    return f"{head}{body}\n]}}\n".encode()


def _columns(path: Path, manifest: Manifest, truth: Path | None) -> DetectionColumns:
    """The detections of a file or folder in any form that `bmbench score` reads.

    Raises
    ------
    BadInputError
        If something has to be assumed, as a score or the name of a class: a board takes only what is stated.
    """
    from bmbench.datasets.formats.predictions import read_columns
    from bmbench.datasets.formats.read_ahead import is_other_form

    if not is_other_form(path):
        return read_columns(path)
    if truth is None or not is_file(truth) or manifest.truth.visibility == "hidden":
        raise BadInputError(
            "no results list",
            where=str(path),
            expected=f"category ids: the names of the classes of {manifest.name} are not at hand",
            remedy="write a COCO results list",
        )
    from bmbench.datasets.formats.other_predictions import read_other_form

    found = read_other_form(path, truth)
    if found.assumed:
        raise BadInputError(
            f"not stated: {'; '.join(found.assumed)}",
            where=str(path),
            remedy="write a confidence for each detection, and the names of classes (data.yaml, "
            "classes.txt), or declare both with bmbench datasets answers",
        )
    return found.columns


def _line(columns: DetectionColumns, row: int, image_id: ImageId) -> str:
    corner, size, xy = columns.box[row, :2], columns.size[row], columns.xy[row]
    middle = corner + size / 2
    record: dict[str, Any] = {"image_id": image_id, "category_id": columns.category_id[row].item()}
    if size.any():
        record["bbox"] = [_short(value) for value in (*corner, *size)]
    record["score"] = _short(columns.score[row])
    if not size.any() or np.abs(middle - xy).max() > 0:
        record["center"] = [_short(value) for value in xy]
    return json.dumps(record, separators=(",", ":"), allow_nan=False)


def _short(value: Any) -> float | int:
    number = float(value)
    return int(number) if number.is_integer() and abs(number) < 1e15 else number
