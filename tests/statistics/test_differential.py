"""Percentages of clustered cells: laws, hand-worked cases, and how often their limits are right."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from bmbench.statistics.differential import beside_cut_off, cell_ratio, cell_shares

ROOT = Path(__file__).resolve().parents[2]
COUNTS = np.array([[20, 5, 1], [30, 2, 0], [25, 9, 0], [10, 8, 2], [40, 3, 1], [22, 6, 0]])


@pytest.fixture(scope="module")
def simulation():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import calibrate_counts

        yield calibrate_counts
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


def test_the_interval_worked_by_hand():
    """The ratio estimator without each unit, on the logit scale, with Student's t."""
    n, of = COUNTS[:, 0].astype(float), COUNTS.sum(axis=1)
    p = n.sum() / of.sum()
    without = (n.sum() - n) / (of.sum() - of)
    units = len(n)
    variance = (units - 1) / units * np.square(without - without.mean()).sum()
    weight = of / of.sum()
    df = 1 / np.square(weight).sum() - 1
    reach = stats.t.ppf(0.975, df) * np.sqrt(variance) / (p * (1 - p))
    expected = [1 / (1 + np.exp(-(np.log(p / (1 - p)) + sign * reach))) for sign in (-1, 1)]
    share = cell_shares(["a", "b", "c"], COUNTS)[0]
    assert share.rule == "jackknife"
    assert share.interval == pytest.approx(expected, abs=1e-9)
    assert share.design_effect == pytest.approx(variance / (p * (1 - p) / of.sum()))
    chance = stats.t.cdf((np.log(p / (1 - p)) - np.log(0.8 / 0.2)) / (reach / stats.t.ppf(0.975, df)), df)
    assert beside_cut_off(share, 0.8).chance == pytest.approx(chance, abs=1e-6)


def test_a_rare_class_gets_the_limits_of_its_effective_cells():
    shares = cell_shares(["a", "b", "c"], COUNTS)
    rare = shares[2]
    assert (rare.n, rare.of, rare.rule) == (4, 184, "effective cells")
    assert rare.design_effect > 1
    # Fewer cells than were counted: wider than the classical limits on both sides.
    assert rare.interval[0] < rare.exact[0] < rare.value < rare.exact[1] < rare.interval[1]
    # By hand: variances of all classes over those of independent cells, and t against z.
    of = COUNTS.sum(axis=1).astype(float)
    share = COUNTS.sum(axis=0) / of.sum()
    without = (COUNTS.sum(axis=0) - COUNTS) / (of.sum() - of)[:, None]
    variance = 5 / 6 * np.square(without - without.mean(axis=0)).sum(axis=0)
    effect = variance.sum() / (share * (1 - share) / of.sum()).sum()
    df = of.sum() ** 2 / np.square(of).sum() - 1
    cells = of.sum() / effect * (stats.norm.ppf(0.975) / stats.t.ppf(0.975, df)) ** 2
    x = share[2] * cells
    expected = stats.beta.ppf(0.025, x, cells - x + 1), stats.beta.ppf(0.975, x + 1, cells - x)
    assert rare.interval == pytest.approx(expected, rel=1e-4)
    assert beside_cut_off(rare, 0.05).chance > beside_cut_off(rare, 0.1).chance > 0


def test_the_same_cells_dealt_to_other_units_change_the_limits_only():
    gathered = np.array([[60, 0], [0, 60], [60, 0], [0, 60], [60, 0], [0, 60]])
    spread = np.array([[29, 31], [31, 29]] * 3)
    wide, narrow = (cell_shares(["a", "b"], counts)[0] for counts in (gathered, spread))
    assert wide.value == narrow.value
    assert wide.exact == narrow.exact
    assert wide.interval[0] < narrow.interval[0] < narrow.value
    assert wide.more_cells > narrow.more_cells
    # Order and empty units are no matter.
    turned = np.concatenate([np.zeros((2, 2), np.int64), COUNTS[::-1, :2]])
    here, there = (cell_shares(["a", "b"], counts)[0] for counts in (COUNTS[:, :2], turned))
    assert (here.n, here.of, here.n_units) == (there.n, there.of, there.n_units)
    assert here.interval == pytest.approx(there.interval, abs=0.02)


def test_it_is_enough_exactly_where_the_limits_lie_within_five_points():
    rng = np.random.default_rng(4)
    some = [rng.multinomial(60, [0.6, 0.3, 0.07, 0.03], n) for n in (3, 5, 9, 30, 90)]
    shares = [share for counts in some for share in cell_shares(["a", "b", "c", "d"], counts)]
    for share in shares:
        reach = max(share.value - share.interval[0], share.interval[1] - share.value)
        assert (share.more_cells == 0) is (reach <= 0.05)
    assert {share.more_cells == 0 for share in shares} == {True, False}


def test_what_is_said_to_be_missing_is_about_what_is_missing():
    """So many times the units, all like these: limits of that width, but for the n − 1 of a variance."""
    once = cell_shares(["a", "b"], COUNTS[:, :2])[0]
    times = round((once.of + once.more_cells) / once.of)
    assert times > 1
    more = cell_shares(["a", "b"], np.tile(COUNTS[:, :2], (times, 1)))[0]
    assert max(more.value - more.interval[0], more.interval[1] - more.value) == pytest.approx(0.05, abs=0.015)


def test_units_that_are_all_the_same_do_not_make_it_certain():
    share = cell_shares(["a", "b"], np.array([[10, 10]] * 6))[0]
    assert share.rule == "effective cells"
    assert share.interval[0] < share.exact[0] < 0.5


def test_too_few_units_have_the_classical_limits_only():
    share = cell_shares(["a", "b"], np.array([[12, 88]]))[0]
    assert (share.interval, share.rule) == (None, None)
    assert share.exact == pytest.approx(tuple(stats.binomtest(12, 100).proportion_ci(method="exact")))
    cut = beside_cut_off(share, 0.1)
    assert not cut.clustered
    assert 0.7 < cut.chance < 0.8


def test_nothing_counted_is_undefined():
    share = cell_shares(["a"], np.zeros((4, 1), np.int64))[0]
    assert (share.value, share.interval, share.exact, share.more_cells) == (None, None, None, None)
    assert beside_cut_off(share, 0.1).chance is None


def test_a_ratio_is_the_odds_of_the_share():
    ratio = cell_ratio(COUNTS[:, 0], COUNTS[:, 1])
    share = cell_shares(["a"], COUNTS[:, :1], COUNTS[:, :2].sum(axis=1))[0]
    assert ratio.value == pytest.approx(147 / 33)
    assert ratio.interval == pytest.approx([end / (1 - end) for end in share.interval])
    # Turned over, a ratio has its limits turned over.
    turned = cell_ratio(COUNTS[:, 1], COUNTS[:, 0])
    assert turned.interval == pytest.approx([1 / end for end in ratio.interval[::-1]])
    assert cell_ratio(COUNTS[:, 0], np.zeros(6, np.int64)).value is None


def test_limits_hold_the_truth_of_clustered_cells(simulation):
    """600 counts: within three standard errors of 95 % for common classes, where binomial limits fail."""
    design = simulation.CountDesign(units=10, cells=50, alike=40.0)
    found = simulation.coverage(design, 600)
    common = simulation.SHARES >= 0.04
    assert found["limits"][common].min() > 0.92
    assert found["limits"][common].mean() == pytest.approx(0.95, abs=0.02)
    assert found["limits"][~common].min() > 0.93
    assert found["binomial"][common].max() < 0.9
