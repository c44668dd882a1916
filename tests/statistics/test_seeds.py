"""Means over seeds and their differences by hand: what their intervals are made of."""

import math

import numpy as np
import pytest
from scipy.stats import t

from bmbench.metrics import ImageCounts, Tally
from bmbench.statistics.jackknife import ratio
from bmbench.statistics.seed_variance import SeedVariance
from bmbench.statistics.seeds import JoinedSets, SeedScores, difference, same_networks, seed_variance

TEN = np.full(6, 10)


def row(*hits, seeds=None):
    """Recall of ten cells on each of six units, one list of hits a seed."""
    scores = tuple(ratio(np.array(some), TEN) for some in hits)
    return SeedScores(seeds=tuple(seeds or range(len(hits))), scores=scores, n_units=6)


FIRST = [9, 8, 10, 7, 9, 8]
SECOND = [7, 6, 9, 7, 5, 6]


def influence(hits):
    """Of a mean of equal units: a unit's value less the mean."""
    shares = np.array(hits) / 10
    return shares - shares.mean()


def test_a_difference_is_paired_over_units_and_not_over_seeds():
    seeds = SeedVariance(variance=0.0004, df=4)
    found = difference(row(FIRST, FIRST), row(SECOND), seeds)
    z = influence(FIRST) - influence(SECOND)
    of_units, of_seeds = (z**2).sum() / 30, 0.0004 * (1 / 2 + 1 / 1)
    total = of_units + of_seeds
    df = total**2 / (of_units**2 / 5 + of_seeds**2 / 4)
    value = (sum(FIRST) - sum(SECOND)) / 60
    reach = t.ppf(0.975, df) * math.sqrt(total)
    assert found.value == pytest.approx(value)
    assert found.interval == pytest.approx((value - reach, value + reach))
    assert found.p == pytest.approx(2 * t.sf(value / math.sqrt(total), df))
    assert (found.n_seeds, found.n_units) == (1, 6)


def test_without_a_second_training_a_difference_is_of_these_networks():
    found = difference(row(FIRST), row(SECOND), None)
    z = influence(FIRST) - influence(SECOND)
    reach = t.ppf(0.975, 5) * math.sqrt((z**2).sum() / 30)
    assert found.interval[1] - found.value == pytest.approx(reach)


def test_a_mean_is_wider_by_what_trainings_vary():
    alone, among = row(FIRST).mean(None), row(FIRST).mean(SeedVariance(variance=0.01, df=6))
    assert alone.value == among.value == pytest.approx(51 / 60)
    assert among.interval[0] < alone.interval[0] < alone.interval[1] < among.interval[1]


def test_the_variance_over_seeds_is_pooled_over_rows():
    rows = [row([6] * 6, [8] * 6), row([5] * 6, [5] * 6, [8] * 6), row([9] * 6)]
    # (0.6, 0.8): squares 0.02; (0.5, 0.5, 0.8): squares 0.06; together 0.08 over 1 + 2 degrees.
    assert seed_variance(rows) == SeedVariance(variance=pytest.approx(0.08 / 3), df=3)
    assert seed_variance([row([9] * 6)]) is None


def test_two_scores_of_the_same_networks_are_paired_over_seeds():
    """Seeds lie far apart and their gap is the same: it has no variance over seeds."""
    centres = row([9, 9, 8, 9, 9, 9], [5, 5, 4, 5, 5, 5], [1] * 6, seeds="abc")
    boxes = row([8, 7, 7, 8, 8, 8], [4, 3, 3, 4, 4, 4], seeds="ab")
    gap = same_networks(centres, boxes)
    assert gap.seeds == ("a", "b")
    assert seed_variance([gap]).variance == pytest.approx(0)
    found = gap.mean(None)
    # One unit has a gap of 0.2, five of 0.1.
    assert found.value == pytest.approx(7 / 60)
    z = np.array([-1, 5, -1, -1, -1, -1]) / 60
    error = math.sqrt((z**2).sum() / 30)
    assert found.interval[1] - found.value == pytest.approx(t.ppf(0.975, 5) * error)
    assert found.p == pytest.approx(2 * t.sf(found.value / error, 5))


def test_what_is_undefined_has_no_mean_and_no_difference():
    nothing = SeedScores(seeds=(), scores=(), n_units=6)
    assert nothing.mean(None).value is None
    found = difference(row(FIRST), nothing, None)
    assert (found.value, found.interval, found.p, found.n_seeds) == (None, None, None, 0)


def test_units_that_do_not_vary_say_nothing_of_others():
    found = difference(row([9] * 6), row([8] * 6), None)
    assert (found.value, found.interval, found.p) == (pytest.approx(0.1), None, None)


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
    """4 of 4 cells in one fold, 1 of 4 in the other: F1 2 · 5 / (8 + 5), AP the recall of 5/8.

    Without the first fold 2 · 1 / (4 + 1) and 1/4, without the second 1 and 1.
    """
    joined = JoinedSets.of([Fold(4, 0.9), Fold(1, 0.5)], np.array([0, 1]))
    for name, value, without in (("f1", 10 / 13, [0.4, 1.0]), ("ap", 5 / 8, [0.25, 1.0])):
        found = joined.jackknife(name, "all", 2)
        assert found.value == pytest.approx(value)
        assert found.without == pytest.approx(without)
