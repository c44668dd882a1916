"""Counts of swaps, held against every swap of every pair worked out one by one."""

import numpy as np
import pytest

from bmbench.statistics.draws import coin_flips
from bmbench.statistics.swaps import SwapCounts
from bmbench.statistics.units import MetricByUnit

N_SWAPS, N_UNITS = 3_000, 14


def columns():
    """F1 and AP of ten methods: alike, alike but for a unit, far ahead, with false alarms on few units."""
    rng = np.random.default_rng(4)
    cells = rng.integers(5, 30, N_UNITS)
    share = np.array([0.95, 0.9, 0.9, 0.85, 0.7, 0.69, 0.3, 0.0, 0.9, 0.8])[:, None]
    tp = rng.binomial(cells, np.broadcast_to(share, (len(share), N_UNITS))).astype(float)
    fp = rng.poisson(8 * (1 - share), (len(share), N_UNITS)).astype(float)
    # Their denominators move much when a unit is swapped: between the bounds there are swaps to work out.
    fp[8, ::2] += 60
    fp[9, 1::2] += 40
    tp[2], fp[2] = tp[1], fp[1]
    tp[5], fp[5] = tp[4], fp[4]
    tp[5, 0] -= 1
    upper, lower = 2 * tp, tp + fp + cells
    yield MetricByUnit(name="cd.f1", value=upper.sum(1) / lower.sum(1), upper=upper, lower=lower)
    shares = (tp - 0.2 * fp) / cells.sum()
    flat = np.tile(cells / cells.sum(), (len(share), 1))
    yield MetricByUnit(name="cd.ap", value=shares.sum(1), upper=shares, lower=flat)


def one_by_one(column, first, second, swaps):
    """(k, n) whether each swap reaches each pair's difference, in plain double precision."""
    found = []
    for a, b in zip(first, second, strict=True):
        sums = []
        for one, other in ((a, b), (b, a)):
            parts = [
                np.where(swaps == 1, table[other], table[one]).sum(1)
                for table in (column.upper, column.lower)
            ]
            sums.append(parts[0] / parts[1])
        observed = abs(np.divide(*(t[a].sum() for t in (column.upper, column.lower))) - column.value[b])
        found.append(np.abs(sums[0] - sums[1]) >= observed * (1 - 1e-9) - 1e-15)
    return np.array(found)


@pytest.fixture(params=columns(), ids=lambda column: column.name)
def case(request):
    column = request.param
    first, second = np.triu_indices(len(column.value), 1)
    swaps = coin_flips(N_UNITS, N_SWAPS, seed=1)
    return column, first, second, swaps, one_by_one(column, first, second, swaps)


def test_the_count_is_that_of_swaps_worked_out_one_by_one(case):
    column, first, second, swaps, reached = case
    count, seen = SwapCounts.of(column, first, second).exceeding(swaps)
    assert count.tolist() == reached.sum(1).tolist()
    assert set(seen.tolist()) == {N_SWAPS}
    # The case has pairs of all kinds: equal, nearly equal, and so far apart that hardly a swap reaches it.
    assert count.max() == N_SWAPS
    assert 0 < np.median(count) < N_SWAPS
    assert count.min() < 5


def test_a_pair_is_left_after_the_first_thousand_that_shows_it_is_above_the_level(case):
    column, first, second, swaps, reached = case
    count, seen = SwapCounts.of(column, first, second).exceeding(swaps, level=0.05)
    for row, hits in enumerate(reached):
        ends = [n for n in range(1_000, N_SWAPS + 1, 1_000) if hits[:n].sum() >= 0.05 * n]
        n = min([*ends, N_SWAPS])
        assert (seen[row], count[row]) == (n, hits[:n].sum())
    assert set(seen.tolist()) >= {1_000, N_SWAPS}


def test_no_swap_beyond_a_pairs_reach_is_a_hit(case):
    column, first, second, swaps, reached = case
    pairs = SwapCounts.of(column, first, second)
    held = swaps.sum(1)
    fewest = np.minimum(held, N_UNITS - held)
    for row, hits in enumerate(reached):
        assert fewest[hits].max(initial=0) <= pairs.reach[row]
    # It is a bound worth having: far pairs are looked at for few swaps only.
    assert pairs.reach.min() <= 2 < pairs.reach.max() == N_UNITS // 2


def test_a_submission_without_cells_or_answers_is_no_different_from_any():
    column = MetricByUnit(
        name="cd.f1",
        value=np.array([0.5, np.nan, 0.9]),
        upper=np.array([[1.0] * 6, [0.0] * 6, [1.8] * 6]),
        lower=np.array([[2.0] * 6, [0.0] * 6, [2.0] * 6]),
    )
    first, second = np.triu_indices(3, 1)
    swaps = coin_flips(6, 100, seed=0)
    count, seen = SwapCounts.of(column, first, second).exceeding(swaps)
    assert seen.tolist() == [100, 100, 100]
    assert (count[0], count[2]) == (100, 100)
    # Every unit says the same: only swaps of no unit or of all of them keep the difference.
    assert count[1] == np.isin(swaps.sum(1), (0, 6)).sum()
