"""Precision against recall as a small drawing for notebooks."""

import numpy as np

from bmbench.metrics.scores import Evaluation, Scores
from bmbench.present.palette import BLUE, VERMILLION
from bmbench.present.svg import Axes, SvgDrawing
from bmbench.present.words import RULES, decimal

_TENTHS = (0, 0.2, 0.4, 0.6, 0.8, 1.0)
_MOST_POINTS = 400
"""Points of a drawn line: more of them cannot be told apart, and a notebook is saved with them."""


def pr_curves_svg(evaluation: Evaluation) -> str:
    """The curve of each matching rule, with a dot where predictions at the threshold lie, as SVG."""
    shown = [
        (scores, rule, colour, dash)
        for scores, rule, colour, dash in (
            (evaluation.cd, "cd", BLUE, ""),
            (evaluation.bb, "bb", VERMILLION, "7 3"),
        )
        if scores is not None
    ]
    drawing = SvgDrawing(480, 300, "Precision against recall")
    axes = Axes(drawing, (52, 24, 300, 252), _TENTHS, _TENTHS)
    axes.label("recall", "precision")
    for row, (scores, rule, colour, dash) in enumerate(shown):
        drawing.path(_points(scores, axes), stroke=colour, stroke_width=2, stroke_dasharray=dash)
        if scores.recall is not None and scores.precision is not None:
            drawing.circle(*axes.at(scores.recall, scores.precision), 5, fill=colour, stroke="#ffffff")
        y = 48 + 46 * row
        drawing.line((316, y), (344, y), stroke=colour, stroke_width=2, stroke_dasharray=dash)
        drawing.text(350, y + 4, f"{RULES[rule]}: AP {decimal(scores.ap)}")
        drawing.text(350, y + 20, f"F1 {decimal(scores.f1)}")
    return str(drawing)


def _points(scores: Scores, axes: Axes) -> list[tuple[float, float]]:
    recall, precision = scores.curve.recall, scores.curve.precision
    rows = np.unique(np.linspace(0, len(recall) - 1, min(len(recall), _MOST_POINTS)).astype(np.int64))
    return [axes.at(float(recall[row]), float(precision[row])) for row in rows if len(recall)]
