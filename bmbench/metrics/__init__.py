"""Matching, curves, average precision, F1, error types: arrays in, frozen results out.

No files, no printing, no torch. The whole of it in four lines::

    from bmbench.metrics import PROTOCOLS, evaluate

    evaluation = evaluate(truth, predictions, PROTOCOLS["paper"])
    evaluation.cd.ap, evaluation.cd.f1

Intervals, differences and tests are made of its tallies by `bmbench.statistics`.

The files, in the order in which a score passes them:

- `protocol`: the rules that a number is made by
- `evaluation`: from ground truth and predictions to scores
- `radii`: how far centres may lie apart, object by object
- `matching_input`: the columns of the objects that take part
- `geometry_scores`: the scores of boxes, or of centres, of one class or of several
- `matching`: what is a hit, what is ignored, what a false alarm lies on
- `pairs`: which predictions may take which objects
- `outline_pairs`: the same where outlines are matched
- `assignment`: which prediction gets which cell, greedily or optimally
- `challenge_assignment`: the same as evaluators of challenges do it
- `coco`: all of that as pycocotools does it
- `tally`: what is kept of a matching
- `curve`: precision, recall, F and average precision
- `scores`: the frozen results
- `operating_point`: a threshold by a wanted recall or precision, or a promised miss rate
- `conformal`: that promise
- `cost_of_causes`: what AP each cause of errors costs
- `shapes`: panoptic quality, aggregated Jaccard index and Dice of outlines
- `by_size`, `artefact_class`: cells by their size, and the class of artefacts by itself
- `challenges`: what evaluators of challenges report beside F1
- `class_counts`, `confusion`, `details`, `merges_and_splits`, `by_group`, `free_response`,
  `calibration`, `localisation_recall_precision`: what is computed from them beside
- `scorer`, `laws`, `plugin`: numbers of other packages, and what they are held to
- `raters`: two raters, by the same rules
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bmbench.metrics.by_group import GroupScores, scores_by_group
    from bmbench.metrics.calibration import Reliability, reliability
    from bmbench.metrics.coco import coco_summary
    from bmbench.metrics.confusion import Confusion, confusion_table
    from bmbench.metrics.curve import Curve, average_precision, f_score, precision_at, precision_envelope
    from bmbench.metrics.details import (
        CountError,
        Froc,
        LimitSweep,
        Localisation,
        count_error,
        froc,
        localisation,
        size_ratios,
        sweep,
    )
    from bmbench.metrics.evaluation import choose_threshold, evaluate
    from bmbench.metrics.free_response import (
        RatedSensitivity,
        sensitivity_per_100_cells,
        sensitivity_per_mm2,
    )
    from bmbench.metrics.localisation_recall_precision import OptimalLrp, optimal_lrp
    from bmbench.metrics.matching import Cause, Matching, MatchOutcome
    from bmbench.metrics.merges_and_splits import MergesAndSplits
    from bmbench.metrics.operating_point import OperatingPoint, WantedPoint
    from bmbench.metrics.plugin import METRICS
    from bmbench.metrics.protocol import GEOMETRIES, PROTOCOLS, Assignment, Geometry, Protocol
    from bmbench.metrics.raters import RaterAgreement, rater_agreement
    from bmbench.metrics.scorer import Scorer
    from bmbench.metrics.scores import Counts, Evaluation, Scores
    from bmbench.metrics.tally import ImageCounts, Tally

__all__ = [
    "GEOMETRIES",
    "METRICS",
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
    "GroupScores",
    "ImageCounts",
    "LimitSweep",
    "Localisation",
    "MatchOutcome",
    "Matching",
    "MergesAndSplits",
    "OperatingPoint",
    "OptimalLrp",
    "Protocol",
    "RatedSensitivity",
    "RaterAgreement",
    "Reliability",
    "Scorer",
    "Scores",
    "Tally",
    "WantedPoint",
    "average_precision",
    "choose_threshold",
    "coco_summary",
    "confusion_table",
    "count_error",
    "evaluate",
    "f_score",
    "froc",
    "localisation",
    "optimal_lrp",
    "precision_at",
    "precision_envelope",
    "rater_agreement",
    "reliability",
    "scores_by_group",
    "sensitivity_per_100_cells",
    "sensitivity_per_mm2",
    "size_ratios",
    "sweep",
]

_MODULES = {
    "by_group": "GroupScores scores_by_group",
    "calibration": "Reliability reliability",
    "coco": "coco_summary",
    "confusion": "Confusion confusion_table",
    "curve": "Curve average_precision f_score precision_at precision_envelope",
    "details": "CountError Froc LimitSweep Localisation count_error froc localisation size_ratios sweep",
    "evaluation": "choose_threshold evaluate",
    "free_response": "RatedSensitivity sensitivity_per_100_cells sensitivity_per_mm2",
    "localisation_recall_precision": "OptimalLrp optimal_lrp",
    "matching": "Cause MatchOutcome Matching",
    "merges_and_splits": "MergesAndSplits",
    "operating_point": "OperatingPoint WantedPoint",
    "plugin": "METRICS",
    "protocol": "Assignment GEOMETRIES Geometry PROTOCOLS Protocol",
    "scorer": "Scorer",
    "raters": "RaterAgreement rater_agreement",
    "scores": "Counts Evaluation Scores",
    "tally": "ImageCounts Tally",
}
_PLACES = {name: module for module, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """A public name, from its module on first use: a program that only names a protocol loads no NumPy."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value
