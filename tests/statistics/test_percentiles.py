"""Intervals of scores: over groups, of the right coverage, for every class."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bmbench.core.types import Category
from bmbench.metrics import PROTOCOLS, evaluate
from bmbench.statistics.draws import UnitDraws
from bmbench.statistics.resampling import interval, percentiles, resampled_f1, with_intervals
from tests.metrics.scenes import predictions_of, rebuilt, square, truth_of

PAPER = replace(PROTOCOLS["paper"], radius_px=8.0)


def test_the_interval_is_over_groups() -> None:
    """Ten images of one patient tell as much as one: the interval of ten patients is narrower."""
    rng = np.random.default_rng(0)
    truth = truth_of([square(40 * i, 0) for i in range(20)] * 20, np.repeat(np.arange(20), 20).tolist())
    kept = np.flatnonzero(rng.random(400) < np.repeat(rng.uniform(0.3, 1, 20), 20))
    predictions = predictions_of(
        truth.box[kept].tolist(), rng.random(len(kept)).tolist(), truth.image[kept].tolist()
    )

    def width(groups: list[str]) -> float:
        evaluation = evaluate(rebuilt(truth, groups=tuple(groups)), predictions, PAPER)
        scores = with_intervals(evaluation, n=500).bb
        assert scores is not None
        assert scores.ap_ci is not None
        assert scores.ap is not None
        assert scores.ap_ci[0] <= scores.ap <= scores.ap_ci[1]
        return scores.ap_ci[1] - scores.ap_ci[0]

    alone = width([str(i) for i in range(20)])
    in_fours = width([str(i // 5) for i in range(20)])
    assert alone > 0
    assert in_fours != alone
    one_group = with_intervals(evaluate(rebuilt(truth, groups=("a",) * 20), predictions, PAPER), n=50).bb
    assert one_group is not None
    assert one_group.ap_ci is None
    assert one_group.f1_ci is None


def test_coverage_of_the_interval() -> None:
    """Recall of 30 images of 10 cells, each found with 0.8: the 95 % interval holds 0.8 most of the time."""
    held = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        truth = truth_of([square(40 * i, 0) for i in range(10)] * 30, np.repeat(np.arange(30), 10).tolist())
        kept = np.flatnonzero(rng.random(300) < 0.8)
        predictions = predictions_of(truth.box[kept].tolist(), [0.5] * len(kept), truth.image[kept].tolist())
        scores = with_intervals(evaluate(truth, predictions, PAPER), n=300, seed=seed).bb
        assert scores is not None
        assert scores.ap_ci is not None
        held += scores.ap_ci[0] <= 0.8 <= scores.ap_ci[1]
    # Binomial(40, 0.93): fewer than 31 has a chance below 1 in 1000.
    assert held >= 31


def test_interval_of_nothing_is_none() -> None:
    assert interval(np.array([np.nan, np.nan])) is None
    assert interval(np.arange(101.0)) == pytest.approx((2.5, 97.5))


def test_every_class_has_an_interval_of_its_own() -> None:
    """One class is found on three images of six, the other on all: only the first one's F1 varies."""
    categories = (Category(id=1, name="round"), Category(id=2, name="oval"))
    boxes = [square(0, 0), square(40, 0)]
    truth = truth_of(boxes * 6, np.repeat(np.arange(6), 2).tolist(), label=[0, 1] * 6, categories=categories)
    kept = [row for row in range(12) if row % 2 or row < 6]
    predictions = predictions_of(
        truth.box[kept].tolist(),
        [0.9] * len(kept),
        truth.image[kept].tolist(),
        label=truth.label[kept].tolist(),
    )
    evaluation = with_intervals(evaluate(truth, predictions, replace(PAPER, per_class=True)), n=1_000)
    assert evaluation.cd is not None
    first, second = evaluation.cd.classes["round"], evaluation.cd.classes["oval"]
    assert second.f1_ci == (1, 1)
    draws = UnitDraws(n_units=6, n=1_000)
    assert first.f1_ci == interval(resampled_f1(first.images, evaluation.group, draws))
    # With k full images of six F1 is 2k / (k + 6). k is binomial(6, 1/2): 1 holds the 2.5 %, 5 the 97.5 %.
    assert first.f1_ci == pytest.approx((2 / 7, 10 / 11))


def test_without_replicates_nothing_is_added() -> None:
    evaluation = evaluate(truth_of([square(0, 0)]), predictions_of([square(0, 0)], [0.9]), PAPER)
    assert with_intervals(evaluation, n=0) is evaluation


def test_ranks_stay_whole_numbers() -> None:
    ranks = np.array([[1, 2], [2, 1], [1, 2], [2, 1]])
    assert set(percentiles(ranks.astype(np.int32), whole=True).ravel().tolist()) == {1, 2}
