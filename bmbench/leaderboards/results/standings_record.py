"""The standings of a track, `results/<track>/standings.json`: everything that compares submissions."""

from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from bmbench.core.files import read_bytes
from bmbench.core.misfits import misfit_error
from bmbench.leaderboards.results.record import AgreementRow, Maybe, Pair
from bmbench.statistics.planning import FindableDifferences


class Gap(Struct, frozen=True, kw_only=True):
    """A paired difference (first minus second) and its 95 % interval, of this pair alone.

    `p` is corrected over all pairs of the track's family; None outside it, and in families of 30 and more,
    whose pairs are held against the studentised range. `apart` says whether the two are told apart; None
    where no test was made.
    """

    value: Maybe
    interval: Pair | None
    p: Maybe
    apart: bool | None


class Place(Struct, frozen=True, kw_only=True):
    """One submission by one metric.

    `interval` holds what other units and other seeds would change. `best` says whether it may be the best
    (95 %), `ranks` which ranks the tests leave to it, `same_as` which submission it is a copy of,
    `without_one` its best and worst rank when one unit is left out.
    """

    id: str
    value: Maybe
    interval: Pair | None
    seeds: tuple[Maybe, ...]
    best: bool
    ranks: tuple[int, int]
    same_as: str | None
    without_one: tuple[int, int]
    to_leader: Gap | None


class PairRow(Struct, frozen=True, kw_only=True, array_like=True):
    """Two rows of the order, and the gap between them."""

    first: int
    second: int
    value: Maybe
    low: Maybe
    high: Maybe
    p: Maybe
    apart: bool | None


class TestedPairs(Struct, frozen=True, kw_only=True):
    """The different submissions whose pairs were tested, by which rule, and how many pairs are told apart."""

    n: int
    rule: str
    n_pairs: int
    n_apart: int


class Seeds(Struct, frozen=True, kw_only=True):
    """Standard deviation over the trainings of a method, pooled over the board, and its degrees."""

    sd: float
    df: int


class MetricStandings(Struct, frozen=True, kw_only=True):
    """The order of the submissions by one metric, best first.

    `tested` says whether there are units and submissions enough for a best set; `family` is None where pairs
    are not tested; `seeds` is None where no method has two trainings. `pairs` are there for boards of at most
    40 submissions.
    """

    name: str
    tested: bool
    places: tuple[Place, ...]
    family: TestedPairs | None
    seeds: Seeds | None
    plan: FindableDifferences | None
    pairs: tuple[PairRow, ...] | None


class RuleRow(Struct, frozen=True, kw_only=True):
    """One way to rank: who wins under it, and Kendall's tau with the track's own way."""

    kind: Literal["metric", "limit", "assignment", "aggregation"]
    rule: str
    winner: str | None
    tau: Maybe


class Crossing(Struct, frozen=True, kw_only=True):
    """A question across tracks or training modes, answered for one pair of submissions.

    `interval` is the 95 % one of the difference. `margin` and `units_needed` are those of a question that
    has a margin: two equal methods would be shown to be within it on so many units, in 4 of 5 cases.
    """

    question: Literal["weaker", "artefacts"]
    first: str
    second: str
    metric: str
    value: float
    interval: Pair | None
    p: Maybe
    verdict: str
    margin: Maybe = None
    units_needed: int | None = None


class CountStandings(Struct, frozen=True, kw_only=True):
    """Whether submissions and controls count the cells of each image, by id; nobody is ranked by it.

    `cells` is how many an image holds on average, `same_everywhere` the agreement of an answer that says this
    mean of every image.
    """

    rule: Literal["bb", "cd"]
    cells: float
    same_everywhere: AgreementRow
    rows: dict[str, AgreementRow]


class Standings(Struct, frozen=True, kw_only=True):
    """The standings of one track; `counts` is left out where no result tells them."""

    schema: Literal["bmbench.standings/2"]
    track: str
    track_version: int
    scorer: int
    unit: str
    n_units: int
    n_images: int
    n_cells: int
    metrics: tuple[MetricStandings, ...]
    rules: tuple[RuleRow, ...]
    crossings: tuple[Crossing, ...]
    counts: CountStandings | msgspec.UnsetType = msgspec.UNSET


def read_standings(path: Path) -> Standings:
    """A standings file; BadInputError if it is none."""
    try:
        return msgspec.json.decode(read_bytes(path), type=Standings)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        remedy = "make it anew: bmbench leaderboard score"
        raise misfit_error(error, "not standings", where=path, remedy=remedy) from None
