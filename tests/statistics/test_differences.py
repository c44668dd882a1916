"""Paired differences of two predictions files."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bmbench.metrics import PROTOCOLS, evaluate
from bmbench.statistics.differences import paired_difference
from bmbench.statistics.resampling import with_intervals
from tests.metrics.scenes import random_scene, rebuilt

PAPER = replace(PROTOCOLS["paper"], radius_px=8.0)


def grouped_scene(seed: int, **options: Any) -> tuple[Any, Any]:
    truth, predictions = random_scene(seed, images=7, **options)
    return rebuilt(truth, groups=("b", "a", "a", "c", "b", "b", "d")), predictions


def test_paired_difference_is_narrower_than_two_intervals() -> None:
    truth, predictions = grouped_scene(8, cells=12)
    first = with_intervals(evaluate(truth, predictions, PAPER, threshold=0.3), n=400)
    worse = rebuilt(predictions, box=predictions.box + 1.0)
    second = with_intervals(evaluate(truth, worse, PAPER, threshold=0.3), n=400)
    found = paired_difference(first, second, "bb", n=400)
    assert found is not None
    assert first.bb is not None
    assert second.bb is not None
    assert found.ap == pytest.approx(first.bb.ap - second.bb.ap)
    assert found.ap_ci is not None
    assert found.ap_ci[0] <= found.ap <= found.ap_ci[1]
    loose = first.bb.ap_ci[1] - second.bb.ap_ci[0] - (first.bb.ap_ci[0] - second.bb.ap_ci[1])
    assert found.ap_ci[1] - found.ap_ci[0] < loose
    same = paired_difference(first, first, "bb", n=50)
    assert same is not None
    assert same.to_json() == {
        "ap": 0.0,
        "f1": 0.0,
        "ap_ci": [0.0, 0.0],
        "f1_ci": [0.0, 0.0],
        "ap_share": 0.5,
        "f1_share": 0.5,
    }
    back = paired_difference(second, first, "bb", n=400)
    assert back is not None
    assert back.ap_ci == pytest.approx((-found.ap_ci[1], -found.ap_ci[0]))
    assert back.ap_share == pytest.approx(1 - found.ap_share)


def test_paired_difference_needs_the_same_images() -> None:
    truth, predictions = grouped_scene(8)
    other_truth, other = grouped_scene(9)
    first, second = evaluate(truth, predictions, PAPER), evaluate(other_truth, other, PAPER)
    with pytest.raises(ValueError, match="same images"):
        paired_difference(first, second, "cd")
