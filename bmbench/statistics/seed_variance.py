"""How much trainings of a method vary: pooled over all methods at hand, for few have seeds enough alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bmbench.core.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedVariance:
    """The variance of a metric over the seeds of a method, and its degrees of freedom.

    Attributes
    ----------
    variance : float
        Of one training: Σ (s − 1) S² / Σ (s − 1) over the methods with at least two seeds.
    df : int
        Σ (s − 1).
    """

    variance: float
    df: int


def pooled_seed_variance(values: Sequence[Floats]) -> SeedVariance | None:
    """The variance over seeds, pooled over methods; (s,) values of the different trainings of each.

    Methods of one training tell nothing of it. None if no method has two: then a number speaks of these very
    networks, not of the methods.
    """
    several = [one for one in values if len(one) > 1 and np.isfinite(one).all()]
    df = sum(len(one) - 1 for one in several)
    if not df:
        return None
    squares = sum(float(np.square(one - one.mean()).sum()) for one in several)
    return SeedVariance(variance=squares / df, df=df)


def satterthwaite(parts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The sum of independent (variance, degrees of freedom), and its own degrees (Satterthwaite 1946)."""
    total = sum(variance for variance, _ in parts)
    if not total > 0:
        return total, min(df for _, df in parts)
    return total, total**2 / sum(variance**2 / df for variance, df in parts)
