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
"""What a detector's labels mean: 0 a cell, 1 an artefact."""


def as_classes_of(categories: Sequence[Category], detections: Detections) -> Detections:
    """The detections with labels that point into a data set's categories.

    Cells get its first category of cells, artefacts its first category of artefacts. Where it has none of
    artefacts, those detections are left out: they are no cells, and it asks for nothing else.
    """
    rows = [
        next((row for row, category in enumerate(categories) if category.artefact == kind.artefact), -1)
        for kind in CLASSES
    ]
    label = np.array(rows, np.int64)[detections.label]
    named = label >= 0
    return dataclasses.replace(detections.take(named), label=label[named])
