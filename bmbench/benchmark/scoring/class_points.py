"""Each class of cells at a threshold of its own (``bmbench score --per-class --at …``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from bmbench.metrics.evaluation import evaluate
from bmbench.present.terminal import terminal_table
from bmbench.present.words import RULES, decimal, with_interval
from bmbench.statistics.intervals import MetricInterval, metric_interval, with_intervals
from bmbench.statistics.jackknife import counts_by_unit, mean_of, ratio_of_counts
from bmbench.statistics.units import units_of

if TYPE_CHECKING:
    from rich.table import Table

    from bmbench.benchmark.scoring.chosen_point import ChosenPoint
    from bmbench.core.types import GroundTruth, Predictions
    from bmbench.metrics.scores import Evaluation, Scores


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassPoints:
    """Scores of each class at its own threshold.

    Attributes
    ----------
    thresholds : class → threshold, or None
        None where none was found for it: it has no cells there, or does not reach what is wanted.
    classes : geometry → class → Scores
        With intervals; a class without a threshold is left out.
    macro_f1 : geometry → MetricInterval
        Mean over the classes that have a threshold and cells.
    """

    thresholds: Mapping[str, float | None]
    classes: Mapping[str, Mapping[str, Scores]]
    macro_f1: Mapping[str, MetricInterval]

    def to_json(self) -> dict[str, Any]:
        """Thresholds, and by geometry the scores of each class and their mean."""
        rules = {
            rule: {
                "classes": {name: one.to_json() for name, one in classes.items()},
                "macro_f1": self.macro_f1[rule].value,
                "macro_f1_ci": _listed(self.macro_f1[rule]),
            }
            for rule, classes in self.classes.items()
        }
        return {"thresholds": dict(self.thresholds), **rules}


def score_class_points(
    truth: GroundTruth, predictions: Predictions, evaluation: Evaluation, point: ChosenPoint
) -> ClassPoints:
    """The scores of each class at the threshold that was chosen for it, by the rules of an evaluation."""
    thresholds = {name: None if one is None else one.threshold for name, one in point.by_class.items()}
    units = units_of(evaluation)
    found: dict[str, dict[str, Scores]] = {"bb": {}, "cd": {}}
    for name, threshold in thresholds.items():
        if threshold is None:
            continue
        at = with_intervals(evaluate(truth, predictions, evaluation.protocol, threshold=threshold), units)
        for rule, scores in (("bb", at.bb), ("cd", at.cd)):
            if scores is not None and name in scores.classes:
                found[rule][name] = scores.classes[name]
    scored = {rule: classes for rule, classes in found.items() if classes}
    macro = {
        rule: metric_interval(
            mean_of(
                [
                    ratio_of_counts("f1", counts_by_unit(one.images, units.row, units.n))
                    for one in classes.values()
                ]
            )
        )
        for rule, classes in scored.items()
    }
    return ClassPoints(thresholds=thresholds, classes=scored, macro_f1=macro)


def class_points_table(points: ClassPoints, *, source: str) -> Table:
    """A row a class: its threshold, and F1 there; then the mean."""
    heads = ("confidence ≥", *(f"F1, {RULES[rule]}" for rule in points.classes))
    table = terminal_table("category", heads, title="each at a threshold of its own", caption=source)
    for name, threshold in points.thresholds.items():
        each = [classes.get(name) for classes in points.classes.values()]
        shown = [decimal(None) if one is None else with_interval(one.f1, one.f1_ci) for one in each]
        table.add_row(escape(name), decimal(threshold), *shown)
    table.add_section()
    means = [with_interval(one.value, one.interval) for one in points.macro_f1.values()]
    table.add_row("mean of them (macro)", "", *means)
    return table


def _listed(value: MetricInterval) -> list[float] | None:
    return None if value.interval is None else list(value.interval)
