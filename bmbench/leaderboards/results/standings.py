"""All results of a track to standings: intervals of differences, tests, rank sets, robustness."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from bmbench.core.types import Floats, Ints
from bmbench.leaderboards.results.cross_track_questions import artefact_modes, non_inferiority
from bmbench.leaderboards.results.record import SCORER_VERSION, Result
from bmbench.leaderboards.results.robustness import rule_rows
from bmbench.leaderboards.results.standings_record import (
    Gap,
    MetricStandings,
    PairRow,
    Place,
    Standings,
    Tests,
)
from bmbench.leaderboards.results.unit_columns import TrackUnits, metric_by_unit, ranked
from bmbench.leaderboards.tracks.manifest import Manifest
from bmbench.statistics.paired_tests import LEVEL, PairTests, paired_tests
from bmbench.statistics.planning import DetectableDifferences, detectable_differences
from bmbench.statistics.ranks import (
    MOST_SHOWN,
    RankSets,
    RankSpread,
    kendall_tau,
    order,
    rank_sets,
    rank_spread,
)
from bmbench.statistics.resampling import interval, percentiles
from bmbench.statistics.units import MetricByUnit, numbered

_TAU_REPLICATES = 200
_PLAN_REPLICATES = 1_000


def standings(
    manifest: Manifest, results: Sequence[Result], elsewhere: Mapping[str, Sequence[Result]] | None = None
) -> Standings:
    """The standings of a track from its full results; `elsewhere` holds the results of other tracks."""
    from bmbench.leaderboards.results.score_track import n_cells

    rivals = ranked(results)
    units = TrackUnits.of(manifest)
    partner = manifest.partner
    crossings = artefact_modes(manifest, rivals, units)
    if partner is not None and elsewhere and partner.track in elsewhere:
        there = ranked(elsewhere[partner.track])
        crossings += non_inferiority(manifest, rivals, there, units)
    return Standings(
        schema="bmbench.standings/1",
        track=manifest.name,
        track_version=manifest.version,
        scorer=SCORER_VERSION,
        replicates=manifest.replicates,
        unit=units.name,
        n_units=manifest.n_units,
        n_images=len(manifest.images),
        n_cells=n_cells(tuple(results)),
        few_units=units.few,
        metrics=_metrics(manifest, rivals, units),
        rules=rule_rows(manifest, rivals),
        crossings=crossings,
    )


def _metrics(manifest: Manifest, rivals: Sequence[Result], units: TrackUnits) -> tuple[MetricStandings, ...]:
    """One row a metric, two in work at a time: no metric knows of another one."""
    if not rivals:
        return ()
    with ThreadPoolExecutor(2) as pool:
        return tuple(pool.map(lambda name: _metric(manifest, name, rivals, units), manifest.metrics))


def _metric(manifest: Manifest, name: str, rivals: Sequence[Result], units: TrackUnits) -> MetricStandings:
    ids = [result.id for result in rivals]
    table = metric_by_unit(rivals, name, units.row)
    best_first = order(table.value, ids)
    tests = None
    if not units.few:
        tests = paired_tests(table, replicates=manifest.replicates, seed=manifest.seed)
    sets = rank_sets(table.value, tests, best_first)
    resampled = table.resampled(units.weights)
    spread = rank_spread(resampled)
    view = _View(
        rivals,
        name,
        best_first=best_first,
        sets=sets,
        spread=spread,
        resampled=resampled,
        tests=tests,
        left_out=table.resampled(_without_one(manifest, units)),
    )
    return MetricStandings(
        name=name,
        places=tuple(view.place(row) for row in best_first),
        tests=None if tests is None else _summary(tests),
        tau=_taus(table, resampled),
        plan=_plan(resampled, best_first, manifest.n_units),
        pairs=view.pairs() if len(rivals) <= MOST_SHOWN else None,
        rank_shares=view.shares(),
    )


def _without_one(manifest: Manifest, units: TrackUnits) -> Floats:
    """(units, drawn units) weights that leave out each of the track's own units in turn."""
    own = numbered(manifest.unit_names)
    kept = np.ones((manifest.n_units, units.draws.n_units))
    kept[own, units.row] = 0
    return kept


class _View:
    """The rows of one metric's table."""

    def __init__(
        self,
        rivals: Sequence[Result],
        name: str,
        *,
        best_first: Ints,
        sets: RankSets,
        spread: RankSpread,
        resampled: Floats,
        tests: PairTests | None,
        left_out: Floats,
    ) -> None:
        self._rivals, self._name, self._best_first = rivals, name, best_first
        self._sets, self._spread, self._resampled = sets, spread, resampled
        self._p: dict[tuple[int, int], float] = {}
        leader = int(best_first[0]) if len(best_first) else -1
        if tests is not None:
            shown = len(rivals) <= MOST_SHOWN
            rows = (
                np.arange(len(tests.p))
                if shown
                else np.flatnonzero((tests.first == leader) | (tests.second == leader))
            )
            keys = zip(tests.first[rows].tolist(), tests.second[rows].tolist(), strict=True)
            self._p = dict(zip(keys, tests.p_holm[rows].tolist(), strict=True))
        ranks = (-np.where(np.isfinite(left_out), left_out, -np.inf)).argsort(axis=1, kind="stable")
        self._ranks_left = np.argsort(ranks, axis=1, kind="stable") + 1

    def place(self, row: int) -> Place:
        sets, spread = self._sets, self._spread
        estimate = self._rivals[row].metrics[self._name]
        leader = int(self._best_first[0])
        left = self._ranks_left[:, row]
        return Place(
            id=self._rivals[row].id,
            value=estimate.value,
            interval=estimate.interval,
            seeds=estimate.seeds,
            ranks=(int(sets.first[row]), int(sets.last[row])),
            group=int(sets.group[row]),
            best=float(spread.best[row]),
            spread=(float(spread.low[row]), float(spread.median[row]), float(spread.high[row])),
            without_one=(int(left.min()), int(left.max())) if len(left) else (1, 1),
            to_leader=None if row == leader else self._gap(int(row), leader),
        )

    def pairs(self) -> tuple[PairRow, ...]:
        rows = []
        for place, first in enumerate(self._best_first):
            for other, second in enumerate(self._best_first[place + 1 :], place + 1):
                gap = self._gap(int(first), int(second))
                low, high = gap.interval or (None, None)
                rows.append(
                    PairRow(first=place, second=other, value=gap.value, low=low, high=high, p_holm=gap.p_holm)
                )
        return tuple(rows)

    def shares(self) -> tuple[tuple[float, ...], ...] | None:
        if self._spread.share is None:
            return None
        return tuple(tuple(self._spread.share[row].tolist()) for row in self._best_first)

    def _gap(self, first: int, second: int) -> Gap:
        values = [self._rivals[row].metrics[self._name].value for row in (first, second)]
        if values[0] is None or values[1] is None:
            return Gap(value=None, interval=None, p_holm=None)
        p = self._p.get((min(first, second), max(first, second)))
        return Gap(
            value=values[0] - values[1],
            interval=interval(self._resampled[:, first] - self._resampled[:, second]) or (0.0, 0.0),
            p_holm=None if p is None else float(f"{p:.3g}"),
        )


def _summary(tests: PairTests) -> Tests:
    n = len(tests.p)
    return Tests(
        n_pairs=n,
        n_apart=int((tests.p_holm <= LEVEL).sum()),
        smallest_p=tests.smallest,
        possible=n * tests.smallest <= LEVEL,
    )


def _taus(table: MetricByUnit, resampled: Floats) -> tuple[float, float, float] | None:
    taus = [kendall_tau(table.value, row) for row in resampled[:_TAU_REPLICATES]]
    defined = [tau for tau in taus if tau is not None]
    if not defined:
        return None
    low, middle, high = percentiles(np.array(defined)).tolist()
    return low, middle, high


def _plan(resampled: Floats, best_first: Ints, n_units: int) -> DetectableDifferences | None:
    """The plan from the standard errors of the differences between neighbours and to the leader."""
    if len(best_first) < 2:
        return None
    if len(best_first) > MOST_SHOWN:
        resampled = resampled[:_PLAN_REPLICATES]  # a standard error over hundreds of pairs needs no more
    ahead, behind = best_first[:-1], best_first[1:]
    gaps = np.concatenate(
        [
            resampled[:, ahead] - resampled[:, behind],
            resampled[:, best_first[:1]] - resampled[:, best_first[2:]],
        ],
        axis=1,
    )
    spread = float(np.median(np.nanstd(gaps, axis=0))) if np.isfinite(gaps).any() else 0.0
    n_pairs = len(best_first) * (len(best_first) - 1) // 2
    return detectable_differences(spread, n_units=n_units, n_pairs=n_pairs)
