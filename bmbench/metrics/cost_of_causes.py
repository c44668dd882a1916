"""What average precision each cause of errors costs: AP with all errors of that cause put right, minus AP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bmbench.core.types import Bools, GroundTruth, Ints, Predictions
from bmbench.metrics.assignment import NONE
from bmbench.metrics.curve import Curve, average_precision
from bmbench.metrics.matching import Cause
from bmbench.metrics.matching_input import MatchingInput, matching_input, scored_labels
from bmbench.metrics.pairs import admissible
from bmbench.metrics.protocol import ApKind, Geometry, Protocol
from bmbench.metrics.radii import object_radii
from bmbench.metrics.scores import Scores
from bmbench.metrics.tally import Tally

_ALARMS = {
    "fp_artefact": Cause.ARTEFACT,
    "fp_duplicate": Cause.DUPLICATE,
    "fp_near": Cause.NEAR,
    "fp_background": Cause.BACKGROUND,
}
MISSED = "fn_missed"
CAUSES = (*_ALARMS, MISSED)
"""What each of the costs is called."""


def cost_of_causes(
    truth: GroundTruth, predictions: Predictions, protocol: Protocol, scores: Scores, geometry: Geometry
) -> Mapping[str, float] | None:
    """Cause → the AP that it costs, as TIDE has it (Bolya et al., ECCV 2020); None without cells.

    A false alarm is put right by leaving it out. Of those near a cell that nothing found the surest becomes a
    hit instead. Missed cells are put right by asking for them no more, but for those that a near one would
    find. Each cause is put right alone, so the costs do not add up to what AP lacks. All confidences count,
    not those above the threshold alone; of several classes it is the mean. None too where no one matching
    serves every threshold (Hungarian).
    """
    found = put_right(truth, predictions, protocol, scores, geometry)
    if not found:
        return None
    return {name: float(np.mean([one.cost(name, protocol.ap) for one in found])) for name in CAUSES}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PutRight:
    """The tally of one class: as it is, and with all errors of one cause put right.

    Attributes
    ----------
    before : Tally
    after : Mapping of str to Tally
        By the cause (`CAUSES`). With no cell that is still asked for, AP is 1.
    errors : Mapping of str to (images,) int64
        Errors of the cause on each image.
    """

    before: Tally
    after: Mapping[str, Tally]
    errors: Mapping[str, Ints]

    def cost(self, cause: str, kind: ApKind) -> float:
        """The AP that this cause costs; 0 where rounding of the curve makes it less."""
        return max(_ap(self.after[cause], kind) - _ap(self.before, kind), 0.0)


def put_right(
    truth: GroundTruth, predictions: Predictions, protocol: Protocol, scores: Scores, geometry: Geometry
) -> list[PutRight]:
    """What `cost_of_causes` compares, by class; empty where it is None."""
    if scores.assignment != "greedy" or scores.paired_anew:
        return []
    radius, found = object_radii(truth, protocol), []
    for label in scored_labels(truth, per_class=protocol.per_class):
        objects = matching_input(truth, predictions, label=label, most=protocol.max_detections, radius=radius)
        if len(objects.cells):
            part = _Errors.of(objects, protocol, scores, geometry)
            found.append(part.put_right(len(truth.image_ids)))
    return found


def _ap(tally: Tally, kind: ApKind) -> float:
    value = average_precision(Curve.of(tally), kind)
    # Without a cell that is still asked for nothing is left to be wrong.
    return 1.0 if value is None else value


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Errors:
    """The errors of one class; row i of every column is prediction i of `objects`.

    Attributes
    ----------
    hit, alarm : (n,) bool
    cause : (n,) int8
    mends : (n,) bool
        Near a cell that nothing found, and the surest there.
    lost : (c,) bool
        Cells that nothing found and that no near prediction would find.
    """

    objects: MatchingInput
    hit: Bools
    alarm: Bools
    cause: Ints
    mends: Bools
    lost: Bools

    @classmethod
    def of(cls, objects: MatchingInput, protocol: Protocol, scores: Scores, geometry: Geometry) -> _Errors:
        rows, matching = objects.predictions.row, scores.matching
        hit, alarm = matching.is_hit[rows], matching.is_false_alarm[rows]
        missed = ~np.isin(objects.cells.row, matching.annotation[rows][hit])
        near = np.flatnonzero(alarm & (matching.cause[rows] == Cause.NEAR))
        pairs = admissible(objects.predictions.take(near), objects.cells, protocol, geometry, widen=True)
        nearest = np.full(len(rows), NONE)
        order = np.lexsort((pairs.cell, -pairs.merit, pairs.prediction))
        first = np.unique(pairs.prediction[order], return_index=True)[1]
        nearest[near[pairs.prediction[order][first]]] = pairs.cell[order][first]
        mends = np.zeros(len(rows), bool)
        able = np.flatnonzero((nearest != NONE) & missed[nearest])
        able = able[np.argsort(-objects.score[able], kind="stable")]
        mended, surest = np.unique(nearest[able], return_index=True)
        mends[able[surest]] = True
        missed[mended] = False
        return cls(
            objects=objects,
            hit=hit,
            alarm=alarm,
            cause=matching.cause[rows].astype(np.int64),
            mends=mends,
            lost=missed,
        )

    def put_right(self, n_images: int) -> PutRight:
        none = np.zeros(len(self.objects.cells), bool)
        image = self.objects.predictions.image
        after = {MISSED: self._tally(self.hit, self.alarm, self.lost, n_images)}
        errors = {MISSED: np.bincount(self.objects.cells.image[self.lost], minlength=n_images)}
        for name, cause in _ALARMS.items():
            right = self.cause == cause
            hit = self.hit | (right & self.mends)
            after[name] = self._tally(hit, self.alarm & ~right, none, n_images)
            errors[name] = np.bincount(image[self.alarm & right], minlength=n_images)
        return PutRight(before=self._tally(self.hit, self.alarm, none, n_images), after=after, errors=errors)

    def _tally(self, hit: Bools, alarm: Bools, dropped: Bools, n_images: int) -> Tally:
        kept = hit | alarm
        return Tally.of(
            confidence=self.objects.score[kept],
            hit=hit[kept],
            image=self.objects.predictions.image[kept],
            cells=np.bincount(self.objects.cells.image[~dropped], minlength=n_images),
        )
