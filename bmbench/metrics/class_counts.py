"""Cells of each class on every image: how many there are, and how many were predicted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmbench.core.types import GroundTruth, Ints, Predictions, Role
from bmbench.metrics.scores import Scores


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassCounts:
    """Counts of images by class of cells.

    Attributes
    ----------
    names : tuple of c str
        Classes of cells, those of artefacts left out.
    cells, predicted : (images, c) int64
        Cells that must be found; predictions at or above the threshold that count, whichever cell they hit.
    """

    names: tuple[str, ...]
    cells: Ints
    predicted: Ints

    @property
    def tells_classes(self) -> bool:
        """Whether there are several classes, and the predictions name more than one."""
        return len(self.names) > 1 and int((self.predicted.sum(axis=0) > 0).sum()) > 1

    def of_groups(self, groups: Ints) -> ClassCounts:
        """The sums over the images of each group; (images,) `groups` numbers them from 0."""
        n = int(groups.max()) + 1 if len(groups) else 0
        sums = [np.zeros((n, len(self.names)), np.int64) for _ in range(2)]
        for total, own in zip(sums, (self.cells, self.predicted), strict=True):
            np.add.at(total, groups, own)
        return ClassCounts(names=self.names, cells=sums[0], predicted=sums[1])


def class_counts(truth: GroundTruth, predictions: Predictions, scores: Scores) -> ClassCounts:
    """Counts by image and class at the threshold of `scores`; what is ignored counts neither way."""
    least = np.inf if scores.threshold is None else scores.threshold
    counts = predictions.confidence >= least
    counts &= scores.matching.is_hit | scores.matching.is_false_alarm
    rows = [row for row, one in enumerate(truth.categories) if not one.artefact]
    n_images = len(truth.image_ids)
    shape = (n_images, len(truth.categories))
    cell = truth.role == Role.CELL
    there, found = (
        np.bincount(image * shape[1] + label, minlength=shape[0] * shape[1]).reshape(shape)[:, rows]
        for image, label in (
            (truth.image[cell], truth.label[cell]),
            (predictions.image[counts], predictions.label[counts]),
        )
    )
    names = tuple(truth.categories[row].name for row in rows)
    return ClassCounts(names=names, cells=there.astype(np.int64), predicted=found.astype(np.int64))
