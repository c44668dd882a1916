"""Moderated variances: the prior that they were drawn from comes out."""

import numpy as np
import pytest
from scipy.special import polygamma

from bmbench.statistics.moderation import VariancePrior, inverse_trigamma, variance_prior


@pytest.mark.parametrize("x", [0.01, 0.3, 1.0, 4.0, 100.0, 1e5])
def test_the_inverse_of_trigamma(x):
    assert inverse_trigamma(float(polygamma(1, x))) == pytest.approx(x, rel=1e-6)


def test_the_prior_that_variances_were_drawn_from_is_found():
    """Variances of 7 degrees about σ², and σ² = 0.5 × 6 / χ²₆: Smyth's model with d₀ 6 and s₀² 0.5."""
    rng = np.random.default_rng(1)
    sigma = 0.5 * 6 / rng.chisquare(6, 40_000)
    variance = sigma * rng.chisquare(7, 40_000) / 7
    found, shift, df = variance_prior(variance, 7.0, np.ones((40_000, 1)), most_df=100.0)
    assert df == pytest.approx(6, rel=0.05)
    assert np.exp(found[0] + shift) == pytest.approx(0.5, rel=0.02)
    assert variance_prior(variance, 7.0, np.ones((40_000, 1)), most_df=5.0)[2] == 5


def test_variances_that_are_all_alike_are_one():
    rng = np.random.default_rng(2)
    variance = 0.5 * rng.chisquare(7, 40_000) / 7
    found, shift, df = variance_prior(variance, 7.0, np.ones((40_000, 1)), most_df=1_000.0)
    assert df >= 200
    assert np.exp(found[0] + shift) == pytest.approx(0.5, rel=0.02)


def test_a_level_that_variances_depend_on_is_found():
    rng = np.random.default_rng(3)
    x = rng.normal(size=20_000)
    variance = np.exp(-2 + 0.7 * x) * 8 / rng.chisquare(8, 20_000) * rng.chisquare(5, 20_000) / 5
    found, shift, df = variance_prior(variance, 5.0, np.stack([np.ones_like(x), x], axis=1), most_df=99.0)
    assert found[1] == pytest.approx(0.7, abs=0.03)
    assert found[0] + shift == pytest.approx(-2, abs=0.05)
    assert df == pytest.approx(8, rel=0.15)


def test_a_variance_moves_to_the_mean_by_degrees():
    """Of 6 and 2 degrees: (6 × 0.5 + 2 × 0.1) / 8."""
    prior = VariancePrior(df=6.0, variance=np.array([0.5]))
    assert prior.moderated(np.array([0.1]), 2.0) == pytest.approx([0.4])
