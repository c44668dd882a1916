"""Means over seeds by hand: which numbers come out, and what their intervals cover."""

import numpy as np
import pytest

from bmbench.metrics import ImageCounts, Tally
from bmbench.statistics.draws import UnitDraws
from bmbench.statistics.seeds import JoinedSets, SeedScores, difference


def scores(values, replicates, n_units=6, seeds=None):
    return SeedScores(
        seeds=tuple(seeds or range(len(values))),
        values=np.array(values),
        replicates=np.array(replicates),
        n_units=n_units,
    )


def test_two_seeds_that_never_vary_give_an_interval_from_one_to_the_other():
    """A quarter of the draws has the one seed twice, a quarter the other one, and half of them both."""
    found = scores([1.0, 0.5], np.repeat([[1.0], [0.5]], 4_000, axis=1)).mean(seed=0)
    assert (found.value, found.interval, found.n_seeds) == (0.75, (0.5, 1.0), 2)


def test_one_seed_has_the_interval_of_its_units():
    found = scores([0.5], [np.linspace(0, 1, 1_001)]).mean(seed=0)
    assert found.interval == pytest.approx((0.025, 0.975))


def test_a_difference_draws_the_same_seeds_for_both():
    """Seed by seed the one is 0.1 ahead, though seeds lie far apart: the difference has no width."""
    one = scores([0.9, 0.5], np.repeat([[0.9], [0.5]], 500, axis=1))
    other = scores([0.8, 0.4], np.repeat([[0.8], [0.4]], 500, axis=1))
    found = difference([one], [other]).mean(seed=0)
    assert found.value == pytest.approx(0.1)
    assert found.interval == pytest.approx((0.1, 0.1))
    assert found.sign == 1


def test_a_difference_is_of_the_seeds_that_all_have():
    one = scores([0.9, 0.1], np.full((2, 10), 0.9), seeds=["a", "b"])
    other = scores([0.8], np.full((1, 10), 0.8), seeds=["a"])
    found = difference([one], [other]).mean(seed=0)
    assert (found.value, found.n_seeds) == (pytest.approx(0.1), 1)
    nobody = difference([one], [scores([0.8], np.full((1, 10), 0.8), seeds=["c"])]).mean(seed=0)
    assert (nobody.value, nobody.interval, nobody.n_seeds) == (None, None, 0)


def test_an_undefined_seed_leaves_the_mean_undefined():
    assert scores([0.9, np.nan], np.full((2, 10), 0.9)).mean(seed=0).value is None


def test_five_units_state_no_order():
    ahead = scores([0.1], np.full((1, 10), 0.1), n_units=5)
    assert ahead.mean(seed=0).sign == 0


class Fold:
    """What is taken from the scores of one fold of one image with four cells."""

    def __init__(self, hits, confidence):
        counts = [np.array([n]) for n in (hits, 0, 4)]
        self.images = ImageCounts(**dict(zip(("tp", "fp", "cells"), counts, strict=True)))
        self.tallies = (
            Tally.of(
                confidence=np.full(hits, confidence),
                hit=np.ones(hits, bool),
                image=np.zeros(hits, int),
                cells=np.array([4]),
            ),
        )


def test_folds_are_one_test_set():
    """4 of 4 cells in one fold, 1 of 4 in the other: F1 2 · 5 / (8 + 5), AP the recall of 5/8."""
    joined = JoinedSets.of([Fold(4, 0.9), Fold(1, 0.5)], np.array([0, 1]))
    assert joined.value("f1", "all") == pytest.approx(10 / 13)
    assert joined.value("ap", "all") == pytest.approx(5 / 8)
    # Two units are drawn of two: the first one twice, both once, the second one twice.
    draws = UnitDraws(n_units=2, n=400)
    for name, values in (("f1", {1.0, 10 / 13, 0.4}), ("ap", {1.0, 5 / 8, 1 / 4})):
        found = joined.replicates(name, "all", draws)
        expected = {int(first): value for first, value in zip((2, 1, 0), sorted(values)[::-1], strict=True)}
        assert found == pytest.approx([expected[int(n)] for n in draws.table()[:, 0]])
