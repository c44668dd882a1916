"""Paired tests between submissions: swap the two answers, unit by unit, and look again.

If two methods are equally good, it is a matter of chance which answer on a patient (slide, image) is whose.
So the difference of the pooled metric is held against its values after swapping the answers of random
units (Fisher's randomisation test; Good 2005, chapter 3). The test needs no assumption about distributions
and keeps images of one patient together.

F1 is computed anew from the swapped counts. AP goes by shares of units (`jackknife`): the difference is
AP's own, its values after swapping are those of the sum of shares.
"""

from dataclasses import dataclass

import numpy as np

from bmbench.core.types import Floats, Ints
from bmbench.statistics.draws import coin_flips, every_swap
from bmbench.statistics.swaps import SwapCounts
from bmbench.statistics.units import FEWEST_UNITS, MetricByUnit

LEVEL = 0.05
_CHUNK = 10_000
_BUDGET = 2e8
"""Swaps × pairs that a second look may take: a few seconds."""
_FEW = 20
_MANY = 1_000
"""Pairs (of about 45 submissions) beyond which boards show no single p-value."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairTests:
    """The p-values of all pairs of one metric.

    Attributes
    ----------
    first, second : (k,) int64
        Rows of the submissions.
    p : (k,) float64
        Two-sided.
    p_holm : (k,) float64
        The same after Holm's correction (Holm 1979) over all k pairs: the chance of any false claim among
        equally good methods is at most the level.
    smallest : float
        The smallest p-value that these units and permutations can give.
    """

    first: Ints
    second: Ints
    p: Floats
    p_holm: Floats
    smallest: float


def paired_tests(column: MetricByUnit, *, replicates: int, seed: int) -> PairTests | None:
    """The tests of all pairs; None if there are too few units for any p-value below the level."""
    n_methods, n_units = column.upper.shape
    if n_units < FEWEST_UNITS:
        return None
    first, second = (part.astype(np.int64) for part in np.triu_indices(n_methods, 1))
    exact = 2 ** (n_units - 1) <= replicates
    swaps = every_swap(n_units) if exact else coin_flips(n_units, replicates, seed=seed)
    hasty = not exact and len(first) > _MANY
    # A pair that is above the level after the first swaps is left there: no correction makes it smaller.
    count, seen = SwapCounts.of(column, first, second).exceeding(swaps, level=LEVEL if hasty else None)
    p = count / seen if exact else (count + 1) / (seen + 1)
    smallest = 1 / len(swaps) if exact else 1 / (len(swaps) + 1)
    if not exact:
        smallest = _look_again(column, (first, second), p, count, smallest, seed=seed)
    undefined = ~np.isfinite(column.value[first]) | ~np.isfinite(column.value[second])
    p[undefined] = 1.0
    return PairTests(first=first, second=second, p=p, p_holm=holm(p), smallest=smallest)


def holm(p: Floats) -> Floats:
    """p-values after Holm's step-down correction, at most 1."""
    n = len(p)
    order = np.argsort(p, kind="stable")
    scaled = np.maximum.accumulate(p[order] * (n - np.arange(n)))
    adjusted = np.empty(n)
    adjusted[order] = np.minimum(scaled, 1.0)
    return adjusted


def _look_again(
    column: MetricByUnit, pairs: tuple[Ints, Ints], p: Floats, count: Ints, smallest: float, *, seed: int
) -> float:
    """Draw more swaps for the pairs whose p-value is near the smallest possible one; the new smallest p.

    Holm compares the smallest of k p-values with 0.05 / k, which no test of 10,000 swaps can go below once k
    is 500. Which pairs are drawn again depends on the first draws alone, and the second ones are fresh.
    """
    near = np.flatnonzero(count <= _FEW)
    needed = LEVEL / max(len(p), 1) / 10
    if not len(near) or smallest <= needed:
        return smallest
    more = next((n for n in (1_000_000, 100_000) if n * len(near) <= _BUDGET), 0)
    if not more:
        return smallest
    again = SwapCounts.of(column, pairs[0][near], pairs[1][near])
    total = np.zeros(len(near), np.int64)
    for chunk in range(more // _CHUNK):
        swaps = coin_flips(column.upper.shape[1], _CHUNK, seed=seed + 1 + chunk)
        total += again.exceeding(swaps)[0]
    p[near] = (total + 1) / (more + 1)
    return 1 / (more + 1)
