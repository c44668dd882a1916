"""Units of resampling by hand."""

import numpy as np

from bmbench.statistics.units import by_unit, numbered


def test_images_of_one_patient_are_added_up():
    assert by_unit(np.array([[1, 2, 3, 4]]), np.array([0, 1, 0, 1]), 2).tolist() == [[4, 6]]


def test_units_are_numbered_by_name():
    assert numbered(["b", "a", "b", "c"]).tolist() == [1, 0, 1, 2]
    # As texts: 10 stands before 9, whatever type the ids have.
    assert numbered([9, 10]).tolist() == [1, 0]
