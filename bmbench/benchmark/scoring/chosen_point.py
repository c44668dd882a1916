"""The threshold of ``bmbench score --at``: chosen on optimisation images, else on those scored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from bmbench.core.errors import BadInputError
from bmbench.metrics.evaluation import evaluate
from bmbench.metrics.operating_point import OperatingPoint, WantedPoint, operating_point
from bmbench.present.words import RULES

if TYPE_CHECKING:
    from bmbench.core.types import GroundTruth, Predictions
    from bmbench.metrics import Geometry, Protocol

_Source: TypeAlias = Literal["oracle", "optimisation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenPoint:
    """An operating point, and whether it was chosen on optimisation images or on those scored (an oracle)."""

    at: OperatingPoint
    source: _Source

    @property
    def threshold(self) -> float:
        """The confidence from which predictions count."""
        return self.at.threshold

    @property
    def source_line(self) -> str:
        """Where the threshold comes from, as a caption says it."""
        wanted = f"{self.at.wanted.metric} {self.at.wanted.least:g}"
        return f"threshold for {wanted}, from {self._images}"

    @property
    def note(self) -> str:
        """The sentence that says what was chosen, and where."""
        metric = self.at.wanted.metric
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
        found = operating_point(scores, self.wanted, geometry=geometry)
        if found is not None:
            return ChosenPoint(at=found, source="oracle" if self.chosen_on is None else "optimisation")
        metric, curve = self.wanted.metric, scores.curve
        values = curve.recall if metric == "recall" else curve.precision
        raise BadInputError(
            f"--at {metric}={self.wanted.least:g}",
            expected=f"a threshold with that {metric} by {RULES[geometry]} on the images it is chosen on",
            got=f"{metric} of at most {values.max():.3f}" if len(values) and curve.cells else f"no {metric}",
            remedy="ask for less, or give predictions down to lower confidences",
        )
