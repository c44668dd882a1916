"""Statistics by laws, hand-worked cases and other programs."""

import itertools

import numpy as np
import pytest
from scipy.stats import kendalltau

from bmbench.metrics import Curve, Tally
from bmbench.metrics.areas import average_precision
from bmbench.statistics.draws import coin_flips, every_swap, multiplicities
from bmbench.statistics.jackknife import ap_shares
from bmbench.statistics.paired_tests import holm, paired_tests
from bmbench.statistics.planning import detectable, plan
from bmbench.statistics.ranks import kendall_tau, order, rank_sets, rank_spread
from bmbench.statistics.units import Column, by_unit


def f1_column(tp, fp, cells):
    tp, fp, cells = (np.asarray(part, float) for part in (tp, fp, cells))
    upper, lower = 2 * tp, tp + fp + cells
    return Column(name="cd.f1", value=upper.sum(1) / lower.sum(1), upper=upper, lower=lower)


def drawn_tally(seed, n_images=8, n=120):
    rng = np.random.default_rng(seed)
    hit = rng.random(n) < 0.6
    image = rng.integers(0, n_images, n)
    cells = np.bincount(image[hit], minlength=n_images) + rng.integers(0, 4, n_images)
    return Tally.of(confidence=rng.integers(1, 40, n) / 40, hit=hit, image=image, cells=cells)


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
            column = Column(name="cd.ap", value=shares.sum(1), upper=shares, lower=lower)
        alarms += bool((paired_tests(column, replicates=999, seed=board).p_holm <= 0.05).any())
    # Nominal 5 %: 7.5 of 150. More than 14 have a chance of 1 % (binomial); benchmarks/ has 1,000 boards.
    assert alarms <= 14


def shares_of(rng, tp, fp, cells):
    image = np.concatenate([np.repeat(np.arange(len(tp)), tp), np.repeat(np.arange(len(fp)), fp)])
    hit = np.arange(len(image)) < tp.sum()
    confidence = np.where(hit, rng.beta(5, 2, len(image)), rng.beta(2, 3, len(image)))
    return ap_shares(Tally.of(confidence=confidence, hit=hit, image=image, cells=cells))


@pytest.mark.parametrize("seed", range(5))
def test_shares_add_up_to_ap(seed):
    tally = drawn_tally(seed)
    assert ap_shares(tally).sum() == pytest.approx(average_precision(Curve.of(tally), "all"), abs=1e-12)


def test_a_share_is_the_slope_of_ap_times_cells_by_the_weight_of_its_image():
    # Without ties the envelope's corners stay for a small change: the difference quotient is the derivative.
    rng = np.random.default_rng(8)
    n, n_images = 60, 5
    hit = rng.random(n) < 0.7
    image = rng.integers(0, n_images, n)
    cells = np.bincount(image[hit], minlength=n_images) + 2
    tally = Tally.of(confidence=rng.random(n), hit=hit, image=image, cells=cells)
    shares = ap_shares(tally)
    for row in range(n_images):
        step = 1e-6
        quotient = [weighted_area(tally, row, 1 + sign * step) for sign in (1, -1)]
        slope = (quotient[0] - quotient[1]) / (2 * step)
        assert shares[row] == pytest.approx(slope / cells.sum(), abs=1e-6)


def weighted_area(tally, row, weight):
    """AP times cells with one image re-weighted: hits of each step times the envelope there."""
    weights = np.where(tally.image == row, weight, 1.0)
    hits = np.cumsum(weights * tally.hit)
    precision = hits / np.cumsum(weights)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((weights * tally.hit * envelope).sum())


def test_a_false_alarm_on_an_image_without_cells_costs_that_image():
    tally = Tally.of(
        confidence=np.array([0.9, 0.8]),
        hit=np.array([False, True]),
        image=np.array([1, 0]),
        cells=np.array([1, 0]),
    )
    # One hit behind one false alarm: AP 1/2. The slope by the empty image: d(1 / (w + 1))/dw = −1/4.
    assert ap_shares(tally).tolist() == pytest.approx([0.75, -0.25])


def test_undefined_ap_has_no_shares():
    tally = Tally.of(
        confidence=np.array([0.5]), hit=np.array([False]), image=np.array([0]), cells=np.array([0])
    )
    assert ap_shares(tally) is None


def test_draws_are_the_same_for_ever():
    # Halves and bits of PCG64's raw words, which NumPy keeps for ever, taken by hand.
    raw = np.random.PCG64(0).random_raw(6)
    expected = [int(word >> 32) * 3 >> 32 for word in raw.tolist()]
    counts = multiplicities(3, 2, seed=0)
    assert counts.tolist() == [[expected[i : i + 3].count(unit) for unit in range(3)] for i in (0, 3)]
    assert coin_flips(3, 2, seed=0).tolist() == [
        [raw.tolist()[i] >> bit & 1 for bit in range(3)] for i in (0, 1)
    ]


def test_draws_do_not_depend_on_each_other():
    flips = coin_flips(70, 4_000, seed=1)
    assert abs(flips.mean() - 0.5) < 0.01
    assert np.abs(np.corrcoef(flips.T) - np.eye(70)).max() < 0.08
    assert multiplicities(22, 50, seed=0).sum(axis=1).tolist() == [22.0] * 50


def test_every_swap_is_there_once():
    swaps = every_swap(4)
    assert len({tuple(row) for row in swaps}) == 8
    assert swaps[:, 3].sum() == 0


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


def test_detectable_difference_by_hand():
    # 1.96 + 0.8416 = 2.8016 standard errors.
    assert detectable(0.01, 0.05) == pytest.approx(0.028016, abs=1e-5)
    found = plan(0.01, n_units=22, n_pairs=10)
    # (2.8016 points / 1 point)² × 22 = 172.7
    assert found.units_for_a_point == 173
    assert plan(0.0, n_units=22, n_pairs=10) is None


def test_images_of_one_patient_are_added_up():
    assert by_unit(np.array([[1, 2, 3, 4]]), np.array([0, 1, 0, 1]), 2).tolist() == [[4, 6]]
