"""Which classes of cells a run tells apart, what its detector's labels mean, and their categories.

A detector says numbers (`bmbench.adapters.method.Detector`). `label_classes` names them; a run keeps that
list in its `config.json`, so that whoever loads its detector can name what it finds.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from bmbench.adapters.method import Method
from bmbench.core.dataset import Split
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.misfits import misfit_error
from bmbench.core.types import CELL, Category, Detections, Sample

CLASSES = (CELL, Category(id=2, name="artefact", artefact=True))
"""What the labels mean of a detector that tells no classes of cells apart: 0 a cell, 1 an artefact."""
ALL = ("all",)
OTHER = "other cell"
"""The class of all cells whose own was not listed."""


def require_classes(method: Method, classes: Sequence[str], *, artefacts: str) -> None:
    """Nothing, or a BadInputError if the method cannot learn classes, or not with artefacts treated so."""
    if not classes:
        if method.needs_classes:
            remedy = "give --classes all, or names with commas"
            raise BadInputError(f"{method.name} tells classes apart", got="no --classes", remedy=remedy)
        return
    if not method.cell_classes:
        second = f"{method.name}+crops (--classifier crops), which tells the classes of what is found"
        remedy = f"leave --classes out, or run {second}"
        raise BadInputError(f"{method.name} has one class of cells", remedy=remedy)
    if artefacts == "foreground":
        raise BadInputError(
            "an artefact learned as a cell has no class of cells",
            got="--classes and --artefacts foreground",
            remedy="use --artefacts background or class",
        )


def tell_apart(split: Split, classes: Sequence[str]) -> Split:
    """The split with its listed classes of cells, and all others as one (`OTHER`).

    As it was where all of them are listed, or none.

    Raises
    ------
    UnknownNameError
        If it has no class of cells of that name.
    BadInputError
        If it has one class of cells only.
    """
    if not classes:
        return split
    cells = [category for category in split.categories if not category.artefact]
    if len(cells) < 2:
        raise BadInputError(
            "the data set has one class of cells",
            got=f"--classes {','.join(classes)}",
            remedy="leave --classes out",
        )
    known = [category.name for category in cells]
    for name in () if tuple(classes) == ALL else classes:
        if name not in known:
            raise UnknownNameError("class of cells", name, [*ALL, *known])
    others = [c for c in cells if tuple(classes) != ALL and c.name not in classes]
    return _with_others_as_one(split, others) if others else split


def cell_classes(split: Split, classes: Sequence[str]) -> tuple[Category, ...]:
    """The classes of cells that a detector is taught, in the order of its labels; () where there are none."""
    return tuple(category for category in split.categories if not category.artefact) if classes else ()


def label_classes(split: Split, classes: Sequence[str]) -> tuple[Category, ...]:
    """What the labels of a detector mean: the cells' classes, then `artefact`.

    An artefact has the id of the data set's first category of artefacts.
    """
    if not classes:
        return CLASSES
    ids = [category.id for category in split.categories if category.artefact]
    artefact = ids[0] if ids else _free_id(split.categories)
    return (*cell_classes(split, classes), Category(id=artefact, name="artefact", artefact=True))


def classes_from_json(record: Any) -> tuple[Category, ...]:
    """What labels mean, from the `classes` of a run's `config.json`; older runs have none.

    Raises
    ------
    BadInputError
        If these are no classes.
    """
    try:
        return msgspec.convert(record, tuple[Category, ...]) if record else CLASSES
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        where, remedy = "config.json, classes", "restore config.json, or begin the run anew"
        raise misfit_error(error, "not the classes of a run", where=where, remedy=remedy) from None


def as_taught(samples: Sequence[Sample], categories: Sequence[Category]) -> tuple[Sample, ...]:
    """The samples with labels that point into the classes of cells among the categories.

    That of an artefact means nothing: its role says what it is.
    """
    rows = np.cumsum([not category.artefact for category in categories]) - 1
    return tuple(_relabelled(sample, np.maximum(rows, 0)) for sample in samples)


def _with_others_as_one(split: Split, others: Sequence[Category]) -> Split:
    kept = [category for category in split.categories if category not in others]
    if any(category.name == OTHER for category in kept):
        raise BadInputError(
            f"the data set has a class {OTHER!r} of its own", remedy="list all classes, or rename it"
        )
    # Behind the other classes of cells, as all of them stand in the file.
    place = 1 + max(row for row, category in enumerate(kept) if not category.artefact)
    kept.insert(place, Category(id=_free_id(split.categories), name=OTHER))
    rows = np.array([place if c in others else kept.index(c) for c in split.categories], np.int64)
    samples = {
        subset: tuple(_relabelled(sample, rows) for sample in part) for subset, part in split.samples.items()
    }
    return dataclasses.replace(split, categories=tuple(kept), samples=samples)


def _relabelled(sample: Sample, rows: Any) -> Sample:
    annotations = dataclasses.replace(sample.annotations, label=rows[sample.annotations.label])
    return dataclasses.replace(sample, annotations=annotations)


def _free_id(categories: Sequence[Category]) -> int:
    return 1 + max(category.id for category in categories)


def as_classes_of(
    categories: Sequence[Category], detections: Detections, classes: Sequence[Category] = CLASSES
) -> Detections:
    """The detections with labels that point into a data set's categories.

    Cells of a class get the category of its name. Cells that are just cells, or of a class that the data set
    does not have, get its first category of cells, artefacts its first category of artefacts. Where it has
    none of artefacts, those detections are left out: they are no cells, and it asks for nothing else.

    `classes` is what the labels mean so far.
    """
    several = sum(not kind.artefact for kind in classes) > 1
    rows = [_row(categories, kind, by_name=several and not kind.artefact) for kind in classes]
    label = np.array(rows, np.int64)[detections.label]
    named = label >= 0
    return dataclasses.replace(detections.take(named), label=label[named])


def _row(categories: Sequence[Category], kind: Category, *, by_name: bool) -> int:
    """The row of a class among the categories; -1 where there is none of its kind."""
    alike = [row for row, category in enumerate(categories) if category.artefact == kind.artefact]
    named = [row for row in alike if by_name and categories[row].name == kind.name]
    return next(iter((*named, *alike)), -1)
