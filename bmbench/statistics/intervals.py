"""Intervals: between which values the truth is looked for, of scores and of everything that is resampled.

They are percentiles of bootstrap replicates (Efron and Tibshirani 1993, section 13.3).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bmbench.statistics.draws import UnitDraws
from bmbench.statistics.resampling import resampled_ap, resampled_f1

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bmbench.core.types import Floats
    from bmbench.metrics import Evaluation, Scores

Interval: TypeAlias = tuple[float, float]
LEVEL = 0.95
"""Share of the replicates inside an interval."""


def with_intervals(evaluation: Evaluation, *, n: int, seed: int = 0) -> Evaluation:
    """The evaluation with the intervals of AP and F1 in it, of every geometry and every class.

    Groups of images (patients or slides, else images) are drawn; thresholds are held fixed. With fewer than
    two groups there is no interval.

    Parameters
    ----------
    n : int
        Replicates; 0: no intervals.
    seed : int
        Of the draws. The same seed draws the same groups for every detector.
    """
    if not n or evaluation.n_groups < 2:
        return evaluation
    draws = UnitDraws(n_units=evaluation.n_groups, n=n, seed=seed)
    kind, unit = evaluation.protocol.ap, evaluation.group

    def filled(scores: Scores) -> Scores:
        return replace(
            scores,
            ap_ci=interval(resampled_ap(scores.tallies, unit, kind, draws)),
            f1_ci=interval(resampled_f1(scores.images, unit, draws)),
            classes={name: filled(one) for name, one in scores.classes.items()},
        )

    # Side by side: NumPy lets threads run together.
    with ThreadPoolExecutor(2) as pool:
        bb, cd = pool.map(
            lambda scores: None if scores is None else filled(scores), (evaluation.bb, evaluation.cd)
        )
    return replace(evaluation, bb=bb, cd=cd)


def interval(values: Floats, *, level: float = LEVEL) -> Interval | None:
    """The middle `level` of the defined ones of (n,) values; None if there is none."""
    defined = values[np.isfinite(values)]
    if not len(defined):
        return None
    low, _, high = percentiles(defined, level=level).tolist()
    return low, high


def percentiles(values: Floats | NDArray[np.int32], *, level: float = LEVEL, whole: bool = False) -> Floats:
    """(3, …) lower end, median and upper end of the middle `level` of (n, …) values.

    Parameters
    ----------
    whole : bool
        Whether only numbers that are among the values may come out: ranks stay ranks.
    """
    tail = round((1 - level) / 2, 9)
    found: Floats = np.quantile(
        values, (tail, 0.5, 1 - tail), axis=0, method="nearest" if whole else "linear"
    )
    return found
