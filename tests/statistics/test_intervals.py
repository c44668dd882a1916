"""Intervals in closed form: against SciPy's where they are the textbook's, by hand where there are none."""

import numpy as np
import pytest
from scipy import stats

from bmbench.statistics.intervals import metric_interval, student_interval
from bmbench.statistics.jackknife import Jackknife, ratio
from bmbench.statistics.seed_variance import SeedVariance


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
