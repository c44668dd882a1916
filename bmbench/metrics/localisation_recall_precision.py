"""oLRP: misplacing, false alarms and misses in one number (Oksuz et al., ECCV 2018)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmbench.core.types import Floats, Ints, Predictions
from bmbench.metrics.protocol import Geometry
from bmbench.metrics.scores import Scores
from bmbench.metrics.tally import Tally, by_descending_score, pooled


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LrpTerms:
    """What oLRP sums over, of one matching.

    Attributes
    ----------
    tally : Tally
        Every prediction that counts, of n.
    misplaced : (n,) float64
        In the order of the tally: from 0, an exact hit, to 1, one at the limit; 0 for false alarms.
    """

    tally: Tally
    misplaced: Floats

    def sums(self, unit: Ints, n_units: int) -> tuple[Floats, Floats]:
        """(units, steps + 1) twice, with ever more predictions: Σ misplacing + fp + fn, and tp + fp + fn."""
        tally = self.tally
        cells = np.bincount(unit, weights=tally.cells, minlength=n_units)[:, None]
        own = unit[tally.image] == np.arange(n_units)[:, None]
        added = np.where(tally.hit, self.misplaced - 1, 1.0)
        start = np.zeros((n_units, 1))
        upper, lower = (
            cells + np.hstack([start, np.cumsum(own * each, axis=1)[:, tally.step_ends]])
            for each in (added, ~tally.hit)
        )
        return upper, lower


def lrp_terms(
    predictions: Predictions, scores: Scores, geometry: Geometry, *, radius: Floats | None = None
) -> LrpTerms | None:
    """The terms of `optimal_lrp`, by the same arguments; None where that is None."""
    if not scores.curve.cells or scores.assignment != "greedy" or scores.paired_anew:
        return None
    matching = scores.matching
    rows = np.flatnonzero(matching.is_hit | matching.is_false_alarm)
    rows = rows[by_descending_score(predictions.confidence[rows])]
    hit = matching.is_hit[rows]
    limit = scores.limit if radius is None else radius[matching.annotation[rows[hit]]]
    misplaced = np.zeros(len(rows))
    misplaced[hit] = _misplacing(matching.similarity[rows[hit]], limit, geometry)
    tally = Tally(
        confidence=predictions.confidence[rows],
        hit=hit,
        image=predictions.image[rows],
        cells=pooled(scores.tallies).cells,
        grouped=scores.tallies[0].grouped,
    )
    return LrpTerms(tally=tally, misplaced=misplaced)


def optimal_lrp(
    predictions: Predictions, scores: Scores, geometry: Geometry, *, radius: Floats | None = None
) -> OptimalLrp | None:
    """OLRP of one matching; None without cells, or where no one matching serves every threshold (Hungarian).

    `radius` is that of every annotation (`bmbench.metrics.radii`), where it is not one for all.
    An IoU limit of 1 leaves no room to misplace: misplacing is then 0.
    """
    terms = lrp_terms(predictions, scores, geometry, radius=radius)
    return None if terms is None else lowest(terms)


def lowest(terms: LrpTerms) -> OptimalLrp:
    """OLRP of these terms."""
    tally = terms.tally
    (upper,), (lower,) = terms.sums(np.zeros(len(tally.cells), np.int64), 1)
    best = int(np.argmin(upper / lower))
    kept = int(tally.step_ends[best - 1] + 1) if best else 0
    tp = int(tally.hit[:kept].sum())
    return OptimalLrp(
        error=float(upper[best] / lower[best]),
        misplacing=float(terms.misplaced[:kept].sum() / tp) if tp else None,
        false_alarms=(kept - tp) / kept if kept else None,
        misses=1 - tp / tally.n_cells,
        threshold=float(tally.confidence[kept - 1]) if kept else None,
    )


def _misplacing(similarity: Floats, limit: float | Floats, geometry: Geometry) -> Floats:
    """(n,) 0 for an exact hit, 1 for one at the limit."""
    if geometry == "cd" or not isinstance(limit, int | float):
        return similarity / limit
    return np.clip((1 - similarity) / (1 - limit), 0, 1) if limit < 1 else np.zeros(len(similarity))
