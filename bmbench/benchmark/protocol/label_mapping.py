"""A detector's answers in the classes of a data set."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from bmbench.core.types import CELL, Category

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bmbench.core.types import Detections

CLASSES = (CELL, Category(id=2, name="artefact", artefact=True))
"""What the labels mean of a detector that tells no classes of cells apart: 0 a cell, 1 an artefact."""


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
