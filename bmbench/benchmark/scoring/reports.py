"""What `bmbench score` and `bmbench compare` answer, as records; as files hold them, and tables show them.

``to_json`` is what ``--json`` prints.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Struct

from bmbench.core.errors import BadInputError
from bmbench.core.files import read_json
from bmbench.metrics.protocol import GEOMETRIES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bmbench.core.types import GroundTruth, Predictions
    from bmbench.metrics import (
        Confusion,
        CountError,
        Evaluation,
        Froc,
        Geometry,
        LimitSweep,
        Localisation,
        Scores,
    )
    from bmbench.statistics.differences import Difference


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassReport:
    """Several classes of cells.

    Attributes
    ----------
    by_class, one_class : Evaluation
        Each class scored by itself, and all cells as one class.
    confusion : geometry → Confusion
        What is taken for what, where all cells are matched as one class.
    """

    by_class: Evaluation
    one_class: Evaluation
    confusion: Mapping[Geometry, Confusion]

    def to_json(self) -> dict[str, Any]:
        """Each class by itself, by geometry, and ``confusion``."""
        scores = self.by_class.to_json()
        return {**{geometry: scores[geometry] for geometry in GEOMETRIES}, "confusion": self._confusion()}

    def one_class_to_json(self) -> dict[str, Any]:
        """``localisation``, all cells as one class by geometry, and ``confusion``."""
        scores = {name: one.to_json() for name, one in by_geometry(self.one_class).items()}
        return {"localisation": scores, "confusion": self._confusion()}

    def _confusion(self) -> dict[str, Any]:
        return {name: table.to_json() for name, table in self.confusion.items()}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Details:
    """Of one geometry: how hits lie, how images are counted, FROC, scores by matching limit."""

    localisation: Localisation
    count_error: CountError
    froc: Froc
    sweep: LimitSweep

    def to_json(self) -> dict[str, Any]:
        """The details as JSON holds them."""
        counts, curve = self.count_error, self.froc
        return {
            "localisation": dataclasses.asdict(self.localisation),
            "count_error": {
                name: getattr(counts, name) for name in ("mean", "mean_absolute", "root_mean_square")
            },
            "froc": {
                "false_alarms_per_image": curve.rates.tolist(),
                "sensitivity": None if curve.mean is None else curve.at_rates.tolist(),
                "mean": curve.mean,
            },
            "sweep": dataclasses.asdict(self.sweep),
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreReport:
    """The scores of a predictions file.

    Attributes
    ----------
    evaluation : Evaluation
    classes : ClassReport or None
        Where several classes of cells were scored, each by itself.
    coco_summary : name → value, or None
        The twelve numbers of pycocotools, with its protocol.
    details : geometry → Details
        Empty unless they were asked for.
    notes : tuple of str
        What a reader should know of the rules.
    """

    evaluation: Evaluation
    classes: ClassReport | None = None
    coco_summary: Mapping[str, float | None] | None = None
    details: Mapping[Geometry, Details] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What ``bmbench score --json`` prints."""
        report = self.evaluation.to_json()
        if self.classes is not None:
            report |= self.classes.one_class_to_json()
        if self.coco_summary is not None:
            report["coco_summary"] = dict(self.coco_summary)
        if self.details:
            report["details"] = {name: details.to_json() for name, details in self.details.items()}
        return report | _noted(self.notes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ComparisonReport:
    """First minus second predictions file on the same ground truth.

    Attributes
    ----------
    names : (str, str)
        What was compared.
    evaluations : (Evaluation, Evaluation)
    differences : geometry → Difference or None
        With paired intervals; None where the geometry is not scored.
    notes : tuple of str
        As of a `ScoreReport`.
    """

    names: tuple[str, str]
    evaluations: tuple[Evaluation, Evaluation]
    differences: Mapping[Geometry, Difference | None]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What ``bmbench compare --json`` prints."""
        first, second = (evaluation.to_json() for evaluation in self.evaluations)
        return {
            "first": self.names[0],
            "second": self.names[1],
            **{name: first[name] for name in ("protocol", "images", "groups", "cells")},
            "scores": {
                side: {name: report[name] for name in ("threshold_source", "predictions", *GEOMETRIES)}
                for side, report in (("first", first), ("second", second))
            },
            **{name: None if one is None else one.to_json() for name, one in self.differences.items()},
            **_noted(self.notes),
        }


def by_geometry(evaluation: Evaluation) -> dict[Geometry, Scores]:
    """The scores of the geometries that are scored."""
    found: dict[Geometry, Scores | None] = {"bb": evaluation.bb, "cd": evaluation.cd}
    return {geometry: scores for geometry, scores in found.items() if scores is not None}


def is_by_class(evaluation: Evaluation) -> bool:
    """Whether several classes of cells were scored, each by itself."""
    return any(scores.classes for scores in by_geometry(evaluation).values())


def confusion_tables(
    truth: GroundTruth, predictions: Predictions, one_class: Evaluation
) -> dict[Geometry, Confusion]:
    """What is taken for what, by geometry, in an evaluation with all cells as one class."""
    from bmbench.metrics import confusion_table

    return {
        geometry: confusion_table(truth, predictions, scores)
        for geometry, scores in by_geometry(one_class).items()
    }


def _noted(notes: tuple[str, ...]) -> dict[str, list[str]]:
    return {"notes": list(notes)} if notes else {}


Record = TypeVar("Record")
Interval = tuple[float, float]


class RecordedScores(Struct, frozen=True, kw_only=True):
    """The scores by one matching rule; see `bmbench.metrics.Scores`."""

    limit: int | float
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
    ap_ci: Interval | None
    f1_ci: Interval | None
    macro_f1: float | None = None
    classes: dict[str, RecordedScores] = msgspec.field(default_factory=dict)


class RecordedRules(Struct, frozen=True, kw_only=True):
    """Scores by boxes and by centres; None where a rule is not scored."""

    bb: RecordedScores | None
    cd: RecordedScores | None

    @property
    def rules(self) -> dict[str, RecordedScores]:
        """The matching rules that are scored."""
        return {name: scores for name, scores in (("bb", self.bb), ("cd", self.cd)) if scores is not None}


class RecordedEvaluation(RecordedRules, frozen=True, kw_only=True):
    """The scores of a predictions file on a set of images; see `bmbench.metrics.Evaluation`."""

    images: int
    groups: int
    cells: int
    predictions: int
    threshold_source: str


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


class RecordedOtherSet(RecordedEvaluation, frozen=True, kw_only=True):
    """The ``metrics.json`` of a run that was applied unchanged to other images."""

    scale: Resizing
    best_f1: dict[str, float | None]


def read_recorded(path: Path, kind: type[Record]) -> Record:
    """A record of scores.

    Raises
    ------
    BadInputError
        If the file cannot be read, or does not hold such a record.
    """
    try:
        return msgspec.convert(read_json(path), kind)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise BadInputError("is not a run's record", where=str(path), got=str(error)) from None


def recorded(evaluation: Evaluation) -> RecordedEvaluation:
    """An evaluation as a file would hold it."""
    return msgspec.convert(evaluation.to_json(), RecordedEvaluation)


def recorded_confusion(confusion: Confusion) -> RecordedConfusion:
    """A table of what is taken for what as a file would hold it."""
    return msgspec.convert(confusion.to_json(), RecordedConfusion)
