"""Differences that a test set can show, by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bmbench.statistics.jackknife import ratio
from bmbench.statistics.methods import Methods
from bmbench.statistics.pairs import method_pairs
from bmbench.statistics.planning import (
    _difference_below,
    _power_of_level,
    findable_differences,
    shift_found,
)
from bmbench.statistics.seed_variance import SeedVariance


@pytest.mark.parametrize(("critical", "df"), [(2.0, 7.0), (4.5, 14.0), (3.0, 60.0), (6.0, 5.0)])
def test_the_difference_is_found_in_four_of_five_draws(critical, df):
    """A normal shifted by it, over the root of its χ²: 400,000 draws, standard error 0.0006."""
    rng = np.random.default_rng(int(df))
    t = (rng.normal(size=400_000) + shift_found(critical, df)) / np.sqrt(rng.chisquare(df, 400_000) / df)
    assert (t > critical).mean() == pytest.approx(0.8, abs=0.004)


def methods_of(levels, n, spread=0.02, seed=0):
    rng = np.random.default_rng(seed)
    values = np.clip(np.asarray(levels)[:, None] + rng.normal(0, spread, (len(levels), n)), 0, 1)
    return Methods.of([[ratio(row * 100, np.full(n, 100))] for row in values])


def test_what_is_found_grows_with_the_number_of_comparisons():
    methods = methods_of(np.linspace(0.7, 0.9, 9), 12)
    found = findable_differences(methods, method_pairs(methods))
    assert found.not_seen_below < found.alone < found.best_set < found.all_pairs
    # 2.2 of 0.02 · √2 / √12, nearly: the median of 36 standard errors.
    assert found.not_seen_below == pytest.approx(2.1 * 0.0283 / np.sqrt(12), rel=0.3)
    more = methods_of(np.linspace(0.7, 0.9, 40), 12)
    assert findable_differences(more, method_pairs(more)).all_pairs > found.all_pairs


def test_none_where_a_test_is_not_made():
    five = methods_of([0.7, 0.8, 0.9], 5)
    found = findable_differences(five, method_pairs(five))
    assert found.all_pairs is None
    assert found.best_set is not None
    two = methods_of([0.7, 0.8, 0.9], 2)
    assert findable_differences(two, method_pairs(two)).alone is None
    wild = methods_of([0.5, 0.5, 0.5], 3, spread=0.5)
    assert findable_differences(wild, method_pairs(wild)).best_set is None


def test_nothing_is_planned_from_one_method_or_copies():
    one = methods_of([0.8], 8)
    assert findable_differences(one, method_pairs(one)) is None
    copies = one.take([0, 0, 0])
    assert findable_differences(copies, method_pairs(copies)) is None


def test_units_for_a_point_by_hand():
    """Two methods: sd of a unit's difference s; (2.8016 s / 0.01)²; seeds of sd 0.01 leave no number."""
    methods = methods_of([0.8, 0.8], 10)
    z = methods.influence[0] - methods.influence[1]
    needed = (2.80159 * z.std(ddof=1) / 0.01) ** 2
    assert findable_differences(methods, method_pairs(methods)).units_for_a_point == math.ceil(needed)
    noisy = replace(methods, seeds=SeedVariance(variance=1e-4, df=4))
    assert findable_differences(noisy, method_pairs(noisy)).units_for_a_point is None


def test_a_worse_method_needs_a_larger_difference_the_more_its_board_varies_with_level():
    """Units vary by 0.2 p (1 − p): the variance of a pair grows with the square of p (1 − p)."""
    rng = np.random.default_rng(5)
    levels = np.linspace(0.5, 0.97, 12)
    noise = rng.normal(size=(12, 40))
    values = levels[:, None] + 0.2 * (levels * (1 - levels))[:, None] * noise
    boards = [Methods.of([[ratio(row * 100, np.full(40, 100))] for row in values])]
    # The same noise at all levels: the variance does not depend on them.
    values = levels[:, None] + 0.02 * noise
    boards.append(Methods.of([[ratio(row * 100, np.full(40, 100))] for row in np.clip(values, 0, 1)]))
    first, second = np.triu_indices(12, 1)
    powers = []
    for board in boards:
        pairs = method_pairs(board)
        powers.append(_power_of_level(board.value[first], board.value[second], pairs.variance[first, second]))
    assert powers[0] > 1.3
    assert powers[1] < 0.8
    # Without any spread of levels nothing is known, and methods are taken to vary alike on the logit scale.
    same = np.full(3, 0.8)
    assert _power_of_level(same, same, np.array([1.0, 1.1, 0.9])) == pytest.approx(2.0)


def test_the_difference_to_a_worse_method_by_hand():
    """From 0.9 on, of power 2: d = 0.1 · (1 + p (1 − p) / 0.09) / 2 with p = 0.9 − d."""
    found = _difference_below(0.9, 0.1, 2.0)
    worse = 0.9 - found
    assert found == pytest.approx(0.1 * (1 + worse * (1 - worse) / 0.09) / 2)
    assert _difference_below(0.9, 0.1, 0.0) == pytest.approx(0.1)
    assert _difference_below(0.9, 0.95, 0.0) is None
