"""Matching, curves, average precision, F1, error types: arrays in, frozen results out.

No files, no printing, no torch. The whole of it in four lines::

    from bmbench.metrics import PROTOCOLS, evaluate

    evaluation = evaluate(truth, predictions, PROTOCOLS["paper"])
    evaluation.cd.ap, evaluation.cd.f1

Intervals, differences and tests are made of its tallies by `bmbench.statistics`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bmbench.metrics.areas import average_precision
    from bmbench.metrics.coco import coco_summary
    from bmbench.metrics.confusion import Confusion, confusion_table
    from bmbench.metrics.evaluation import choose_threshold, evaluate
    from bmbench.metrics.matching import Cause, Matching, Outcome
    from bmbench.metrics.measures import (
        CountError,
        Froc,
        Localisation,
        count_error,
        froc,
        localisation,
        size_ratios,
    )
    from bmbench.metrics.protocol import GEOMETRIES, PROTOCOLS, Assignment, Geometry, Protocol
    from bmbench.metrics.scores import Counts, Evaluation, Scores
    from bmbench.metrics.sweeps import Sweep, sweep
    from bmbench.metrics.tally import Curve, ImageCounts, Tally

__all__ = [
    "GEOMETRIES",
    "PROTOCOLS",
    "Assignment",
    "Cause",
    "Confusion",
    "CountError",
    "Counts",
    "Curve",
    "Evaluation",
    "Froc",
    "Geometry",
    "ImageCounts",
    "Localisation",
    "Matching",
    "Outcome",
    "Protocol",
    "Scores",
    "Sweep",
    "Tally",
    "average_precision",
    "choose_threshold",
    "coco_summary",
    "confusion_table",
    "count_error",
    "evaluate",
    "froc",
    "localisation",
    "size_ratios",
    "sweep",
]

_MODULES = {
    "areas": ("average_precision",),
    "coco": ("coco_summary",),
    "confusion": (
        "Confusion",
        "confusion_table",
    ),
    "evaluation": (
        "choose_threshold",
        "evaluate",
    ),
    "matching": (
        "Cause",
        "Matching",
        "Outcome",
    ),
    "measures": (
        "CountError",
        "Froc",
        "Localisation",
        "count_error",
        "froc",
        "localisation",
        "size_ratios",
    ),
    "protocol": (
        "Assignment",
        "GEOMETRIES",
        "Geometry",
        "PROTOCOLS",
        "Protocol",
    ),
    "scores": (
        "Counts",
        "Evaluation",
        "Scores",
    ),
    "sweeps": (
        "Sweep",
        "sweep",
    ),
    "tally": (
        "Curve",
        "ImageCounts",
        "Tally",
    ),
}
_PLACES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """A public name, from its module on first use: a program that only names a protocol loads no NumPy."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value
