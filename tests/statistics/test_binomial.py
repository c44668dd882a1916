"""The classical limits, beside SciPy and the published table."""

import math

import pytest
from scipy import stats

from bmbench.statistics.binomial import cells_for_reach, chance_above, exact_limits

RUEMKE_100 = {0: (0, 4), 1: (0, 6), 2: (0, 8), 5: (1, 12), 10: (4, 18), 20: (12, 30), 50: (39, 61)}
"""Per cent of 100 cells: its 95 % limits, rounded outwards, as laboratories have them on the wall."""


@pytest.mark.parametrize("of", [100, 200, 500])
def test_the_limits_are_scipys(of):
    for n in range(0, of + 1, 5):
        expected = stats.binomtest(n, of).proportion_ci(method="exact")
        assert exact_limits(n, of) == pytest.approx((expected.low, expected.high), abs=1e-10)


def test_the_limits_are_ruemkes():
    for n, (low, high) in RUEMKE_100.items():
        found = exact_limits(n, 100)
        assert (math.floor(100 * found[0]), math.ceil(100 * found[1])) == (low, high)


def test_nothing_counted_has_no_limits():
    assert exact_limits(0, 0) is None
    assert chance_above(0, 0, 0.1) is None


def test_the_cells_that_are_needed_are_enough_and_one_fewer_is_not():
    for share in (0.02, 0.1, 0.3, 0.5, 0.9):
        n = cells_for_reach(share, 0.05)
        for cells, enough in ((n, True), (n - 1, False)):
            low, high = exact_limits(share * cells, cells)
            assert (max(share - low, high - share) <= 0.05) is enough
    assert cells_for_reach(0.5, 1e-6) is None


def test_the_chance_lies_between_the_two_exact_tests():
    """P(X ≥ n) and P(X > n) of a share that is the cut-off: what is sure above lies between."""
    for n, of, cut in ((12, 100, 0.1), (10, 100, 0.1), (30, 500, 0.05), (0, 50, 0.05)):
        upper, lower = stats.binom.cdf(n, of, cut), stats.binom.cdf(n - 1, of, cut)
        assert lower < chance_above(n, of, cut) < upper
