"""Not worse by a margin: by hand on both scales, and how many units it takes."""

import numpy as np
import pytest
from scipy import stats

from bmbench.statistics.jackknife import ratio
from bmbench.statistics.methods import Methods
from bmbench.statistics.not_worse import not_worse
from bmbench.statistics.seed_variance import SeedVariance


def two(a, b):
    return Methods.of([[ratio(np.asarray(one) * 1000, np.full(len(one), 1000))] for one in (a, b)])


def shifted(gap, noise, n=10, level=0.8):
    b = level + 0.05 * np.sin(np.arange(n))
    return b + gap + noise * np.array([1, -1] * (n // 2)), b


@pytest.mark.parametrize(
    ("gap", "noise", "verdict"),
    [(0.0, 0.005, "not worse"), (0.0, 0.05, "open"), (-0.06, 0.005, "worse"), (-0.02, 0.005, "open")],
)
def test_verdicts_are_those_of_a_one_sided_t_test(gap, noise, verdict):
    a, b = shifted(gap, noise)
    found = not_worse(two(a, b), 0, 1)
    assert found.verdict == verdict
    judge = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert found.interval == pytest.approx((judge.low, judge.high))
    above = stats.ttest_rel(a + 0.02, b, alternative="greater").pvalue <= 0.025
    assert above == (verdict == "not worse")


def test_both_scales_have_to_say_so():
    """Near 1 the logit scale is the stricter one: 0.995 and 0.999 are farther apart than they look."""
    rng = np.random.default_rng(0)
    b = 0.999 - 0.0008 * rng.random(10)
    a = b - 0.0185 + 0.001 * rng.normal(size=10)
    raw = stats.ttest_rel(a + 0.02, b, alternative="greater").pvalue
    assert raw <= 0.025
    # Slopes differ between 0.980 and 0.979: the same data on the logit scale.
    x = b.mean() - 0.02
    z = (a - a.mean()) / (a.mean() * (1 - a.mean())) - (b - b.mean()) / (x * (1 - x))
    t = (np.log(a.mean() / (1 - a.mean())) - np.log(x / (1 - x))) / np.sqrt((z**2).sum() / 90)
    assert (not_worse(two(a, b), 0, 1).verdict == "not worse") == (t > stats.t.ppf(0.975, 9))


def test_units_needed():
    """sd of a unit's difference 0.05 · √(10/9), margin 0.02: (2.8016 · 0.0527 / 0.02)² = 54.5."""
    found = not_worse(two(*shifted(0.0, 0.05)), 0, 1)
    assert found.units_needed == 55
    methods = two(*shifted(0.0, 0.05))
    noisy = Methods(
        value=methods.value,
        influence=methods.influence,
        weight=methods.weight,
        n_seeds=methods.n_seeds,
        seeds=SeedVariance(variance=0.02**2, df=4),
    )
    assert not_worse(noisy, 0, 1).units_needed is None
    assert not_worse(noisy, 0, 1).interval[0] < found.interval[0]


def test_two_units_say_nothing():
    found = not_worse(two([0.9, 0.8], [0.9, 0.81]), 0, 1)
    assert (found.verdict, found.interval) == ("too few units", None)


def test_a_copy_is_the_same():
    a, _ = shifted(0.0, 0.05)
    assert not_worse(two(a, a), 0, 1).verdict == "same"
