"""From ground truth and predictions to scores."""

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.types import Floats, GroundTruth, Ints, Predictions, Role
from bmbench.metrics.geometry_scores import ScoringRequest, score_geometry
from bmbench.metrics.matching_input import MatchingInput, artefact_mask, matching_input, scored_labels
from bmbench.metrics.protocol import GEOMETRIES, Geometry, Protocol
from bmbench.metrics.radii import object_radii
from bmbench.metrics.scores import Evaluation, Scores

_MANY = 50_000
"""Predictions from which on the two geometries are worth a thread each."""


def evaluate(
    truth: GroundTruth,
    predictions: Predictions,
    protocol: Protocol,
    *,
    threshold: float | None = None,
) -> Evaluation:
    """The scores of predictions on a set of images; `bmbench.statistics.intervals` adds intervals.

    Parameters
    ----------
    threshold : float, optional
        Confidence at or above which predictions count in F1, precision, recall and all counts. Without it
        the best one of these very images is taken: an oracle, and named so.

    Raises
    ------
    BadInputError
        If limits are asked for that the ground truth has no scale or no class for.
    ValueError
        If a confidence is not a number from 0 to 1, a coordinate is not finite, or a row points nowhere.
    """
    _check(truth, predictions)
    if protocol.outlines:
        _require_outlines(truth)
    _, group = np.unique(np.asarray(truth.groups, dtype=str), return_inverse=True)
    request = ScoringRequest(
        truth=truth,
        predictions=predictions,
        protocol=protocol,
        threshold=threshold,
    )
    bb, cd = _both(request)
    of_artefact = int(np.sum(artefact_mask(truth)[predictions.label]))
    some = bb or cd
    return Evaluation(
        protocol=protocol,
        threshold_source="oracle" if threshold is None else "given",
        n_images=len(truth.image_ids),
        n_cells=0 if some is None else some.tp + some.fn,
        n_predictions=len(predictions) - of_artefact,
        n_artefact_predictions=of_artefact,
        group=group,
        grouped=tuple(map(str, truth.image_ids)) != truth.groups,
        bb=bb,
        cd=cd,
    )


def choose_threshold(scores: Scores) -> float:
    """A confidence threshold for other images: where F1 is highest on these.

    It lies half-way between the score that is highest in F1 and the next lower score of these images, so
    that neither rounding nor a slightly less sure detector moves it across a prediction. If every
    prediction is worth keeping it is the lowest score; without predictions or cells it is 0.
    """
    curve = scores.curve
    if not len(curve.threshold) or not curve.cells:
        return 0.0
    best = int(np.argmax(curve.f()))
    below = curve.threshold[min(best + 1, len(curve.threshold) - 1)]
    return float((curve.threshold[best] + below) / 2)


def _both(request: ScoringRequest) -> tuple[Scores | None, Scores | None]:
    """The scores of both geometries; of many predictions side by side, as NumPy lets threads run together."""
    protocol = request.protocol
    labels = scored_labels(request.truth, per_class=protocol.per_class)
    inputs: list[MatchingInput] = []
    if not protocol.pycocotools or protocol.limit("cd") is not None:
        radius, most = object_radii(request.truth, protocol), protocol.max_detections
        inputs = [
            matching_input(request.truth, request.predictions, label=label, most=most, radius=radius)
            for label in labels
        ]

    def work(geometry: Geometry) -> Scores:
        return score_geometry(request, geometry, labels, inputs)

    wanted = scored_geometries(request.truth, protocol)
    if len(wanted) == 1 or len(request.predictions) < _MANY:
        found = {geometry: work(geometry) for geometry in wanted}
    else:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(len(wanted)) as pool:
            found = dict(zip(wanted, pool.map(work, wanted), strict=True))
    return found.get("bb"), found.get("cd")


def scored_geometries(truth: GroundTruth, protocol: Protocol) -> tuple[Geometry, ...]:
    """What `evaluate` scores of this ground truth: boxes, centres, or both."""
    wanted = tuple(geometry for geometry in GEOMETRIES if protocol.limit(geometry) is not None)
    return ("cd",) if len(wanted) > 1 and only_points(truth) else wanted


def only_points(truth: GroundTruth) -> bool:
    """Whether there are cells and none of them has a box to overlap with: boxes cannot be scored then."""
    cell, (x0, y0, x1, y1) = truth.role == Role.CELL, truth.box.T
    return bool(cell.any()) and not np.any(cell & (x1 > x0) & (y1 > y0))


def _require_outlines(truth: GroundTruth) -> None:
    cells = np.flatnonzero(truth.role == Role.CELL)
    if truth.outline is None or (len(cells) and not any(truth.outline[row] for row in cells.tolist())):
        raise BadInputError(
            "outlines are to be matched, and no cell has one",
            expected="a segmentation in the annotations of the ground truth",
            remedy="match boxes and centres: --protocol paper, without --outlines",
        )


def _check(truth: GroundTruth, predictions: Predictions) -> None:
    """Refuse what no number can be made of; files are checked where they are read, row by row."""
    for name, table in (("truth", truth), ("predictions", predictions)):
        _check_rows(f"{name}.image", table.image, len(truth.image_ids))
        _check_rows(f"{name}.label", table.label, len(truth.categories))
        _check_finite(f"{name}.xy", table.xy)
        _check_finite(f"{name}.box", table.box)
        if np.any(table.box[:, 2:] < table.box[:, :2]):
            raise ValueError(f"{name}.box holds a box that ends before it starts (boxes are x0 y0 x1 y1)")
    score = predictions.confidence
    if not np.all((score >= 0) & (score <= 1)):
        raise ValueError("predictions.confidence holds a number that is not from 0 to 1")


def _check_rows(name: str, rows: Ints, n: int) -> None:
    if len(rows) and not (rows.min() >= 0 and rows.max() < n):
        raise ValueError(f"{name} points at a row that is not there: rows are 0 to {n - 1}")


def _check_finite(name: str, values: Floats) -> None:
    if not np.isfinite(values.sum()) and not np.isfinite(values).all():
        raise ValueError(f"{name} holds a number that is not finite")
