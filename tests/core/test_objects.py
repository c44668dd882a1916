"""Objects moved, scaled, and beside ignored regions."""

import numpy as np

from bmbench.core.geometry import rectangle
from bmbench.core.objects import moved, scaled, with_regions
from bmbench.core.types import Annotations, Detections, Role


def test_a_contour_is_scaled_point_by_point():
    ring = np.array([[2.0, 2.0], [6.0, 2.0], [6.0, 10.0]])
    annotations = Annotations.of(
        xy=np.array([[4.0, 6.0]]), box=np.array([[2.0, 2.0, 6.0, 10.0]]), contour=((ring,),)
    )
    assert scaled(annotations, np.array([0.5, 0.25])).contour[0][0].tolist() == [[1, 0.5], [3, 0.5], [3, 2.5]]


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


def test_detections_are_moved_and_scaled_as_annotations_are():
    columns = {
        "xy": np.array([[4.0, 6.0]]),
        "box": np.array([[2.0, 2.0, 6.0, 10.0]]),
        "contour": (rectangle(2, 2, 6, 10),),
    }
    drawn, found = Annotations.of(**columns), Detections.of(confidence=np.ones(1), **columns)
    for change in (lambda it: moved(it, np.array([3.0, -1.0])), lambda it: scaled(it, np.array([0.5, 2.0]))):
        one, other = change(drawn), change(found)
        assert isinstance(other, Detections)
        assert one.xy.tolist() == other.xy.tolist()
        assert one.box.tolist() == other.box.tolist()
        assert one.contour[0][0].tolist() == other.contour[0][0].tolist()
        assert other.confidence.tolist() == [1]


def test_a_region_comes_after_the_objects_and_is_ignored():
    drawn = Annotations.of(xy=np.array([[4.0, 6.0]]), box=np.array([[2.0, 2.0, 6.0, 10.0]]))
    assert with_regions(drawn, []) is drawn
    both = with_regions(drawn, [rectangle(0, 8, 20, 10)])
    assert both.xy.tolist() == [[4, 6], [10, 9]]
    assert both.box.tolist() == [[2, 2, 6, 10], [0, 8, 20, 10]]
    assert both.role.tolist() == [Role.CELL, Role.IGNORE]
    assert both.region.tolist() == [False, True]
