"""Classes of cells, each scored by itself, beside all cells as one class."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from bmbench.metrics.protocol import GEOMETRIES

if TYPE_CHECKING:
    from bmbench.benchmark.records.run_folder import RunDir
    from bmbench.benchmark.run.plan import Plan
    from bmbench.core.types import GroundTruth, Predictions
    from bmbench.metrics import Evaluation, Scores


def is_by_class(evaluation: Evaluation) -> bool:
    """Whether several classes of cells were scored, each by itself."""
    return any(scores is not None and scores.classes for scores in (evaluation.bb, evaluation.cd))


def as_one_class(truth: GroundTruth, predictions: Predictions, evaluation: Evaluation) -> dict[str, Any]:
    """``localisation``, all cells as one class, and ``confusion``, what is taken for what, by geometry.

    `evaluation` has all cells as one class.
    """
    from bmbench.metrics import confusion_table

    found: dict[str, Scores] = {
        geometry: scores for geometry in GEOMETRIES if (scores := getattr(evaluation, geometry)) is not None
    }
    tables = {name: confusion_table(truth, predictions, scores) for name, scores in found.items()}
    return {
        "localisation": {name: scores.to_json() for name, scores in found.items()},
        "confusion": {name: table.to_json() for name, table in tables.items()},
    }


def report_by_class(folder: RunDir, evaluation: Evaluation, plan: Plan) -> dict[str, Any]:
    """Each class of a run's test images by itself, by geometry, and ``confusion``, which is drawn as well.

    Parameters
    ----------
    evaluation : Evaluation
        Of the same images with all cells as one class; its threshold (of centres, or else of boxes) holds.
    """
    from bmbench.benchmark.drawing.figures import draw_confusion
    from bmbench.benchmark.scoring.score_files import read_pair
    from bmbench.metrics import evaluate

    truth, predictions = read_pair(folder.predictions("test"), folder.truth("test"))
    some = evaluation.cd or evaluation.bb
    by_class = evaluate(
        truth,
        predictions,
        dataclasses.replace(evaluation.protocol, per_class=True),
        threshold=None if some is None else some.threshold,
        bootstrap=plan.profile.bootstrap,
        seed=plan.options.seed,
    ).to_json()
    confusion = as_one_class(truth, predictions, evaluation)["confusion"]
    for rule in ("cd", "bb"):
        if rule in confusion:
            draw_confusion(folder.path / "confusion.png", confusion[rule], title=plan.name)
            break
    return {**{geometry: by_class[geometry] for geometry in GEOMETRIES}, "confusion": confusion}
