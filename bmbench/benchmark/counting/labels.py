"""Classes of found cells from outside: a picture of each cell goes out, a table of labels comes in."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from bmbench.benchmark.counting.found import FoundCells, FoundImage, outputs_of
from bmbench.benchmark.prediction.crops import write_crops
from bmbench.benchmark.prediction.outputs import output_stems, plan_outputs, write_output
from bmbench.core.csv_cells import read_cell
from bmbench.core.errors import BadInputError
from bmbench.core.files import require_folder
from bmbench.core.gate import files_in
from bmbench.core.progress import Progress
from bmbench.core.types import Category, Detections, Floats, is_artefact_name
from bmbench.datasets.reading.tables import read_table
from bmbench.present.words import many

CROP_CELLS = 1.75
"""Side of a crop in mean diameters of a cell, as `--classifier crops` looks at them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Picture:
    """An image as `write_crops` takes it, at its own scale."""

    path: Path
    name: str
    white: int | None
    ratio: Floats
    tiles: tuple[None, ...] = (None,)


def write_cells(found: FoundCells, folder: Path, progress: Progress, *, side_px: int | None = None) -> str:
    """A picture of each cell, and a table for each image to write classes into; what was done, in a line.

    Raises
    ------
    BadInputError
        If images are not given, or cannot be read, or there is no cell.
    """
    cells = [_cells(image, found.threshold) for image in found.images]
    sides = np.concatenate([(one.box[:, 2:] - one.box[:, :2]).mean(axis=1) for one in cells])
    if not len(sides):
        raise BadInputError("no cell to cut out", where=found.finder)
    side = side_px or max(8, int(np.ceil(CROP_CELLS * sides.mean())))
    require_folder(folder)
    stems = output_stems([image.name for image in found.images])
    for image, stem, own in zip(found.images, stems, cells, strict=True):
        if image.path is None:
            raise BadInputError("crops are cut out of images", got="none", remedy="name them after the file")
        write_crops(
            folder,
            _Picture(path=image.path, name=image.name, white=image.white, ratio=np.ones(2)),
            [own],
            stem=stem,
            side_px=side,
            categories=found.categories,
            progress=progress,
        )
    return f"{many(len(sides), 'cell')} of {many(len(cells), 'image')}, {side} px a side"


def labelled(found: FoundCells, labels: Path) -> tuple[FoundCells, str]:
    """The cells with the classes of a table, or of a folder of tables; and in a line how many got one.

    A row says which cell it means by `file`, the picture that `write_cells` has made of it, or by `image` and
    `number`, and its `class`; a cell without a class in it keeps its own.

    Raises
    ------
    BadInputError
        If it is no such table, names a cell that is not there, or one cell twice with different classes.
    """
    stems = output_stems([image.name for image in found.images])
    known = {name: row for row, name in enumerate([image.name for image in found.images])}
    by_stem = {stem: row for row, stem in enumerate(stems)}
    cells = [_cells(image, found.threshold) for image in found.images]
    kinds = list(found.categories)
    label = [one.label.copy() for one in cells]
    said = [np.zeros(len(one), bool) for one in cells]
    for where, row, number, name in _rows(labels, known, by_stem):
        if not 1 <= number <= len(cells[row]):
            raise BadInputError(f"no cell {number}", where=where, expected=f"1 to {len(cells[row])}")
        kind = _row_of(kinds, name)
        if said[row][number - 1] and label[row][number - 1] != kind:
            raise BadInputError(f"cell {number} has two classes", where=where, got=name)
        label[row][number - 1], said[row][number - 1] = kind, True
    images = tuple(
        dataclasses.replace(image, cells=partial(_from, dataclasses.replace(own, label=its)))
        for image, own, its in zip(found.images, cells, label, strict=True)
    )
    n, total = sum(int(one.sum()) for one in said), sum(map(len, cells))
    changed = sum(int((new != own.label).sum()) for new, own in zip(label, cells, strict=True))
    other = "" if changed or not n else ", none another one than before"
    kept = f"{other}; {total - n:,} keep theirs" if total > n else other
    line = f"{n:,} of {many(total, 'cell')} got a class from {labels.name}{kept}"
    return dataclasses.replace(found, images=images, categories=tuple(kinds), told_apart=tuple(kinds)), line


def write_labelled(found: FoundCells, out: Path) -> list[Path]:
    """Write the cells as `bmbench predict` does: .csv, .json, .geojson or a folder."""
    (output,) = plan_outputs([out], None, n_images=len(found.images))
    require_folder(output.place)
    return write_output(output, outputs_of(found), found.categories)


def _rows(labels: Path, known: dict[str, int], by_stem: dict[str, int]) -> list[tuple[str, int, int, str]]:
    """Place in the table, row of the image, number of the cell and class of each row that has a class."""
    tables = files_in(labels, within=labels, suffixes=(".csv",)) if labels.is_dir() else [labels]
    rows = []
    for path in tables:
        table = read_table(path)
        column = {name: at for at, name in enumerate(table.columns)}
        if "class" not in column or not ("file" in column or {"image", "number"} <= column.keys()):
            raise BadInputError(
                "columns missing", where=f"{path}, line 1", expected="class, and file or image and number"
            )
        for where, cells in table.rows:
            if name := cells[column["class"]]:
                if "file" in column:
                    file = PurePosixPath(read_cell(cells[column["file"]]).replace("\\", "/"))
                    image, number = by_stem.get("/".join(file.parts[:-2])), file.stem
                else:
                    image, number = known.get(read_cell(cells[column["image"]])), cells[column["number"]]
                if image is None or not (number.isascii() and number.isdecimal()):
                    raise BadInputError("no such cell", where=where, got=", ".join(cells)[:80])
                rows.append((where, image, int(number), name))
    return rows


def _row_of(kinds: list[Category], name: str) -> int:
    """The row of the class of that name, which is new where nobody has named it."""
    for row, one in enumerate(kinds):
        if one.name == name:
            return row
    number = 1 + max((one.id for one in kinds), default=0)
    kinds.append(Category(id=number, name=name, artefact=is_artefact_name(name)))
    return len(kinds) - 1


def _cells(image: FoundImage, threshold: float) -> Detections:
    parts: Sequence[Detections] = list(image.cells(threshold))
    return parts[0] if len(parts) == 1 else Detections.empty()


def _from(found: Detections, threshold: float) -> Iterator[Detections]:
    yield found.take(found.confidence >= threshold)
