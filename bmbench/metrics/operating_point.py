"""A confidence threshold by what is wanted of it: a recall, or a precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.metrics.curve import RECALL_SLACK
from bmbench.metrics.protocol import Geometry
from bmbench.metrics.scores import Scores

PointMetric: TypeAlias = Literal["recall", "precision"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPoint:
    """What is wanted on the images that a threshold is chosen on: at least this recall, or precision."""

    metric: PointMetric
    least: float

    @classmethod
    def parsed(cls, text: str) -> WantedPoint:
        """The wish of a command line, ``recall=0.95``.

        Raises
        ------
        BadInputError
            If it names neither metric, or no number above 0 and at most 1.
        """
        name, _, number = text.partition("=")
        for metric in get_args(PointMetric):
            if name.strip() == metric and 0 < (least := _number(number)) <= 1:
                return cls(metric=metric, least=least)
        raise BadInputError(
            "--at",
            expected="recall=R or precision=P, with a number above 0 and at most 1",
            got=repr(text),
            remedy="write, for example, --at recall=0.95",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """A threshold that gives what is wanted, on the images it was chosen on.

    Attributes
    ----------
    wanted : WantedPoint
    geometry : "bb" or "cd"
        By which matching rule.
    threshold : float
    reached : float
        The recall or precision there; at least what is wanted.
    """

    wanted: WantedPoint
    geometry: Geometry
    threshold: float
    reached: float

    def to_json(self) -> dict[str, Any]:
        """The point as JSON holds it."""
        return {
            "metric": self.wanted.metric,
            "wanted": self.wanted.least,
            "reached": self.reached,
            "by": self.geometry,
            "threshold": self.threshold,
        }


def operating_point(scores: Scores, wanted: WantedPoint, *, geometry: Geometry) -> OperatingPoint | None:
    """The threshold for a wanted recall or precision; None where no threshold reaches it.

    For a recall it is the highest that reaches it; for a precision the one of highest recall among those that
    reach it, for precision does not only fall. As that of `choose_threshold` it lies half-way to the next
    lower score, so that neither rounding nor a slightly less sure detector moves it across a prediction.
    """
    curve = scores.curve
    values = curve.recall if wanted.metric == "recall" else curve.precision
    good = np.flatnonzero(values >= wanted.least - RECALL_SLACK)
    if not curve.cells or not len(good):
        return None
    # From there on recall only rises: the first row is best for a recall, the last rise for a precision.
    row = good[0] if wanted.metric == "recall" else good[np.argmax(curve.tp[good])]
    below = curve.threshold[min(row + 1, len(curve.threshold) - 1)]
    return OperatingPoint(
        wanted=wanted,
        geometry=geometry,
        threshold=float((curve.threshold[row] + below) / 2),
        reached=float(values[row]),
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan
