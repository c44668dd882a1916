"""All results of a track to standings: intervals, the best set, rank sets, pairs, robustness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bmbench.core.types import Ints
from bmbench.leaderboards.results.counted_cells import count_standings
from bmbench.leaderboards.results.cross_track_questions import artefact_modes, non_inferiority
from bmbench.leaderboards.results.record import SCORER_VERSION, Maybe, Result
from bmbench.leaderboards.results.robustness import rule_rows
from bmbench.leaderboards.results.standings_record import (
    Gap,
    MetricStandings,
    PairRow,
    Place,
    Seeds,
    Standings,
    TestedPairs,
)
from bmbench.leaderboards.results.unit_columns import (
    TrackUnits,
    floats,
    interval_of,
    methods_of,
    ranked,
    seeds_of,
)
from bmbench.leaderboards.tracks.manifest import Manifest
from bmbench.statistics.many_methods import AllPairs, RowRanks, all_pairs, best_set, rank_sets
from bmbench.statistics.pairs import MethodPairs, method_pairs
from bmbench.statistics.planning import findable_differences
from bmbench.statistics.ranks import order
from bmbench.statistics.seed_variance import SeedVariance
from bmbench.statistics.units import FEWEST_FOR_INTERVAL, FEWEST_UNITS

MOST_SHOWN = 40
"""Submissions up to which a board stores and draws what grows with their square."""


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
        schema="bmbench.standings/2",
        track=manifest.name,
        track_version=manifest.version,
        scorer=SCORER_VERSION,
        unit=units.name,
        n_units=units.n,
        n_images=len(manifest.images),
        n_cells=n_cells(tuple(results)),
        metrics=tuple(_metric(manifest, name, rivals, units) for name in manifest.metrics) if rivals else (),
        rules=rule_rows(manifest, rivals),
        crossings=crossings,
        counts=count_standings(results, units),
    )


def _metric(manifest: Manifest, name: str, rivals: Sequence[Result], units: TrackUnits) -> MetricStandings:
    seeds = seeds_of(rivals, name)
    methods = methods_of(rivals, name, units, seeds=seeds)
    pairs = method_pairs(methods)
    tested = units.n >= FEWEST_FOR_INTERVAL and len(rivals) > 1
    family = family_rows(manifest, rivals)
    every = all_pairs(methods, family) if units.n >= FEWEST_UNITS and len(family) > 1 else None
    best_first = order(methods.value, [result.id for result in rivals])
    view = _View(
        rivals,
        name,
        units=units,
        seeds=seeds,
        best_first=best_first,
        pairs=pairs,
        every=every,
        tested=tested,
    )
    return MetricStandings(
        name=name,
        tested=tested,
        places=tuple(view.place(int(row)) for row in best_first),
        family=None if every is None else _family(every),
        seeds=None if seeds is None else Seeds(sd=float(np.sqrt(seeds.variance)), df=seeds.df),
        plan=findable_differences(methods, pairs) if tested else None,
        pairs=view.all() if len(rivals) <= MOST_SHOWN else None,
    )


def family_rows(manifest: Manifest, rivals: Sequence[Result]) -> Ints:
    """(m,) rows of the submissions whose pairs are told apart: what the track declared before the results."""
    family = manifest.family
    if family == "all":
        return np.arange(len(rivals))
    if family == "teams":
        first: dict[str, tuple[tuple[str, int, str], int]] = {}
        for row, result in enumerate(rivals):
            team = "" if result.card is None else result.card.team.casefold()
            arrived = result.arrived if isinstance(result.arrived, str) else ""
            age = (arrived, result.attempt, result.id)
            if team not in first or age < first[team][0]:
                first[team] = (age, row)
        return np.array(sorted(row for _, row in first.values()), np.int64)
    return np.flatnonzero([result.id in family for result in rivals])


def _family(every: AllPairs) -> TestedPairs:
    kept = every.pairs.distinct
    upper = np.triu_indices(len(kept), 1)
    apart = every.apart[np.ix_(kept, kept)][upper]
    return TestedPairs(n=len(kept), rule=every.rule, n_pairs=len(apart), n_apart=int(apart.sum()))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Verdicts:
    """What the tests say of k methods, or that they say nothing."""

    best: list[bool]
    ranks: RowRanks | None


class _View:
    """The rows of one metric's table."""

    def __init__(
        self,
        rivals: Sequence[Result],
        name: str,
        *,
        units: TrackUnits,
        seeds: SeedVariance | None,
        best_first: Ints,
        pairs: MethodPairs,
        every: AllPairs | None,
        tested: bool,
    ) -> None:
        self._rivals, self._name, self._units, self._seeds = rivals, name, units, seeds
        self._best_first, self._pairs, self._every = best_first, pairs, every
        self._place_in_family = {} if every is None else {int(row): i for i, row in enumerate(every.rows)}
        self._found = _Verdicts(
            best=best_set(pairs).tolist() if tested else [True] * len(rivals),
            ranks=rank_sets(pairs) if tested else None,
        )
        without = np.array([floats(result.metrics[name].without or ()) for result in rivals])
        falling = (-np.where(np.isfinite(without), without, -np.inf)).argsort(axis=0, kind="stable")
        self._ranks_left = falling.argsort(axis=0, kind="stable") + 1

    def place(self, row: int) -> Place:
        result, leader = self._rivals[row], int(self._best_first[0])
        estimate = result.metrics[self._name]
        found = interval_of(result, self._name, self._units, self._seeds)
        ranks, left = self._found.ranks, self._ranks_left[row]
        original = int(self._pairs.original[row])
        return Place(
            id=result.id,
            value=estimate.value,
            interval=None if found is None else found.interval,
            seeds=estimate.seeds,
            best=self._found.best[row],
            ranks=(1, len(self._rivals)) if ranks is None else (int(ranks.first[row]), int(ranks.last[row])),
            same_as=None if original == row else self._rivals[original].id,
            without_one=(int(left.min()), int(left.max())) if left.size else (1, 1),
            to_leader=None if row == leader else self._gap(row, leader),
        )

    def all(self) -> tuple[PairRow, ...]:
        rows = []
        for place, first in enumerate(self._best_first):
            for other, second in enumerate(self._best_first[place + 1 :], place + 1):
                gap = self._gap(int(first), int(second))
                low, high = gap.interval or (None, None)
                rows.append(
                    PairRow(
                        first=place,
                        second=other,
                        value=gap.value,
                        low=low,
                        high=high,
                        p=gap.p,
                        apart=gap.apart,
                    )
                )
        return tuple(rows)

    def _gap(self, first: int, second: int) -> Gap:
        values = [self._rivals[row].metrics[self._name].value for row in (first, second)]
        if values[0] is None or values[1] is None:
            return Gap(value=None, interval=None, p=None, apart=None)
        interval = self._pairs.interval(first, second) if self._units.n >= FEWEST_FOR_INTERVAL else None
        p, apart = self._test(first, second)
        return Gap(value=values[0] - values[1], interval=interval, p=p, apart=apart)

    def _test(self, first: int, second: int) -> tuple[Maybe, bool | None]:
        """The corrected p-value in the family, and whether the two are told apart; None where untested."""
        if self._every is None or not {first, second} <= set(self._place_in_family):
            return None, None
        one, other = self._place_in_family[first], self._place_in_family[second]
        p = self._every.p_corrected
        return (
            None if p is None else float(f"{p[one, other]:.3g}"),
            bool(self._every.apart[one, other]),
        )
