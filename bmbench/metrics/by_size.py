"""How many cells of each size are found: sizes in diameters of the usual cell, not in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bmbench.core.types import Bools, Floats, GroundTruth, Ints, Predictions, Role
from bmbench.metrics.scores import Scores

EDGES = (0.75, 1.25)
"""Diameters of the median cell between which cells are of the usual size."""
SIZES = ("small", "usual", "large")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SizeScores:
    """Counts of each size at the threshold; column k of every array is `SIZES` [k].

    Attributes
    ----------
    diameter_px : float
        The median cell's: √(width · height) of its box.
    cells, found, false_alarms : (images, 3) int64
        Cells by their own size; false alarms by that of the prediction.
    """

    diameter_px: float
    cells: Ints
    found: Ints
    false_alarms: Ints

    @property
    def recall(self) -> tuple[float | None, ...]:
        """Share of the cells of each size that are found; None without any."""
        found, cells = self.found.sum(axis=0).tolist(), self.cells.sum(axis=0).tolist()
        return tuple(some / every if every else None for some, every in zip(found, cells, strict=True))

    def to_json(self) -> dict[str, Any]:
        """The sums over images."""
        sums = {name: getattr(self, name).sum(axis=0).tolist() for name in ("cells", "found", "false_alarms")}
        return {
            "diameter_px": self.diameter_px,
            "edges": list(EDGES),
            "sizes": list(SIZES),
            **sums,
            "recall": list(self.recall),
        }


def scores_by_size(truth: GroundTruth, predictions: Predictions, scores: Scores) -> SizeScores | None:
    """Cells found and false alarms by size, from the matching of `scores`; None where no cell has an extent.

    Cells without an extent, and predictions without one, are left out.
    """
    cells = np.flatnonzero(truth.role == Role.CELL)
    side = _diameter(truth.box)
    sized = cells[side[cells] > 0]
    if not len(sized):
        return None
    usual = float(np.median(side[sized]))
    kept = predictions.confidence >= (np.inf if scores.threshold is None else scores.threshold)
    hits = scores.matching.annotation[kept & scores.matching.is_hit]
    found = np.zeros(len(side), bool)
    found[hits] = True
    shown = _diameter(predictions.box)
    alarms = np.flatnonzero(kept & scores.matching.is_false_alarm & (shown > 0))
    n = len(truth.image_ids)
    return SizeScores(
        diameter_px=usual,
        cells=_table(truth.image[sized], side[sized] / usual, n),
        found=_table(truth.image[sized], side[sized] / usual, n, found[sized]),
        false_alarms=_table(predictions.image[alarms], shown[alarms] / usual, n),
    )


def _diameter(box: Floats) -> Floats:
    side: Floats = np.sqrt(np.prod(box[:, 2:] - box[:, :2], axis=1))
    return side


def _table(image: Ints, diameters: Floats, n: int, counted: Bools | None = None) -> Ints:
    """(n, 3) objects of each image and size; a diameter on an edge is of the usual size."""
    size = (diameters >= EDGES[0]).astype(np.int64) + (diameters > EDGES[1])
    place = image * len(SIZES) + size
    counts = np.bincount(place if counted is None else place[counted], minlength=n * len(SIZES))
    return counts.reshape(n, len(SIZES))
