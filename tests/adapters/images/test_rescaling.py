"""Images and annotations at another scale."""

import numpy as np
import pytest

from bmbench.adapters.images.rescaling import (
    mean_diameter,
    moved,
    object_circles,
    resized,
    scaled,
    working_size,
)
from bmbench.core.types import Annotations, Role


def test_shrinking_averages_areas():
    image = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
    blocks = image.reshape(4, 2, 6, 2, 3).mean(axis=(1, 3))
    assert np.abs(resized(image, (6, 4)) - blocks).max() <= 0.5


def test_a_disc_stays_where_its_circle_goes(circles, smear):
    annotations = circles((31.0, 20.0, 9.0))
    image = smear(annotations, 40, 60)
    size = working_size(60, 40, 0.53)
    assert size == (32, 21)
    ratio = np.array(size) / (60, 40)
    smaller = scaled(annotations, ratio)
    dark = 255.0 - resized(image, size)[..., 1]
    dark = np.where(dark > 60, dark - 35, 0)
    y, x = np.mgrid[:21, :32] + 0.5
    centroid = [(dark * x).sum() / dark.sum(), (dark * y).sum() / dark.sum()]
    assert smaller.xy[0] == pytest.approx(centroid, abs=0.1)
    assert smaller.circle[0, 2] == pytest.approx(9 * np.sqrt(32 / 60 * 21 / 40))
    assert smaller.box[0] == pytest.approx(annotations.box[0] * [32 / 60, 21 / 40, 32 / 60, 21 / 40])


def test_a_contour_is_scaled_point_by_point():
    ring = np.array([[2.0, 2.0], [6.0, 2.0], [6.0, 10.0]])
    annotations = Annotations.of(
        xy=np.array([[4.0, 6.0]]), box=np.array([[2.0, 2.0, 6.0, 10.0]]), contour=((ring,),)
    )
    assert scaled(annotations, np.array([0.5, 0.25])).contour[0][0].tolist() == [[1, 0.5], [3, 0.5], [3, 2.5]]


def test_the_size_of_a_cell_is_that_of_its_contour_else_circle_else_box():
    square = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]])
    annotations = Annotations.of(
        xy=np.array([[2.0, 2.0], [20.0, 20.0], [40.0, 40.0]]),
        box=np.array([[0.0, 0.0, 4.0, 4.0], [15.0, 15.0, 25.0, 25.0], [37.0, 38.0, 43.0, 42.0]]),
        circle=np.array([[2.0, 2.0, 9.0], [20.0, 20.0, 5.0], [0.0, 0.0, 0.0]]),
        contour=((square,), (), ()),
    )
    # √(16 / π) = 2.257; the circle's 5; half the mean side of a 6 × 4 box = 2.5.
    assert object_circles(annotations)[:, 2] == pytest.approx([np.sqrt(16 / np.pi), 5, 2.5])
    assert mean_diameter([annotations]) == pytest.approx(2 * (np.sqrt(16 / np.pi) + 5 + 2.5) / 3)


def test_only_cells_count_for_the_mean(circles):
    cells, others = circles((9.0, 9.0, 4.0)), circles((9.0, 9.0, 40.0), role=Role.ARTEFACT)
    assert mean_diameter([cells, others, Annotations.empty()]) == pytest.approx(8.0)


def test_no_image_is_smaller_than_a_pixel():
    assert working_size(3, 1, 0.1) == (1, 1)


def test_a_shift_moves_all_that_is_given_and_no_circle_that_is_not():
    ring = np.array([[2.0, 2.0], [6.0, 2.0], [6.0, 10.0]])
    annotations = Annotations.of(
        xy=np.array([[4.0, 6.0], [9.0, 9.0]]),
        box=np.array([[2.0, 2.0, 6.0, 10.0], [7.0, 7.0, 11.0, 11.0]]),
        circle=np.array([[0.0, 0.0, 0.0], [9.0, 9.0, 2.0]]),
        contour=((ring,), ()),
    )
    shifted = moved(annotations, np.array([3.0, -1.0]))
    assert shifted.xy.tolist() == [[7, 5], [12, 8]]
    assert shifted.box.tolist() == [[5, 1, 9, 9], [10, 6, 14, 10]]
    assert shifted.circle.tolist() == [[0, 0, 0], [12, 8, 2]]
    assert shifted.contour[0][0].tolist() == [[5, 1], [9, 1], [9, 9]]
