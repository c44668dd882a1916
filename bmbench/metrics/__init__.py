"""Matching, curves, average precision, F1, error types, resampling: arrays in, frozen results out.

No files, no printing, no torch. The whole of it in four lines::

    from bmbench.metrics import PROTOCOLS, evaluate

    evaluation = evaluate(truth, predictions, PROTOCOLS["paper"], bootstrap=2000)
    evaluation.cd.ap, evaluation.cd.ap_ci
"""

from bmbench.metrics.coco import coco_summary
from bmbench.metrics.evaluation import choose_threshold, evaluate
from bmbench.metrics.matching import Cause, Matching, Outcome
from bmbench.metrics.protocol import PROTOCOLS, Protocol
from bmbench.metrics.scores import Counts, Evaluation, Scores
from bmbench.metrics.tally import Curve, ImageCounts, Tally

__all__ = [
    "PROTOCOLS",
    "Cause",
    "Counts",
    "Curve",
    "Evaluation",
    "ImageCounts",
    "Matching",
    "Outcome",
    "Protocol",
    "Scores",
    "Tally",
    "choose_threshold",
    "coco_summary",
    "evaluate",
]
