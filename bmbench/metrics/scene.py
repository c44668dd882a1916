"""What takes part in matching, each kind of object by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bmbench.core.types import Role
from bmbench.metrics.objects import Objects

if TYPE_CHECKING:
    from bmbench.core.types import Bools, Floats, GroundTruth, Ints, Predictions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """The objects of a whole set of images that matter when one class is scored.

    Attributes
    ----------
    predictions, score
        The predictions that are scored, and their confidence.
    cells
        What they must find.
    all_cells
        The cells of every class.
    ignored, regions, artefacts
        Annotations that are no cells.
    as_artefacts, artefact_score
        The predictions of artefact categories, and their confidence.
    """

    predictions: Objects
    score: Floats
    cells: Objects
    all_cells: Objects
    ignored: Objects
    regions: Objects
    artefacts: Objects
    as_artefacts: Objects
    artefact_score: Floats


def prepare(
    truth: GroundTruth, predictions: Predictions, *, label: int | None = None, most: int | None = None
) -> Scene:
    """The scene of one category (`label`, a row of the categories), or of all cells as one class (None).

    `most` is how many predictions of one image count, the most confident first; None: all.
    """
    of_artefact = artefact_mask(truth)[predictions.label]
    asked = ~of_artefact if label is None else predictions.label == label
    subjects = Objects.of(predictions, asked)
    if most is not None:
        kept = most_confident(subjects, predictions.confidence[subjects.row], most)
        subjects = subjects.take(kept)
    is_cell, ignored = truth.role == Role.CELL, truth.role == Role.IGNORE
    all_cells = Objects.of(truth, is_cell)
    return Scene(
        predictions=subjects,
        score=predictions.confidence[subjects.row],
        cells=all_cells if label is None else Objects.of(truth, is_cell & (truth.label == label)),
        all_cells=all_cells,
        ignored=Objects.of(truth, ignored & ~truth.region),
        regions=Objects.of(truth, ignored & truth.region),
        artefacts=Objects.of(truth, truth.role == Role.ARTEFACT),
        as_artefacts=Objects.of(predictions, of_artefact),
        artefact_score=predictions.confidence[of_artefact],
    )


def artefact_mask(truth: GroundTruth) -> Bools:
    """(c,) mask of the categories that are artefacts."""
    return np.array([category.artefact for category in truth.categories], bool)


def most_confident(predictions: Objects, score: Floats, most: int) -> Ints:
    """Rows of the `most` best scored predictions of every image; ties by position."""
    everyone = np.arange(len(score))
    keys = (*predictions.position(everyone)[::-1], -score, predictions.image)
    order = np.lexsort(keys)
    image = predictions.image[order]
    place = everyone - np.searchsorted(image, image)
    return np.sort(order[place < most])
