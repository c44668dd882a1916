"""Agreement of two ways of counting: a published example, other programs, formulas coded apart."""

import numpy as np
import pytest
from scipy import stats

from bmbench.statistics.agreement import (
    concordance,
    cut_off_agreement,
    limits_of_agreement,
    passing_bablok,
)

WRIGHT = np.array(
    [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427], float
)
MINI = np.array([512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451], float)
"""Peak flow by two meters (Bland and Altman, Lancet 1986, table 1, first readings)."""


def test_the_published_example():
    """Mean −2.1, standard deviation 38.8, bias from −22.0 to 17.8."""
    found = limits_of_agreement(MINI, WRIGHT)
    assert found.bias == pytest.approx(-2.1, abs=0.05)
    assert found.high - found.bias == pytest.approx(1.96 * 38.8, abs=0.1)
    assert found.bias - found.low == pytest.approx(1.96 * 38.8, abs=0.1)
    assert found.bias_ci == pytest.approx((-22.0, 17.8), abs=0.1)
    # Their limits have 2 in the place of 1.96, and 3 / n in that of 1 / n + 1.96² / 2 (n − 1).
    assert found.low_ci[1] - found.low_ci[0] == pytest.approx(-45.1 + 114.3, abs=1.0)


def test_few_units_have_no_intervals():
    two = limits_of_agreement(np.array([1.0, 2.0]), np.array([2.0, 2.0]))
    assert (two.bias, two.bias_ci, two.low_ci) == (0.5, None, None)
    assert limits_of_agreement(np.zeros(1), np.ones(1)).low is None
    assert limits_of_agreement(np.zeros(0), np.zeros(0)).bias is None


def test_concordance_is_the_quadratic_kappa_of_whole_numbers():
    """As Fleiss and Cohen have shown of the intraclass coefficient; scikit-learn computes it apart."""
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    rng = np.random.default_rng(1)
    first = rng.poisson(20, 50)
    second = np.maximum(first + rng.integers(-4, 6, 50), 0)
    value, interval = concordance(first.astype(float), second.astype(float))
    assert value == pytest.approx(metrics.cohen_kappa_score(first, second, weights="quadratic"), abs=1e-12)
    assert interval[0] < value < interval[1]
    assert concordance(first.astype(float), first.astype(float))[0] == pytest.approx(1)
    assert concordance(np.ones(5), np.ones(5)) == (None, None)


def test_the_interval_of_concordance_is_lins():
    """By his second equation for z, in the correlation r and the accuracy C = ρ / r."""
    n, r = len(WRIGHT), np.corrcoef(WRIGHT, MINI)[0, 1]
    v = WRIGHT.std() / MINI.std()
    u = (WRIGHT.mean() - MINI.mean()) / np.sqrt(WRIGHT.std() * MINI.std())
    p = r * 2 / (v + 1 / v + u**2)
    inside = (
        (1 - r**2) * p**2 / ((1 - p**2) * r**2)
        + 2 * p**3 * (1 - p) * u**2 / (r * (1 - p**2) ** 2)
        - p**4 * u**4 / (2 * r**2 * (1 - p**2) ** 2)
    )
    reach = 1.959964 * np.sqrt(inside / (n - 2))
    value, interval = concordance(WRIGHT, MINI)
    assert value == pytest.approx(p)
    assert interval == pytest.approx(np.tanh([np.arctanh(p) - reach, np.arctanh(p) + reach]), abs=1e-6)


def test_the_interval_of_concordance_holds_the_truth():
    """400 samples of 40 from a bivariate normal: 95 % within three standard errors."""
    rng = np.random.default_rng(2)
    mean, cover = np.array([0.0, 0.5]), np.array([[1.0, 0.8], [0.8, 1.2]])
    truth = 2 * 0.8 / (1.0 + 1.2 + 0.25)
    held = 0
    for _ in range(400):
        first, second = rng.multivariate_normal(mean, cover, 40).T
        _, (low, high) = concordance(first, second)
        held += low <= truth <= high
    assert 0.92 <= held / 400 <= 0.985


def slowly(x, y):
    """Passing and Bablok's steps, one after the other, as their paper lists them."""
    slopes = []
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            if x[i] == x[j] and y[i] == y[j]:
                continue
            slope = np.inf if x[i] == x[j] else (y[i] - y[j]) / (x[i] - x[j])
            if slope != -1:
                slopes.append(slope)
    slopes.sort()
    n, k = len(slopes), len([slope for slope in slopes if slope < -1])
    middle = [(n + 1) // 2] if n % 2 else [n // 2, n // 2 + 1]
    b = np.mean([slopes[at + k - 1] for at in middle])
    c = stats.norm.ppf(0.975) * np.sqrt(len(x) * (len(x) - 1) * (2 * len(x) + 5) / 18)
    m1 = round((n - c) / 2)
    low, high = slopes[m1 + k - 1], slopes[n - m1 + 1 + k - 1]
    return b, np.median(y - b * x), low, high, np.median(y - high * x), np.median(y - low * x)


@pytest.mark.parametrize("seed", range(6))
def test_the_line_is_that_of_the_paper(seed):
    rng = np.random.default_rng(seed)
    x = rng.poisson(30, 20 + seed).astype(float)
    y = np.round(1.1 * x + 2 + rng.normal(0, 3, len(x)))
    line = passing_bablok(x, y)
    b, a, low, high, a_low, a_high = slowly(x, y)
    assert (line.slope, line.intercept) == pytest.approx((b, a))
    assert line.slope_ci == pytest.approx((low, high))
    assert line.intercept_ci == pytest.approx((a_low, a_high))


def test_the_line_turned_over_is_the_same_line():
    rng = np.random.default_rng(3)
    x = rng.uniform(10, 100, 41)
    y = 0.8 * x + rng.normal(0, 4, 41)
    assert passing_bablok(y, x).slope == pytest.approx(1 / passing_bablok(x, y).slope)
    exact = passing_bablok(x, 3 + 2 * x)
    assert (exact.slope, exact.intercept) == pytest.approx((2, 3))
    assert passing_bablok(x[:2], y[:2]) is None
    assert passing_bablok(np.ones(5), np.ones(5)) is None


def test_cut_offs_beside_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    rng = np.random.default_rng(4)
    first = rng.uniform(0, 0.3, 60)
    second = np.clip(first + rng.normal(0, 0.05, 60), 0, 1)
    found = cut_off_agreement(first, second, 0.1)
    truth, told = first >= 0.1, second >= 0.1
    assert found.kappa == pytest.approx(metrics.cohen_kappa_score(truth, told))
    assert found.sensitivity == pytest.approx(metrics.recall_score(truth, told))
    assert found.specificity == pytest.approx(metrics.recall_score(~truth, ~told))
    exact = stats.binomtest(int((truth & told).sum()), int(truth.sum())).proportion_ci(method="exact")
    assert found.sensitivity_ci == pytest.approx((exact.low, exact.high))
    # All on one side by both ways: agreement by chance cannot be told from any other.
    none = cut_off_agreement(np.zeros(4), np.zeros(4), 0.1)
    assert (none.sensitivity, none.specificity, none.kappa) == (None, 1.0, None)
