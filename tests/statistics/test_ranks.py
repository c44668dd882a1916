"""Orders by hand, Kendall's tau against another program."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from bmbench.statistics.ranks import kendall_tau, order


def test_undefined_values_rank_last_and_ties_go_by_id():
    assert order(np.array([np.nan, 0.5, 0.7, 0.5]), ["a", "z", "m", "b"]).tolist() == [2, 3, 1, 0]


@pytest.mark.parametrize("seed", range(4))
def test_tau_is_scipys(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 6, 15).astype(float), rng.integers(0, 6, 15).astype(float)
    assert kendall_tau(x, y) == pytest.approx(kendalltau(x, y).statistic)


def test_tau_of_many_is_that_of_few():
    rng = np.random.default_rng(2)
    x, y = rng.integers(0, 30, 120).astype(float), rng.integers(0, 30, 120).astype(float)
    a, b = np.sign(x[:, None] - x), np.sign(y[:, None] - y)
    by_hand = (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())
    assert kendall_tau(x, y) == pytest.approx(by_hand)


def test_tau_without_any_difference_is_undefined():
    assert kendall_tau(np.ones(4), np.arange(4.0)) is None
