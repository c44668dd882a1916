"""What `bmbench score` and `bmbench compare` answer, as records; ``to_json`` is what ``--json`` prints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bmbench.metrics.protocol import GEOMETRIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bmbench.benchmark.scoring.chosen_point import ChosenPoint
    from bmbench.benchmark.scoring.class_points import ClassPoints
    from bmbench.benchmark.scoring.details import Details
    from bmbench.benchmark.scoring.raters import RatersReport
    from bmbench.core.types import GroundTruth, Predictions
    from bmbench.metrics import Confusion, Evaluation, Geometry, Scores
    from bmbench.metrics.scores import IntervalRule
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
class ScoreReport:
    """The scores of a predictions file.

    Attributes
    ----------
    evaluation : Evaluation
    classes : ClassReport or None
        Where several classes of cells were scored, each by itself.
    coco_summary : name → value, or None
        The twelve numbers of pycocotools, with its protocol.
    challenge : name → value, or None
        What the evaluator of a named protocol reports beside.
    details : geometry → Details
        Empty unless they were asked for.
    metrics : geometry → name → value
        What scorers of other packages say, where they were asked for.
    point : ChosenPoint or None
        How the threshold was chosen, where a recall or a precision was wanted.
    class_points : ClassPoints or None
        Each class at a threshold of its own, where one was wanted for each.
    raters : RatersReport or None
        Where several raters were given.
    notes : tuple of str
        What a reader should know of the rules.
    """

    evaluation: Evaluation
    classes: ClassReport | None = None
    coco_summary: Mapping[str, float | None] | None = None
    challenge: Mapping[str, float | None] | None = None
    details: Mapping[Geometry, Details] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    point: ChosenPoint | None = None
    class_points: ClassPoints | None = None
    raters: RatersReport | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What ``bmbench score --json`` prints."""
        report = self.evaluation.to_json()
        if self.point is not None:
            report["at"] = self.point.to_json()
        if self.class_points is not None:
            report["at"]["by_class"] = self.class_points.to_json()
        if self.classes is not None:
            report |= self.classes.one_class_to_json()
        if self.coco_summary is not None:
            report["coco_summary"] = dict(self.coco_summary)
        if self.challenge is not None:
            report["challenge"] = dict(self.challenge)
        if self.details:
            report["details"] = {name: details.to_json() for name, details in self.details.items()}
        if self.metrics:
            report["metrics"] = {rule: dict(values) for rule, values in self.metrics.items()}
        if self.raters is not None:
            report["raters"] = self.raters.to_json()
        return report | _noted(self.notes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ComparisonReport:
    """First minus second method, or predictions file, on the same ground truth.

    Attributes
    ----------
    names : (str, str)
        What was compared.
    evaluations : (evaluations, evaluations)
        One a training of each.
    rule : IntervalRule
        How intervals and tests were made.
    differences : geometry → Difference or None
        None where the geometry is not scored.
    notes : tuple of str
        As of a `ScoreReport`.
    """

    names: tuple[str, str]
    evaluations: tuple[Sequence[Evaluation], Sequence[Evaluation]]
    rule: IntervalRule
    differences: Mapping[Geometry, Difference | None]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What ``bmbench compare --json`` prints."""
        sides = [[one.to_json() for one in some] for some in self.evaluations]
        shown = ("threshold_source", "predictions", *GEOMETRIES)
        return {
            "first": self.names[0],
            "second": self.names[1],
            **{name: sides[0][0][name] for name in ("protocol", "images", "groups", "cells")},
            "interval": self.rule.to_json(),
            "trainings": {"first": len(sides[0]), "second": len(sides[1])},
            "scores": {
                side: {name: reports[0][name] for name in shown}
                for side, reports in zip(("first", "second"), sides, strict=True)
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
    from bmbench.metrics.confusion import confusion_table

    return {
        geometry: confusion_table(truth, predictions, scores)
        for geometry, scores in by_geometry(one_class).items()
    }


def _noted(notes: tuple[str, ...]) -> dict[str, list[str]]:
    return {"notes": list(notes)} if notes else {}
