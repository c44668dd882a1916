"""oLRP by hand, and threshold by threshold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from bmbench.metrics import PROTOCOLS, evaluate, optimal_lrp

from .scenes import predictions_of, scenes, square, truth_of

PAPER = replace(PROTOCOLS["paper"], radius_px=8.0)


def test_by_hand() -> None:
    """3 cells, radius 8: hits 2 px and 4 px off (0.25 and 0.5) at 0.9 and 0.7, a false alarm at 0.8.

    Keeping nothing: 3 / 3 = 1. From 0.9: (0.25 + 0 + 2) / 3 = 0.75. From 0.8: (0.25 + 1 + 2) / 4 = 0.8125.
    From 0.7: (0.75 + 1 + 1) / 4 = 0.6875, the lowest: misplacing 0.375, false alarms 1/3, misses 1/3.
    By boxes of 20 px, limit 0.5: IoU 18/22 and 16/24, misplacing 4/11 and 2/3.
    """
    truth = truth_of([square(200 * k, 0) for k in range(3)])
    found = predictions_of([square(2, 0), square(900, 0), square(204, 0)], [0.9, 0.8, 0.7])
    evaluation = evaluate(truth, found, PAPER)
    by_centre = optimal_lrp(found, evaluation.cd, "cd") if evaluation.cd else None
    assert by_centre is not None
    assert by_centre.error == pytest.approx(0.6875)
    assert (by_centre.misplacing, by_centre.threshold) == (pytest.approx(0.375), 0.7)
    assert (by_centre.false_alarms, by_centre.misses) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    by_box = optimal_lrp(found, evaluation.bb, "bb") if evaluation.bb else None
    assert by_box is not None
    assert by_box.error == pytest.approx((4 / 11 + 2 / 3 + 1 + 1) / 4)


def test_where_nothing_is_worth_keeping() -> None:
    """Two false alarms on one cell: keeping one gives (1 + 1) / 2 = 1 as well, so nothing is kept."""
    truth = truth_of([square(0, 0)])
    found = predictions_of([square(900, 0), square(600, 0)], [0.9, 0.8])
    scores = evaluate(truth, found, PAPER).cd
    assert scores is not None
    lrp = optimal_lrp(found, scores, "cd")
    assert lrp is not None
    assert (lrp.error, lrp.misplacing, lrp.false_alarms, lrp.misses, lrp.threshold) == (
        1,
        None,
        None,
        1,
        None,
    )
    optimal = evaluate(truth, found, replace(PAPER, assignment="hungarian")).cd
    assert optimal is not None
    assert optimal_lrp(found, optimal, "cd") is None


@pytest.mark.parametrize("geometry", ["bb", "cd"])
@settings(max_examples=25)
@given(scene=scenes())
def test_it_is_the_lowest_of_all_thresholds(geometry: Any, scene: Any) -> None:
    """LRP from the counts of an evaluation at each threshold by itself."""
    truth, found = scene
    scores = getattr(evaluate(truth, found, PAPER), geometry)
    lrp = optimal_lrp(found, scores, geometry)
    if not scores.curve.cells:
        assert lrp is None
        return
    errors = [1.0]
    for threshold in scores.curve.threshold.tolist():
        at = getattr(evaluate(truth, found, PAPER, threshold=threshold), geometry)
        held = at.matching.similarity[at.matching.is_hit & (found.confidence >= threshold)]
        off = held / 8 if geometry == "cd" else (1 - held) / 0.5
        errors.append((off.sum() + at.fp + at.fn) / (at.tp + at.fp + at.fn))
    assert lrp is not None
    assert lrp.error == pytest.approx(min(errors), abs=1e-12)
