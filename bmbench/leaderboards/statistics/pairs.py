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
from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.leaderboards.statistics.draws import coin_flips, every_swap

if TYPE_CHECKING:
    from bmbench.core.types import Bools, Floats, Ints
    from bmbench.leaderboards.statistics.entries import Column

LEVEL = 0.05
FEWEST_UNITS = 6
"""Units from which on a two-sided p-value can be below 0.05: the smallest one is 2 / 2^units."""
_SLACK = 1e-9
"""Relative difference up to which two statistics are equal: equal swaps must count as equal."""
_CHUNK = 10_000
_PAIRS, _SWAPS = 256, 1_000
"""Pairs and swaps in work at a time: about a megabyte, which stays near the processor."""
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


def paired_tests(column: Column, *, replicates: int, seed: int) -> PairTests | None:
    """The tests of all pairs; None if there are too few units for any p-value below the level."""
    n_methods, n_units = column.upper.shape
    if n_units < FEWEST_UNITS:
        return None
    first, second = (part.astype(np.int64) for part in np.triu_indices(n_methods, 1))
    exact = 2 ** (n_units - 1) <= replicates
    swaps = every_swap(n_units) if exact else coin_flips(n_units, replicates, seed=seed)
    hasty = not exact and len(first) > _MANY
    count, seen = _exceeding(column, first, second, swaps, hasty=hasty)
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
        total += _exceeding(column, first, second, swaps)[0]
    p[near] = (total + 1) / (more + 1)
    return 1 / (more + 1)


def _exceeding(
    column: Column, first: Ints, second: Ints, swaps: Floats, *, hasty: bool = False
) -> tuple[Ints, Ints]:
    """(k,) swaps whose difference is at least the observed one, and (k,) swaps looked at, for each pair."""
    found, seen = np.zeros(len(first), np.int64), np.zeros(len(first), np.int64)
    turned = np.ascontiguousarray(swaps.T)
    rough = turned.astype(np.float32)

    def work(start: int) -> None:
        rows = slice(start, start + _PAIRS)
        block = _Block(column, first[rows], second[rows], hasty=hasty)
        found[rows], seen[rows] = block.count(turned, rough)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(0, len(first), _PAIRS)))
    return found, seen


class _Block:
    """Some pairs, and how their differences move.

    After a swap the first one has the sums u and l, the second one U − u and L − l, and their difference is
    (u L − U l) / (l (L − l)). The numerator is linear in the swaps: one product of matrices gives it for
    all swaps and pairs. The denominator lies between bounds that are close together, so for nearly all
    swaps the numerator alone tells whether the difference is reached; the others are worked out.
    """

    def __init__(self, column: Column, first: Ints, second: Ints, *, hasty: bool) -> None:
        self._hasty = hasty
        upper, lower = column.upper, column.lower
        self._own_lower = lower[first].sum(1)
        self._all_lower = self._own_lower + lower[second].sum(1)
        own_upper = upper[first].sum(1)
        all_upper = own_upper + upper[second].sum(1)
        self._at_rest = own_upper * self._all_lower - all_upper * self._own_lower
        self._step = lower[second] - lower[first]
        self._moved = (upper[second] - upper[first]) * self._all_lower[:, None]
        self._moved -= self._step * all_upper[:, None]
        self._scale = self._own_lower * (self._all_lower - self._own_lower)
        observed = np.abs(self._at_rest) / np.where(self._scale > 0, self._scale, 1)
        self._least = observed * (1 - _SLACK)
        most = self._all_lower**2 / 4
        # What single precision may be wrong by; between the two bounds the denominator decides.
        margin = 1e-4 * np.abs(self._moved).sum(1)
        self._sure = self._least * most + margin
        self._possible = self._least * (most - np.abs(self._step).sum(1) ** 2 / 4) - margin

    def count(self, swaps: Floats, rough: Any) -> tuple[Ints, Ints]:
        """(k,) counts over (units, n) swaps, and the swaps looked at; `rough` is them in single precision.

        Where `_MANY` pairs are tested, a pair that is above the level after the first swaps is left there:
        no correction makes it smaller.
        """
        n = swaps.shape[1]
        count, seen = np.zeros(len(self._scale), np.int64), np.zeros(len(self._scale), np.int64)
        rows = np.arange(len(count))
        for start in range(0, n, _SWAPS):
            part = slice(start, start + _SWAPS)
            seen[rows] += len(rough[0, part])
            count[rows] += self._reached(rows, swaps[:, part], rough[:, part])
            if self._hasty:
                rows = rows[count[rows] < LEVEL * seen[rows]]
        undefined = self._scale <= 0
        count[undefined] = seen[undefined]
        return count, seen

    def _reached(self, rows: Ints, swaps: Floats, rough: Any) -> Ints:
        """(k,) how many swaps reach the observed difference.

        The numerators in single precision settle nearly all; only those between the bounds are worked out.
        """
        numerator = self._moved[rows].astype(np.float32) @ rough
        numerator += self._at_rest[rows, None].astype(np.float32)
        np.abs(numerator, out=numerator)
        count = np.zeros(len(rows), np.int64)
        near = np.flatnonzero(numerator.max(axis=1) >= self._possible[rows])
        numerator = numerator[near]
        sure = numerator >= self._sure[rows[near], None].astype(np.float32)
        count[near] = np.count_nonzero(sure, axis=1)
        unsure = (numerator >= self._possible[rows[near], None].astype(np.float32)) & ~sure
        place, swap = np.nonzero(unsure)
        reached = self._reaches(rows[near[place]], swaps.T[swap])
        count[near] += np.bincount(place[reached], minlength=len(near))
        return count

    def _reaches(self, rows: Ints, swaps: Floats) -> Bools:
        """(n,) whether each of (n, units) swaps, one for each of (n,) rows, reaches that row's difference."""
        numerator = np.einsum("ij,ij->i", self._moved[rows], swaps) + self._at_rest[rows]
        lower = np.einsum("ij,ij->i", self._step[rows], swaps) + self._own_lower[rows]
        bound = self._least[rows] * lower * (self._all_lower[rows] - lower)
        reached: Bools = np.abs(numerator) >= bound
        return reached
