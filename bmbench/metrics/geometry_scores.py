"""The scores of one geometry, of one class or of several."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from bmbench.core.types import GroundTruth, Predictions
from bmbench.metrics.assignment import NONE
from bmbench.metrics.coco import coco_average_precision, coco_input, pair_as_coco
from bmbench.metrics.curve import Curve, average_precision, best_threshold
from bmbench.metrics.matching import (
    Cause,
    Codes,
    Matching,
    MatchOutcome,
    Pairing,
    causes_of_false_alarms,
    held_values,
    pair_greedily,
    pair_in_order,
    pair_optimally,
    taken_for_artefact,
)
from bmbench.metrics.matching_input import MatchingInput
from bmbench.metrics.protocol import Geometry, Protocol
from bmbench.metrics.scores import Counts, Scores
from bmbench.metrics.tally import ImageCounts, Tally, pooled, sum_images


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoringRequest:
    """What was asked of `evaluate`."""

    truth: GroundTruth
    predictions: Predictions
    protocol: Protocol
    threshold: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _ClassMatching:
    """One class: how it was matched, and the tally of its curve."""

    objects: MatchingInput
    pairing: Pairing
    tally: Tally
    ap: float | None


def score_geometry(
    request: ScoringRequest, geometry: Geometry, labels: Sequence[int | None], inputs: Sequence[MatchingInput]
) -> Scores:
    """The scores of one geometry: AP is the mean over classes, everything else counts them together."""
    parts = _parts(request, geometry, labels, inputs)
    curve = Curve.of(pooled([part.tally for part in parts]))
    threshold = best_threshold(curve) if request.threshold is None else request.threshold
    if request.protocol.pairs_at_threshold:
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
    request: ScoringRequest, geometry: Geometry, labels: Sequence[int | None], inputs: Sequence[MatchingInput]
) -> list[_ClassMatching]:
    truth, protocol = request.truth, request.protocol
    if geometry == "bb" and protocol.pycocotools:
        return [_coco_part(request, label) for label in labels]
    pair = pair_greedily if protocol.assignment == "greedy" else pair_in_order
    parts = []
    for objects in inputs:
        pairing = pair(objects, protocol, geometry)
        tally = _tally(truth, objects, pairing)
        ap = average_precision(Curve.of(tally), protocol.ap)
        parts.append(_ClassMatching(objects=objects, pairing=pairing, tally=tally, ap=ap))
    return parts


def _coco_part(request: ScoringRequest, label: int | None) -> _ClassMatching:
    objects = coco_input(request.truth, request.predictions, label=label)
    pairing = pair_as_coco(request.truth, objects, request.protocol)
    tally = _tally(request.truth, objects, pairing, grouped=False)
    if request.protocol.ap == "101":
        ap = coco_average_precision(tally.hit, tally.n_cells)
    else:
        ap = average_precision(Curve.of(tally, grouped=False), request.protocol.ap)
    return _ClassMatching(objects=objects, pairing=pairing, tally=tally, ap=ap)


def _tally(truth: GroundTruth, objects: MatchingInput, pairing: Pairing, *, grouped: bool = True) -> Tally:
    """The tally of a pairing; `grouped`: equal scores are a single step."""
    counted = pairing.used & ~pairing.absorbed
    rows = objects.order if counted.all() else objects.order[counted[objects.order]]
    return Tally(
        confidence=objects.score[rows],
        hit=pairing.hit[rows],
        image=objects.predictions.image[rows],
        cells=np.bincount(objects.cells.image, minlength=len(truth.image_ids)),
        grouped=grouped,
    )


def _optimal(
    part: _ClassMatching, protocol: Protocol, geometry: Geometry, threshold: float | None
) -> _ClassMatching:
    """The part with the optimal assignment at the threshold in place of that along the curve."""
    least = np.inf if threshold is None else threshold
    pairing = pair_optimally(part.objects, part.pairing.pairs, protocol, geometry, threshold=least)
    return replace(part, pairing=pairing)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _ClassCounts:
    """The outcomes of one class: the cause of each false alarm, and the counts at the threshold."""

    cause: Codes
    counts: Counts
    images: ImageCounts


def _reported(
    part: _ClassMatching, protocol: Protocol, geometry: Geometry, threshold: float | None
) -> _ClassCounts:
    objects, pairing = part.objects, part.pairing
    cause = causes_of_false_alarms(objects, pairing, protocol, geometry)
    kept = pairing.used & (objects.score >= (np.inf if threshold is None else threshold))
    mistaken = taken_for_artefact(objects, pairing, protocol, geometry, threshold=threshold)
    by_cause = np.bincount(cause[kept], minlength=len(Cause))
    images = ImageCounts.of(
        objects.predictions.image[kept], pairing.hit[kept], pairing.false_alarm[kept], part.tally.cells
    )
    tp = int(np.sum(pairing.hit & kept))
    fn = len(objects.cells) - tp
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
    return _ClassCounts(cause=cause, counts=counts, images=images)


def _joined(n: int, parts: Sequence[_ClassMatching], reports: Sequence[_ClassCounts]) -> Matching:
    """One matching of all predictions of the file."""
    if len(parts) == 1 and len(parts[0].objects.predictions) == n:
        return _matching(parts[0], reports[0])
    matching = Matching(
        annotation=np.full(n, NONE),
        outcome=np.full(n, MatchOutcome.UNUSED, np.int8),
        cause=np.zeros(n, np.int8),
        similarity=np.full(n, np.nan),
    )
    for part, report in zip(parts, reports, strict=True):
        rows, own = part.objects.predictions.row, _matching(part, report)
        matching.annotation[rows] = own.annotation
        matching.outcome[rows] = own.outcome
        matching.cause[rows] = own.cause
        matching.similarity[rows] = own.similarity
    return matching


def _matching(part: _ClassMatching, report: _ClassCounts) -> Matching:
    """The matching of the predictions of one class."""
    pairing, annotation = part.pairing, part.pairing.taken.copy()
    outcome = np.full(len(annotation), MatchOutcome.UNUSED, np.int8)
    outcome[pairing.false_alarm] = MatchOutcome.FALSE_ALARM
    outcome[pairing.hit] = MatchOutcome.HIT
    outcome[pairing.absorbed] = MatchOutcome.IGNORED
    holds = annotation != NONE
    annotation[holds] = part.objects.cells.row[annotation[holds]]
    return Matching(
        annotation=annotation, outcome=outcome, cause=report.cause, similarity=held_values(pairing)
    )


class _Summary:
    """What all scores of one geometry share."""

    def __init__(
        self, request: ScoringRequest, geometry: Geometry, threshold: float | None, matching: Matching
    ) -> None:
        self._request, self._geometry, self._threshold = request, geometry, threshold
        self._matching = matching

    def scores(
        self, parts: Sequence[_ClassMatching], reports: Sequence[_ClassCounts], curve: Curve
    ) -> Scores:
        """The scores of these classes together."""
        counts = _sum([report.counts for report in reports])
        limit = self._request.protocol.limit(self._geometry)
        assert limit is not None
        tallies = tuple(part.tally for part in parts)
        images = sum_images([report.images for report in reports])
        return Scores(
            limit=limit,
            paired_anew=self._request.protocol.pairs_at_threshold,
            matched_by=self._request.protocol.words(self._geometry),
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
