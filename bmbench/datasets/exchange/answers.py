"""Another program's answers as a predictions file, with what its files leave open declared.

It is how a program that was trained elsewhere comes to a row on a board: the classes are those of the ground
truth, and every detection has a confidence, the program's own or the declared one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.gate import is_file, is_there
from bmbench.core.types import Detections, ImageId
from bmbench.datasets.formats.coco.samples import read_coco
from bmbench.datasets.formats.other_predictions import Declaration, OtherAnswers, read_other_form
from bmbench.datasets.formats.predictions import DetectionColumns, write_prediction_parts


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenAnswers:
    """How many detections were written on how many images, and what is to be said of them."""

    detections: int
    images: int
    notes: tuple[str, ...]


def declaration(
    classes: Sequence[str], confidence: float | None, choices: dict[str, str] | None = None
) -> Declaration:
    """What a user says of the answers, from texts ``NAME=CLASS``.

    Raises
    ------
    BadInputError
        If a text is none.
    """
    pairs = [text.partition("=") for text in classes]
    for text, (name, sign, target) in zip(classes, pairs, strict=True):
        if not sign or not name or not target:
            raise BadInputError("--class", expected="NAME=CLASS, NAME=- or *=CLASS", got=repr(text)[:60])
    return Declaration(
        classes={name: target for name, _, target in pairs}, confidence=confidence, choices=choices or {}
    )


def write_answers(path: Path, truth: Path, out: Path, declared: Declaration) -> WrittenAnswers:
    """Write the predictions file of another program's answers on the images of a ground truth.

    All images of the ground truth count as answered. `truth` may be any COCO file of the images and classes;
    its annotations are not looked at.

    Raises
    ------
    BadInputError
        If a file is there already, the answers cannot be read, or something is neither said nor declared.
    """
    if is_there(out):
        raise BadInputError("is there already", where=str(out), remedy="choose another name")
    if not is_file(truth):
        raise BadInputError("no ground truth", where=str(truth), expected="a COCO file of images and classes")
    found = read_other_form(path, truth, declared)
    _require_declared(found, path)
    known = read_coco(truth)
    ids = [sample.image_id for sample in known.samples]
    row_of = {category.id: row for row, category in enumerate(known.categories)}
    label = np.array([row_of[number] for number in found.columns.category_id.tolist()], np.int64)
    written = write_prediction_parts(out, ids, _parts(found.columns, label, ids), known.categories)
    return WrittenAnswers(detections=written, images=len(ids), notes=_said(found, declared))


def _require_declared(found: OtherAnswers, path: Path) -> None:
    unsure = [text for text in found.assumed if "without a confidence" in text]
    if unsure:
        raise BadInputError(
            unsure[0].replace(" count with 1", ""),
            where=str(path),
            remedy="declare one for all of them, as in --confidence 1",
        )


def _said(found: OtherAnswers, declared: Declaration) -> tuple[str, ...]:
    """What was declared and assumed, in one line each."""
    lines = [*found.notes, *found.assumed]
    if declared.classes:
        named = ", ".join(f"{name} is {target}" for name, target in declared.classes.items())
        lines.append(f"declared classes: {named}")
    if declared.confidence is not None:
        lines.append(f"declared confidence of detections without one: {declared.confidence:g}")
    return tuple(lines)


def _parts(
    columns: DetectionColumns, label: np.ndarray, ids: Sequence[ImageId]
) -> Iterator[tuple[ImageId, Detections]]:
    """The detections image by image, in the order of the ground truth."""
    rows: dict[ImageId, list[int]] = {image_id: [] for image_id in ids}
    for row, image_id in enumerate(columns.image_id.tolist()):
        rows[image_id].append(row)
    for image_id, own in rows.items():
        contour = columns.outline or ((),) * len(label)
        yield (
            image_id,
            Detections.of(
                xy=columns.xy[own],
                box=columns.box[own],
                confidence=columns.score[own],
                label=label[own],
                contour=tuple(contour[row] for row in own),
            ),
        )
