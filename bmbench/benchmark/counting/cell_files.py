"""Files of cells that `bmbench count` counts as they are: predictions of any program, tables, annotations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TypeAlias

import msgspec
import numpy as np

from bmbench.benchmark.prediction.outputs import COLUMNS, unique
from bmbench.core.csv_cells import read_cell
from bmbench.core.errors import BadInputError
from bmbench.core.files import read_bytes
from bmbench.core.numerals import numeral
from bmbench.core.types import CELL, Category, Detections, ImageId, Role, Sample, is_artefact_name
from bmbench.datasets.formats.coco.samples import read_coco
from bmbench.datasets.formats.predictions import read_columns
from bmbench.datasets.reading.limits import MARK
from bmbench.datasets.reading.tables import read_table
from bmbench.present.words import many

_NUMBERS = COLUMNS[3:10]
"""Columns of a table of cells that are read, beside image and class: confidence, centre, box."""
CellsByImage: TypeAlias = tuple[dict[str, Detections], tuple[Category, ...], tuple[str, ...]]
"""Cells by image, what their labels mean, and what was taken for granted."""


class _Keys(msgspec.Struct):
    """What only an annotation file has; its records are not looked at."""

    images: msgspec.Raw
    annotations: msgspec.Raw


def is_marked(path: Path) -> bool:
    """Whether a JSON file holds annotations, not predictions."""
    try:
        msgspec.json.decode(read_bytes(path).removeprefix(MARK), type=_Keys)
    except msgspec.DecodeError:
        return False
    return True


def read_marked(path: Path) -> CellsByImage:
    """What is marked in a COCO file, each object as sure as can be.

    Objects and regions that are to be ignored are left out. An image without objects has none of them.

    Raises
    ------
    BadInputError
        If it is no COCO file, or two of its images have one name.
    """
    file = read_coco(path)
    names = [sample.name for sample in file.samples]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadInputError("two images of one name", where=f"{path}, images", got=twice)
    ignored = sum(int((sample.annotations.role == Role.IGNORE).sum()) for sample in file.samples)
    notes = [f"every object that is marked in {path.name} counts: annotations have no confidence"]
    if ignored:
        verb = "is" if ignored == 1 else "are"
        notes.append(f"{many(ignored, 'object')} to be ignored {verb} left out")
    # Called as images are that a detector finds cells on, so that the tables of both can be joined.
    called = unique([PurePosixPath(name).name for name in names], names)
    cells = {name: _cells(sample) for name, sample in zip(called, file.samples, strict=True)}
    return cells, file.categories, tuple(notes)


def _cells(sample: Sample) -> Detections:
    marked = sample.annotations
    counts = np.flatnonzero(marked.role != Role.IGNORE)
    return Detections(
        xy=marked.xy[counts],
        box=marked.box[counts],
        confidence=np.ones(len(counts)),
        label=marked.label[counts],
        contour=tuple(marked.contour[row] for row in counts.tolist()),
    )


def read_results(path: Path, names: Path | None) -> CellsByImage:
    """The cells of COCO results; `names` is a COCO file that says what its numbers mean."""
    columns = read_columns(path, outlines=True)
    notes: tuple[str, ...] = ()
    ids = np.unique(columns.category_id).tolist()
    called: dict[ImageId, str] = {}
    if names is not None:
        file = read_coco(names)
        categories = file.categories
        called = {number: sample.name for number, sample in zip(file.numbers, file.samples, strict=True)}
        unknown = sorted(set(ids) - {one.id for one in categories})
        if unknown:
            raise BadInputError(
                f"category {unknown[0]} has no name", where=str(names), expected=f"those of {path}"
            )
        if len(ids) == 1 and sum(not one.artefact for one in categories) > 1:
            only = next(one.name for one in categories if one.id == ids[0])
            untold = "a detector that tells no classes apart gives all cells one number, which is no class"
            notes = (f"every cell is of category {ids[0]} ({only}): {untold}",)
    elif len(ids) > 1:
        categories = tuple(Category(id=one, name=f"category {one}") for one in ids)
        notes = ("classes have numbers alone: --names FILE, a COCO file, says what they are",)
    else:
        categories = (Category(id=ids[0] if ids else CELL.id, name=CELL.name),)
    row = {one.id: number for number, one in enumerate(categories)}
    files = columns.file_name if columns.file_name is not None else [None] * len(columns.score)
    image = [
        name or called.get(one, str(one)) for one, name in zip(columns.image_id.tolist(), files, strict=True)
    ]
    found = Detections(
        xy=columns.xy,
        box=columns.box,
        confidence=columns.score,
        label=np.array([row[one] for one in columns.category_id.tolist()], np.int64),
        contour=columns.outline or ((),) * len(image),
    )
    answered = [called.get(one, str(one)) for one in columns.answered or ()]
    return _by_image(found, image, answered), categories, notes


def read_cell_table(path: Path) -> CellsByImage:
    """The cells of a table that `bmbench predict` or `count` wrote, its classes corrected perhaps."""
    table = read_table(path)
    missing = [name for name in ("image", "class", *_NUMBERS) if name not in table.columns]
    if missing:
        raise BadInputError(
            "columns missing",
            where=f"{table.path}, line 1",
            expected=", ".join(missing),
            remedy="give a table that `bmbench predict -o FILE.csv` or `bmbench count` writes",
        )
    image, kind, *places = (table.columns.index(name) for name in ("image", "class", *_NUMBERS))
    values = np.array([[_number(cells[at], where) for at in places] for where, cells in table.rows])
    values = values.reshape(-1, len(_NUMBERS))
    kinds = list(dict.fromkeys(cells[kind] for _, cells in table.rows))
    categories = tuple(
        Category(id=number, name=name, artefact=is_artefact_name(name))
        for number, name in enumerate(kinds, start=1)
    )
    found = Detections.of(
        xy=values[:, 1:3],
        box=np.column_stack([values[:, 3:5], values[:, 3:5] + values[:, 5:7]]),
        confidence=values[:, 0],
        label=np.array([kinds.index(cells[kind]) for _, cells in table.rows], np.int64),
    )
    names = [read_cell(cells[image]) for _, cells in table.rows]
    return _by_image(found, names, ()), categories, table.notes


def _number(text: str, where: str) -> float:
    try:
        value = float(numeral(text))
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise BadInputError("not a number", where=where, got=repr(text[:40]))
    return value


def _by_image(found: Detections, image: Sequence[str], answered: Sequence[str]) -> dict[str, Detections]:
    names = list(dict.fromkeys([*answered, *image]))
    number = {name: row for row, name in enumerate(names)}
    own = np.array([number[name] for name in image], np.int64)
    order = np.argsort(own, kind="stable")
    ends = np.searchsorted(own[order], np.arange(len(names) + 1))
    return {name: found.take(order[ends[row] : ends[row + 1]]) for row, name in enumerate(names)}
