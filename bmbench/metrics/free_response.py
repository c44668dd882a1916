"""Sensitivity at rates of false alarms: per image, per mm² of tissue, or per 100 cells, each by two rules.

LUNA16's rates per image (1/8 to 8) are made for scans with a nodule or two. A field with 70 cells has more
false alarms than that by any detector, and a smear of twice the size twice as many: area and cells are what
false alarms can be held against there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bmbench.core.types import Floats, GroundTruth
from bmbench.metrics.curve import Curve
from bmbench.metrics.scores import Scores

MM2_RATES = (10.0, 20.0, 50.0, 100.0, 200.0, 300.0)
"""False alarms per mm² at which the MONKEY challenge averages sensitivity."""
CELL_RATES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""False alarms per 100 cells."""
RATE_SLACK = 1 + 1e-12
"""A rate may be missed by this: 7 false alarms on 0.7 mm² are 10 per mm², whatever 7 / 0.7 is rounded to."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RatedSensitivity:
    """The share of cells found at rates of false alarms, by both rules.

    Attributes
    ----------
    amount : (images,) float64
        What false alarms are held against, of every image: its mm², or its cells / 100.
    rates : tuple of r float
        False alarms per unit of `amount` that were asked for.
    by_steps : (r,) float64
        Sensitivity at the last threshold with no more false alarms: what can be had. NaN without cells.
    interpolated : (r,) float64
        Between neighbouring thresholds as on a straight line, as LUNA16, MONKEY and MONAI do; never less.
    """

    amount: Floats
    rates: tuple[float, ...]
    by_steps: Floats
    interpolated: Floats

    @property
    def mean(self) -> float | None:
        """Mean of `by_steps`; None where undefined."""
        return _known(self.by_steps)

    @property
    def interpolated_mean(self) -> float | None:
        """Mean of `interpolated`; None where undefined."""
        return _known(self.interpolated)


def sensitivity_per_mm2(truth: GroundTruth, scores: Scores) -> RatedSensitivity | None:
    """At `MM2_RATES` over the area of all images; None unless the scale and extent of each are known."""
    area = truth.image_mm2
    if area is None or not np.isfinite(area).all() or not area.sum() > 0:
        return None
    return _rated(scores, area, MM2_RATES)


def sensitivity_per_100_cells(scores: Scores) -> RatedSensitivity | None:
    """At `CELL_RATES` over the cells that must be found; None without any."""
    return _rated(scores, scores.images.cells / 100, CELL_RATES) if scores.images.cells.any() else None


def _rated(scores: Scores, amount: Floats, rates: Sequence[float]) -> RatedSensitivity:
    # Exactly rounded: the order of the images moves no digit.
    total = math.fsum(amount.tolist())
    return RatedSensitivity(
        amount=amount,
        rates=tuple(rates),
        by_steps=sensitivity_by_steps(scores.curve, total, rates),
        interpolated=interpolated_sensitivity(scores.curve, total, rates),
    )


def sensitivity_by_steps(curve: Curve, amount: float, rates: Sequence[float]) -> Floats:
    """(r,) recall at the last threshold of no more than so many false alarms per unit of `amount`."""
    most = np.asarray(rates, np.float64) * RATE_SLACK * amount
    reached = np.searchsorted(curve.fp, most, side="right")
    start = 0.0 if curve.cells else np.nan
    found: Floats = np.append(start, curve.recall)[reached]
    return found


def interpolated_sensitivity(curve: Curve, amount: float, rates: Sequence[float]) -> Floats:
    """(r,) recall on the straight lines between thresholds, from no false alarm and no hit; level at the end.

    As ``compute_froc_score`` of MONAI and the evaluation of LUNA16 (Setio et al., Med Image Anal 2017).
    """
    start = 0.0 if curve.cells else np.nan
    rate, recall = np.append(0.0, curve.fp / amount), np.append(start, curve.recall)
    found: Floats = np.interp(np.asarray(rates, np.float64), rate, recall)
    return found


def _known(values: Floats) -> float | None:
    mean = float(values.mean())
    return None if np.isnan(mean) else mean
