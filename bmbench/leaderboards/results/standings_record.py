"""The standings of a track, `results/<track>/standings.json`: everything that compares submissions."""

from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from bmbench.core.errors import BadInputError
from bmbench.core.files import read_bytes
from bmbench.leaderboards.results.record import Maybe, Pair
from bmbench.statistics.planning import DetectableDifferences


class Gap(Struct, frozen=True, kw_only=True):
    """A paired difference (first minus second), its 95 % interval, and its p-value after Holm."""

    value: Maybe
    interval: Pair | None
    p_holm: Maybe


class Place(Struct, frozen=True, kw_only=True):
    """One submission by one metric.

    `ranks` is the rank set that the tests leave, `spread` the 2.5 %, 50 % and 97.5 % of its ranks when
    units are drawn again, `without_one` its best and worst rank when one unit is left out.
    """

    id: str
    value: Maybe
    interval: Pair | None
    seeds: tuple[Maybe, ...]
    ranks: tuple[int, int]
    group: int
    best: float
    spread: tuple[float, float, float]
    without_one: tuple[int, int]
    to_leader: Gap | None


class PairRow(Struct, frozen=True, kw_only=True, array_like=True):
    """Two rows of the order, and the gap between them."""

    first: int
    second: int
    value: Maybe
    low: Maybe
    high: Maybe
    p_holm: Maybe


class Tests(Struct, frozen=True, kw_only=True):
    """What was tested, and how many pairs could be told apart."""

    n_pairs: int
    n_apart: int
    smallest_p: float
    possible: bool


class MetricStandings(Struct, frozen=True, kw_only=True):
    """The order of the submissions by one metric, best first.

    `tau` is the 2.5 %, 50 % and 97.5 % of Kendall's tau between this order and those of replicates.
    `pairs` and `rank_shares` are there for boards of at most 40 submissions.
    """

    name: str
    places: tuple[Place, ...]
    tests: Tests | None
    tau: tuple[float, float, float] | None
    plan: DetectableDifferences | None
    pairs: tuple[PairRow, ...] | None
    rank_shares: tuple[tuple[float, ...], ...] | None


class RuleRow(Struct, frozen=True, kw_only=True):
    """One way to rank: who wins under it, and Kendall's tau with the track's own way."""

    kind: Literal["metric", "limit", "assignment", "aggregation"]
    rule: str
    winner: str | None
    tau: Maybe


class Crossing(Struct, frozen=True, kw_only=True):
    """A question across tracks or training modes, answered for one pair of submissions."""

    question: Literal["weaker", "artefacts"]
    first: str
    second: str
    metric: str
    value: float
    interval: Pair
    level: float
    p: Maybe
    verdict: str


class Standings(Struct, frozen=True, kw_only=True):
    """The standings of one track; `few_units` says that no patient-level statement is possible."""

    schema: Literal["bmbench.standings/1"]
    track: str
    track_version: int
    scorer: int
    replicates: int
    unit: str
    n_units: int
    n_images: int
    n_cells: int
    few_units: bool
    metrics: tuple[MetricStandings, ...]
    rules: tuple[RuleRow, ...]
    crossings: tuple[Crossing, ...]


def read_standings(path: Path) -> Standings:
    """A standings file; BadInputError if it is none."""
    try:
        return msgspec.json.decode(read_bytes(path), type=Standings)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadInputError("not standings", where=str(path), got=str(error)) from None
