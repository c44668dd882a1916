import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from bmbench.core.enclosing_circles import enclosing_circles

WHOLE = st.lists(st.tuples(st.integers(-20, 20), st.integers(-20, 20)), min_size=1, max_size=9)
REAL = st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=1, max_size=9)


def brute_force_radius(points):
    """Smallest radius over every centre that two or three points define."""
    best = np.hypot(*(points - points[0]).T).max()
    for a, b in itertools.combinations(points, 2):
        best = min(best, np.hypot(*(points - (a + b) / 2).T).max())
    for a, b, c in itertools.combinations(points, 3):
        matrix = 2 * np.array([b - a, c - a])
        if abs(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]) < 1e-9:
            continue
        centre = np.linalg.solve(matrix, [b @ b - a @ a, c @ c - a @ a])
        best = min(best, np.hypot(*(points - centre).T).max())
    return best


@given(st.one_of(WHOLE, REAL))
def test_circle_is_the_smallest_of_all_candidates(points):
    points = np.array(points, float)
    circle = enclosing_circles([points])[0]
    assert np.hypot(*(points - circle[:2]).T).max() <= circle[2] * (1 + 1e-9) + 1e-9
    assert circle[2] <= brute_force_radius(points) * (1 + 1e-6) + 1e-6


@pytest.mark.parametrize(
    ("points", "circle"),
    [
        ([[3, 4]], [3, 4, 0]),
        ([[0, 0], [6, 8]], [3, 4, 5]),
        # The right angle lies on the circle over the longest side.
        ([[0, 0], [6, 0], [0, 8]], [3, 4, 5]),
        # An obtuse corner lies inside: the two far points carry the circle alone.
        ([[0, 0], [10, 0], [5, 1]], [5, 0, 5]),
        ([[0, 0], [1, 0], [2, 0], [9, 0]], [4.5, 0, 4.5]),
    ],
)
def test_circle_by_hand(points, circle):
    assert_allclose(enclosing_circles([np.array(points, float)])[0], circle, atol=1e-12)


def test_circle_far_from_the_origin_keeps_its_digits():
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    points = np.column_stack([1e6 + 20 * np.cos(angle), 1e6 + 20 * np.sin(angle)])
    assert_allclose(enclosing_circles([points])[0], [1e6, 1e6, 20], atol=1e-8)


def test_each_of_many_outlines_has_the_circle_that_it_has_alone():
    rng = np.random.default_rng(0)
    outlines = [rng.normal(rng.uniform(0, 1e4, 2), 20, (int(n), 2)) for n in rng.integers(1, 60, 900)]
    # Of more points than are looked at together, and a box, whose corners are all equally far.
    outlines += [rng.uniform(0, 1e3, (20_000, 2)), np.array([[1.0, 1], [4, 1], [4, 5], [1, 5]])]
    together = enclosing_circles(outlines)
    assert together.tolist() == [enclosing_circles([outline])[0].tolist() for outline in outlines]
    assert together[-1].tolist() == [2.5, 3, 2.5]
    assert enclosing_circles([]).shape == (0, 3)


def test_centre_that_two_pairs_share_keeps_the_radius_of_the_farther_pair():
    # The middle of the first and the second point is that of the fifth and the sixth, which are farther.
    points = [[-9, -15], [12, 8], [3, -14], [12, -10], [18, -13], [-15, 6], [-1, -1], [-2, -15]]
    assert_allclose(enclosing_circles([np.array(points, float)])[0], [1.5, -3.5, np.hypot(16.5, 9.5)])
