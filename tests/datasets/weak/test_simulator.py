import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from bmbench.core.errors import BadInputError
from bmbench.core.objects import diameters, mean_cell_diameter, shape_circles
from bmbench.core.types import Annotations, Role
from bmbench.datasets.weak.simulator import scaled_jitter, weaken

# Its smallest circle has the longest side as diameter: centre (3, 4), radius 5.
TRIANGLE = np.array([[0.0, 0], [6, 0], [0, 8]])


def triangles(n, **columns):
    box = np.tile([0.0, 0, 6, 8], (n, 1))
    return Annotations.of(xy=np.tile([3.0, 4], (n, 1)), box=box, contour=((TRIANGLE,),) * n, **columns)


def test_without_jitter_it_is_the_smallest_circle():
    weak = weaken(triangles(1), seed=0, image_id=1, jitter_px=0)
    assert_allclose(weak.circle, [[3, 4, 5]])
    assert_allclose(weak.box, [[-2, -1, 8, 9]])
    assert_allclose(weak.xy, [[3, 4]])
    assert weak.contour == ((),)


def test_centre_and_radius_move_as_the_study_says():
    """Over 20,000 circles dx and dy are N(0, 3), and radius - 50 - max(|dx|, |dy|) is N(0, 1)."""
    n = 20_000
    big = triangles(1).contour[0][0] * 10
    many = Annotations.of(xy=np.zeros((n, 2)), box=np.zeros((n, 4)), contour=((big,),) * n)
    circle = weaken(many, seed=1, image_id="a").circle
    move = circle[:, :2] - [30, 40]
    rest = circle[:, 2] - 50 - np.abs(move).max(axis=1)
    # Standard errors: 3 / sqrt(20,000) = 0.02 for a mean, 3 / sqrt(40,000) = 0.015 for a deviation.
    assert_allclose(move.mean(axis=0), 0, atol=0.1)
    assert_allclose(move.std(axis=0), 3, atol=0.075)
    assert rest.mean() == pytest.approx(0, abs=0.035)
    assert rest.std() == pytest.approx(1, abs=0.025)
    correlation = np.corrcoef(np.column_stack([move, rest]).T)
    assert_allclose(correlation, np.eye(3), atol=0.04)


def test_both_jitters_scale_together_unless_told():
    def rest(**jitter):
        circle = weaken(triangles(4000), seed=1, image_id=1, **jitter).circle
        move = circle[:, :2] - [3, 4]
        return (circle[:, 2] - 5 - np.abs(move).max(axis=1)).std()

    assert rest(jitter_px=0.6) == pytest.approx(0.2, rel=0.05)
    assert rest(jitter_px=0.6, radius_jitter_px=0.0) == pytest.approx(0, abs=1e-9)


@given(st.integers(0, 1000))
def test_box_and_centre_are_the_circles_and_the_radius_stays_positive(seed):
    weak = weaken(triangles(20), seed=seed, image_id=1, radius_jitter_px=20)
    assert (weak.circle[:, 2] >= 0.5).all()
    assert_array_equal(weak.xy, weak.circle[:, :2])
    assert_allclose(weak.box[:, 2:] - weak.box[:, :2], 2 * weak.circle[:, [2, 2]])
    assert_allclose((weak.box[:, 2:] + weak.box[:, :2]) / 2, weak.xy)


@pytest.mark.parametrize("jitter", [np.inf, np.nan])
def test_a_jitter_without_end_is_refused(jitter):
    with pytest.raises(BadInputError, match="finite number of px"):
        weaken(triangles(1), seed=0, image_id=1, jitter_px=jitter)


def test_an_image_has_its_own_circles_whatever_comes_before_it():
    first = weaken(triangles(3), seed=7, image_id="a").circle
    weaken(triangles(5), seed=7, image_id="b")
    assert_array_equal(weaken(triangles(3), seed=7, image_id="a").circle, first)
    others = [
        weaken(triangles(3), seed=seed, image_id=image_id).circle
        for seed, image_id in ((8, "a"), (7, "b"), (7, 1), (7, "1"))
    ]
    for i, one in enumerate([first, *others]):
        for two in others[i:]:
            assert (one != two).all()


def test_labels_and_roles_stay_and_regions_are_left_alone():
    marked = triangles(
        4,
        label=np.array([3, 1, 0, 2]),
        role=np.array([Role.CELL, Role.ARTEFACT, Role.IGNORE, Role.IGNORE]),
        region=np.array([False, False, False, True]),
    )
    weak = weaken(marked, seed=0, image_id=1)
    assert_array_equal(weak.label, marked.label)
    assert_array_equal(weak.role, marked.role)
    assert_array_equal(weak.region, marked.region)
    assert weak.contour == ((), (), (), marked.contour[3])
    assert_array_equal(weak.box[3], marked.box[3])
    assert_array_equal(weak.xy[3], marked.xy[3])
    assert (weak.circle[:3, 2] > 0).all()
    assert len(weaken(Annotations.empty(), seed=0, image_id=1)) == 0


def test_circles_start_from_the_best_geometry_there_is():
    marked = Annotations.of(
        xy=np.zeros((3, 2)),
        box=np.array([[0.0, 0, 6, 8]] * 3),
        circle=np.array([[9.0, 9, 2], [9, 9, 2], [0, 0, 0]]),
        contour=((TRIANGLE,), (), ()),
    )
    # Contour; the given circle; half of the longer side around the middle of the box.
    assert_allclose(shape_circles(marked), [[3, 4, 5], [9, 9, 2], [3, 4, 4]])
    # The triangle's area is 24; the circle's diameter 4; the box's mean side 7.
    assert_allclose(diameters(marked), [2 * np.sqrt(24 / np.pi), 4, 7])


def test_jitter_scales_with_the_cells_and_only_with_them():
    cells = Annotations.of(
        xy=np.zeros((3, 2)),
        box=np.zeros((3, 4)),
        circle=np.array([[0.0, 0, 20], [0, 0, 35], [0, 0, 400]]),
        role=np.array([Role.CELL, Role.CELL, Role.ARTEFACT]),
    )
    # Mean diameter (40 + 70) / 2 = 55 px, a third of the study's 165 px: a third of its 3 px.
    assert mean_cell_diameter([cells, Annotations.empty()]) == 55
    assert scaled_jitter([cells]) == pytest.approx(1.0)
    point = Annotations.of(xy=np.ones((1, 2)), box=np.ones((1, 4)))
    assert mean_cell_diameter([cells, point]) == 55
    assert mean_cell_diameter([point]) == 0
    assert mean_cell_diameter([]) is None
    assert scaled_jitter([Annotations.empty()]) == 3.0
