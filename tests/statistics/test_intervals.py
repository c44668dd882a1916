"""Intervals in closed form: against SciPy's where they are the textbook's, by hand where there are none."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bmbench.core.errors import BadInputError
from bmbench.core.types import Category
from bmbench.metrics import PROTOCOLS, evaluate, froc
from bmbench.statistics.intervals import (
    count_error_interval,
    froc_interval,
    metric_interval,
    student_interval,
    with_intervals,
)
from bmbench.statistics.jackknife import Jackknife, ratio
from bmbench.statistics.seed_variance import SeedVariance
from bmbench.statistics.units import choose_units, units_of
from tests.metrics.scenes import predictions_of, random_scene, rebuilt, square, truth_of

PAPER = replace(PROTOCOLS["paper"], radius_px=8.0)


def test_the_interval_of_a_mean_is_students():
    """Units of one size: the jackknife is the standard error of a mean, and Kish counts every unit."""
    values = np.array([3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0])
    found = metric_interval(ratio(values, np.ones(7), scale="number"))
    judge = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found.interval == pytest.approx((judge.low, judge.high))
    assert (found.df, found.n_units, found.why_none) == (pytest.approx(6), 7, None)


def test_a_share_is_looked_at_on_the_logit_scale():
    hits = np.array([8, 9, 7, 6, 9, 10, 8, 7])
    found = metric_interval(ratio(hits, np.full(8, 10)))
    share, error = hits.sum() / 80, stats.sem(hits / 10)
    reach = stats.t.ppf(0.975, 7) * error / (share * (1 - share))
    low, high = (1 / (1 + np.exp(-(np.log(share / (1 - share)) + side))) for side in (-reach, reach))
    assert found.interval == pytest.approx((low, high))
    assert found.interval[0] < share < found.interval[1]
    # The raw interval is symmetric; this one is longer towards a half.
    assert share - found.interval[0] > found.interval[1] - share


def test_one_large_unit_is_worth_few():
    """Shares 1/2 and six of 1/12: 1 / (1/4 + 6/144) = 24/7 units, so 17/7 degrees of freedom."""
    lower = np.array([60, 10, 10, 10, 10, 10, 10])
    found = metric_interval(ratio(lower - 2, lower))
    assert found.df == pytest.approx(17 / 7)


@pytest.mark.parametrize(
    ("upper", "why"),
    [
        ([10, 10, 10, 9, 9, 9], "few errors"),
        ([10, 10, 9, 9, 9, 9], None),
        ([10] * 6, "few errors"),
        ([0, 0, 0, 1, 1, 1], "few hits"),
        ([0] * 6, "few hits"),
    ],
)
def test_errors_on_fewer_than_four_units_give_no_interval(upper, why):
    found = metric_interval(ratio(np.array(upper), np.full(6, 10)))
    assert found.why_none == why
    assert (found.interval is None) == (why is not None)
    assert found.value == pytest.approx(sum(upper) / 60)


def test_too_few_units():
    assert metric_interval(ratio(np.array([8, 9]), np.array([10, 10]))).why_none == "too few units"
    three = metric_interval(ratio(np.array([8, 9, 7]), np.array([10, 10, 10])))
    assert three.rests_on_few
    # Units without any cell or prediction are none that the metric is measured on.
    empty = metric_interval(ratio(np.array([8, 9, 0, 0]), np.array([10, 10, 0, 0])))
    assert (empty.why_none, empty.n_units) == ("too few units", 2)
    six = metric_interval(ratio(np.array([8, 9, 7, 8, 9, 7]), np.full(6, 10)))
    assert not six.rests_on_few


def test_undefined():
    found = metric_interval(ratio(np.zeros(4), np.zeros(4)))
    assert (found.value, found.interval, found.why_none) == (None, None, "undefined")


def test_bounds_stay_between_0_and_1():
    assert student_interval(0.999, 0.1, 3.0, scale="share") == pytest.approx((0, 1), abs=0.01)
    assert student_interval(0.999, 0.1, 3.0)[1] > 1


def test_seeds_widen_the_interval():
    """Units 0.0004 with 7 degrees, seeds 0.0012 / 3 with 4: together 0.0008 with 2² / (1/7 + 1/4)."""
    z = np.array([1, -1] * 4) * np.sqrt(0.0004 * 7)
    method = Jackknife(
        value=0.8,
        without=0.8 - z / 7,
        weight=np.full(8, 1 / 8),
        loss=np.ones(8, bool),
        gain=np.ones(8, bool),
    )
    found = metric_interval(method, seeds=SeedVariance(variance=0.0012, df=4), n_seeds=3)
    assert found.df == pytest.approx(4 / (1 / 7 + 1 / 4))
    assert found.interval == pytest.approx(student_interval(0.8, 0.0008, found.df, scale="share"))


def recall_scene(groups=None):
    """Twenty images of 20 cells, found with a chance that differs from image to image."""
    rng = np.random.default_rng(0)
    truth = truth_of([square(40 * i, 0) for i in range(20)] * 20, np.repeat(np.arange(20), 20).tolist())
    kept = np.flatnonzero(rng.random(400) < np.repeat(rng.uniform(0.3, 1, 20), 20))
    found = predictions_of(
        truth.box[kept].tolist(), rng.random(len(kept)).tolist(), truth.image[kept].tolist()
    )
    return (truth if groups is None else rebuilt(truth, groups=tuple(groups))), found


def test_the_interval_is_over_groups():
    """Recall of 20 images: SciPy's interval of their shares, on the logit scale; in fours, of five shares."""
    for groups in (None, [str(i // 4) for i in range(20)]):
        truth, found = recall_scene(groups)
        evaluation = with_intervals(evaluate(truth, found, PAPER, threshold=0.0))
        by_unit = evaluation.bb.images.tp.reshape(-1, 1 if groups is None else 4).sum(axis=1)
        share = by_unit / (20 if groups is None else 80)
        reach = stats.t.ppf(0.975, len(share) - 1) * stats.sem(share)
        middle = share.mean()
        ends = [np.log(middle / (1 - middle)) + side * reach / (middle * (1 - middle)) for side in (-1, 1)]
        assert evaluation.bb.recall_ci == pytest.approx([1 / (1 + np.exp(-end)) for end in ends])
        assert evaluation.interval.unit == ("image" if groups is None else "group")
        assert evaluation.interval.units == len(share)
        assert evaluation.bb.ap_ci[0] < evaluation.bb.ap < evaluation.bb.ap_ci[1]
    one_group = with_intervals(evaluate(*recall_scene(["a"] * 20), PAPER))
    assert one_group.bb.ap_ci is None
    assert one_group.bb.no_interval["f1"] == "too few units"


def test_images_of_one_group_are_units_only_if_somebody_says_so():
    truth, found = recall_scene([str(i // 4) for i in range(20)])
    evaluation = evaluate(truth, found, PAPER)
    with pytest.raises(BadInputError, match=r"20 images are of 5 groups.*--independent"):
        choose_units(evaluation, "image")
    units = choose_units(evaluation, "image", independent=True)
    assert (units.name, units.n, units.groups) == ("image", 20, 5)
    told = with_intervals(evaluation, units)
    assert told.interval.to_json()["independent"] is True
    assert units_of(told).n == 20
    # Each image a group of its own by another name: nothing is shared, nothing to be said.
    alone = evaluate(*recall_scene([f"patient {i}" for i in range(20)]), PAPER)
    assert choose_units(alone).name == "group"
    assert choose_units(alone, "image").groups is None
    with pytest.raises(BadInputError, match="--unit group"):
        choose_units(evaluate(*recall_scene(), PAPER), "group")


def test_every_class_has_an_interval_of_its_own():
    """Of one class every image of six lacks one cell of ten, of the other a number that varies."""
    categories = (Category(id=1, name="round"), Category(id=2, name="oval"))
    boxes = [square(40 * i, 0) for i in range(20)]
    label = ([0] * 10 + [1] * 10) * 6
    truth = truth_of(boxes * 6, np.repeat(np.arange(6), 20).tolist(), label=label, categories=categories)
    missed = {0: (1, 1, 1, 1, 1, 1), 1: (0, 3, 1, 2, 4, 2)}
    kept = [
        20 * image + 10 * kind + cell
        for image in range(6)
        for kind in (0, 1)
        for cell in range(missed[kind][image], 10)
    ]
    found = predictions_of(
        truth.box[kept].tolist(),
        [0.9] * len(kept),
        truth.image[kept].tolist(),
        label=truth.label[kept].tolist(),
    )
    cd = with_intervals(evaluate(truth, found, replace(PAPER, per_class=True))).cd
    first, second = cd.classes["round"], cd.classes["oval"]
    assert first.recall_ci == pytest.approx((0.9, 0.9))
    shares = 1 - np.array(missed[1]) / 10
    assert second.recall_ci[0] == pytest.approx(
        student_interval(0.8, stats.sem(shares) ** 2, 5.0, scale="share")[0]
    )
    assert cd.macro_f1_ci[0] < cd.macro_f1 < cd.macro_f1_ci[1]
    assert cd.to_json()["macro_f1_ci"] == list(cd.macro_f1_ci)


def test_intervals_of_counts_and_of_froc():
    truth, found = random_scene(5, images=7, cells=12)
    evaluation = evaluate(truth, found, PAPER, threshold=0.3)
    units = choose_units(evaluation)
    counts = count_error_interval(evaluation.cd, units)
    images = evaluation.cd.images
    error = images.tp + images.fp - images.cells
    judge = stats.ttest_1samp(error, 0).confidence_interval(0.95)
    assert counts.interval == pytest.approx((judge.low, judge.high))
    mean = froc_interval(evaluation.cd, units)
    assert mean.value == pytest.approx(froc(evaluation.cd).mean)
    assert mean.interval[0] < mean.value < mean.interval[1]
