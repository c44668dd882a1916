"""Differences of predictions files and of methods, with corrected tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bmbench.metrics import PROTOCOLS, evaluate
from bmbench.statistics.differences import differences
from bmbench.statistics.units import choose_units
from tests.metrics.scenes import predictions_of, random_scene, rebuilt, square, truth_of

CENTRES = replace(PROTOCOLS["paper"], iou=None, radius_px=8.0)
PAPER = replace(PROTOCOLS["paper"], radius_px=8.0)
N_IMAGES = 8


def scored(missed: list[int], *, protocol: Any = CENTRES) -> Any:
    """Eight images of ten cells, of which so many are missed; no false alarms."""
    truth = truth_of(
        [square(40 * i, 0) for i in range(10)] * N_IMAGES, np.repeat(np.arange(N_IMAGES), 10).tolist()
    )
    kept = [10 * image + cell for image in range(N_IMAGES) for cell in range(missed[image], 10)]
    found = predictions_of(truth.box[kept].tolist(), [0.9] * len(kept), truth.image[kept].tolist())
    return evaluate(truth, found, protocol, threshold=0.5)


FIRST, SECOND = [1, 0, 2, 1, 0, 1, 2, 1], [3, 1, 3, 4, 1, 2, 3, 4]


def test_the_difference_of_recalls_is_a_paired_t_test() -> None:
    """Without false alarms AP is recall, a mean over images of one size: SciPy's paired test."""
    first, second = scored(FIRST), scored(SECOND)
    found = differences([first], [second], choose_units(first))["cd"]
    a, b = (1 - np.array(missed) / 10 for missed in (FIRST, SECOND))
    judge = stats.ttest_rel(a, b)
    assert found.ap.value == pytest.approx(a.mean() - b.mean())
    assert found.ap.interval == pytest.approx(tuple(judge.confidence_interval(0.95)))
    # Two differences are looked at: the smaller p-value is doubled.
    assert found.ap.p >= judge.pvalue
    assert max(found.ap.p, found.f1.p) <= 2 * max(judge.pvalue, 1e-3)
    assert (found.ap.verdict, found.f1.verdict) == ("first ahead", "first ahead")
    assert not found.seeds
    back = differences([second], [first], choose_units(first))["cd"]
    assert back.ap.interval == pytest.approx((-found.ap.interval[1], -found.ap.interval[0]))
    assert back.f1.verdict == "second ahead"


def test_p_values_are_corrected_over_all_that_come_back() -> None:
    """Boxes beside centres double the number of comparisons: the smallest p-value, times four, not two."""
    answers = {
        rules: [scored(missed, protocol=rules) for missed in (FIRST, SECOND)] for rules in (CENTRES, PAPER)
    }
    units = choose_units(answers[CENTRES][0])
    two, four = (differences([a], [b], units) for a, b in answers.values())
    smallest = [min(one.ap.p, one.f1.p) for one in (two["cd"], four["cd"])]
    assert smallest[1] == pytest.approx(2 * smallest[0])


def test_an_interval_may_exclude_0_where_the_corrected_test_does_not_speak() -> None:
    first = scored([1, 0, 2, 1, 0, 1, 2, 1], protocol=PAPER)
    second = scored([2, 2, 2, 3, 1, 1, 2, 3], protocol=PAPER)
    found = differences([first], [second], choose_units(first))
    metrics = [metric for one in found.values() for metric in (one.ap, one.f1)]
    assert all(metric.interval[0] > 0 for metric in metrics)
    assert {metric.verdict for metric in metrics} == {"not told apart"}


def test_identical_answers_are_the_same() -> None:
    first = scored(FIRST)
    found = differences([first], [scored(FIRST)], choose_units(first))["cd"]
    assert (found.ap.verdict, found.f1.verdict) == ("the same", "the same")
    assert found.to_json()["f1_ci"] == [0.0, 0.0]
    assert found.to_json()["f1_p"] is None


def test_a_difference_that_no_unit_varies_in_is_not_tested() -> None:
    first, second = scored([0] * 8), scored([2] * 8)
    found = differences([first], [second], choose_units(first))["cd"]
    assert found.ap.value == pytest.approx(0.2)
    assert (found.ap.interval, found.ap.verdict) == (None, "not tested")


def test_trainings_of_a_method_are_averaged_and_their_variance_counts() -> None:
    trainings = (
        [[1, 0, 2, 1, 0, 1, 2, 1], [0, 0, 1, 0, 0, 1, 1, 0]],
        [[3, 1, 3, 4, 1, 2, 3, 4], [2, 1, 1, 2, 1, 1, 2, 1]],
    )
    first, second = ([scored(missed) for missed in some] for some in trainings)
    units = choose_units(first[0])
    alone, both = (differences(a, b, units)["cd"] for a, b in ((first[:1], second[:1]), (first, second)))
    assert both.seeds
    means = [np.mean([1 - np.array(missed) / 10 for missed in some]) for some in trainings]
    assert both.ap.value == pytest.approx(means[0] - means[1])
    width = [one.ap.interval[1] - one.ap.interval[0] for one in (alone, both)]
    assert width[1] > width[0]
    assert both.ap.verdict == "not told apart"


def test_two_images_are_not_tested() -> None:
    truth, predictions = random_scene(8, images=2)
    first = evaluate(truth, predictions, PAPER)
    second = evaluate(truth, rebuilt(predictions, box=predictions.box + 2.0), PAPER)
    found = differences([first], [second], choose_units(first))["bb"]
    assert (found.ap.interval, found.ap.p, found.ap.verdict) == (None, None, "not tested")


def test_the_same_images_are_needed() -> None:
    truth, predictions = random_scene(8, images=7)
    other_truth, other = random_scene(9, images=7)
    first, second = evaluate(truth, predictions, PAPER), evaluate(other_truth, other, PAPER)
    with pytest.raises(ValueError, match="same images"):
        differences([first], [second], choose_units(first))
