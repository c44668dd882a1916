"""Scores as functions of the matching limit: how much of a score is the limit's doing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bmbench.metrics.evaluation import evaluate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bmbench.core.types import GroundTruth, Predictions
    from bmbench.metrics.protocol import Geometry, Protocol
    from bmbench.metrics.scores import Scores

IOU_LIMITS = tuple(round(0.3 + 0.05 * step, 2) for step in range(10))
"""0.30, 0.35, … 0.75."""
RADIUS_LIMITS_PX = tuple(float(radius) for radius in range(10, 81, 5))
"""10, 15, … 80 pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Scores at each matching limit, in the order of `limits`; None where undefined."""

    geometry: Geometry
    limits: tuple[float, ...]
    ap: tuple[float | None, ...]
    f1: tuple[float | None, ...]
    precision: tuple[float | None, ...]
    recall: tuple[float | None, ...]


def sweep(
    truth: GroundTruth,
    predictions: Predictions,
    protocol: Protocol,
    geometry: Geometry,
    *,
    limits: Sequence[float] | None = None,
    threshold: float | None = None,
) -> Sweep:
    """AP, F1, precision and recall at each limit: IoU for `bb`, pixels for `cd`.

    Parameters
    ----------
    limits : floats, optional
        `IOU_LIMITS` or `RADIUS_LIMITS_PX` by default.
    threshold : float, optional
        As in `evaluate`; without it, the best one at each limit (an oracle).
    """
    chosen = tuple(limits or (IOU_LIMITS if geometry == "bb" else RADIUS_LIMITS_PX))
    found: list[Scores] = []
    for limit in chosen:
        iou, radius = (limit, None) if geometry == "bb" else (None, limit)
        rules = replace(protocol, iou=iou, radius_px=radius)
        evaluation = evaluate(truth, predictions, rules, threshold=threshold)
        scores = evaluation.bb or evaluation.cd
        assert scores is not None
        found.append(scores)
    return Sweep(
        geometry=geometry,
        limits=chosen,
        ap=tuple(scores.ap for scores in found),
        f1=tuple(scores.f1 for scores in found),
        precision=tuple(scores.precision for scores in found),
        recall=tuple(scores.recall for scores in found),
    )
