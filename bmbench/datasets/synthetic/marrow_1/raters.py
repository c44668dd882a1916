"""The marks of people: a rater overlooks cells, and takes artefacts for cells.

Two raters of real marrow agree at F1 0.84 (10 px, the test tiles of `plasma_cd138`). Raters who find each
cell with recall r and are right with precision p, independently of one another, agree at about r · p, so each
has about √0.84 = 0.92 of both against the truth; what is hard is mistaken more often than what is easy.
Training, validation and optimisation images carry the marks of one rater; test images carry the truth.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from bmbench.core.types import Annotations, Category, Floats, Role
from bmbench.datasets.synthetic.kinds import CLUMP, DAMAGED, SMUDGE
from bmbench.datasets.synthetic.marrow_1.objects import (
    BARE_NUCLEUS,
    CLASSES,
    MITOSIS,
    PRECIPITATE,
    TAKEN_FOR,
)

OVERLOOKED = 0.075
"""Chance that a cell is not marked; of a mitosis it is `OVERLOOKED_MITOSIS`."""
OVERLOOKED_MITOSIS = 0.25
TAKEN: dict[Category, float] = {
    DAMAGED: 0.22,
    BARE_NUCLEUS: 0.15,
    SMUDGE: 0.08,
    CLUMP: 0.05,
    PRECIPITATE: 0.04,
}
"""Chance that an artefact is marked as a cell."""
FORGOTTEN = 0.1
"""Chance that an artefact that is not taken for a cell is not marked either."""


def marks_of(truth: Annotations, rng: np.random.Generator) -> Annotations:
    """What one rater marks of the objects of an image; outlines stay as they are."""
    n = len(truth)
    names = [CLASSES[label] for label in truth.label.tolist()]
    draw = rng.uniform(size=(2, n))
    cell, artefact = truth.role == Role.CELL, truth.role == Role.ARTEFACT
    missed: Floats = np.array([OVERLOOKED_MITOSIS if one == MITOSIS else OVERLOOKED for one in names])
    taken = artefact & (draw[0] < np.array([TAKEN.get(one, 0.0) for one in names]))
    left_out = (cell & (draw[0] < missed)) | (artefact & ~taken & (draw[1] < FORGOTTEN))
    label, role = truth.label.copy(), truth.role.copy()
    for row in np.flatnonzero(taken).tolist():
        label[row] = CLASSES.index(TAKEN_FOR[names[row]])
        role[row] = Role.CELL
    marked = dataclasses.replace(truth, label=label, role=role)
    return marked.take(~left_out)
