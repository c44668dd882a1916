"""Paired tests by hand, and how often equal methods look different."""

import itertools

import numpy as np
import pytest

from bmbench.metrics import Tally
from bmbench.statistics.jackknife import ap_shares
from bmbench.statistics.paired_tests import holm, paired_tests
from bmbench.statistics.units import MetricByUnit


def f1_column(tp, fp, cells):
    tp, fp, cells = (np.asarray(part, float) for part in (tp, fp, cells))
    upper, lower = 2 * tp, tp + fp + cells
    return MetricByUnit(name="cd.f1", value=upper.sum(1) / lower.sum(1), upper=upper, lower=lower)


def test_holm_by_hand():
    # Sorted 0.01, 0.02, 0.03, 0.5 times 4, 3, 2, 1: 0.04, 0.06, 0.06, 0.5; none falls below the one before.
    assert holm(np.array([0.5, 0.01, 0.03, 0.02])).tolist() == pytest.approx([0.5, 0.04, 0.06, 0.06])
    # 0.01 × 2 = 0.02, then 0.011 × 1 = 0.011 < 0.02: stays 0.02.
    assert holm(np.array([0.01, 0.011])).tolist() == pytest.approx([0.02, 0.02])


@pytest.mark.parametrize("seed", range(6))
def test_the_f1_test_is_every_swap_counted_one_by_one(seed):
    rng = np.random.default_rng(seed)
    n = 7
    cells = rng.integers(0, 9, n)
    tp = np.minimum(rng.integers(0, 9, (2, n)), cells)
    fp = rng.integers(0, 5, (2, n))
    column = f1_column(tp, fp, np.tile(cells, (2, 1)))
    observed = abs(column.value[0] - column.value[1])
    count = 0
    for swap in itertools.product((0, 1), repeat=n):
        rows = np.array(swap)
        here = [(part[rows, np.arange(n)], part[1 - rows, np.arange(n)]) for part in (tp, fp)]
        f1 = [2 * here[0][i].sum() / (here[0][i].sum() + here[1][i].sum() + cells.sum()) for i in (0, 1)]
        count += abs(f1[0] - f1[1]) >= observed - 1e-12
    tests = paired_tests(column, replicates=10_000, seed=0)
    assert tests.p[0] == pytest.approx(count / 2**n)


def test_random_swaps_agree_with_every_swap():
    rng = np.random.default_rng(3)
    n, m = 12, 5
    cells = np.full((m, n), 20)
    tp = rng.binomial(20, np.linspace(0.7, 0.85, m)[:, None], (m, n))
    column = f1_column(tp, rng.poisson(3, (m, n)), cells)
    exact = paired_tests(column, replicates=2**11, seed=0)
    drawn = paired_tests(column, replicates=2**11 - 1, seed=0)
    # The standard error of a share of 2,047 draws is at most 0.011.
    assert np.abs(exact.p - drawn.p).max() < 0.05
    assert exact.smallest == 2**-11


def test_many_pairs_get_the_p_values_of_few():
    rng = np.random.default_rng(5)
    m, n = 60, 22
    tp = rng.binomial(40, np.linspace(0.6, 0.9, m)[:, None], (m, n))
    column = f1_column(tp, rng.poisson(4, (m, n)), np.full((m, n), 40))
    every = paired_tests(column, replicates=4_000, seed=0)
    some = paired_tests(column.take([0, 1, 2, 30, 59]), replicates=4_000, seed=0)
    table = dict(zip(zip(every.first.tolist(), every.second.tolist(), strict=True), every.p, strict=True))
    rows = [0, 1, 2, 30, 59]
    for first, second, p in zip(some.first, some.second, some.p, strict=True):
        other = table[rows[first], rows[second]]
        # Beyond 45 submissions, hopeless pairs are left at p > 0.05 after the first 2,000 swaps.
        assert other == pytest.approx(p, abs=0.002 if p < 0.05 else 0.05)


def test_equal_answers_are_never_told_apart():
    tp = np.tile([[3, 4, 5, 6, 7, 8, 9]], (2, 1))
    tests = paired_tests(f1_column(tp, tp - 3, tp + 1), replicates=10_000, seed=0)
    assert tests.p.tolist() == [1.0]


def test_too_few_units_give_no_test():
    # Five units: two-sided, the smallest p-value is 2 / 2^5 = 0.0625.
    assert paired_tests(f1_column(*np.ones((3, 2, 5))), replicates=1_000, seed=0) is None
    assert paired_tests(f1_column(*np.ones((3, 2, 6))), replicates=1_000, seed=0) is not None


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["f1", "ap"])
def test_equal_methods_look_different_on_at_most_five_boards_in_a_hundred(metric):
    rng = np.random.default_rng(0)
    n_boards, n, m = 150, 22, 5
    alarms = 0
    for board in range(n_boards):
        hard = rng.gamma(2, 0.5, n)
        cells = np.full((m, n), 40)
        tp = rng.binomial(40, np.clip(1 - 0.12 * hard, 0, 1), (m, n))
        fp = rng.poisson(4 * hard, (m, n))
        if metric == "f1":
            column = f1_column(tp, fp, cells)
        else:
            shares = np.stack([shares_of(rng, tp[row], fp[row], cells[row]) for row in range(m)])
            lower = np.full((m, n), 1 / n)
            column = MetricByUnit(name="cd.ap", value=shares.sum(1), upper=shares, lower=lower)
        alarms += bool((paired_tests(column, replicates=999, seed=board).p_holm <= 0.05).any())
    # Nominal 5 %: 7.5 of 150. More than 14 have a chance of 1 % (binomial); benchmarks/ has 1,000 boards.
    assert alarms <= 14


def shares_of(rng, tp, fp, cells):
    image = np.concatenate([np.repeat(np.arange(len(tp)), tp), np.repeat(np.arange(len(fp)), fp)])
    hit = np.arange(len(image)) < tp.sum()
    confidence = np.where(hit, rng.beta(5, 2, len(image)), rng.beta(2, 3, len(image)))
    return ap_shares(Tally.of(confidence=confidence, hit=hit, image=image, cells=cells))
