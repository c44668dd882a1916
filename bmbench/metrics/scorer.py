"""Scorers of other packages: a number about predictions, beside those that bmbench gives.

A package offers one by an entry point of the group ``bmbench.metrics``, or a script by its place::

    from bmbench.metrics import Scorer

    SCORER = Scorer(name="found_twice", title="cells found twice",
                    value=lambda truth, predictions, scores: scores.fp_duplicate, of_images="sums")

It gets the matching that every other number is made of, and pairs nothing itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bmbench.core.errors import BmbenchError, RunFailedError
from bmbench.core.plugins import first_line
from bmbench.core.types import GroundTruth, Predictions
from bmbench.metrics.scores import Scores

LAWS = ("order", "moving", "scaling", "perfect", "images twice")
"""What a scorer may be expected to keep; `bmbench.metrics.laws` says what each is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """A named number about predictions.

    Attributes
    ----------
    name : str
        How it is asked for, and its key in JSON.
    title : str
        What stands in tables.
    value : (GroundTruth, Predictions, Scores) → float or None
        The number for one way of matching (boxes, or centres); None where it is undefined. `Scores` holds
        the outcome of every prediction, and the counts at the threshold.
    unit : str
        "px" for a number of pixels, which grows with the image; "" for all else.
    of_images : "ratio" or "sums"
        Whether it stays the same, or doubles, when every image is shown twice.
    perfect : float or None
        What it is where predictions are the cells themselves; None: nothing is promised.
    keeps : names of `LAWS`
        What it promises. One that breaks a promise gives no number.
    """

    name: str
    title: str
    value: Callable[[GroundTruth, Predictions, Scores], float | None]
    unit: Literal["", "px"] = ""
    of_images: Literal["ratio", "sums"] = "ratio"
    perfect: float | None = None
    keeps: tuple[str, ...] = LAWS


def value_of(scorer: Scorer, truth: GroundTruth, predictions: Predictions, scores: Scores) -> float | None:
    """The number of a scorer; RunFailedError, with its name, for what it raises or where it is no number."""
    try:
        found = scorer.value(truth, predictions, scores)
        value = None if found is None else float(found)
    except BmbenchError:
        raise
    except Exception as error:
        raise RunFailedError(f"the metric {scorer.name!r} failed ({first_line(error)})") from error
    if value is not None and not math.isfinite(value):
        raise RunFailedError(f"the metric {scorer.name!r} gives {value}; what is undefined is None")
    return value
