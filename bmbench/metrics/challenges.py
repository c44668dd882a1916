"""What the evaluators of challenges and segmenters report beside F1, from the matching of their protocols."""

from __future__ import annotations

import numpy as np

from bmbench.core.types import GroundTruth, Predictions
from bmbench.metrics.confusion import confusion_table
from bmbench.metrics.free_response import sensitivity_per_mm2
from bmbench.metrics.scores import Evaluation, Scores


def challenge_summary(
    truth: GroundTruth, predictions: Predictions, evaluation: Evaluation, one_class: Evaluation
) -> dict[str, float | None]:
    """Name → number, as the protocol's own evaluator calls it; empty where the table of scores has them all.

    Parameters
    ----------
    evaluation, one_class : Evaluation
        By the rules of the protocol, and with all cells as one class; the same where it has no classes.
    """
    name, scores = evaluation.protocol.name, evaluation.cd or evaluation.bb
    if scores is None:
        return {}
    if name == "monkey":
        every = {**scores.classes, "all cells (7.5 µm)": one_class.cd}
        return {f"FROC, {kind}": _froc(truth, one) for kind, one in every.items() if one is not None}
    if name == "ocelot":
        return {"mF1": scores.macro_f1 if scores.classes else scores.f1}
    if name == "hovernet" and one_class.cd is not None:
        return _types(truth, predictions, one_class.cd)
    return _overlap(scores, predictions) if name == "stardist" else {}


def _froc(truth: GroundTruth, scores: Scores) -> float | None:
    """Mean sensitivity at MONKEY's false alarms per mm², on straight lines."""
    rated = sensitivity_per_mm2(truth, scores)
    return None if rated is None else rated.interpolated_mean


def _types(truth: GroundTruth, predictions: Predictions, scores: Scores) -> dict[str, float | None]:
    """F of detection, the share of found cells that are called right, F of each type (HoVer-Net, code)."""
    table = confusion_table(truth, predictions, scores)
    counts, k = table.counts, len(table.names)
    found = counts[:k, :k]
    report: dict[str, float | None] = {"F_d": scores.f1, "Acc": _ratio(np.trace(found), found.sum())}
    for row, kind in enumerate(table.names):
        right = int(found[row, row])
        wrong = int(found[row].sum() + found[:, row].sum()) - 2 * right
        lost = int(counts[row, k] + counts[k, row])
        report[f"F_c, {kind}"] = _ratio(2 * right, 2 * right + 2 * wrong + lost)
    return report


def _overlap(scores: Scores, predictions: Predictions) -> dict[str, float | None]:
    """StarDist's accuracy, which it and others call AP, the mean IoU of pairs, and panoptic quality."""
    least = np.inf if scores.threshold is None else scores.threshold
    held = scores.matching.similarity[scores.matching.is_hit & (predictions.confidence >= least)]
    total, tp, fp, fn = float(held.sum()), scores.tp, scores.fp, scores.fn
    return {
        "accuracy (AP)": _ratio(tp, tp + fp + fn),
        "mean_matched_score": _ratio(total, tp),
        "mean_true_score": _ratio(total, tp + fn),
        "panoptic_quality": _ratio(total, tp + fp / 2 + fn / 2),
    }


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None
