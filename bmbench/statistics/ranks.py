"""Ranks that say no more than the tests do."""

from dataclasses import dataclass

import numpy as np

from bmbench.core.types import Bools, Floats, Ints
from bmbench.statistics.paired_tests import LEVEL, PairTests
from bmbench.statistics.resampling import percentiles


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RankSets:
    """Which ranks each submission may have; row i of every column is submission i.

    Attributes
    ----------
    first, last : (m,) int64
        One more than the submissions that are significantly better; all but those significantly worse.
    group : (m,) int64
        Tie group from 1: the group's leader and all behind it that are not significantly worse than it.
    beats : (m, m) bool
        Row is significantly better than column.
    """

    first: Ints
    last: Ints
    group: Ints
    beats: Bools


def order(value: Floats, ids: list[str]) -> Ints:
    """Rows from best to worst; undefined values last, equal ones by id."""
    keys = [
        (not np.isfinite(v), -v if np.isfinite(v) else 0.0, id_) for v, id_ in zip(value, ids, strict=True)
    ]
    return np.array(sorted(range(len(ids)), key=keys.__getitem__), np.int64)


def rank_sets(value: Floats, tests: PairTests | None, best_first: Ints) -> RankSets:
    """The rank sets of a metric; without tests nothing is told apart."""
    m = len(value)
    beats = np.zeros((m, m), bool)
    if tests is not None:
        rows = np.flatnonzero(tests.p_holm <= LEVEL)
        a, b = tests.first[rows], tests.second[rows]
        a_first = value[a] > value[b]
        beats[np.where(a_first, a, b), np.where(a_first, b, a)] = True
    return RankSets(
        first=1 + beats.sum(axis=0),
        last=m - beats.sum(axis=1),
        group=_tie_groups(beats, best_first),
        beats=beats,
    )


def _tie_groups(beats: Bools, best_first: Ints) -> Ints:
    group = np.zeros(len(best_first), np.int64)
    leader, number = -1, 0
    for row in best_first:
        if leader < 0 or beats[leader, row]:
            leader, number = row, number + 1
        group[row] = number
    return group


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RankSpread:
    """Where each submission ranks when the units are drawn again; row i of every column is submission i.

    Attributes
    ----------
    best : (m,) float64
        Share of the replicates in which it is first (equal first ones share it).
    low, median, high : (m,) float64
        2.5 %, 50 % and 97.5 % of its ranks.
    share : (m, m) float64
        Share of the replicates in which it has rank j + 1; only for boards of at most `MOST_SHOWN`.
    """

    best: Floats
    low: Floats
    median: Floats
    high: Floats
    share: Floats | None


_MANY = 100
"""Values beyond which a table of all pairs is slower than counting inversions."""
MOST_SHOWN = 40
"""Submissions up to which a board stores and draws what grows with their square."""


def rank_spread(resampled: Floats) -> RankSpread:
    """The ranks in each of n replicates, (n, m) resampled values; undefined ones rank last."""
    n, m = resampled.shape
    values = np.where(np.isfinite(resampled), resampled, -np.inf)
    top = values == values.max(axis=1, keepdims=True)
    best = (top / top.sum(axis=1, keepdims=True)).mean(axis=0)
    ranks = np.empty((n, m), np.int32)
    np.put_along_axis(
        ranks,
        np.argsort(-values, axis=1, kind="stable"),
        np.arange(1, m + 1, dtype=np.int32)[None, :],
        axis=1,
    )
    low, median, high = percentiles(ranks, whole=True)
    share = None
    if m <= MOST_SHOWN:
        share = np.stack([np.bincount(column - 1, minlength=m) for column in ranks.T]) / n
    return RankSpread(best=best, low=low, median=median, high=high, share=share)


def kendall_tau(first: Floats, second: Floats) -> float | None:
    """Kendall's tau-b between two rules; None if either sees no difference at all (Kendall 1945)."""
    defined = np.isfinite(first) & np.isfinite(second)
    x, y = first[defined], second[defined]
    if len(x) < 2 or len(set(x.tolist())) < 2 or len(set(y.tolist())) < 2:
        return None
    if len(x) > _MANY:
        from scipy.stats import kendalltau

        return float(kendalltau(x, y).statistic)
    a, b = np.sign(x[:, None] - x[None, :]), np.sign(y[:, None] - y[None, :])
    agree = float((a * b).sum())
    return agree / float(np.sqrt((a * a).sum() * (b * b).sum()))
