"""From two files to scores: what `bmbench score` prints, and every step on the way by itself.

Imports are late: the process that reads a long predictions file starts before NumPy is loaded here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bmbench.benchmark.scoring.notes import (
    answer_notes,
    by_class_notes,
    class_notes,
    outline_notes,
    rule_notes,
)
from bmbench.datasets.formats.read_ahead import is_other_form, reading_ahead

if TYPE_CHECKING:
    from bmbench.benchmark.scoring.chosen_point import ChosenPoint, PointRequest
    from bmbench.benchmark.scoring.class_points import ClassPoints
    from bmbench.benchmark.scoring.details import Details
    from bmbench.benchmark.scoring.reports import ClassReport, ScoreReport
    from bmbench.core.artefacts import Declared
    from bmbench.core.types import GroundTruth, Predictions
    from bmbench.metrics import Evaluation, Geometry, Protocol
    from bmbench.statistics.units import WantedUnits

CHALLENGES = ("monkey", "ocelot", "hovernet", "stardist")
"""Protocols whose own evaluators report more than the table of scores has."""


def score_files(
    predictions: Path,
    truth: Path | Sequence[Path],
    protocol: Protocol,
    *,
    threshold: float | PointRequest | None = None,
    units: WantedUnits | None = None,
    details: bool = False,
    metrics: tuple[str, ...] = (),
    declared: Declared | None = None,
) -> ScoreReport:
    """The scores of a predictions file, with intervals.

    `threshold` is that of `bmbench.metrics.evaluate`, or the wish it is chosen by; `units` is what the user
    says of them, `declared` what of the classes. With the protocol `coco` the twelve numbers of pycocotools,
    at the protocol's cap, come with it; with `details` what `bmbench.benchmark.scoring.details.details_of`
    gives; with `metrics` what scorers of these names say (`bmbench.metrics.plugin`); of several ground
    truths the first is scored, and how the answer and the raters stand to each other comes with it.
    """
    truth, *raters = [truth] if isinstance(truth, Path) else truth
    outlines = protocol.outlines
    annotations, detections = read_pair(predictions, truth, declared, outlines=outlines)
    from bmbench.benchmark.scoring.reports import (
        ClassReport,
        ScoreReport,
        confusion_tables,
        is_by_class,
    )
    from bmbench.metrics.evaluation import evaluate
    from bmbench.statistics.intervals import with_intervals
    from bmbench.statistics.units import WantedUnits, choose_units

    wanted = units or WantedUnits()
    kept = point = None
    if isinstance(threshold, int | float):
        kept = threshold
    elif threshold is not None:
        pair = (annotations, detections)
        if threshold.chosen_on:
            pair = read_pair(*threshold.chosen_on, declared, outlines=outlines)
        point = threshold.choose(*pair, protocol)
        kept = point.threshold

    def scored(rules: Protocol) -> Evaluation:
        evaluation = evaluate(annotations, detections, rules, threshold=kept)
        if point is not None:
            evaluation = dataclasses.replace(evaluation, threshold_source=point.source)
        chosen = choose_units(evaluation, wanted.name, independent=wanted.independent)
        return with_intervals(evaluation, chosen)

    evaluation, classes = scored(protocol), None
    if is_by_class(evaluation):
        one_class = scored(dataclasses.replace(protocol, per_class=False))
        confusion = confusion_tables(annotations, detections, one_class)
        classes = ClassReport(by_class=evaluation, one_class=one_class, confusion=confusion)
    one_class_only = classes.one_class if classes else None
    if one_class_only is None and protocol.name in CHALLENGES:
        one_class_only = scored(dataclasses.replace(protocol, per_class=False))
    summary, challenge = _beside(annotations, detections, evaluation, one_class_only)
    notes = (*detections.notes, *class_notes(annotations), *rule_notes(annotations, protocol))
    notes += (*answer_notes(annotations, detections), *by_class_notes(annotations, detections, protocol))
    notes += outline_notes(annotations, detections, protocol)
    if point is not None:
        notes += (point.note,)
    further, more = _details(annotations, detections, evaluation) if details else ({}, ())
    others = _others(metrics, annotations, detections, evaluation)
    compared = None
    if raters:
        from bmbench.benchmark.scoring.rater_files import read_raters
        from bmbench.benchmark.scoring.raters import score_raters

        every = read_raters(annotations, truth, raters, protocol=protocol, declared=declared)
        compared = score_raters(every, detections, evaluation)
        more += compared.notes
    return ScoreReport(
        evaluation=evaluation,
        classes=classes,
        coco_summary=summary,
        challenge=challenge,
        details=further,
        metrics=others,
        point=point,
        class_points=_class_points(annotations, detections, evaluation, point),
        raters=compared,
        notes=notes + more,
    )


def _beside(
    truth: GroundTruth, predictions: Predictions, evaluation: Evaluation, one_class: Evaluation | None
) -> tuple[dict[str, float | None] | None, dict[str, float | None] | None]:
    """The twelve numbers of pycocotools, and what a challenge's evaluator reports; None by other rules."""
    protocol, summary, challenge = evaluation.protocol, None, None
    if protocol.pycocotools:
        from bmbench.metrics.coco import coco_summary

        caps = (1, 10, protocol.max_detections)
        summary = coco_summary(truth, predictions, max_detections=caps, per_class=protocol.per_class)
    if protocol.name in CHALLENGES and one_class is not None:
        from bmbench.metrics.challenges import challenge_summary

        challenge = challenge_summary(truth, predictions, evaluation, one_class)
    return summary, challenge


def _others(
    metrics: tuple[str, ...], truth: GroundTruth, predictions: Predictions, evaluation: Evaluation
) -> dict[str, dict[str, float | None]]:
    """What scorers of other packages say, by these names."""
    if not metrics:
        return {}
    from bmbench.benchmark.scoring.reports import by_geometry
    from bmbench.metrics.plugin import further_scores

    return further_scores(metrics, truth, predictions, by_geometry(evaluation))


def _class_points(
    truth: GroundTruth, predictions: Predictions, evaluation: Evaluation, point: ChosenPoint | None
) -> ClassPoints | None:
    if point is None or not point.by_class:
        return None
    from bmbench.benchmark.scoring.class_points import score_class_points

    return score_class_points(truth, predictions, evaluation, point)


def _details(
    truth: GroundTruth, predictions: Predictions, evaluation: Evaluation
) -> tuple[dict[Geometry, Details], tuple[str, ...]]:
    from bmbench.benchmark.scoring.details import details_of, scale_notes
    from bmbench.benchmark.scoring.reports import by_geometry

    found = {
        geometry: details_of(truth, predictions, evaluation, geometry) for geometry in by_geometry(evaluation)
    }
    return found, scale_notes(truth)


def score_classes(truth: GroundTruth, predictions: Predictions, evaluation: Evaluation) -> ClassReport:
    """Each class of cells by itself, and what is taken for what.

    Parameters
    ----------
    evaluation : Evaluation
        Of the same files with all cells as one class; its threshold (of centres, or else of boxes) holds.
    """
    from bmbench.benchmark.scoring.reports import ClassReport, confusion_tables
    from bmbench.metrics.evaluation import evaluate
    from bmbench.statistics.intervals import with_intervals

    some = evaluation.cd or evaluation.bb
    rules = dataclasses.replace(evaluation.protocol, per_class=True)
    by_class = evaluate(truth, predictions, rules, threshold=None if some is None else some.threshold)
    confusion = confusion_tables(truth, predictions, evaluation)
    return ClassReport(by_class=with_intervals(by_class), one_class=evaluation, confusion=confusion)


def evaluate_files(
    predictions: Path,
    truth: Path,
    protocol: Protocol,
    *,
    threshold: float | None = None,
    intervals: bool = True,
) -> Evaluation:
    """The evaluation of a predictions file, with intervals or without; see `score_files`."""
    annotations, detections = read_pair(predictions, truth)
    from bmbench.metrics.evaluation import evaluate

    evaluation = evaluate(annotations, detections, protocol, threshold=threshold)
    if not intervals:
        return evaluation
    from bmbench.statistics.intervals import with_intervals

    return with_intervals(evaluation)


def read_pair(
    predictions: Path, truth: Path, declared: Declared | None = None, *, outlines: bool = False
) -> tuple[GroundTruth, Predictions]:
    """The columns of a ground truth and of predictions on its images; with `outlines`, those too.

    Raises
    ------
    BadInputError
        If either cannot be read: with the file, the index and the remedy.
    """
    if outlines or is_other_form(predictions):
        from bmbench.datasets.formats.coco.columns import read_ground_truth
        from bmbench.datasets.formats.other_predictions import read_answers

        annotations = read_ground_truth(truth, outlines=outlines)
        if declared is not None:
            annotations = declared.truth(annotations, where=str(truth))
        return annotations, read_answers(predictions, truth, annotations, outlines=outlines)
    with reading_ahead(predictions, truth) as columns:
        from bmbench.datasets.formats.coco.columns import read_ground_truth
        from bmbench.datasets.formats.predictions import bind

        annotations = read_ground_truth(truth)
        if declared is not None:
            annotations = declared.truth(annotations, where=str(truth))
        return annotations, bind(columns(), annotations, predictions)
