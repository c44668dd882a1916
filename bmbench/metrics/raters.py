"""How far two raters agree on the cells of the same images, by the rules that predictions are scored by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmbench.core.types import GroundTruth, Ints, Predictions, Role
from bmbench.metrics.evaluation import evaluate, scored_geometries
from bmbench.metrics.protocol import Geometry, Protocol


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RaterAgreement:
    """Cells of two raters, counted both ways, image by image.

    Attributes
    ----------
    shared : (images,) int64
        Cells of the first that the second has too, and cells of the second that the first has: twice the
        pairs.
    alone : (images,) int64
        Cells of either that the other one neither has nor ignores.
    """

    shared: Ints
    alone: Ints

    @property
    def f1(self) -> float | None:
        """``shared / (shared + alone)``: F1 of either as the answer to the other; None without cells."""
        both, every = int(self.shared.sum()), int(self.shared.sum() + self.alone.sum())
        return both / every if every else None


def rater_agreement(
    first: GroundTruth, second: GroundTruth, protocol: Protocol, geometry: Geometry
) -> RaterAgreement | None:
    """The agreement of two raters on the same images and categories; None where the geometry is not scored.

    Each rater's cells are matched, as predictions of one confidence, with the other's. What one ignores
    absorbs the cells of the other there, so both directions are needed; their sum treats both alike even
    where a tie is settled differently.
    """
    both_scored = all(geometry in scored_geometries(one, protocol) for one in (first, second))
    if not both_scored:
        return None
    found = []
    for truth, other in ((first, second), (second, first)):
        evaluation = evaluate(truth, as_answer(other), protocol, threshold=0.0)
        scores = evaluation.bb if geometry == "bb" else evaluation.cd
        assert scores is not None
        found.append(scores.images)
    return RaterAgreement(shared=found[0].tp + found[1].tp, alone=found[0].fp + found[1].fp)


def as_answer(rater: GroundTruth) -> Predictions:
    """The cells of a rater as predictions of confidence 1; artefacts and what is ignored are none."""
    cells = np.flatnonzero(rater.role == Role.CELL)
    return Predictions(
        image=rater.image[cells],
        xy=rater.xy[cells],
        box=rater.box[cells],
        confidence=np.ones(len(cells)),
        label=rater.label[cells],
        size=None if rater.size is None else rater.size[cells],
        outline=None if rater.outline is None else tuple(rater.outline[row] for row in cells.tolist()),
    )
