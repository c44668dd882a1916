"""Ranks and rank sets by hand, Kendall's tau against another program."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from bmbench.statistics.ranks import kendall_tau, order, rank_sets, rank_spread


def test_rank_sets_by_hand():
    # a beats c and d, b beats d. a: rank 1 to 2; b: 1 to 3; c: 2 to 4; d: 3 to 4.
    class Told:
        first, second = np.array([0, 0, 0, 1, 1, 2]), np.array([1, 2, 3, 2, 3, 3])
        p_holm = np.array([0.3, 0.01, 0.01, 0.2, 0.04, 0.9])

    value = np.array([0.9, 0.88, 0.85, 0.8])
    sets = rank_sets(value, Told, order(value, list("abcd")))
    assert list(zip(sets.first.tolist(), sets.last.tolist(), strict=True)) == [(1, 2), (1, 3), (2, 4), (3, 4)]
    # c is worse than the first group's leader a, so it opens a group; d is not worse than c.
    assert sets.group.tolist() == [1, 1, 2, 2]


def test_undefined_values_rank_last_and_ties_go_by_id():
    assert order(np.array([np.nan, 0.5, 0.7, 0.5]), ["a", "z", "m", "b"]).tolist() == [2, 3, 1, 0]


def test_being_first_is_shared_by_equals():
    spread = rank_spread(np.array([[0.5, 0.5, 0.1], [0.5, 0.6, np.nan]]))
    assert spread.best.tolist() == [0.25, 0.75, 0.0]


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
