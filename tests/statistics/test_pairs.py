"""Differences of methods: SciPy's paired t for two; copies; seeds that are not paired."""

import numpy as np
import pytest
from scipy import stats

from bmbench.statistics.jackknife import Jackknife, ratio
from bmbench.statistics.methods import Methods
from bmbench.statistics.pairs import method_pairs


def shares(values):
    """A method of one seed: its share on units of one size."""
    return ratio(np.asarray(values) * 100, np.full(len(values), 100))


def boards(k, n, seed=0, spread=0.03):
    rng = np.random.default_rng(seed)
    return [shares(np.clip(row, 0, 1)) for row in 0.8 + rng.normal(0, spread, (k, n))]


def test_two_methods_are_a_paired_t_test():
    a, b = np.array([0.80, 0.90, 0.70, 0.85, 0.92]), np.array([0.78, 0.91, 0.60, 0.80, 0.90])
    pairs = method_pairs(Methods.of([[shares(a)], [shares(b)]]))
    judge = stats.ttest_rel(a, b)
    assert pairs.p[0, 1] == pytest.approx(judge.pvalue)
    assert pairs.interval(0, 1) == pytest.approx(tuple(judge.confidence_interval(0.95)))
    assert pairs.df[0, 1] == pytest.approx(4)
    assert pairs.ahead.tolist() == [[False, True], [False, False]]


def test_seeds_alone_are_a_t_test_with_one_variance():
    """Units that say the same of both: what is left is the two-sample test of SciPy."""
    flat = np.zeros(6)

    def trained(values):
        return [
            Jackknife(value=v, without=np.full(6, v), weight=flat + 1 / 6, loss=flat == 0, gain=flat == 0)
            for v in values
        ]

    a, b = [0.80, 0.84, 0.83], [0.70, 0.78]
    pairs = method_pairs(Methods.of([trained(a), trained(b)]))
    judge = stats.ttest_ind(a, b)
    assert pairs.df[0, 1] == pytest.approx(judge.df)
    assert pairs.p[0, 1] == pytest.approx(judge.pvalue)


def test_the_variance_of_a_pair_is_moderated_by_hand():
    """Three methods: all variances lie near each other, so each is worth its own 5 degrees and 5 more."""
    methods = Methods.of([[one] for one in boards(3, 6, seed=3)])
    pairs = method_pairs(methods)
    z = methods.influence
    own = np.array([np.square(z[a] - z[b]).sum() / 30 for a, b in ((0, 1), (0, 2), (1, 2))])
    assert pairs.df[0, 1] == pytest.approx(10)
    found = pairs.variance[[0, 0, 1], [1, 2, 2]]
    # Half-way to one and the same variance.
    assert 2 * found - own == pytest.approx(np.full(3, (2 * found - own)[0]))


def test_a_copy_is_the_same_and_changes_nothing_of_the_others():
    board = boards(5, 8, seed=4)
    alone = method_pairs(Methods.of([[one] for one in board]))
    copied = method_pairs(Methods.of([[one] for one in [*board, board[1], board[1]]]))
    assert copied.original.tolist() == [0, 1, 2, 3, 4, 1, 1]
    assert copied.same[5, 6]
    assert copied.p[1, 5] == 1
    assert copied.p[:5, :5] == pytest.approx(alone.p)
    assert copied.p[5, 0] == pytest.approx(alone.p[1, 0])
    assert copied.interval(1, 5) is None or copied.interval(1, 5)[0] <= 0


def test_a_constant_gap_is_no_copy():
    """A method that is a point better on every unit differs, though nothing varies."""
    board = boards(4, 8, seed=5)
    shifted = shares(board[0].value + board[0].influence + 0.05)
    pairs = method_pairs(Methods.of([[one] for one in [*board, shifted]]))
    assert pairs.original.tolist() == [0, 1, 2, 3, 4]
    assert pairs.p[0, 4] < 0.05
    # Of two methods alone nothing can be said: no variance is known.
    two = method_pairs(Methods.of([[board[0]], [shifted]]))
    assert two.p[0, 1] == 1
    assert two.interval(0, 1) is None


def test_the_seed_part_is_not_paired():
    """Seed by seed the second is 0.01 behind: that its third seed is low with the first one's is chance."""
    board = boards(1, 8, seed=6)[0]

    def trained(shift):
        return [
            Jackknife(
                value=board.value + shift + s,
                without=board.without + shift + s,
                weight=board.weight,
                loss=board.loss,
                gain=board.gain,
            )
            for s in (-0.02, 0.0, 0.02)
        ]

    methods = Methods.of([trained(0.0), trained(-0.01)])
    assert methods.seeds is not None
    assert methods.seeds.variance == pytest.approx(0.0004)
    pairs = method_pairs(methods)
    assert pairs.variance[0, 1] == pytest.approx(0.0004 * (1 / 3 + 1 / 3))
    assert pairs.p[0, 1] > 0.4


def test_an_undefined_method_is_told_apart_from_nobody():
    nothing = ratio(np.zeros(8), np.zeros(8))
    pairs = method_pairs(Methods.of([[one] for one in [*boards(4, 8), nothing]]))
    assert (pairs.p[4] == 1).all()
    assert np.isfinite(pairs.p).all()
