"""Draws: the same for ever, of as many units as there are, and independent of each other."""

import numpy as np
import pytest

from bmbench.statistics.draws import UnitDraws


def test_draws_are_the_same_for_ever():
    # Halves of PCG64's raw words, which NumPy keeps for ever, taken by hand.
    raw = np.random.PCG64(0).random_raw(6)
    expected = [int(word >> 32) * 3 >> 32 for word in raw.tolist()]
    counts = UnitDraws(n_units=3, n=2).table()
    assert counts.tolist() == [[expected[i : i + 3].count(unit) for unit in range(3)] for i in (0, 3)]


def test_every_draw_is_of_as_many_units() -> None:
    blocks = list(UnitDraws(n_units=5, n=1000, seed=1).blocks(300))
    weights = np.concatenate(blocks)
    assert [len(block) for block in blocks] == [300, 300, 300, 100]
    assert (weights.sum(axis=1) == 5).all()
    # Each unit is drawn once on average, with variance 1 − 1/5; 1000 draws: standard error 0.03.
    assert weights.mean(axis=0) == pytest.approx(np.ones(5), abs=0.12)
    assert weights.var(axis=0) == pytest.approx(np.full(5, 0.8), abs=0.15)


def test_draws_do_not_depend_on_the_block_or_on_how_many_there_are() -> None:
    draws = UnitDraws(n_units=6, n=50, seed=2)
    parts = np.concatenate(list(draws.blocks(7)))
    assert (draws.table() == parts).all()
    assert (UnitDraws(n_units=6, n=20, seed=2).table() == parts[:20]).all()
