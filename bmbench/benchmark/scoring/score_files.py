"""From two files to scores: what `bmbench score` prints, and every step on the way by itself.

Imports are late: the process that reads a long predictions file starts before NumPy is loaded here.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from bmbench.benchmark.scoring.by_class import as_one_class, is_by_class
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.datasets.formats.read_ahead import reading_ahead
from bmbench.metrics.protocol import GEOMETRIES, PROTOCOLS

if TYPE_CHECKING:
    from pathlib import Path

    from bmbench.core.types import GroundTruth, Predictions
    from bmbench.metrics import Evaluation, Protocol, Scores


def resolve_protocol(name: str, **changes: Any) -> Protocol:
    """The protocol of that name with these fields changed; None leaves a field as it is.

    Raises
    ------
    UnknownNameError
        If there is no such protocol.
    BadInputError
        If it does not allow the change.
    """
    if name not in PROTOCOLS:
        raise UnknownNameError("protocol", name, PROTOCOLS)
    wanted = {field: value for field, value in changes.items() if value is not None}
    try:
        return dataclasses.replace(PROTOCOLS[name], **wanted)
    except ValueError as error:
        raise BadInputError(f"protocol {name!r} cannot be used so: {error}") from None


def score_files(
    predictions: Path,
    truth: Path,
    protocol: Protocol,
    *,
    threshold: float | None = None,
    bootstrap: int = 0,
    seed: int = 0,
    details: bool = False,
) -> dict[str, Any]:
    """What ``bmbench score --json`` prints; see `bmbench.metrics.evaluate` for the parameters.

    With the protocol `coco` it has ``coco_summary`` too, the twelve numbers of pycocotools at the
    protocol's cap; with `details`, what `details_report` gives. Where several classes are scored each by
    itself, `as_one_class` has all cells as one class beside them. ``notes`` are there where a reader should
    know something of the rules.
    """
    annotations, detections = read_pair(predictions, truth)
    from bmbench.benchmark.scoring.radius_note import radius_note
    from bmbench.metrics import coco_summary, evaluate

    evaluation = evaluate(
        annotations, detections, protocol, threshold=threshold, bootstrap=bootstrap, seed=seed
    )
    report = evaluation.to_json()
    if is_by_class(evaluation):
        rules = dataclasses.replace(protocol, per_class=False)
        as_one = evaluate(annotations, detections, rules, threshold=threshold, bootstrap=bootstrap, seed=seed)
        report |= as_one_class(annotations, detections, as_one)
    if protocol.pycocotools:
        caps = (1, 10, protocol.max_detections)
        report["coco_summary"] = coco_summary(
            annotations, detections, max_detections=caps, per_class=protocol.per_class
        )
    if details:
        report["details"] = details_report(annotations, detections, evaluation)
    note = radius_note(annotations, protocol)
    return report if note is None else report | {"notes": [note]}


def details_report(truth: GroundTruth, predictions: Predictions, evaluation: Evaluation) -> dict[str, Any]:
    """Of each geometry: how hits lie, how images are counted, FROC, and scores by matching limit.

    Scores by matching limit keep the threshold of the evaluation.
    """
    from bmbench.metrics import count_error, froc, localisation, sweep

    report: dict[str, Any] = {}
    for geometry in GEOMETRIES:
        scores: Scores | None = getattr(evaluation, geometry)
        if scores is None:
            continue
        counts, curve = count_error(scores), froc(scores)
        steps = sweep(truth, predictions, evaluation.protocol, geometry, threshold=scores.threshold)
        report[geometry] = {
            "localisation": dataclasses.asdict(localisation(truth, predictions, scores)),
            "count_error": {
                name: getattr(counts, name) for name in ("mean", "mean_absolute", "root_mean_square")
            },
            "froc": {
                "false_alarms_per_image": curve.rates.tolist(),
                "sensitivity": None if curve.mean is None else curve.at_rates.tolist(),
                "mean": curve.mean,
            },
            "sweep": dataclasses.asdict(steps),
        }
    return report


def compare_files(
    first: Path,
    second: Path,
    truth: Path,
    protocol: Protocol,
    *,
    thresholds: tuple[float | None, float | None] = (None, None),
    n: int = 10_000,
    seed: int = 0,
) -> dict[str, Any]:
    """First minus second predictions file on the same ground truth, with paired intervals, by geometry.

    ``scores`` holds what `bmbench.metrics.Scores` says of each file, by geometry. A threshold that is None is
    the best one of these very images. ``notes`` as in `score_files`.
    """
    from bmbench.benchmark.scoring.radius_note import radius_note
    from bmbench.datasets.formats.coco.columns import read_ground_truth
    from bmbench.datasets.formats.predictions import read_predictions
    from bmbench.metrics import evaluate, paired_difference

    annotations = read_ground_truth(truth)
    one, other = (
        evaluate(annotations, read_predictions(path, annotations), protocol, threshold=threshold)
        for path, threshold in zip((first, second), thresholds, strict=True)
    )
    differences = {
        geometry: paired_difference(one, other, geometry, n=n, seed=seed) for geometry in GEOMETRIES
    }
    reports = {"first": one.to_json(), "second": other.to_json()}
    note = radius_note(annotations, protocol)
    return {
        **{name: reports["first"][name] for name in ("protocol", "images", "groups", "cells")},
        "scores": {
            side: {name: report[name] for name in ("threshold_source", "predictions", *GEOMETRIES)}
            for side, report in reports.items()
        },
        **{name: None if found is None else found.to_json() for name, found in differences.items()},
        **({} if note is None else {"notes": [note]}),
    }


def evaluate_files(
    predictions: Path,
    truth: Path,
    protocol: Protocol,
    *,
    threshold: float | None = None,
    bootstrap: int = 0,
    seed: int = 0,
) -> Evaluation:
    """The evaluation of a predictions file; see `bmbench.metrics.evaluate` for the parameters."""
    annotations, detections = read_pair(predictions, truth)
    from bmbench.metrics import evaluate

    return evaluate(annotations, detections, protocol, threshold=threshold, bootstrap=bootstrap, seed=seed)


def read_pair(predictions: Path, truth: Path) -> tuple[GroundTruth, Predictions]:
    """The columns of a ground truth and of predictions on its images.

    Raises
    ------
    BadInputError
        If either cannot be read: with the file, the index and the remedy.
    """
    with reading_ahead(predictions, truth) as columns:
        from bmbench.datasets.formats.coco.columns import read_ground_truth
        from bmbench.datasets.formats.predictions import bind

        annotations = read_ground_truth(truth)
        return annotations, bind(columns(), annotations, predictions)
