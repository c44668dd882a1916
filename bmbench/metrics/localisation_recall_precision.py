"""oLRP: misplacing, false alarms and misses in one number (Oksuz et al., ECCV 2018)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmbench.core.types import Floats, Predictions
from bmbench.metrics.protocol import Geometry
from bmbench.metrics.scores import Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimalLrp:
    """The lowest localisation recall precision error over thresholds, and its parts there; 0 is perfect.

    Attributes
    ----------
    error : float
        ``(Σ misplacing of the hits + fp + fn) / (tp + fp + fn)``, from 0 to 1; misplacing is
        (1 − IoU) / (1 − limit) of boxes, distance / limit of centres: 0 for an exact hit, 1 at the limit.
    misplacing : float or None
        Mean of the hits, on the same scale; None without hits.
    false_alarms : float or None
        1 − precision; None without predictions.
    misses : float
        1 − recall.
    threshold : float or None
        Where it is lowest; None if it is best to keep nothing.
    """

    error: float
    misplacing: float | None
    false_alarms: float | None
    misses: float
    threshold: float | None


def optimal_lrp(
    predictions: Predictions, scores: Scores, geometry: Geometry, *, radius: Floats | None = None
) -> OptimalLrp | None:
    """OLRP of one matching; None without cells, or where no one matching serves every threshold (Hungarian).

    `radius` is that of every annotation (`bmbench.metrics.radii`), where it is not one for all.
    An IoU limit of 1 leaves no room to misplace: misplacing is then 0.
    """
    curve = scores.curve
    if not curve.cells or scores.assignment != "greedy" or scores.paired_anew:
        return None
    hits = scores.matching.is_hit
    limit = scores.limit if radius is None else radius[scores.matching.annotation[hits]]
    off = _misplacing(scores.matching.similarity[hits], limit, geometry)
    score = predictions.confidence[hits]
    order = np.argsort(-score, kind="stable")
    reached = np.searchsorted(-score[order], -curve.threshold, side="right")
    total = np.append(0.0, np.append(0.0, np.cumsum(off[order]))[reached])
    tp, fp = np.append(0, curve.tp), np.append(0, curve.fp)
    error = (total + fp + curve.cells - tp) / (curve.cells + fp)
    best = int(np.argmin(error))
    kept = int(tp[best] + fp[best])
    return OptimalLrp(
        error=float(error[best]),
        misplacing=float(total[best] / tp[best]) if tp[best] else None,
        false_alarms=float(fp[best] / kept) if kept else None,
        misses=float(1 - tp[best] / curve.cells),
        threshold=float(curve.threshold[best - 1]) if best else None,
    )


def _misplacing(similarity: Floats, limit: float | Floats, geometry: Geometry) -> Floats:
    """(n,) 0 for an exact hit, 1 for one at the limit."""
    if geometry == "cd" or not isinstance(limit, int | float):
        return similarity / limit
    return np.clip((1 - similarity) / (1 - limit), 0, 1) if limit < 1 else np.zeros(len(similarity))
