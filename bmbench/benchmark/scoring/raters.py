"""Several raters of the same images: scores against each, and the human line (``bmbench score --rater``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.benchmark.scoring.rater_files import Rater, on_images
from bmbench.metrics.evaluation import evaluate
from bmbench.metrics.protocol import Geometry, Protocol
from bmbench.metrics.raters import RaterAgreement, rater_agreement
from bmbench.present.words import many
from bmbench.statistics.human_line import HumanLine, human_line
from bmbench.statistics.intervals import with_intervals
from bmbench.statistics.units import choose_units

if TYPE_CHECKING:
    from bmbench.core.types import GroundTruth, Predictions
    from bmbench.metrics.scores import Evaluation, Interval, Scores
    from bmbench.statistics.intervals import MetricInterval
    from bmbench.statistics.units import ChosenUnits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RatersOfGeometry:
    """By one matching rule: the answer against each rater, the raters among themselves.

    `against` is in the order of the raters, `among` in that of their pairs (first with second, first with
    third, …).
    """

    against: tuple[Scores, ...]
    among: tuple[RaterAgreement, ...]
    line: HumanLine


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RatersReport:
    """What several raters say of an answer and of each other, on the images that all of them have.

    Attributes
    ----------
    names : tuple of r str
        The first is that of the ground truth.
    n_images : int
    rules : geometry → RatersOfGeometry
    notes : tuple of str
        What was left out.
    """

    names: tuple[str, ...]
    n_images: int
    rules: Mapping[Geometry, RatersOfGeometry]
    notes: tuple[str, ...] = ()

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Names of every pair, in the order of `RatersOfGeometry.among`."""
        return tuple(combinations(self.names, 2))

    def to_json(self) -> dict[str, Any]:
        """Scores against each rater and the human line, by geometry."""
        rules: dict[str, Any] = {rule: self._rule_to_json(one) for rule, one in self.rules.items()}
        return {"names": list(self.names), "images": self.n_images, **rules}

    def _rule_to_json(self, one: RatersOfGeometry) -> dict[str, Any]:
        line = one.line
        pairs = [
            {"first": first, "second": second, **_value("f1", value)}
            | {"shared": int(counts.shared.sum()), "alone": int(counts.alone.sum())}
            for (first, second), value, counts in zip(self.pairs, line.pairs, one.among, strict=True)
        ]
        return {
            "against": [
                {"rater": name, **scores.to_json()}
                for name, scores in zip(self.names, one.against, strict=True)
            ],
            "pairs": pairs,
            **_value("answer", line.answer),
            **_value("raters", line.raters),
            **_value("difference", line.difference),
        }


def score_raters(raters: Sequence[Rater], predictions: Predictions, evaluation: Evaluation) -> RatersReport:
    """The answer against each rater and their agreement, by the rules and thresholds of an evaluation.

    `evaluation` is that of the answer against the first of them. Only images that all have seen count.
    """
    common = np.logical_and.reduce([rater.has for rater in raters])
    truths = [on_images(rater.truth, common) for rater in raters]
    answer = on_images(predictions, common)
    rule = evaluation.interval
    wanted = (None, False) if rule is None else (rule.unit, rule.groups is not None)
    plain = evaluate(truths[0], answer, evaluation.protocol, threshold=0.0)
    units = choose_units(plain, wanted[0], independent=wanted[1])
    thresholds: dict[Geometry, Scores | None] = {"bb": evaluation.bb, "cd": evaluation.cd}
    found = {
        geometry: _of_geometry(truths, answer, geometry, scores.threshold, (evaluation.protocol, units))
        for geometry, scores in thresholds.items()
        if scores is not None
    }
    left = int((~common).sum())
    some = (
        f"raters are compared on {many(int(common.sum()), 'image')}: {left} that one of them lacks left out"
    )
    return RatersReport(
        names=tuple(rater.name for rater in raters),
        n_images=int(common.sum()),
        rules={geometry: one for geometry, one in found.items() if one is not None},
        notes=(some,) if left else (),
    )


def _of_geometry(
    truths: Sequence[GroundTruth],
    answer: Predictions,
    geometry: Geometry,
    threshold: float | None,
    how: tuple[Protocol, ChosenUnits],
) -> RatersOfGeometry | None:
    protocol, units = how
    among = [rater_agreement(a, b, protocol, geometry) for a, b in combinations(truths, 2)]
    agreements = tuple(one for one in among if one is not None)
    if len(agreements) < len(among):
        return None
    least = 1.0 if threshold is None else threshold
    evaluations = [
        with_intervals(evaluate(truth, answer, protocol, threshold=least), units) for truth in truths
    ]
    against = [one.bb if geometry == "bb" else one.cd for one in evaluations]
    known = tuple(one for one in against if one is not None)
    return RatersOfGeometry(against=known, among=agreements, line=human_line(known, agreements, units))


def _value(name: str, value: MetricInterval) -> dict[str, Any]:
    interval: Interval | None = value.interval
    return {name: value.value, f"{name}_ci": None if interval is None else list(interval)}
