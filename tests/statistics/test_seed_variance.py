"""Variances over seeds, against SciPy's tests with one variance, and Welch's."""

import numpy as np
import pytest
from scipy import stats

from bmbench.statistics.seed_variance import pooled_seed_variance, satterthwaite


def test_the_pooled_variance_is_that_of_an_analysis_of_variance():
    groups = [np.array([0.80, 0.82, 0.79]), np.array([0.90, 0.94]), np.array([0.5])]
    found = pooled_seed_variance(groups)
    # Squares about their means: 0.000467 and 0.0008; 2 + 1 degrees.
    assert found.variance == pytest.approx((0.14 / 300 + 0.0008) / 3)
    assert found.df == 3
    # Two groups: the t of SciPy with equal variances has this variance in it.
    t = stats.ttest_ind(groups[0], groups[1]).statistic
    difference = groups[0].mean() - groups[1].mean()
    assert t == pytest.approx(difference / np.sqrt(found.variance * (1 / 3 + 1 / 2)))


def test_single_seeds_tell_nothing_of_seeds():
    assert pooled_seed_variance([np.array([0.8]), np.array([0.9])]) is None
    assert pooled_seed_variance([np.array([0.8, np.nan])]) is None


def test_satterthwaite_is_welchs():
    a, b = np.array([1.0, 3.0, 2.0, 5.0]), np.array([2.0, 2.5, 9.0])
    total, df = satterthwaite([(a.var(ddof=1) / 4, 3.0), (b.var(ddof=1) / 3, 2.0)])
    judge = stats.ttest_ind(a, b, equal_var=False)
    assert df == pytest.approx(judge.df)
    assert (a.mean() - b.mean()) / np.sqrt(total) == pytest.approx(judge.statistic)
