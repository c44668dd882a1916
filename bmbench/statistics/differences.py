"""Two predictions files on the same images: the difference, and how sure it is."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bmbench.core.types import Floats
from bmbench.metrics import Evaluation, Geometry, Scores
from bmbench.statistics.draws import UnitDraws
from bmbench.statistics.resampling import Interval, interval, resampled_ap, resampled_f1


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """First minus second, in one geometry.

    Attributes
    ----------
    ap, f1 : float or None
        None where either is undefined.
    ap_ci, f1_ci : (low, high) or None
        95 % interval of the difference: both files are scored on the same draws.
    ap_share, f1_share : float or None
        Share of the draws in which the first is better; a draw without a difference counts half.
    """

    ap: float | None
    f1: float | None
    ap_ci: Interval | None
    f1_ci: Interval | None
    ap_share: float | None
    f1_share: float | None

    def to_json(self) -> dict[str, Any]:
        """The difference as JSON holds it."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def paired_difference(
    first: Evaluation, second: Evaluation, geometry: Geometry, *, n: int = 10_000, seed: int = 0
) -> Difference | None:
    """The difference of two evaluations of the same images; None where the geometry is not scored.

    Thresholds are held at those of the evaluations. Groups are drawn as in `intervals.with_intervals`.

    Raises
    ------
    ValueError
        If the two do not have the same images with the same cells, in the same order and groups.
    """
    one, other = (getattr(evaluation, geometry) for evaluation in (first, second))
    if one is None or other is None:
        return None
    if not (
        np.array_equal(first.group, second.group) and np.array_equal(one.images.cells, other.images.cells)
    ):
        raise ValueError("the two evaluations are not of the same images with the same cells and groups")
    if first.n_groups < 2 or not n:
        ap = f1 = np.zeros(0)
    else:
        draws = UnitDraws(n_units=first.n_groups, n=n, seed=seed)
        sides = _resampled(one, first, draws), _resampled(other, second, draws)
        ap, f1 = sides[0][0] - sides[1][0], sides[0][1] - sides[1][1]
    return Difference(
        ap=_minus(one.ap, other.ap),
        f1=_minus(one.f1, other.f1),
        ap_ci=interval(ap),
        f1_ci=interval(f1),
        ap_share=_share(ap),
        f1_share=_share(f1),
    )


def _resampled(scores: Scores, evaluation: Evaluation, draws: UnitDraws) -> tuple[Floats, Floats]:
    ap = resampled_ap(scores.tallies, evaluation.group, evaluation.protocol.ap, draws)
    return ap, resampled_f1(scores.images, evaluation.group, draws)


def _minus(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first - second


def _share(differences: Floats) -> float | None:
    defined = differences[np.isfinite(differences)]
    return float(np.mean((defined > 0) + (defined == 0) / 2)) if len(defined) else None
