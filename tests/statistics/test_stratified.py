"""Several sets together: the variance by hand, coverage by simulation, win rates by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bmbench.statistics.jackknife import ratio
from bmbench.statistics.methods import Methods
from bmbench.statistics.pairs import method_pairs
from bmbench.statistics.stratified import distance_between, order_agreement, stratified, win_rates


def methods(shares: np.ndarray, *, cells: int = 20) -> Methods:
    """Methods by the share of each unit's cells that they find; (k, n)."""
    lower = np.full(shares.shape[1], float(cells))
    return Methods.of([[ratio(row * lower, lower)] for row in shares])


def test_the_variance_is_that_of_strata_by_hand():
    """Differences .1, .2, .3 on one set and 0, .2 on another: means .2 and .1, variances .01/3 and .02/2."""
    first = methods(np.array([[0.6, 0.7, 0.8], [0.5, 0.5, 0.5]]))
    second = methods(np.array([[0.5, 0.9], [0.5, 0.7]]))
    pairs = method_pairs(stratified([first, second]))
    assert pairs.difference[0, 1] == pytest.approx((0.2 + 0.1) / 2)
    assert pairs.variance[0, 1] == pytest.approx(0.25 * (0.01 / 3) + 0.25 * (0.02 / 2))
    one, other = 0.25 * 0.01 / 3, 0.25 * 0.01
    assert pairs.df[0, 1] == pytest.approx((one + other) ** 2 / (one**2 / 2 + other**2 / 1))


def test_sets_that_are_harder_than_others_add_nothing_to_the_variance():
    rng = np.random.default_rng(4)
    shares = 0.5 + 0.02 * rng.standard_normal((2, 8))
    near = stratified([methods(shares), methods(shares + 0.01)])
    far = stratified([methods(shares), methods(shares + 0.4)])
    assert method_pairs(near).variance[0, 1] == pytest.approx(method_pairs(far).variance[0, 1])


def test_one_set_is_itself():
    shares = np.random.default_rng(1).uniform(0.4, 0.9, (4, 7))
    alone, pooled = methods(shares), stratified([methods(shares)])
    assert np.allclose(method_pairs(alone).p, method_pairs(pooled).p)


def test_a_set_of_half_the_weight_counts_half():
    sets = [methods(np.array([[0.9, 0.9], [0.5, 0.5]])), methods(np.array([[0.6, 0.6], [0.5, 0.5]]))]
    assert stratified(sets, [1, 3]).value[0] == pytest.approx(0.25 * 0.9 + 0.75 * 0.6)
    with pytest.raises(ValueError, match="weight"):
        stratified(sets, [1, 0])


def test_seeds_of_one_set_stand_for_that_set_alone():
    """Seed variance 0.0002 on one of two sets, two seeds: a quarter of 0.0001 of each method's mean."""
    lower = np.full(4, 50.0)
    trained = [[ratio((share + shift) * lower, lower) for shift in (-0.01, 0.01)] for share in (0.6, 0.7)]
    first, second = Methods.of(trained), methods(np.full((2, 4), 0.5) + np.array([[0.1], [0.0]]))
    pooled = stratified([first, second])
    assert pooled.seeds is not None
    assert pooled.seeds.variance / pooled.n_seeds[0] == pytest.approx(0.25 * 0.0002 / 2)


def simulated(rng: np.random.Generator, gap: float) -> list[Methods]:
    """Two sets of different level, size and spread, on which the first method is `gap` better."""
    sets = []
    for level, n, spread in ((0.6, 6, 0.08), (0.85, 9, 0.03)):
        unit = rng.normal(0, spread, n)
        shares = level + unit + rng.normal(0, spread / 2, (2, n)) + np.array([[gap], [0.0]])
        sets.append(methods(shares, cells=1000))
    return sets


def test_the_interval_of_a_pooled_difference_holds_it_as_often_as_it_says():
    rng, held = np.random.default_rng(2), 0
    for _ in range(600):
        interval = method_pairs(stratified(simulated(rng, 0.02))).interval(0, 1)
        assert interval is not None
        held += interval[0] <= 0.02 <= interval[1]
    assert 0.925 <= held / 600 <= 0.98


def test_wins_are_counted_by_hand():
    """On the second set the last two tie; on the third only the first two were run."""
    values = np.array([[0.9, 0.8, 0.7], [0.5, 0.6, 0.6], [0.3, 0.2, np.nan]])
    assert win_rates(values).tolist() == pytest.approx(
        [(1 + 0 + 1) / 3, (0.5 + 0.75 + 0) / 3, (0 + 0.75) / 2]
    )


def test_orders_that_agree_and_orders_that_do_not():
    level = np.linspace(0.3, 0.8, 8)[:, None]
    noise = np.random.default_rng(3).normal(0, 0.004, (2, 8, 12))
    first, same, other = (
        methods(np.clip(a, 0, 1)) for a in (level + noise[0], level + noise[1], 1.1 - level)
    )
    agree = order_agreement(first, same)
    assert agree.tau == 1.0
    assert agree.interval is not None
    assert agree.interval[0] > 0.9
    assert order_agreement(first, other).tau == -1.0
    assert order_agreement(first, same) == agree


def test_the_interval_of_tau_holds_that_of_the_true_orders():
    """Twelve methods a point apart, in true orders of tau 0.70; units blur both."""
    level = 0.5 + 0.02 * np.arange(12.0)
    order = np.array([0, 1, 3, 2, 6, 5, 4, 9, 7, 8, 11, 10])
    true = 1 - 4 * sum(order[i] > order[j] for i in range(12) for j in range(i, 12)) / (12 * 11)
    rng, held = np.random.default_rng(5), 0
    for _ in range(60):
        noise = rng.normal(0, 0.05, (2, 12, 20))
        pair = [methods(values[:, None] + noise[k]) for k, values in enumerate((level, level[order]))]
        interval = order_agreement(*pair, n=200).interval
        assert interval is not None
        held += interval[0] <= true <= interval[1]
    assert held >= 54


def test_independent_values_are_apart_by_both_variances():
    """0.8 and 0.7, standard errors 3 and 4 hundredths: 5 together; many degrees, so 1.96."""
    interval = distance_between((0.8, 0.0009, 1e6), (0.7, 0.0016, 1e6))
    assert interval == pytest.approx((0.1 - 1.95996 * 0.05, 0.1 + 1.95996 * 0.05), abs=1e-4)
