"""The standings of a hidden track: made of what was published alone, so they tell nothing more."""

from collections.abc import Sequence
from itertools import combinations
from statistics import NormalDist

import numpy as np

from bmbench.core.types import Ints
from bmbench.leaderboards.results.hidden_scores import Z95
from bmbench.leaderboards.results.record import Result
from bmbench.leaderboards.results.standings_record import (
    Gap,
    MetricStandings,
    PairRow,
    Place,
    Standings,
    Tests,
)
from bmbench.leaderboards.results.unit_columns import floats, ranked
from bmbench.leaderboards.tracks.manifest import Manifest
from bmbench.statistics.many_methods import holm
from bmbench.statistics.ranks import MOST_SHOWN, order

_LEVEL = 0.05


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
        replicates=table.replicates,
        unit=table.unit,
        n_units=table.n_units,
        n_images=table.n_images,
        n_cells=0,
        few_units=table.few_units,
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
        self.p = np.ones((len(rivals), len(rivals)))
        p = np.array([self._two_sided(a, b) for a, b in pairs])
        self.p[pairs[:, 0], pairs[:, 1]] = self.p[pairs[:, 1], pairs[:, 0]] = holm(p) if len(p) else p

    def _two_sided(self, a: int, b: int) -> float:
        gap, error = self.value[a] - self.value[b], float(np.hypot(self.error[a], self.error[b]))
        if not np.isfinite(gap) or not error:
            return 1.0
        return 2 * NormalDist().cdf(-abs(float(gap)) / error)

    def beats(self, a: int, b: int) -> bool:
        return bool(self.p[a, b] <= _LEVEL and self.value[a] > self.value[b])

    def gap(self, a: int, b: int) -> Gap:
        value = float(self.value[a] - self.value[b])
        if not np.isfinite(value):
            return Gap(value=None, interval=None, p_holm=None)
        half = Z95 * float(np.hypot(self.error[a], self.error[b]))
        return Gap(value=value, interval=(value - half, value + half), p_holm=float(f"{self.p[a, b]:.3g}"))


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
    groups = _groups(seen)
    return MetricStandings(
        name=name,
        places=tuple(_place(seen, row, ranks, groups) for row in seen.best_first.tolist()),
        tests=Tests(n_pairs=m * (m - 1) // 2, n_apart=sum(better), smallest_p=0.0, possible=True),
        tau=None,
        plan=None,
        pairs=_pairs(seen) if m <= MOST_SHOWN else None,
        rank_shares=None,
    )


def _groups(seen: _Seen) -> Ints:
    """Tie groups from 1: a leader and all behind it that are not significantly worse than it."""
    group, leader, number = np.zeros(len(seen.ids), np.int64), -1, 0
    for row in seen.best_first.tolist():
        if leader < 0 or seen.beats(leader, row):
            leader, number = row, number + 1
        group[row] = number
    return group


def _place(seen: _Seen, row: int, ranks: Sequence[tuple[int, int]], groups: Ints) -> Place:
    first, last = ranks[row]
    leader, one = int(seen.best_first[0]), seen.estimates[row]
    firsts = sum(rank[0] == 1 for rank in ranks)
    return Place(
        id=seen.ids[row],
        value=one.value,
        interval=one.interval,
        seeds=(),
        ranks=(first, last),
        group=int(groups[row]),
        best=1 / firsts if first == 1 else 0.0,
        spread=(float(first), (first + last) / 2, float(last)),
        without_one=(first, last),
        to_leader=None if row == leader else seen.gap(row, leader),
    )


def _pairs(seen: _Seen) -> tuple[PairRow, ...]:
    found = []
    for (place, first), (other, second) in combinations(enumerate(seen.best_first.tolist()), 2):
        gap = seen.gap(first, second)
        low, high = gap.interval or (None, None)
        found.append(
            PairRow(first=place, second=other, value=gap.value, low=low, high=high, p_holm=gap.p_holm)
        )
    return tuple(found)
