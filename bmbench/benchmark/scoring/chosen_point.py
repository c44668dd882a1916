"""The threshold of ``bmbench score --at``: chosen on optimisation images, else on those scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.metrics.conformal import units_needed
from bmbench.metrics.evaluation import evaluate
from bmbench.metrics.operating_point import (
    OperatingPoint,
    WantedPoint,
    limits_of_units,
    operating_point,
    promised_point,
)
from bmbench.present.words import RULES

if TYPE_CHECKING:
    from bmbench.core.types import GroundTruth, Predictions
    from bmbench.metrics import Evaluation, Geometry, Protocol, Scores

_Source: TypeAlias = Literal["oracle", "optimisation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenPoint:
    """An operating point, and whether it was chosen on optimisation images or on those scored (an oracle).

    `by_class` are those of each class by itself, None of one that does not reach it. `unit` is what a promise
    is made for: a group (patient or slide) where images have one, else an image.
    """

    at: OperatingPoint
    source: _Source
    unit: str = "image"
    by_class: Mapping[str, OperatingPoint | None] = field(default_factory=dict)

    @property
    def threshold(self) -> float:
        """The confidence from which predictions count."""
        return self.at.threshold

    @property
    def source_line(self) -> str:
        """Where the threshold comes from, as a caption says it."""
        if self.at.units is not None:
            return f"threshold that promises {self.at.wanted.text}, from {self._images}"
        if self.at.wanted.metric == "f1":
            return f"threshold of the highest F1, from {self._images}"
        wanted = f"{self.at.wanted.metric} {self.at.wanted.least:g}"
        return f"threshold for {wanted}, from {self._images}"

    @property
    def note(self) -> str:
        """The sentence that says what was chosen, and where."""
        metric, wanted = self.at.wanted.metric, self.at.wanted
        if self.at.units is not None:
            new = "patient or slide" if self.unit == "group" else self.unit
            return (
                f"threshold {self.at.threshold:.4g}: a new {new} misses at most {wanted.least:g} of its "
                f"cells by {RULES[self.at.geometry]} with probability {wanted.patients:g} or more, if it "
                f"is drawn as the {self.at.units} {self.unit}s of the optimisation images were"
            )
        if metric == "f1":
            return (
                f"threshold {self.at.threshold:.4g} of the highest F1: it is {self.at.reached:.3f} by "
                f"{RULES[self.at.geometry]} on {self._images}"
            )
        return (
            f"threshold {self.at.threshold:.4g} for {metric} {self.at.wanted.least:g}: {metric} is "
            f"{self.at.reached:.3f} by {RULES[self.at.geometry]} on {self._images}"
        )

    @property
    def _images(self) -> str:
        return "these very images (an oracle)" if self.source == "oracle" else "the optimisation images"

    def to_json(self) -> dict[str, Any]:
        """The point as JSON holds it."""
        return {**self.at.to_json(), "source": self.source}


@dataclass(frozen=True, slots=True, kw_only=True)
class PointRequest:
    """What is wanted, and the predictions and the ground truth to choose by; None: those that are scored."""

    wanted: WantedPoint
    chosen_on: tuple[Path, Path] | None = None

    def choose(self, truth: GroundTruth, predictions: Predictions, protocol: Protocol) -> ChosenPoint:
        """The operating point by centres, or else by boxes, on these images.

        Raises
        ------
        BadInputError
            If no threshold reaches what is wanted: with what can be had.
        """
        evaluation = evaluate(truth, predictions, protocol)
        geometry: Geometry = "bb" if evaluation.cd is None else "cd"
        scores = evaluation.cd or evaluation.bb
        assert scores is not None
        source: _Source = "oracle" if self.chosen_on is None else "optimisation"
        if self.wanted.metric == "miss":
            return self._promised(evaluation, scores, geometry)
        found = operating_point(scores, self.wanted, geometry=geometry)
        if found is not None:
            by_class = {
                name: operating_point(one, self.wanted, geometry=geometry)
                for name, one in scores.classes.items()
            }
            return ChosenPoint(at=found, source=source, by_class=by_class)
        metric, curve = self.wanted.metric, scores.curve
        values = curve.precision if metric == "precision" else curve.recall
        raise BadInputError(
            f"--at {self.wanted.text}",
            expected=f"a threshold with that {metric} by {RULES[geometry]} on the images it is chosen on",
            got=f"{metric} of at most {values.max():.3f}" if len(values) and curve.cells else f"no {metric}",
            remedy="ask for less, or give predictions down to lower confidences",
        )

    def _promised(self, evaluation: Evaluation, scores: Scores, geometry: Geometry) -> ChosenPoint:
        wanted, unit = self.wanted, "group" if evaluation.grouped else "image"
        if self.chosen_on is None:
            raise BadInputError(
                f"--at {wanted.text} promises nothing for the images that it is chosen on",
                expected="other images, of other patients, to choose on",
                remedy="add --chosen-on PREDICTIONS TRUTH",
            )
        found = promised_point(scores, wanted, evaluation.group, geometry=geometry)
        if found is not None:
            return ChosenPoint(at=found, source="optimisation", unit=unit)
        limits = limits_of_units(scores, evaluation.group, wanted)
        known, needed = int((~np.isnan(limits)).sum()), units_needed(wanted.patients)
        if known < needed:
            raise BadInputError(
                f"--at {wanted.text}: too few {unit}s to promise anything",
                expected=f"{needed} {unit}s with cells, or more",
                got=str(known),
                remedy=f"choose on more of them, or promise it for fewer ({known / (known + 1):.2g} at most)",
            )
        raise BadInputError(
            f"--at {wanted.text}: no threshold keeps it",
            expected=f"at most {wanted.least:g} of the cells missed on nearly all {unit}s",
            got=f"{int((limits > -np.inf).sum())} of {known} {unit}s, with all predictions",
            remedy="ask for less, or give predictions down to lower confidences",
        )
