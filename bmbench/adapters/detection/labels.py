"""Classes of cells: the labels that a network learns, and one class for each cell that it finds.

A network that tells k classes of cells apart says 0 … k − 1 for them and k for an artefact, if artefacts are
a class of their own; one that does not says 0 and 1. What two classes claim is one cell: suppression and
clustering look at where cells lie, and only then at what they are. A cell and an artefact never compete.
"""

from collections.abc import Sequence

import numpy as np

from bmbench.adapters.detection.merging.suppression import suppress
from bmbench.core.types import Annotations, Category, Floats, Ints, Role


def cell_labels(classes: Sequence[Category]) -> int:
    """How many labels are cells, of the classes of a `FitRequest`."""
    return max(1, len(classes))


def labels_of(annotations: Annotations, cells: int) -> Ints:
    """(n,) what a detector with `cells` labels of cells shall say of each object; an artefact comes after."""
    of_cell = annotations.label if cells > 1 else np.zeros_like(annotations.label)
    labels: Ints = np.where(annotations.role == Role.ARTEFACT, cells, of_cell)
    return labels


def kinds_of(label: Ints, cells: int) -> Ints:
    """(n,) 0 for labels of cells, 1 for artefacts: what competes for one place."""
    kinds: Ints = (label >= cells).astype(np.int64)
    return kinds


def one_class_each(shapes: Floats, confidence: Floats, label: Ints, *, cells: int, iou: float) -> Ints:
    """(k,) rows that stay, in their order: of cells of several classes in one place the most confident.

    A network suppresses each class by itself. With one class of cells nothing is left to do, and all rows
    stay.

    Parameters
    ----------
    shapes : (n, 4) boxes or (n, 3) circles, pixels
    cells : int
        How many labels are cells.
    iou : float
        Cells that overlap by more are one.
    """
    if cells < 2:
        return np.arange(len(label))
    return np.sort(suppress(shapes, confidence, iou=iou, label=kinds_of(label, cells)))
