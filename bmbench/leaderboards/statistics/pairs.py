"""Paired tests between submissions: swap the two answers, unit by unit, and look again.

If two methods are equally good, it is a matter of chance which answer on a patient (slide, image) is whose.
So the difference of the pooled metric is held against its values after swapping the answers of random
units (Fisher's randomisation test; Good 2005, chapter 3). The test needs no assumption about distributions
and keeps images of one patient together.

F1 is computed anew from the swapped counts. AP goes by shares of units (`influence`): the difference is
AP's own, its values after swapping are those of the sum of shares.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bmbench.leaderboards.statistics.draws import coin_flips, every_swap

if TYPE_CHECKING:
    from bmbench.core.types import Floats, Ints
    from bmbench.leaderboards.statistics.entries import Column

LEVEL = 0.05
FEWEST_UNITS = 6
"""Units from which on a two-sided p-value can be below 0.05: the smallest one is 2 / 2^units."""
_SLACK = 1e-9
"""Relative difference up to which two statistics are equal: equal swaps must count as equal."""
_CHUNK = 10_000
_BUDGET = 2e9
"""Swaps × pairs that a second look may take; about a minute on one core at most."""
_FEW = 20


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


def paired_tests(column: Column, *, replicates: int, seed: int) -> PairTests | None:
    """The tests of all pairs; None if there are too few units for any p-value below the level."""
    n_methods, n_units = column.upper.shape
    if n_units < FEWEST_UNITS:
        return None
    first, second = (part.astype(np.int64) for part in np.triu_indices(n_methods, 1))
    exact = 2 ** (n_units - 1) <= replicates
    swaps = every_swap(n_units) if exact else coin_flips(n_units, replicates, seed=seed)
    count = _exceeding(column, first, second, swaps)
    p = count / len(swaps) if exact else (count + 1) / (len(swaps) + 1)
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
    column: Column, pairs: tuple[Ints, Ints], p: Floats, count: Ints, smallest: float, *, seed: int
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
    first, second = pairs[0][near], pairs[1][near]
    total = np.zeros(len(near), np.int64)
    for chunk in range(more // _CHUNK):
        swaps = coin_flips(column.upper.shape[1], _CHUNK, seed=seed + 1 + chunk)
        total += _exceeding(column, first, second, swaps)
    p[near] = (total + 1) / (more + 1)
    return 1 / (more + 1)


def _exceeding(column: Column, first: Ints, second: Ints, swaps: Floats) -> Ints:
    """(k,) swaps whose difference is at least the observed one, for each pair."""
    moved = _Moved(column, swaps)
    count = moved.linear if column.is_linear else moved.ratio
    starts = np.flatnonzero(np.append(True, first[1:] != first[:-1])) if len(first) else np.zeros(0, int)
    bounds = list(zip(starts, np.append(starts[1:], len(first)), strict=True))
    found = np.zeros(len(first), np.int64)

    def work(bound: tuple[int, int]) -> None:
        for row in range(*bound):
            found[row] = count(int(first[row]), int(second[row]))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, bounds))
    return found


class _Moved:
    """The sums over the swapped units, once per submission; a pair is then a few operations on vectors."""

    def __init__(self, column: Column, swaps: Floats) -> None:
        self._upper, self._lower = column.upper.sum(axis=1), column.lower.sum(axis=1)
        self._moved_upper = np.ascontiguousarray((swaps @ column.upper.T).T)
        linear = column.is_linear
        self._moved_lower = None if linear else np.ascontiguousarray((swaps @ column.lower.T).T)

    def linear(self, a: int, b: int) -> int:
        """Swaps with ``|Σ a' − Σ b'| ≥ |Σ a − Σ b|``."""
        gap = self._upper[a] - self._upper[b]
        least = abs(gap) * (1 - _SLACK)
        moved = self._moved_upper[a] - self._moved_upper[b]
        # gap − 2 · moved lies outside (−least, least)
        inside = np.count_nonzero((moved > (gap - least) / 2) & (moved < (gap + least) / 2))
        return len(moved) - int(inside)

    def ratio(self, a: int, b: int) -> int:
        """Swaps with ``|u/l − u'/l'|`` at least as observed; u and l are those of a after the swap."""
        assert self._moved_lower is not None
        upper = self._moved_upper[b] - self._moved_upper[a]
        upper += self._upper[a]
        lower = self._moved_lower[b] - self._moved_lower[a]
        lower += self._lower[a]
        all_upper, all_lower = self._upper[a] + self._upper[b], self._lower[a] + self._lower[b]
        observed = abs(self._upper[a] * all_lower - all_upper * self._lower[a])
        scale = self._lower[a] * self._lower[b]
        if scale <= 0:
            return len(upper)
        least = observed / scale * (1 - _SLACK)
        # u/l − (U − u)/(L − l) = (u L − U l) / (l (L − l))
        other = all_lower - lower
        other *= lower
        other *= least
        upper *= all_lower
        lower *= all_upper
        upper -= lower
        np.abs(upper, out=upper)
        return int(np.count_nonzero(upper >= other))
