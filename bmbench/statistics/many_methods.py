"""Many methods on few units: the best set, rank sets, and all pairs of a family declared before the results.

In this order a reader should see them: which may be the best takes k − 1 comparisons, where one stands k − 1,
and who is ahead of whom k (k − 1) / 2. Each answer may be wrong in 5 % of test sets at most, if the methods
vary alike. Not told apart is not equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bmbench.core.types import Bools, Floats, Ints
from bmbench.statistics.methods import Methods
from bmbench.statistics.pairs import MethodPairs, method_pairs

ERROR_RATE = 0.05
"""Of false claims, by answer: the best set, each row's rank set, all pairs together."""
RANGE_FROM = 30
"""Methods from which on pairs are held against the studentised range."""
_RANGE_DF = (*range(1, 31), 35, 40, 50, 60, 80, 120, 200)
"""Degrees of freedom that its quantile is computed for; between two of them the lower one is taken."""


def best_set(pairs: MethodPairs) -> Bools:
    """(k,) whether each method may be the best: with 95 % the best one is among them.

    A method is out if some other one is ahead of it by Student's t at 5 % / (k − 1), one-sided (Hsu, Ann Stat
    1981; 9: 1026, as paired comparisons). Those outside are not each shown to be worse than all those inside.
    """
    n_rivals = max(len(pairs.distinct) - 1, 1)
    beaten = np.any((pairs.p / 2 < ERROR_RATE / n_rivals) & pairs.ahead, axis=0)
    kept: Bools = ~beaten[pairs.original]
    return kept


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowRanks:
    """Which ranks each method may have; each row is right in 95 % of test sets, not all rows together.

    Attributes
    ----------
    first, last : (k,) int64
        One more than the methods that are ahead of it; all but those behind it.
    ahead, behind : (k, k) bool
        Whether the row's method is shown to be ahead of the column's, or behind it, within its row.
    """

    first: Ints
    last: Ints
    ahead: Bools
    behind: Bools


def rank_sets(pairs: MethodPairs) -> RowRanks:
    """The ranks that each method may have: Holm's correction inside its row, over its k − 1 comparisons."""
    kept = pairs.distinct
    p = pairs.p[np.ix_(kept, kept)]
    np.fill_diagonal(p, np.inf)
    order = np.argsort(p, axis=1, kind="stable")
    left = np.maximum(len(kept) - 1 - np.arange(len(kept)), 1)
    corrected = np.maximum.accumulate(np.take_along_axis(p, order, axis=1) * left, axis=1)
    told = np.empty(p.shape, bool)
    np.put_along_axis(told, order, corrected <= ERROR_RATE, axis=1)
    apart = _for_copies(pairs, told)
    ahead, behind = apart & pairs.ahead, apart & pairs.ahead.T
    return RowRanks(
        first=1 + behind.sum(axis=1), last=len(apart) - ahead.sum(axis=1), ahead=ahead, behind=behind
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AllPairs:
    """Which pairs of a family are told apart; the chance of any false claim is 5 % at most.

    Attributes
    ----------
    rows : (m,) int64
        The family, as rows of the methods.
    pairs : MethodPairs
        Of the family alone: what is said of it does not change with who else submits.
    apart : (m, m) bool
    p_corrected : (m, m) float64 or None
        Shaffer's; None from 30 methods on, where the studentised range decides.
    rule : str
        "Shaffer" or "studentised range".
    """

    rows: Ints
    pairs: MethodPairs
    apart: Bools
    p_corrected: Floats | None
    rule: str

    @property
    def ahead(self) -> Bools:
        """(m, m) whether the row is told apart from the column, and ahead of it."""
        return self.apart & self.pairs.ahead


def all_pairs(methods: Methods, family: Sequence[int] | Ints | None = None) -> AllPairs:
    """Which pairs of a family (rows of the methods; all by default) are told apart.

    Below 30 methods Shaffer's step-down (J Am Stat Assoc 1986; 81: 826) on the p-values of moderated t; from
    30 on |t| against the quantile of the studentised range over √2. From 20 on the variance that is expected
    of a pair depends on its level and gap: submissions far below, or wild ones, take nothing from the others.
    """
    rows = np.arange(len(methods.value)) if family is None else np.asarray(family, np.int64)
    pairs = method_pairs(methods.take(rows), by_level=True)
    kept = pairs.distinct
    first, second = (kept[part] for part in np.triu_indices(len(kept), 1))
    if len(kept) >= RANGE_FROM:
        with np.errstate(invalid="ignore", divide="ignore"):
            t = np.abs(pairs.difference) / np.sqrt(pairs.variance)
        told = (pairs.p < 1) & (t > range_quantile(len(kept), pairs.df) / np.sqrt(2))
        apart = _for_copies(pairs, told[np.ix_(kept, kept)])
        return AllPairs(rows=rows, pairs=pairs, apart=apart, p_corrected=None, rule="studentised range")
    corrected = np.ones(pairs.p.shape)
    corrected[first, second] = corrected[second, first] = shaffer(pairs.p[first, second], len(kept))
    corrected = corrected[np.ix_(pairs.original, pairs.original)]
    return AllPairs(
        rows=rows, pairs=pairs, apart=corrected <= ERROR_RATE, p_corrected=corrected, rule="Shaffer"
    )


def _for_copies(pairs: MethodPairs, found: Bools) -> Bools:
    """(k, k) what was found of different methods, for their copies too."""
    place = np.searchsorted(pairs.distinct, pairs.original)
    every: Bools = found[np.ix_(place, place)] & ~pairs.same
    return every


def shaffer(p: Floats, n_methods: int) -> Floats:
    """(m,) p-values of all pairs of methods after Shaffer's step-down correction.

    The r-th smallest is multiplied with the largest number of pairs that can all be equal while r − 1 pairs
    are not: with three methods 3, 1, 1, where Holm has 3, 2, 1.
    """
    possible = np.array(equalities(n_methods))
    m = len(p)
    left = m - np.arange(m)
    at_most = possible[np.searchsorted(possible, left, side="right") - 1]
    return stepped_down(p, at_most.astype(np.float64))


def holm(p: Floats) -> Floats:
    """(m,) p-values after Holm's step-down correction (Scand J Stat 1979; 6: 65)."""
    return stepped_down(p, len(p) - np.arange(len(p), dtype=np.float64))


def stepped_down(p: Floats, factors: Floats) -> Floats:
    """(m,) p-values, the r-th smallest times the r-th factor, none below one before it, at most 1."""
    order = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return corrected


@lru_cache(maxsize=64)
def equalities(n_methods: int) -> tuple[int, ...]:
    """How many pairs of n methods can be equal: sums of j (j − 1) / 2 over groups of j, ascending."""
    if n_methods < 2:
        return (0,)
    found = {j * (j - 1) // 2 + rest for j in range(1, n_methods + 1) for rest in equalities(n_methods - j)}
    return tuple(sorted(found))


def range_quantile(n_methods: int, df: Floats) -> Floats:
    """The 95 % quantile of the studentised range of n methods, for an array of degrees of freedom."""
    table = np.array(_RANGE_DF)
    place = np.searchsorted(table, np.maximum(np.round(df), 1), side="right") - 1
    quantile = {int(one): _range_quantile(n_methods, int(table[one])) for one in np.unique(place)}
    found: Floats = np.vectorize(quantile.__getitem__, otypes=[float])(place)
    return found


@lru_cache(maxsize=1024)
def _range_quantile(n_methods: int, df: int) -> float:
    from scipy.stats import studentized_range

    return float(studentized_range.ppf(1 - ERROR_RATE, n_methods, df))


def planned_pairs(pairs: MethodPairs, first: Sequence[int], second: Sequence[int]) -> Floats:
    """(m,) p-values of pairs that were planned before the results, after Holm over these alone."""
    return holm(pairs.p[np.asarray(first, np.int64), np.asarray(second, np.int64)])


def false_discovery_rates(p: Floats) -> Floats:
    """(m,) false discovery rate at which each p-value counts.

    Benjamini and Hochberg, J R Stat Soc B 1995; 57: 289. For a second display that says so: of claims up to 5
    % one in twenty is false, and some are nearly for sure.
    """
    m = len(p)
    order = np.argsort(-p, kind="stable")
    found = np.empty(m)
    found[order] = np.minimum(np.minimum.accumulate(p[order] * m / (m - np.arange(m))), 1.0)
    return found
