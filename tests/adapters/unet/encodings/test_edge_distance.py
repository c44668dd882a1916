"""Distances to the edge of a mask are the exact ones, wherever in memory the arrays lie."""

import numpy as np
import pytest
from scipy import ndimage

from bmbench.adapters.unet.encodings.depth_map import edge_distance


@pytest.mark.parametrize("seed", range(5))
def test_distances_are_those_of_an_independent_program(seed):
    generator = np.random.default_rng(seed)
    mask = (generator.random((57, 57)) < 0.995).astype(np.uint8)
    assert np.array_equal(edge_distance(mask), ndimage.distance_transform_edt(mask).astype(np.float32))


def test_the_place_in_memory_does_not_matter():
    generator = np.random.default_rng(0)
    mask = (generator.random((57, 57)) < 0.99).astype(np.uint8)
    kept = []
    for size in generator.integers(1, 5000, 100):
        kept += [edge_distance(mask), np.empty(size, np.uint8)]
    assert len({answer.tobytes() for answer in kept[::2]}) == 1
    assert len({answer.ctypes.data % 64 for answer in kept[::2]}) > 1


def test_a_mask_without_an_edge_has_the_sum_of_its_sides():
    assert (edge_distance(np.ones((30, 50), np.uint8)) == 80).all()
    assert (edge_distance(np.zeros((30, 50), np.uint8)) == 0).all()
