"""Scores as files of runs hold them, typed: what tables are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from bmbench.metrics import Confusion, Evaluation

Interval = tuple[float, float]


class RecordedScores(Struct, frozen=True, kw_only=True):
    """The scores by one matching rule; see `bmbench.metrics.Scores`."""

    limit: int | float
    matched_by: str = ""
    ap: float | None
    f1: float | None
    precision: float | None
    recall: float | None
    threshold: float | None
    tp: int
    fp: int
    fn: int
    fp_artefact: int
    fp_duplicate: int
    fp_near: int
    fp_background: int
    fn_missed: int
    fn_artefact: int
    ap_ci: Interval | None
    f1_ci: Interval | None
    precision_ci: Interval | None = None
    recall_ci: Interval | None = None
    macro_f1: float | None = None
    macro_f1_ci: Interval | None = None
    no_interval: dict[str, str] = msgspec.field(default_factory=dict)
    classes: dict[str, RecordedScores] = msgspec.field(default_factory=dict)


class RecordedRules(Struct, frozen=True, kw_only=True):
    """Scores by boxes and by centres; None where a rule is not scored."""

    bb: RecordedScores | None
    cd: RecordedScores | None

    @property
    def rules(self) -> dict[str, RecordedScores]:
        """The matching rules that are scored."""
        return {name: scores for name, scores in (("bb", self.bb), ("cd", self.cd)) if scores is not None}


class RecordedInterval(Struct, frozen=True, kw_only=True):
    """How intervals were made; see `bmbench.metrics.scores.IntervalRule`."""

    unit: str
    units: int
    independent: bool = False


class RecordedEvaluation(RecordedRules, frozen=True, kw_only=True):
    """The scores of a predictions file on a set of images; see `bmbench.metrics.Evaluation`."""

    protocol: str
    images: int
    groups: int
    cells: int
    predictions: int
    threshold_source: str
    interval: RecordedInterval | None = None


class RecordedConfusion(Struct, frozen=True, kw_only=True):
    """What cells are taken for; see `bmbench.metrics.Confusion`."""

    threshold: float | None
    rows: list[str]
    columns: list[str]
    counts: list[list[int]]


class RecordedClasses(RecordedRules, frozen=True, kw_only=True):
    """Each class of cells by itself, and what is taken for what, by matching rule."""

    confusion: dict[str, RecordedConfusion]


class RecordedRun(RecordedEvaluation, frozen=True, kw_only=True):
    """The ``metrics.json`` of a run."""

    variants: dict[str, RecordedEvaluation]
    per_class: RecordedClasses | None = None


class Resizing(Struct, frozen=True, kw_only=True):
    """By what images were resized before a detector saw them, and what that rests on."""

    factor: float
    reason: str = msgspec.field(name="from")


class OtherSetFacts(Struct, frozen=True, kw_only=True):
    """What other images a detector was applied to."""

    asked: str
    dataset: str
    data_hash: str


class RecordedOtherSet(RecordedEvaluation, frozen=True, kw_only=True):
    """The ``metrics.json`` of a run that was applied unchanged to other images."""

    about: OtherSetFacts = msgspec.field(name="set")
    scale: Resizing
    best_f1: dict[str, float | None]


def recorded(evaluation: Evaluation) -> RecordedEvaluation:
    """An evaluation as a file would hold it."""
    return msgspec.convert(evaluation.to_json(), RecordedEvaluation)


def recorded_confusion(confusion: Confusion) -> RecordedConfusion:
    """A table of what is taken for what as a file would hold it."""
    return msgspec.convert(confusion.to_json(), RecordedConfusion)
