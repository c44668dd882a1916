"""From two files to scores: what `bmbench score` prints, and every step on the way by itself."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.datasets.codecs.coco_columns import read_ground_truth
from bmbench.datasets.predictions import read_predictions
from bmbench.metrics import PROTOCOLS, coco_summary, evaluate

if TYPE_CHECKING:
    from pathlib import Path

    from bmbench.core.types import GroundTruth, Predictions
    from bmbench.metrics import Evaluation, Protocol


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
) -> dict[str, Any]:
    """What ``bmbench score --json`` prints; see `bmbench.metrics.evaluate` for the parameters.

    With the protocol `coco` it has ``coco_summary`` too, the twelve numbers of pycocotools at the
    protocol's cap.
    """
    annotations, detections = read_pair(predictions, truth)
    evaluation = evaluate(
        annotations, detections, protocol, threshold=threshold, bootstrap=bootstrap, seed=seed
    )
    report = evaluation.to_json()
    if protocol.pycocotools:
        caps = (1, 10, protocol.max_detections)
        report["coco_summary"] = coco_summary(
            annotations, detections, max_detections=caps, per_class=protocol.per_class
        )
    return report


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
    return evaluate(annotations, detections, protocol, threshold=threshold, bootstrap=bootstrap, seed=seed)


def read_pair(predictions: Path, truth: Path) -> tuple[GroundTruth, Predictions]:
    """The columns of a ground truth and of predictions on its images.

    Raises
    ------
    BadInputError
        If either cannot be read: with the file, the index and the remedy.
    """
    annotations = read_ground_truth(truth)
    return annotations, read_predictions(predictions, annotations)
