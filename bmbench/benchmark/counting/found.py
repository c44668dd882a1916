"""The cells that are counted: those that a detector has just found, or those of a predictions file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bmbench.benchmark.areas.choose import ChosenAreas
from bmbench.benchmark.counting.tally import Stops
from bmbench.benchmark.prediction.finished import FinishedImage, PredictedImages
from bmbench.benchmark.prediction.outputs import COLUMNS, ImageOutput, output_stems
from bmbench.core.csv_cells import read_cell
from bmbench.core.errors import BadInputError
from bmbench.core.types import CELL, Category, Detections, ImageId, is_artefact_name
from bmbench.datasets.formats.coco.samples import read_coco
from bmbench.datasets.formats.predictions import read_columns
from bmbench.datasets.reading.image_names import nearest
from bmbench.datasets.reading.tables import TextTable, read_table

_NUMBERS = COLUMNS[3:10]
"""Columns of a table of cells that are read, beside image and class: confidence, centre, box."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoundImage:
    """An image whose cells are known.

    Attributes
    ----------
    name : str
    path : Path or None
        The picture; None where the tables alone are asked for.
    white : int or None
        The value that is white, of 16 bits.
    um_per_px : float or None
    origin : (x, y)
        Where level 0 begins on the glass.
    cells : threshold → iterator of Detections
        The cells from a confidence on, in level-0 pixels; may be called again.
    areas : ChosenAreas or None
        The areas that they were looked for in, where these were chosen.
    """

    name: str
    path: Path | None
    white: int | None
    um_per_px: float | None
    origin: tuple[int, int]
    cells: Callable[[float], Iterator[Detections]]
    areas: ChosenAreas | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoundCells:
    """What is counted.

    Attributes
    ----------
    images : tuple of FoundImage
    categories : tuple of Category
        What the labels mean.
    told_apart : tuple of Category
        Those of them that the detector tells apart: of older ones artefacts behind the cells are none.
    threshold : float
        From which confidence on.
    finder : str
        Who found them, as the report says it.
    adjusted, notes, broken : tuple of str
        As of `PredictedImages`.
    """

    images: tuple[FoundImage, ...]
    categories: tuple[Category, ...]
    told_apart: tuple[Category, ...]
    threshold: float
    finder: str
    adjusted: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


def just_found(found: PredictedImages, *, version: str) -> FoundCells:
    """The cells of images that were predicted."""
    trained = found.trained
    return FoundCells(
        images=tuple(map(_just_found, found.images)),
        categories=trained.classes,
        told_apart=_told_apart(found),
        threshold=found.threshold,
        finder=f"{trained.path.resolve().name} ({trained.method}, bmbench {version})",
        adjusted=found.adjusted,
        notes=found.notes,
        broken=found.broken,
    )


def read_found(
    path: Path, pictures: Sequence[Path], *, threshold: float | None = None, names: Path | None = None
) -> FoundCells:
    """The cells of a predictions file: COCO results, or the table that `bmbench predict` writes.

    Parameters
    ----------
    pictures : paths
        The images, which are found by name; none where tables are enough.
    threshold : float, optional
        From which confidence on; without it every cell of the file counts.
    names : path, optional
        A COCO file whose categories are those of the predictions.

    Raises
    ------
    BadInputError
        If it is no such file, or names an image that is not among the pictures.
    """
    by_image, categories, notes = (
        _of_table(read_table(path)) if path.suffix.lower() == ".csv" else _of_results(path, names)
    )
    if not by_image:
        raise BadInputError("no image and no cell", where=str(path), expected="predictions")
    places: list[Path | None] = [None] * len(by_image)
    if pictures:
        places = list(_places(path, list(by_image), pictures))
    else:
        notes = (*notes, "no images were given: tables alone, no overlays and no report")
    lowest = min((float(one.confidence.min()) for one in by_image.values() if len(one)), default=0.0)
    if threshold is None:
        notes = (*notes, f"every cell of {path.name} counts, from confidence {lowest:.3f} on (--threshold)")
    return FoundCells(
        images=tuple(
            FoundImage(
                name=name,
                path=place,
                white=None,
                um_per_px=None,
                origin=(0, 0),
                cells=partial(_from, found),
            )
            for (name, found), place in zip(by_image.items(), places, strict=True)
        ),
        categories=categories,
        told_apart=categories,
        threshold=lowest if threshold is None else threshold,
        finder=path.name,
        notes=notes,
    )


def outputs_of(found: FoundCells) -> list[ImageOutput]:
    """The images as the files of their cells take them."""
    return [
        ImageOutput(
            name=image.name,
            stem=stem,
            image_id=image.name,
            um_per_px=image.um_per_px,
            origin=image.origin,
            parts=partial(image.cells, found.threshold),
        )
        for image, stem in zip(found.images, output_stems([one.name for one in found.images]), strict=True)
    ]


_Read = tuple[dict[str, Detections], tuple[Category, ...], tuple[str, ...]]
"""Cells by image, what their labels mean, and what was taken for granted."""


def _of_results(path: Path, names: Path | None) -> _Read:
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


def _of_table(table: TextTable) -> _Read:
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
        value = float(text)
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


def _places(path: Path, names: Sequence[str], pictures: Sequence[Path]) -> Iterator[Path]:
    """The picture of each image."""
    stems = nearest([Path(name).stem for name in names], [picture.stem for picture in pictures])
    whole = nearest(names, [picture.as_posix() for picture in pictures])
    for name, exactly, about in zip(names, whole, stems, strict=True):
        rows = exactly or about
        if len(rows) != 1:
            raise BadInputError(
                f"{'no image' if not rows else 'several images'} for {name!r}",
                where=str(path),
                expected=f"one among the {len(pictures)} that are given",
                remedy="give all images of the file, or none for tables alone",
            )
        yield pictures[rows[0]]


def _from(found: Detections, threshold: float) -> Iterator[Detections]:
    yield found.take(found.confidence >= threshold)


def _just_found(image: FinishedImage) -> FoundImage:
    job = image.job
    return FoundImage(
        name=job.name,
        path=job.path,
        white=job.white,
        um_per_px=job.um_per_px,
        origin=job.origin,
        cells=image.parts,
        areas=job.areas,
    )


def _told_apart(found: PredictedImages) -> tuple[Category, ...]:
    """What the detector's labels mean, without the artefacts behind the cells if it never learned any.

    Labels stay what they are. A detector that says artefacts all the same, as one of a plug-in may, has them.
    """
    classes = found.trained.classes
    cells = 1 + max((row for row, one in enumerate(classes) if not one.artefact), default=-1)
    if found.trained.artefact_class or cells == len(classes):
        return classes
    lowest = float(Stops.around(found.threshold).thresholds[0])
    labels = (part.label for image in found.images for part in image.parts(lowest))
    return classes if any((label >= cells).any() for label in labels) else classes[:cells]
