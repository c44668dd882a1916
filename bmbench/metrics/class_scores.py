"""The scores of one geometry, of one class or of several."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bmbench.metrics.areas import average_precision
from bmbench.metrics.assignment import NONE
from bmbench.metrics.causes import causes, taken_for_artefact
from bmbench.metrics.coco import coco_average_precision, coco_scene, pair_as_coco
from bmbench.metrics.matching import (
    Cause,
    Matching,
    Outcome,
    held_values,
    pair_greedily,
    pair_in_order,
    pair_optimally,
)
from bmbench.metrics.scores import Counts, Scores
from bmbench.metrics.tally import Curve, ImageCounts, Tally, best_threshold, pooled, sum_images

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bmbench.core.types import GroundTruth, Ints, Predictions
    from bmbench.metrics.matching import Codes, Pairing
    from bmbench.metrics.protocol import Geometry, Protocol
    from bmbench.metrics.scene import Scene


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Request:
    """What was asked of `evaluate`."""

    truth: GroundTruth
    predictions: Predictions
    protocol: Protocol
    threshold: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """One class: how it was matched, and the tally of its curve."""

    scene: Scene
    pairing: Pairing
    tally: Tally
    ap: float | None


def score_geometry(
    request: Request, geometry: Geometry, labels: Sequence[int | None], scenes: Sequence[Scene]
) -> Scores:
    """The scores of one geometry: AP is the mean over classes, everything else counts them together."""
    parts = _parts(request, geometry, labels, scenes)
    curve = Curve.of(pooled([part.tally for part in parts]))
    threshold = best_threshold(curve) if request.threshold is None else request.threshold
    if request.protocol.assignment == "hungarian":
        parts = [_optimal(part, request.protocol, geometry, threshold) for part in parts]
    reports = [_reported(part, request.protocol, geometry, threshold) for part in parts]
    matching = _joined(len(request.predictions), parts, reports)
    summary = _Summary(request, geometry, threshold, matching)
    whole = summary.scores(parts, reports, curve)
    if len(parts) == 1:
        return whole
    names = [request.truth.categories[label].name for label in labels if label is not None]
    return replace(
        whole,
        classes={
            name: summary.scores([part], [report], Curve.of(part.tally))
            for name, part, report in zip(names, parts, reports, strict=True)
        },
    )


def _parts(
    request: Request, geometry: Geometry, labels: Sequence[int | None], scenes: Sequence[Scene]
) -> list[_Part]:
    truth, protocol = request.truth, request.protocol
    if geometry == "bb" and protocol.pycocotools:
        return [_coco_part(request, label) for label in labels]
    pair = pair_greedily if protocol.assignment == "greedy" else pair_in_order
    parts = []
    for scene in scenes:
        pairing = pair(scene, protocol, geometry)
        tally = _tally(truth, scene, pairing)
        ap = average_precision(Curve.of(tally), protocol.ap)
        parts.append(_Part(scene=scene, pairing=pairing, tally=tally, ap=ap))
    return parts


def _coco_part(request: Request, label: int | None) -> _Part:
    scene = coco_scene(request.truth, request.predictions, label=label)
    pairing, order = pair_as_coco(request.truth, scene, request.protocol)
    tally = _tally(request.truth, scene, pairing, order=order)
    if request.protocol.ap == "101":
        ap = coco_average_precision(tally.hit, tally.n_cells)
    else:
        ap = average_precision(Curve.of(tally, grouped=False), request.protocol.ap)
    return _Part(scene=scene, pairing=pairing, tally=tally, ap=ap)


def _tally(truth: GroundTruth, scene: Scene, pairing: Pairing, order: Ints | None = None) -> Tally:
    """The tally of a pairing; in this `order` of the predictions (equal scores are then no single step)."""
    counted = pairing.used & ~pairing.absorbed
    rows = np.flatnonzero(counted) if order is None else order[counted[order]]
    return Tally.of(
        confidence=scene.score[rows],
        hit=pairing.hit[rows],
        image=scene.predictions.image[rows],
        cells=np.bincount(scene.cells.image, minlength=len(truth.image_ids)),
        grouped=order is None,
    )


def _optimal(part: _Part, protocol: Protocol, geometry: Geometry, threshold: float | None) -> _Part:
    """The part with the optimal assignment at the threshold in place of that along the curve."""
    least = np.inf if threshold is None else threshold
    pairing = pair_optimally(part.scene, part.pairing.pairs, protocol, geometry, threshold=least)
    return replace(part, pairing=pairing)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Report:
    """The outcomes of one class: the cause of each false alarm, and the counts at the threshold."""

    cause: Codes
    counts: Counts
    images: ImageCounts


def _reported(part: _Part, protocol: Protocol, geometry: Geometry, threshold: float | None) -> _Report:
    scene, pairing = part.scene, part.pairing
    cause = causes(scene, pairing, protocol, geometry)
    kept = pairing.used & (scene.score >= (np.inf if threshold is None else threshold))
    mistaken = taken_for_artefact(scene, pairing, protocol, geometry, threshold=threshold)
    by_cause = np.bincount(cause[kept], minlength=len(Cause))
    images = ImageCounts.of(
        scene.predictions.image[kept], pairing.hit[kept], pairing.false_alarm[kept], part.tally.cells
    )
    tp = int(np.sum(pairing.hit & kept))
    fn = len(scene.cells) - tp
    fn_artefact = int(mistaken.sum())
    counts = Counts(
        tp=tp,
        fp=int(np.sum(pairing.false_alarm & kept)),
        fn=fn,
        fp_artefact=int(by_cause[Cause.ARTEFACT]),
        fp_duplicate=int(by_cause[Cause.DUPLICATE]),
        fp_near=int(by_cause[Cause.NEAR]),
        fp_background=int(by_cause[Cause.BACKGROUND]),
        fn_missed=fn - fn_artefact,
        fn_artefact=fn_artefact,
        ignored=int(np.sum(pairing.absorbed & kept)),
    )
    return _Report(cause=cause, counts=counts, images=images)


def _joined(n: int, parts: Sequence[_Part], reports: Sequence[_Report]) -> Matching:
    """One matching of all predictions of the file."""
    matching = Matching(
        annotation=np.full(n, NONE),
        outcome=np.full(n, Outcome.UNUSED, np.int8),
        cause=np.zeros(n, np.int8),
        similarity=np.full(n, np.nan),
    )
    for part, report in zip(parts, reports, strict=True):
        scene, pairing = part.scene, part.pairing
        rows = scene.predictions.row
        matching.outcome[rows[pairing.false_alarm]] = Outcome.FALSE_ALARM
        matching.outcome[rows[pairing.hit]] = Outcome.HIT
        matching.outcome[rows[pairing.absorbed]] = Outcome.IGNORED
        holds = pairing.taken != NONE
        matching.annotation[rows[holds]] = scene.cells.row[pairing.taken[holds]]
        matching.cause[rows] = report.cause
        matching.similarity[rows] = held_values(pairing)
    return matching


class _Summary:
    """What all scores of one geometry share."""

    def __init__(
        self, request: Request, geometry: Geometry, threshold: float | None, matching: Matching
    ) -> None:
        self._request, self._geometry, self._threshold = request, geometry, threshold
        self._matching = matching

    def scores(self, parts: Sequence[_Part], reports: Sequence[_Report], curve: Curve) -> Scores:
        """The scores of these classes together."""
        counts = _sum([report.counts for report in reports])
        limit = self._request.protocol.limit(self._geometry)
        assert limit is not None
        tallies = tuple(part.tally for part in parts)
        images = sum_images([report.images for report in reports])
        return Scores(
            limit=limit,
            ap=_mean([part.ap for part in parts]),
            f1=counts.f1,
            precision=counts.precision,
            recall=counts.recall,
            threshold=self._threshold,
            **asdict(counts),
            assignment=self._request.protocol.assignment,
            curve=curve,
            matching=self._matching,
            tallies=tallies,
            images=images,
        )


def _sum(counts: Sequence[Counts]) -> Counts:
    names = Counts.__dataclass_fields__
    return Counts(**{name: sum(getattr(one, name) for one in counts) for name in names})


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return sum(defined) / len(defined) if defined else None
