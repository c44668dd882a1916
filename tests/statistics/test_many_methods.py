"""Best set, rank sets and all pairs: corrections against published tables and SciPy, sets by hand."""

import numpy as np
import pytest
from scipy import stats

from bmbench.statistics.jackknife import ratio
from bmbench.statistics.many_methods import (
    all_pairs,
    best_set,
    equalities,
    false_discovery_rates,
    holm,
    planned_pairs,
    range_quantile,
    rank_sets,
    shaffer,
)
from bmbench.statistics.methods import Methods
from bmbench.statistics.pairs import method_pairs


def board(levels, n=8, seed=0, spread=0.02):
    rng = np.random.default_rng(seed)
    values = np.clip(np.asarray(levels)[:, None] + rng.normal(0, spread, (len(levels), n)), 0, 1)
    return Methods.of([[ratio(row * 100, np.full(n, 100))] for row in values])


def test_holm_by_hand():
    # Sorted 0.01, 0.02, 0.03, 0.5 times 4, 3, 2, 1: 0.04, 0.06, 0.06, 0.5; none falls below the one before.
    assert holm(np.array([0.5, 0.01, 0.03, 0.02])).tolist() == pytest.approx([0.5, 0.04, 0.06, 0.06])


def test_shaffers_numbers_of_equalities_are_those_of_her_table():
    """Shaffer 1986, table 1: how many of k(k − 1)/2 hypotheses can be true at once."""
    assert equalities(3) == (0, 1, 3)
    assert equalities(4) == (0, 1, 2, 3, 6)
    assert equalities(5) == (0, 1, 2, 3, 4, 6, 10)
    assert equalities(6) == (0, 1, 2, 3, 4, 6, 7, 10, 15)


def test_shaffers_steps():
    """Of five methods: times 10, 6, 6, 6, 6, 4, 4, 3, 2, 1 (Garcia and Herrera 2008)."""
    p = np.arange(1, 11) / 1e6
    factors = np.round(shaffer(p, 5) / p, 6)
    steps = np.array([10, 6, 6, 6, 6, 4, 4, 3, 2, 1])
    assert factors == pytest.approx(np.maximum.accumulate(steps * p) / p)
    assert (shaffer(p, 5) <= holm(p)).all()


def test_false_discovery_rates_are_scipys():
    p = np.random.default_rng(0).random(50) ** 3
    assert false_discovery_rates(p) == pytest.approx(stats.false_discovery_control(p))


def test_the_quantile_of_the_studentised_range_is_that_of_tables():
    """Tables of Tukey's test at 5 %: q(3, 10) = 3.88, q(10, 20) = 5.01, q(20, 120) = 5.13."""
    for k, df, q in ((3, 10, 3.88), (10, 20, 5.01), (20, 120, 5.13)):
        assert range_quantile(k, np.array([df])) == pytest.approx([q], abs=0.005)
    # Between two that are kept the lower one is taken: a wider interval, never a narrower one.
    assert range_quantile(5, np.array([49.0]))[0] == range_quantile(5, np.array([40.0]))[0]


def test_the_best_set_is_a_one_sided_comparison_with_each():
    methods = board([0.9, 0.9, 0.6, 0.5], seed=1)
    pairs = method_pairs(methods)
    assert best_set(pairs).tolist() == [True, True, False, False]
    t = pairs.difference / np.sqrt(np.where(pairs.variance > 0, pairs.variance, 1))
    critical = stats.t.ppf(1 - 0.05 / 3, pairs.df)
    assert best_set(pairs).tolist() == (~(t > critical).any(axis=0)).tolist()


def test_rank_sets_by_hand():
    """Two of one level, one far below: the third is last for sure, the others first or second."""
    pairs = method_pairs(board([0.9, 0.9, 0.5], seed=1))
    found = rank_sets(pairs)
    assert list(zip(found.first, found.last, strict=True)) == [(1, 2), (1, 2), (3, 3)]
    p = pairs.p[1, [0, 2]]
    assert found.ahead[1].tolist() == [False, False, bool(holm(p)[1] <= 0.05)]
    assert found.behind[2].tolist() == [True, True, False]


def test_a_single_method_is_the_best_set():
    pairs = method_pairs(board([0.9]))
    assert best_set(pairs).tolist() == [True]
    found = rank_sets(pairs)
    assert (found.first.tolist(), found.last.tolist()) == ([1], [1])
    assert all_pairs(board([0.9])).apart.tolist() == [[False]]


@pytest.mark.parametrize("k", [6, 25, 35])
def test_a_copy_stands_where_its_original_does(k):
    levels = np.linspace(0.9, 0.5, k)
    methods = board(levels, seed=2)
    copied = methods.take([*range(k), 1, 1])
    alone, together = all_pairs(methods), all_pairs(copied)
    assert together.apart[:k, :k].tolist() == alone.apart.tolist()
    assert together.apart[k].tolist() == together.apart[1].tolist()
    assert not together.apart[1, k:].any()
    pairs = method_pairs(copied)
    assert best_set(pairs)[k:].tolist() == [best_set(pairs)[1]] * 2
    assert rank_sets(pairs).first[k] == rank_sets(pairs).first[1]


def test_junk_outside_of_the_family_changes_nothing_inside():
    methods = board(np.linspace(0.9, 0.6, 32), seed=3)
    rng = np.random.default_rng(1)
    junk = board(rng.uniform(0.1, 0.6, 40), seed=4, spread=0.2)
    every = Methods(
        value=np.append(methods.value, junk.value),
        influence=np.concatenate([methods.influence, junk.influence]),
        weight=methods.weight,
        n_seeds=np.append(methods.n_seeds, junk.n_seeds),
        seeds=None,
    )
    alone, among = all_pairs(methods), all_pairs(every, np.arange(32))
    assert alone.rule == "studentised range"
    assert among.apart.tolist() == alone.apart.tolist()
    assert all_pairs(every).apart[:32, :32].sum() < alone.apart.sum()


def test_all_pairs_below_thirty_are_shaffers():
    methods = board([0.9, 0.85, 0.8, 0.75, 0.7])
    found = all_pairs(methods)
    first, second = np.triu_indices(5, 1)
    judge = shaffer(found.pairs.p[first, second], 5)
    assert found.p_corrected[first, second] == pytest.approx(judge)
    assert found.apart[first, second].tolist() == (judge <= 0.05).tolist()
    assert found.ahead[0, 4]
    assert not found.ahead[4, 0]


def test_planned_pairs_are_corrected_among_themselves_alone():
    pairs = method_pairs(board([0.9, 0.88, 0.86, 0.84]))
    assert planned_pairs(pairs, [0, 2], [1, 3]) == pytest.approx(holm(pairs.p[[0, 2], [1, 3]]))
