import numpy as np
import pytest

from bmbench.core.errors import BadInputError
from bmbench.core.geometry import box_iou, ring_area
from bmbench.core.types import Annotations, Detections, Role


def test_a_column_of_another_length_is_refused_with_both_shapes():
    with pytest.raises(ValueError, match=r"Annotations.box has shape \(3, 4\), expected \(2, 4\)"):
        Annotations.of(xy=np.zeros((2, 2)), box=np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"Detections.confidence has shape \(1,\), expected \(2,\)"):
        Detections.of(xy=np.zeros((2, 2)), box=np.zeros((2, 4)), confidence=np.zeros(1))


def test_taking_rows_keeps_every_column_in_step():
    ring = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 3.0]])
    annotations = Annotations.of(
        xy=np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]),
        box=np.arange(12.0).reshape(3, 4),
        contour=((), (ring,), ()),
        role=np.array([Role.CELL, Role.ARTEFACT, Role.IGNORE]),
    )
    for rows in (np.array([1]), np.array([False, True, False])):
        taken = annotations.take(rows)
        assert len(taken) == 1
        assert taken.xy.tolist() == [[2.0, 2.0]]
        assert taken.box.tolist() == [[4.0, 5.0, 6.0, 7.0]]
        assert taken.contour[0][0] is ring
        assert taken.role.tolist() == [Role.ARTEFACT]


def test_no_object_is_a_valid_image():
    assert len(Annotations.empty()) == len(Detections.empty()) == 0


def test_box_iou_of_a_half_shifted_square():
    # Two 2 x 2 squares that share 1 x 2: 2 / (4 + 4 - 2) = 1/3.
    a, b = np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2]])
    assert box_iou(a, b) == pytest.approx([1 / 3])
    assert box_iou(a, a + 10).tolist() == [0.0]
    assert box_iou(a * 0, a * 0).tolist() == [0.0]


def test_the_area_of_a_right_triangle_far_from_the_origin():
    # Legs 4 and 3: 4 * 3 / 2 = 6, whichever way it turns and wherever it lies.
    ring = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 3.0]]) + 1e6
    assert ring_area(ring) == pytest.approx(6)
    assert ring_area(ring[::-1]) == pytest.approx(6)


def test_an_error_states_the_four_facts_in_one_sentence():
    error = BadInputError(
        "width is negative",
        where="gt.json, annotations[3].bbox",
        expected="> 0",
        got="-4",
        remedy="repair the box",
    )
    assert str(error) == (
        "gt.json, annotations[3].bbox: width is negative (expected > 0, got -4); repair the box"
    )
