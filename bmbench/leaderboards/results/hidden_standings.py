"""The standings of a hidden track: made of what was published alone, so they tell nothing more."""

from collections.abc import Sequence
from itertools import combinations
from statistics import NormalDist

import numpy as np

from bmbench.leaderboards.results.hidden_scores import Z95
from bmbench.leaderboards.results.record import Result
from bmbench.leaderboards.results.standings import MOST_SHOWN
from bmbench.leaderboards.results.standings_record import (
    Gap,
    MetricStandings,
    PairRow,
    Place,
    Standings,
    TestedPairs,
)
from bmbench.leaderboards.results.unit_columns import floats, ranked
from bmbench.leaderboards.tracks.manifest import Manifest
from bmbench.statistics.many_methods import ERROR_RATE, holm
from bmbench.statistics.ranks import order


def hidden_standings(table: Standings, manifest: Manifest, results: Sequence[Result]) -> Standings:
    """The standings from published results; of the exact ones only what the track itself says is kept.

    Two submissions differ by the difference of their scores, with the half-widths of both in its error:
    that is wider than a paired test is, since what both find alike is not known. Exact tests come when the
    track retires.
    """
    rivals = ranked(results)
    metrics = tuple(_metric(name, rivals) for name in manifest.metrics) if rivals else ()
    return Standings(
        schema=table.schema,
        track=table.track,
        track_version=table.track_version,
        scorer=table.scorer,
        unit=table.unit,
        n_units=table.n_units,
        n_images=table.n_images,
        n_cells=0,
        metrics=metrics,
        rules=(),
        crossings=(),
    )


class _Seen:
    """The published scores of one metric, and what they say of each pair."""

    def __init__(self, name: str, rivals: Sequence[Result]) -> None:
        self.estimates = [result.metrics[name] for result in rivals]
        self.ids = [result.id for result in rivals]
        self.value = floats([one.value for one in self.estimates])
        self.error = np.array([_error(one.value, one.interval) for one in self.estimates])
        self.best_first = order(self.value, self.ids)
        pairs = np.array(list(combinations(range(len(rivals)), 2)), np.int64).reshape(-1, 2)
        p = np.array([self._two_sided(a, b) for a, b in pairs])
        self.alone, self.p = np.ones((2, len(rivals), len(rivals)))
        for table, values in ((self.alone, p), (self.p, holm(p) if len(p) else p)):
            table[pairs[:, 0], pairs[:, 1]] = table[pairs[:, 1], pairs[:, 0]] = values

    def _two_sided(self, a: int, b: int) -> float:
        gap, error = self.value[a] - self.value[b], float(np.hypot(self.error[a], self.error[b]))
        if not np.isfinite(gap) or not error:
            return 1.0
        return 2 * NormalDist().cdf(-abs(float(gap)) / error)

    def beats(self, a: int, b: int) -> bool:
        return bool(self.p[a, b] <= ERROR_RATE and self.value[a] > self.value[b])

    def may_be_best(self, row: int) -> bool:
        """Whether no other one is ahead by a one-sided test at 5 % / (k − 1), as in `best_set`."""
        ahead = self.value > self.value[row]
        most = ERROR_RATE / max(len(self.ids) - 1, 1)
        return not bool((ahead & (self.alone[row] / 2 < most)).any())

    def gap(self, a: int, b: int) -> Gap:
        value = float(self.value[a] - self.value[b])
        if not np.isfinite(value):
            return Gap(value=None, interval=None, p=None, apart=None)
        half = Z95 * float(np.hypot(self.error[a], self.error[b]))
        p = float(f"{self.p[a, b]:.3g}")
        return Gap(value=value, interval=(value - half, value + half), p=p, apart=p <= ERROR_RATE)


def _error(value: float | None, interval: tuple[float, float] | None) -> float:
    """The standard error that a published interval stands for; its ends may be cut off at 0 and 1."""
    if value is None or interval is None:
        return 0.0
    return max(value - interval[0], interval[1] - value) / Z95


def _metric(name: str, rivals: Sequence[Result]) -> MetricStandings:
    seen, m = _Seen(name, rivals), len(rivals)
    rows = range(m)
    better = [sum(seen.beats(other, row) for other in rows) for row in rows]
    worse = [sum(seen.beats(row, other) for other in rows) for row in rows]
    ranks = [(1 + better[row], m - worse[row]) for row in rows]
    n_pairs = m * (m - 1) // 2
    tested = TestedPairs(n=m, rule="Holm", n_pairs=n_pairs, n_apart=sum(better))
    return MetricStandings(
        name=name,
        tested=m > 1,
        places=tuple(_place(seen, row, ranks[row]) for row in seen.best_first.tolist()),
        family=tested if m > 1 else None,
        seeds=None,
        plan=None,
        pairs=_pairs(seen) if m <= MOST_SHOWN else None,
    )


def _place(seen: _Seen, row: int, ranks: tuple[int, int]) -> Place:
    leader, one = int(seen.best_first[0]), seen.estimates[row]
    return Place(
        id=seen.ids[row],
        value=one.value,
        interval=one.interval,
        seeds=(),
        best=seen.may_be_best(row),
        ranks=ranks,
        same_as=None,
        without_one=ranks,
        to_leader=None if row == leader else seen.gap(row, leader),
    )


def _pairs(seen: _Seen) -> tuple[PairRow, ...]:
    found = []
    for (place, first), (other, second) in combinations(enumerate(seen.best_first.tolist()), 2):
        gap = seen.gap(first, second)
        low, high = gap.interval or (None, None)
        found.append(
            PairRow(first=place, second=other, value=gap.value, low=low, high=high, p=gap.p, apart=gap.apart)
        )
    return tuple(found)
