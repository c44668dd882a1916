"""Methods and their seeds."""

import numpy as np
import pytest

from bmbench.statistics.jackknife import ratio
from bmbench.statistics.methods import Methods


def seed_of(*hits):
    return ratio(np.array(hits), np.full(len(hits), 10))


def test_a_method_is_the_mean_of_its_seeds():
    methods = Methods.of([[seed_of(8, 9, 7), seed_of(6, 9, 9)], [seed_of(5, 5, 8)]])
    assert methods.value == pytest.approx([0.8, 0.6])
    assert methods.n_seeds.tolist() == [2, 1]
    assert methods.influence[0] == pytest.approx([0.7 - 0.8, 0.9 - 0.8, 0.8 - 0.8])
    # 24/30 and 24/30: two trainings that are equally good do not vary.
    assert methods.seeds.variance == pytest.approx(0)
    assert methods.seeds.df == 1


def test_a_copy_is_no_second_training():
    methods = Methods.of([[seed_of(8, 9, 7)] * 3, [seed_of(5, 5, 8)]])
    assert methods.n_seeds.tolist() == [1, 1]
    assert methods.seeds is None


def test_a_submission_that_is_handed_in_again_is_no_second_method_to_learn_seeds_from():
    trained = [seed_of(8, 9, 7), seed_of(6, 9, 8)]
    other = [seed_of(5, 5, 8), seed_of(9, 9, 9)]
    once, twice = Methods.of([trained, other]), Methods.of([trained, other, other[::-1]])
    assert twice.seeds == once.seeds
    assert twice.seeds.df == 2


def test_methods_must_be_on_the_same_units():
    with pytest.raises(ValueError, match="same units"):
        Methods.of([[seed_of(8, 9, 7)], [seed_of(5, 5)]])
    with pytest.raises(ValueError, match="one seed"):
        Methods.of([[seed_of(8, 9, 7)], []])
