"""Classes that methods tell apart: the F1 of each, at a threshold and within a radius of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.reproduce.report.runs import Key
from bmbench.benchmark.scoring.chosen_point import PointRequest
from bmbench.benchmark.scoring.class_points import ClassPoints, score_class_points
from bmbench.benchmark.scoring.score_files import read_pair
from bmbench.benchmark.suite.report.blocks import Block, TextGrid
from bmbench.benchmark.suite.report.scored_sets import ScoredSet
from bmbench.core.errors import BadInputError
from bmbench.core.types import GroundTruth, Predictions, Role
from bmbench.metrics.evaluation import evaluate
from bmbench.metrics.operating_point import WantedPoint
from bmbench.metrics.protocol import Protocol
from bmbench.metrics.scores import Scores
from bmbench.present.words import UNDEFINED, listed, percent, span

_Pair = tuple[GroundTruth, Predictions]


def class_section(one: ScoredSet) -> list[Block]:
    """A row a method, of its first seed; nothing where no classes are told apart, or where folds are."""
    if not one.set.classes or one.collection.n_folds > 1:
        return []
    truth = one.collection.rows[one.keys[0]][0].files[0]
    radii, names = class_radii(truth), _cell_classes(truth)
    found: dict[Key, ClassPoints | None] = {}
    for key in one.keys:
        run = one.collection.rows[key][0]
        folder = RunDir(one.folder.run(run.cell))
        chosen = folder.predictions("optimisation"), folder.truth("optimisation")
        try:
            found[key] = score_at_own_thresholds(run.files, read_pair(*chosen), run.protocol)
        except (BadInputError, FileNotFoundError):
            found[key] = None
    order = sorted(one.keys, key=lambda key: -(macro_f1(found[key], len(names))[0] or 0.0))
    rows = [(f"`{key.method}`", *_cells(found[key], names)) for key in order]
    counts = [int(((truth.label == label) & (truth.role == Role.CELL)).sum()) for label in _labels(truth)]
    header = ["method", "macro-F1", "95 %"]
    for name, n in zip(names, counts, strict=True):
        header += [f"{name} ({n})", "95 %"]
    limits = listed([f"{radius:g} px for {name}" for name, radius in radii])
    about = (
        "Classes told apart, first seed: F1 of each class by centres, at the threshold that is best for it "
        "on the optimisation images. Centres match within a third of the mean diameter of the class: "
        f"{limits}. A class without a threshold counts as 0 in macro-F1."
    )
    return [about, TextGrid(header=tuple(header), rows=tuple(rows))]


def score_at_own_thresholds(tested: _Pair, chosen_on: _Pair, protocol: Protocol) -> ClassPoints:
    """Each class of the test images at its best threshold of the optimisation images, within its own radius.

    Raises
    ------
    BadInputError
        If the optimisation images give no threshold.
    """
    rules = replace(protocol, per_class=True, class_radii=class_radii(tested[0]))
    request = PointRequest(wanted=WantedPoint.parsed("f1"))
    point = replace(request.choose(*chosen_on, rules), source="optimisation")
    return score_class_points(*tested, evaluate(*tested, rules, threshold=point.threshold), point)


def class_radii(truth: GroundTruth) -> tuple[tuple[str, float], ...]:
    """A third of the mean diameter of each class of cells (that of boxes), to a tenth of a pixel."""
    sides = (truth.box[:, 2:] - truth.box[:, :2]).mean(axis=1)
    cell = truth.role == Role.CELL
    return tuple(
        (truth.categories[label].name, round(float(sides[cell & (truth.label == label)].mean()) / 3, 1))
        for label in _labels(truth)
    )


def _labels(truth: GroundTruth) -> list[int]:
    found: list[int] = np.unique(truth.label[truth.role == Role.CELL]).tolist()
    return found


def _cell_classes(truth: GroundTruth) -> list[str]:
    return [truth.categories[label].name for label in _labels(truth)]


def macro_f1(points: ClassPoints | None, n_classes: int) -> tuple[float | None, tuple[float, float] | None]:
    """The mean over all classes, with its interval; one without a threshold counts as 0, without interval."""
    mean = None if points is None else points.macro_f1.get("cd")
    if points is None or mean is None or mean.value is None:
        return None, None
    n = len(points.classes["cd"])
    return mean.value * n / n_classes, mean.interval if n == n_classes else None


def _cells(points: ClassPoints | None, names: list[str]) -> list[str]:
    value, interval = macro_f1(points, len(names))
    texts = [percent(value), span(interval)]
    for name in names:
        scores: Scores | None = None if points is None else points.classes.get("cd", {}).get(name)
        texts += [UNDEFINED] * 2 if scores is None else [percent(scores.f1), span(scores.f1_ci)]
    return texts
