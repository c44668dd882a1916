"""How large annotated objects are."""

import numpy as np
import pytest

from bmbench.core.objects import cell_diameters, diameters, mean_cell_diameter, object_circles
from bmbench.core.types import Annotations, Role


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
    assert diameters(annotations) == pytest.approx([2 * np.sqrt(16 / np.pi), 10, 5])
    assert mean_cell_diameter([annotations]) == pytest.approx(2 * (np.sqrt(16 / np.pi) + 5 + 2.5) / 3)


def test_points_have_no_size_and_only_cells_count_for_the_mean():
    xy = np.array([[9.0, 9.0], [9.0, 9.0], [9.0, 9.0]])
    annotations = Annotations.of(
        xy=xy,
        box=np.concatenate([xy, xy], axis=1),
        circle=np.array([[9.0, 9.0, 4.0], [0, 0, 0], [9.0, 9.0, 40.0]]),
        role=np.array([Role.CELL, Role.CELL, Role.ARTEFACT], np.int64),
    )
    assert cell_diameters([annotations, Annotations.empty()]).tolist() == [8, 0]
    assert mean_cell_diameter([annotations]) == 8
    assert mean_cell_diameter([annotations.take(np.array([1]))]) == 0
    assert mean_cell_diameter([Annotations.empty()]) is None
