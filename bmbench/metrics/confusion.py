"""What cells of each class are taken for."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bmbench.core.types import GroundTruth, Ints, Predictions, Role
from bmbench.metrics.assignment import NONE
from bmbench.metrics.matching_input import scored_labels
from bmbench.metrics.scores import Scores


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Confusion:
    """How many cells of one class were found, and called another.

    Attributes
    ----------
    names : tuple of k str
        The classes of cells, by the id of their category.
    counts : (k + 1, k + 1) int64
        Row i: predicted as class i, and last the cells that were missed. Column j: annotated as class j, and
        last the false alarms. The last of both is 0. A column sums to the cells of its class, a row to the
        predictions that count; what an ignored object absorbs is in neither.
    threshold : float or None
        Predictions count from this confidence up.
    """

    names: tuple[str, ...]
    counts: Ints
    threshold: float | None

    def to_json(self) -> dict[str, Any]:
        """The table as JSON holds it."""
        return {
            "threshold": self.threshold,
            "rows": [*self.names, "missed"],
            "columns": [*self.names, "false alarms"],
            "counts": self.counts.tolist(),
        }


def confusion_table(truth: GroundTruth, predictions: Predictions, scores: Scores) -> Confusion:
    """The table of a matching in which any prediction may take any cell: scores with all cells as one class.

    Raises
    ------
    ValueError
        If the scores are of each class by itself: no cell is then matched by a prediction of another class.
    """
    if scores.classes:
        raise ValueError("a confusion table needs cells that were matched as one class")
    labels = [label for label in scored_labels(truth, per_class=True) if label is not None]
    k = len(labels)
    # Categories of artefacts are outside of the table.
    place = np.full(len(truth.categories), NONE)
    place[labels] = np.arange(k)
    matching = scores.matching
    least = np.inf if scores.threshold is None else scores.threshold
    kept = predictions.confidence >= least
    hit, alarm = np.flatnonzero(kept & matching.is_hit), np.flatnonzero(kept & matching.is_false_alarm)
    missed = truth.role == Role.CELL
    missed[matching.annotation[hit]] = False
    counts = np.zeros((k + 1, k + 1), np.int64)
    for said, marked in (
        (place[predictions.label[hit]], place[truth.label[matching.annotation[hit]]]),
        (place[predictions.label[alarm]], np.full(len(alarm), k)),
        (np.full(int(missed.sum()), k), place[truth.label[missed]]),
    ):
        known = (said != NONE) & (marked != NONE)
        np.add.at(counts, (said[known], marked[known]), 1)
    return Confusion(
        names=tuple(truth.categories[label].name for label in labels),
        counts=counts,
        threshold=scores.threshold,
    )
