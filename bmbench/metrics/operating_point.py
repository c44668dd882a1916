"""A confidence threshold by what is wanted of it: a recall, a precision, or a promised miss rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.numerals import numeral
from bmbench.core.types import Floats, Ints
from bmbench.metrics.conformal import conformal_threshold, unit_limits
from bmbench.metrics.curve import RECALL_SLACK
from bmbench.metrics.protocol import Geometry
from bmbench.metrics.scores import Scores
from bmbench.metrics.tally import pooled

PointMetric: TypeAlias = Literal["recall", "precision", "miss", "f1"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPoint:
    """What is wanted on the images that a threshold is chosen on: at least this recall, or precision.

    Or the highest F1 (`f1`). Or a promise: `miss` wants a share of missed cells of at most `least` for a
    share `patients` of new patients or slides.
    """

    metric: PointMetric
    least: float
    patients: float = 0.9

    @property
    def text(self) -> str:
        """As a command line has it."""
        if self.metric == "f1":
            return "f1"
        share = f"@{self.patients:g}" if self.metric == "miss" else ""
        return f"{self.metric}={self.least:g}{share}"

    @classmethod
    def parsed(cls, text: str) -> WantedPoint:
        """The wish of a command line, ``recall=0.95``, ``f1``, or ``miss=0.1@0.9``.

        Raises
        ------
        BadInputError
            If it names neither metric, or no number above 0 and at most 1.
        """
        if text.strip() == "f1":
            return cls(metric="f1", least=0.0)
        name, _, number = text.partition("=")
        number, promise, share = number.partition("@")
        for metric in get_args(PointMetric):
            if metric != "f1" and name.strip() == metric and 0 < (least := _number(number)) <= 1:
                if metric != "miss" and not promise:
                    return cls(metric=metric, least=least)
                if metric == "miss" and least < 1 and 0 < (patients := _number(share or "0.9")) < 1:
                    return cls(metric=metric, least=least, patients=patients)
        raise BadInputError(
            "--at",
            expected="f1, recall=R or precision=P with a number above 0 and at most 1, or miss=M@SHARE",
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
        The recall or precision there, at least what is wanted; of a miss rate the share of the units that
        keep it.
    units : int or None
        Units with cells that a promise rests on.
    """

    wanted: WantedPoint
    geometry: Geometry
    threshold: float
    reached: float
    units: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The point as JSON holds it."""
        promised = {"patients": self.wanted.patients, "units": self.units} if self.units is not None else {}
        return {
            "metric": self.wanted.metric,
            "wanted": self.wanted.least,
            "reached": self.reached,
            "by": self.geometry,
            "threshold": self.threshold,
            **promised,
        }


def operating_point(scores: Scores, wanted: WantedPoint, *, geometry: Geometry) -> OperatingPoint | None:
    """The threshold for a wanted recall, precision, or the highest F1; None where no threshold reaches it.

    For a recall it is the highest that reaches it; for a precision the one of highest recall among those that
    reach it, for precision does not only fall. As that of `choose_threshold` it lies half-way to the next
    lower score, so that neither rounding nor a slightly less sure detector moves it across a prediction.
    """
    curve, metric = scores.curve, wanted.metric
    values = {"recall": curve.recall, "precision": curve.precision}.get(metric, curve.f())
    least = values.max(initial=0.0) if metric == "f1" else wanted.least
    good = np.flatnonzero((values > 0) & (values >= least - RECALL_SLACK))
    if not curve.cells or not len(good):
        return None
    # From there on recall only rises: the first row is best for a recall, the last rise for a precision.
    row = good[np.argmax(curve.tp[good])] if metric == "precision" else good[0]
    below = curve.threshold[min(row + 1, len(curve.threshold) - 1)]
    return OperatingPoint(
        wanted=wanted,
        geometry=geometry,
        threshold=float((curve.threshold[row] + below) / 2),
        reached=float(values[row]),
    )


def promised_point(
    scores: Scores, wanted: WantedPoint, unit: Ints, *, geometry: Geometry
) -> OperatingPoint | None:
    """The threshold for a promised miss rate; (images,) `unit` numbers patients or slides from 0.

    None where there are too few units, or where no threshold keeps the rate on as many as it takes.
    """
    limits = limits_of_units(scores, unit, wanted)
    threshold = conformal_threshold(limits, share=wanted.patients)
    if threshold is None or threshold == -np.inf:
        return None
    known = limits[~np.isnan(limits)]
    return OperatingPoint(
        wanted=wanted,
        geometry=geometry,
        threshold=min(threshold, 1.0),
        reached=float((known >= threshold).mean()),
        units=len(known),
    )


def limits_of_units(scores: Scores, unit: Ints, wanted: WantedPoint) -> Floats:
    """(u,) `unit_limits` of the hits along the curve."""
    tally = pooled(scores.tallies)
    cells = np.bincount(unit, weights=tally.cells, minlength=int(unit.max(initial=-1)) + 1).astype(np.int64)
    of_hits = unit[tally.image[tally.hit]]
    return unit_limits(tally.confidence[tally.hit], of_hits, cells, miss=wanted.least)


def _number(text: str) -> float:
    try:
        return float(numeral(text))
    except ValueError:
        return np.nan
