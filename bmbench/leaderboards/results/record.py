"""The result of one submission, `results/<track>/<id>.json`, and its canonical form."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from bmbench.core.files import read_bytes
from bmbench.core.misfits import misfit_error

SCORER_VERSION = 3
"""Raised by every change that can move a published number; results of older scorers are made again."""

State: TypeAlias = Literal[
    "received", "valid", "scored", "published", "failed", "withdrawn", "superseded", "disputed"
]
"""Only published results are ranked.

received → valid → scored → published; failed (with a code) from received or valid; withdrawn, superseded
and disputed from published.
"""

Pair: TypeAlias = tuple[float, float]
Maybe: TypeAlias = float | None


class MetricResult(Struct, frozen=True, kw_only=True):
    """One metric: the mean over the seeds, its 95 % interval over units, the value of each seed.

    `without` is the mean without each unit in turn, in the order of the units' names: intervals and tests
    of the board are made from it (`statistics.jackknife`). A hidden track does not publish it.
    """

    value: Maybe
    interval: Pair | None
    seeds: tuple[Maybe, ...]
    without: tuple[Maybe, ...] | None = None


class Outcomes(Struct, frozen=True, kw_only=True):
    """Counts of one matching rule at the threshold, as means over seeds."""

    limit: float
    precision: Maybe
    recall: Maybe
    tp: float
    fp: float
    fn: float
    fp_artefact: float
    fp_duplicate: float
    fp_near: float
    fp_background: float
    fn_missed: float
    fn_artefact: float


class CurveBand(Struct, frozen=True, kw_only=True):
    """Precision (envelope) at 101 recalls from 0 to 1, with its 95 % band; means over seeds."""

    precision: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class ImageTallies(Struct, frozen=True, kw_only=True):
    """What each image contributes, in the order of the track's images; sums over seeds."""

    cells: tuple[int, ...]
    tp: tuple[int, ...]
    fp: tuple[int, ...]


class RuleResult(Struct, frozen=True, kw_only=True):
    """Everything by one matching rule ("bb" or "cd"); `sweep` is F1 at other limits."""

    outcomes: Outcomes
    curve: CurveBand
    sweep: tuple[tuple[float, Maybe], ...]
    hungarian_f1: Maybe
    images: ImageTallies | None


class AgreementRow(Struct, frozen=True, kw_only=True):
    """How a number of every image, or a class's percentage of every unit, agrees with the truth.

    Of each training by itself, then the mean over them: one network is what a laboratory runs.

    Attributes
    ----------
    bias, low, high : float or None
        Found minus true on average, and between which limits 95 % of the differences lie.
    off_by, off_by_percent : float or None
        The difference without sign, and in per cent of the truth where there is any.
    concordance : float or None
        Lin's coefficient.
    bias_interval, low_interval, high_interval, concordance_interval : (low, high) or None
        95 %; those of limits and concordance are known of a single training on independent images alone.
    within : float or None
        Of a class: the share of units whose percentage lies within the binomial limits of the true count.
    """

    bias: Maybe
    bias_interval: Pair | None
    low: Maybe
    low_interval: Pair | None
    high: Maybe
    high_interval: Pair | None
    off_by: Maybe
    off_by_percent: Maybe
    concordance: Maybe
    concordance_interval: Pair | None
    within: Maybe = None


class CountTallies(Struct, frozen=True, kw_only=True):
    """Cells that each seed counts on each of the track's images, by one matching rule.

    `classes` holds the agreement of the percentages of each class over the track's units; it is empty where
    there is one class, or where the predictions do not tell several apart.
    """

    rule: Literal["bb", "cd"]
    found: tuple[tuple[int, ...], ...]
    classes: dict[str, AgreementRow] = {}


class CardFacts(Struct, frozen=True, kw_only=True):
    """What the board shows of the card.

    `settings` is the SHA-256 of the method's parameters: two submissions with the same one are the same
    method, trained in another way. None where the card names none. What it takes to answer is left out where
    the card does not say it, so that results of cards that say nothing stay as they are.
    """

    method: str
    team: str
    family: str
    annotations: str
    artefacts: str
    external_data: bool
    settings: str | None = None
    threshold_chosen_on: str
    n_seeds: int
    code_url: str | None
    commit: str | None
    dirty: bool | None
    hardware: str | None
    train_hours: float | None
    ms_per_image: float | msgspec.UnsetType = msgspec.UNSET
    parameters_millions: float | msgspec.UnsetType = msgspec.UNSET
    peak_memory_gb: float | msgspec.UnsetType = msgspec.UNSET
    paper: str | msgspec.UnsetType = msgspec.UNSET


class Digests(Struct, frozen=True, kw_only=True):
    """SHA-256 of everything that went in; of a hidden truth its commitment."""

    card: str
    predictions: tuple[str, ...]
    track: str
    truth: str


class Result(Struct, frozen=True, kw_only=True):
    """One result file.

    `code` says why a submission failed. `interval_unit` is what varies in the intervals: the track's unit.
    `arrived` is when the branch took the submission (ISO 8601, UTC), on tracks that count attempts in time.
    `counts` is left out by hidden tracks; older files do not have it.
    """

    schema: Literal["bmbench.result/2"]
    id: str
    track: str
    track_version: int
    scorer: int
    state: State
    digests: Digests | None
    card: CardFacts | None
    control: bool = False
    code: str | None = None
    attempt: int = 1
    interval_unit: str | None = None
    metrics: dict[str, MetricResult] = {}
    rules: dict[str, RuleResult] = {}
    arrived: str | msgspec.UnsetType = msgspec.UNSET
    counts: CountTallies | msgspec.UnsetType = msgspec.UNSET


def canonical(value: Struct) -> bytes:
    """The one way to write a record: keys sorted, no space, floats at most 9 significant digits.

    Raises
    ------
    ValueError
        If it holds a number that is not finite.
    """
    plain = _rounded(msgspec.to_builtins(value))
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def digest(data: bytes) -> str:
    """The SHA-256 as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def read_result(path: Path) -> Result:
    """A result file; BadInputError if it is none."""
    try:
        return msgspec.json.decode(read_bytes(path), type=Result)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        remedy = "make it anew: bmbench leaderboard score"
        raise misfit_error(error, "not a result", where=path, remedy=remedy) from None


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a result holds a number that is not finite")
        # Nine digits: sums in another order on another machine differ in the last of seventeen.
        short = float(f"{value:.9g}") + 0.0
        return int(short) if short.is_integer() and abs(short) < 2**53 else short
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(inner) for inner in value]
    return value
