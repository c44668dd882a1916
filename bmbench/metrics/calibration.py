"""Whether confidences are what they say: how often predictions of a confidence are hits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bmbench.core.types import Floats, Ints
from bmbench.metrics.scores import Scores
from bmbench.metrics.tally import Tally, pooled

BINS = 10
"""Equal steps of confidence from 0 to 1; a confidence on an edge is of the step above, 1 of the last."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reliability:
    """The reliability curve, and the error it sums up to.

    Attributes
    ----------
    count : (b,) int64
        Predictions in each step of confidence; ignored ones are in none.
    confidence, precision : (b,) float64
        Their mean confidence, and the share of hits among them; NaN in an empty step.
    error : float or None
        Detection expected calibration error (D-ECE): the mean of |precision − confidence| over steps,
        weighted by their predictions; None without predictions.
    """

    count: Ints
    confidence: Floats
    precision: Floats
    error: float | None

    def to_json(self) -> dict[str, Any]:
        """The curve and the error; None where undefined."""
        columns = {"mean_confidence": self.confidence, "precision": self.precision}
        listed = {
            name: [None if np.isnan(value) else value for value in column.tolist()]
            for name, column in columns.items()
        }
        return {"d_ece": self.error, "predictions": self.count.tolist(), **listed}


def reliability(scores: Scores) -> Reliability:
    """The reliability of every prediction that counts, above and below the threshold (all classes pooled).

    Kuppers et al., CVPR Workshops 2020, by confidence alone; what is a hit is what the matching says.
    """
    tally = pooled(scores.tallies)
    step = confidence_steps(tally)
    count = np.bincount(step, minlength=BINS)
    total, hits = (
        np.bincount(step, weights=column, minlength=BINS) for column in (tally.confidence, tally.hit)
    )
    some = count > 0
    confidence, precision = (
        np.divide(column, count, out=np.full(BINS, np.nan), where=some) for column in (total, hits)
    )
    n = int(count.sum())
    error = float(np.abs(hits - total).sum() / n) if n else None
    return Reliability(count=count, confidence=confidence, precision=precision, error=error)


def confidence_steps(tally: Tally) -> Ints:
    """(n,) step of confidence of each prediction, from 0."""
    steps: Ints = np.minimum((tally.confidence * BINS).astype(np.int64), BINS - 1)
    return steps
