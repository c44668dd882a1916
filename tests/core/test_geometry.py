import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.draw import polygon

from bmbench.core.geometry import (
    clip_ring,
    cut_rings,
    inner_point,
    outline_areas,
    ring_area,
    rings_area,
    rings_contain,
    rings_mask,
)

SQUARE = np.array([[0.0, 0], [10, 0], [10, 10], [0, 10]])
WHOLE = st.lists(st.tuples(st.integers(-20, 20), st.integers(-20, 20)), min_size=1, max_size=9)
REAL = st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=1, max_size=9)


def test_area_counts_a_hole_off_and_an_island_in_it_on():
    hole = np.array([[2.0, 2], [2, 8], [8, 8], [8, 2]])
    island = np.array([[4.0, 4], [6, 4], [6, 6], [4, 6]])
    # 100 - 36 + 4, whichever way the rings turn and in whatever order they come.
    for rings in itertools.permutations((SQUARE, hole[::-1], island)):
        assert rings_area(rings) == 68
    assert rings_area((SQUARE, SQUARE + 20)) == 200
    assert rings_area((SQUARE,)) == 100


def test_areas_of_many_outlines_are_those_of_each():
    rng = np.random.default_rng(0)
    rings = [rng.normal(500, 30, (n, 2)) for n in (3, 40, 7, 1)]
    outlines = [
        (rings[0],),
        (),
        (rings[1],),
        (SQUARE, SQUARE / 2 + 1),
        (rings[2],),
        (rings[3],),
        (SQUARE[:0],),
    ]
    assert outline_areas(outlines).tolist() == [rings_area(outline) for outline in outlines]
    assert outline_areas([]).shape == (0,)


def test_area_of_a_ring_whose_middle_is_its_own_hole():
    # The widest gap between corner heights of the outer ring is inside the hole.
    frame = np.array([[0.0, 0], [1, 0], [1, 1], [9, 1], [9, 0], [10, 0], [10, 10], [0, 10]])
    hole = np.array([[1.0, 2], [1, 9], [9, 9], [9, 2]])
    assert rings_area((frame, hole)) == ring_area(frame) - 56


def test_inner_point_of_a_bent_ring_is_inside():
    # A horseshoe: the mean of its corners lies in its mouth.
    horseshoe = np.array([[0.0, 0], [9, 0], [9, 9], [8, 9], [8, 1], [1, 1], [1, 9], [0, 9]])
    points = np.array([inner_point(horseshoe), horseshoe.mean(axis=0)])
    assert rings_contain((horseshoe,), points).tolist() == [True, False]


def test_inner_point_is_not_on_an_edge():
    # The mean height of the corners, 3, is that of the notch's floor.
    notched = np.array([[0.0, 0], [3, 0], [3, 3], [7, 3], [7, 0], [10, 0], [10, 9], [0, 9]])
    steps = np.array([[0, 0.01], [0, -0.01], [0.01, 0], [-0.01, 0]])
    assert rings_contain((notched,), inner_point(notched) + steps).all()


@pytest.mark.parametrize(
    ("shift", "area"),
    [((0, 0), 100), ((5, 0), 50), ((0, -5), 50), ((-5, 5), 25), ((10, 0), 0), ((30, 30), 0)],
)
def test_clip_of_a_square_by_hand(shift, area):
    clipped = clip_ring(SQUARE + shift, 10, 10)
    assert ring_area(clipped) == area


@given(st.lists(st.tuples(st.integers(-9, 19), st.integers(-9, 19)), min_size=3, max_size=3))
def test_clip_of_a_triangle_agrees_with_counting_points(corners):
    triangle = np.array(corners, float)
    grid = np.stack(np.meshgrid(np.arange(0.05, 10, 0.1), np.arange(0.05, 7, 0.1)), axis=-1).reshape(-1, 2)
    a, b, c = triangle
    sides = [
        np.cross([*(q - p), 0], np.column_stack([grid - p, np.zeros(len(grid))]))[:, 2]
        for p, q in ((a, b), (b, c), (c, a))
    ]
    inside = np.all(np.array(sides) > 0, axis=0) | np.all(np.array(sides) < 0, axis=0)
    assert ring_area(clip_ring(triangle, 10, 7)) == pytest.approx(inside.sum() * 0.01, abs=2)


@given(REAL.filter(lambda points: len(points) > 2), st.integers(0, 2**31))
def test_a_mask_holds_the_centres_that_the_even_odd_rule_finds_one_by_one(points, seed):
    # Moved by irrational steps: no corner at the height of a pixel's centre, no centre on the outline.
    nudge = np.random.default_rng(seed).uniform(0, 1e-3, (len(points), 2))
    ring = np.array(points, float) % 12 + nudge
    alone = [
        [rings_contain((ring,), np.array([[x + 0.5, y + 0.5]]))[0] for x in range(13)] for y in range(11)
    ]
    assert np.array_equal(rings_mask((ring,), 11, 13), np.array(alone, np.uint8))
    part = rings_mask((ring,), 6, 8, corner=(5, 4), lower=False)
    assert np.array_equal(part, np.array(alone, np.uint8)[4:10, 5:13])


def test_a_mask_is_the_same_as_another_programs():
    rng = np.random.default_rng(0)
    for corners in range(3, 60):
        angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
        reach = rng.uniform(3, 25, corners)
        ring = np.column_stack([20 + reach * np.cos(angle), 18 + reach * np.sin(angle)])
        other = np.zeros((40, 37), np.uint8)
        other[polygon(ring[:, 1] - 0.5, ring[:, 0] - 0.5, other.shape)] = 1
        assert np.array_equal(rings_mask((ring,), 40, 37), other)


def test_a_mask_has_holes_and_gives_a_centre_on_the_outline_to_one_of_two_neighbours():
    assert rings_mask((SQUARE, SQUARE / 2 + 2), 12, 12).sum() == 100 - 25
    half = SQUARE + 0.5
    left, right = (rings_mask((half + np.array([10 * n, 0]),), 12, 24) for n in (0, 1))
    assert left.sum() == right.sum() == 100
    assert not (left & right).any()


def test_of_the_edges_of_an_outline_the_left_one_is_inside_and_one_of_upper_and_lower():
    half = SQUARE + 0.5
    for lower, inside in ((False, slice(0, 10)), (True, slice(1, 11))):
        expected = np.zeros((12, 12), np.uint8)
        expected[inside, 0:10] = 1
        assert np.array_equal(rings_mask((half,), 12, 12, lower=lower), expected)
    centres = np.stack(np.meshgrid(np.arange(12), np.arange(12)), axis=-1).reshape(-1, 2) + 0.5
    assert np.array_equal(
        rings_contain((half,), centres).reshape(12, 12), rings_mask((half,), 12, 12, lower=False)
    )


def test_many_points_are_looked_at_in_parts(monkeypatch):
    points = np.random.default_rng(0).uniform(-5, 15, (200, 2))
    at_once = rings_contain((SQUARE, SQUARE / 2 + 2), points)
    monkeypatch.setattr("bmbench.core.geometry._MOST_AT_ONCE", 50)
    assert np.array_equal(rings_contain((SQUARE, SQUARE / 2 + 2), points), at_once)
    assert at_once.any()
    assert not at_once.all()


@pytest.mark.parametrize("lengths", [[], [3], [2, 0, 5, 1]])
def test_rings_are_cut_as_numpy_splits(lengths):
    corners = np.arange(2 * sum(lengths)).reshape(-1, 2)
    cut = cut_rings(corners, lengths)
    wanted = np.split(corners, np.cumsum(lengths)[:-1]) if lengths else []
    assert [ring.tolist() for ring in cut] == [ring.tolist() for ring in wanted]
