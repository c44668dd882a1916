"""Everything that one track's board shows, put in order once for Markdown and site."""

from collections.abc import Mapping
from dataclasses import dataclass

from bmbench.core.errors import BadInputError
from bmbench.leaderboards.boards import plots
from bmbench.leaderboards.boards.words import STATE_WORDS, costs_declared
from bmbench.leaderboards.results.patch_pictures import read_pictures
from bmbench.leaderboards.results.patches import Patches, read_patches
from bmbench.leaderboards.results.record import Result, read_result
from bmbench.leaderboards.results.standings_record import MetricStandings, Place, Standings, read_standings
from bmbench.leaderboards.submissions.problems import CODES, quoted
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import Manifest

MOST_ROWS = 100
"""Ranked submissions that tables without pages show; the others are in the CSV file of the track."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of the board: its result, and its place by every metric."""

    result: Result
    name: str
    places: Mapping[str, Place]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One track's board.

    `patches` are what submissions are shown on, `pictures` their pixels; None and () where there are none.
    `ranked` is best first; `controls` by value; `others` are failed, withdrawn, superseded and disputed.
    """

    manifest: Manifest
    table: Standings
    ranked: tuple[Entry, ...]
    controls: tuple[Entry, ...]
    others: tuple[Entry, ...]
    names: Mapping[str, str]
    patches: Patches | None = None
    pictures: tuple[bytes, ...] = ()

    @property
    def primary(self) -> MetricStandings | None:
        """The metric that ranks; None if nothing is ranked."""
        return self.table.metrics[0] if self.table.metrics else None

    @property
    def tested(self) -> bool:
        """Whether it has intervals, places and tests."""
        return self.primary is not None and self.primary.tested

    @property
    def rows(self) -> tuple[Entry, ...]:
        """The table: the ranked ones in their order, each control where its value stands."""
        metric = self.manifest.metrics[0]
        return tuple(sorted((*self.ranked, *self.controls), key=lambda entry: _worth(entry, metric)[:2]))

    @property
    def first_rows(self) -> tuple[Entry, ...]:
        """The rows of the table as far as pages show them whole: a hundred ranked ones, and every control."""
        kept = {entry.result.id for entry in self.ranked[:MOST_ROWS]}
        return tuple(entry for entry in self.rows if entry.result.control or entry.result.id in kept)

    @property
    def n_further(self) -> int:
        """How many ranked ones are not among the first rows."""
        return max(0, len(self.ranked) - MOST_ROWS)

    @property
    def dated(self) -> bool:
        """Whether the track keeps the days on which submissions came."""
        return any(isinstance(entry.result.arrived, str) for entry in self.ranked)

    @property
    def missing_controls(self) -> tuple[str, ...]:
        """Controls that the track names and nobody handed in."""
        there = {entry.result.id for entry in (*self.controls, *self.ranked)}
        return tuple(id_ for id_ in self.manifest.controls if id_ not in there)

    def images(self) -> dict[str, str]:
        """The plots: file name → SVG."""
        if self.primary is None or not any(entry.result.rules for entry in self.ranked):
            return {}
        results = [entry.result for entry in self.ranked]
        track = self.manifest.name
        files = {}
        if len(results) > 1:
            files[f"{track}-ranks.svg"] = plots.intervals(
                self.primary, self.names, [entry.result for entry in self.controls]
            )
        if len(results) > 1 and self.primary.family is not None and self.primary.pairs is not None:
            files[f"{track}-apart.svg"] = plots.pairs_apart(self.primary, self.names)
        for cost in costs_declared(results):
            files[f"{track}-cost-{cost.replace('_', '-')}.svg"] = plots.score_against_cost(
                self.primary, results, cost, self.names
            )
        for rule in sorted(results[0].rules, reverse=True):
            files[f"{track}-curves-{rule}.svg"] = plots.pr_curves(results, rule, self.names)
            files[f"{track}-limits-{rule}.svg"] = plots.sweeps(results, rule, self.names)
            files[f"{track}-faults-{rule}.svg"] = plots.faults(results, rule, self.names)
        return files


def read_page(board: Leaderboard, manifest: Manifest) -> Page:
    """The board of a track from its results.

    Raises
    ------
    BadInputError
        If the track was not scored, or its results are of another version.
    """
    path = board.standings(manifest.name)
    if not path.is_file():
        remedy = f"bmbench leaderboard score {board.path}"
        raise BadInputError("the track was not scored", where=str(path), remedy=remedy)
    table = read_standings(path)
    if table.track_version != manifest.version:
        raise BadInputError(
            "the standings are of another version of the track", where=str(path), remedy="score again"
        )
    results = [read_result(file) for file in board.result_files(manifest.name)]
    places = _places(table)
    names = _names(results)
    entries = {
        result.id: Entry(result=result, name=names[result.id], places=places.get(result.id, {}))
        for result in results
    }
    order = [place.id for place in table.metrics[0].places] if table.metrics else []
    lost = [id_ for id_ in order if id_ not in entries]
    if lost:
        raise BadInputError(
            "a result is missing", where=str(board.result(manifest.name, lost[0])), remedy="score again"
        )
    controls = [
        entry for entry in entries.values() if entry.result.control and entry.result.state == "published"
    ]
    patches = read_patches(board.patches(manifest.name))
    rest = [entry for id_, entry in entries.items() if id_ not in order and entry not in controls]
    return Page(
        manifest=manifest,
        table=table,
        ranked=tuple(entries[id_] for id_ in order),
        controls=tuple(sorted(controls, key=lambda entry: _worth(entry, manifest.metrics[0]))),
        others=tuple(sorted(rest, key=lambda entry: entry.result.id)),
        names=names,
        patches=patches,
        pictures=() if patches is None else read_pictures(board, manifest.name, len(patches.patches)),
    )


def reason(entry: Entry) -> str:
    """Why a submission is not ranked."""
    result = entry.result
    words = STATE_WORDS.get(result.state, result.state)
    if result.code is None:
        return words
    return f"{words}: BMB-{result.code} ({CODES.get(result.code, 'the scorer failed')})"


def _places(table: Standings) -> dict[str, dict[str, Place]]:
    """The place of every submission by every metric."""
    places: dict[str, dict[str, Place]] = {}
    for metric in table.metrics:
        for place in metric.places:
            places.setdefault(place.id, {})[metric.name] = place
    return places


def _worth(entry: Entry, metric: str) -> tuple[bool, float, str]:
    one = entry.result.metrics.get(metric)
    value = None if one is None else one.value
    return value is None, -(value or 0.0), entry.result.id


def _names(results: list[Result]) -> dict[str, str]:
    """A name for every id; the team, or the id of a control, is added where two would be the same."""
    names = {result.id: result.card.method if result.card else quoted(result.id)[1:-1] for result in results}
    seen: dict[str, int] = {}
    for name in names.values():
        seen[name.casefold()] = seen.get(name.casefold(), 0) + 1
    return {
        result.id: f"{names[result.id]} ({result.id if result.control else result.card.team})"
        if result.card and seen[names[result.id].casefold()] > 1
        else names[result.id]
        for result in results
    }
