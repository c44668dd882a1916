import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_array_equal
from pycocotools import mask as coco_mask

from bmbench.core.geometry import rings_area, rings_contain
from bmbench.datasets.formats.masks import decode_rle, encode_rle, label_rings, mask_rings

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=9))


def decoded(counts, height, width):
    """The whole (height, width) mask."""
    part, (left, top) = decode_rle(counts, height, width)
    mask = np.zeros((height, width), bool)
    mask[top : top + part.shape[0], left : left + part.shape[1]] = part
    return mask


def signed_area(ring):
    x, y = ring.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


@given(MASKS)
def test_outlines_have_exactly_the_area_of_the_mask(mask):
    rings = mask_rings(mask)
    assert sum(signed_area(ring) for ring in rings) == mask.sum()
    assert rings_area(rings) == mask.sum()


@given(MASKS)
def test_a_pixel_is_set_where_its_centre_lies_in_an_odd_number_of_rings(mask):
    rings = mask_rings(mask, (100, -7))
    row, column = np.indices(mask.shape).reshape(2, -1)
    points = np.column_stack([column + 100.5, row - 6.5])
    filled = rings_contain(rings, points) if rings else np.zeros(mask.size, bool)
    assert_array_equal(filled.reshape(mask.shape), mask)


@given(MASKS)
def test_every_corner_turns(mask):
    for ring in mask_rings(mask):
        ahead, behind = np.roll(ring, -1, axis=0) - ring, ring - np.roll(ring, 1, axis=0)
        assert (ahead[:, 0] * behind[:, 1] != ahead[:, 1] * behind[:, 0]).all()


def test_outline_by_hand():
    mask = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)
    outer, hole = mask_rings(mask)
    assert_array_equal(outer, [[0, 0], [3, 0], [3, 3], [0, 3]])
    assert_array_equal(hole, [[1, 1], [1, 2], [2, 2], [2, 1]])


def test_pixels_that_touch_at_a_corner_are_two_rings():
    first, second = mask_rings(np.eye(2, dtype=bool))
    assert_array_equal(first, [[0, 0], [1, 0], [1, 1], [0, 1]])
    assert_array_equal(second, first + 1)


@given(MASKS)
def test_run_lengths_of_pycocotools_decode_to_its_mask(mask):
    encoded = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert_array_equal(decoded(encoded["counts"].decode(), *mask.shape), mask)


@given(st.integers(0, 2**32 - 1))
def test_long_runs_decode_too(seed):
    """Runs above 15 and 511 pixels take two and three characters; differences go below zero."""
    rng = np.random.default_rng(seed)
    mask = np.repeat(rng.random(12) < 0.5, rng.integers(1, 900, 12))[None]
    encoded = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert_array_equal(decoded(encoded["counts"].decode(), *mask.shape), mask)


def test_uncompressed_runs_go_down_the_columns_and_start_empty():
    # 2 rows, 3 columns: one empty, three set, two empty pixels, column by column.
    assert_array_equal(decoded([1, 3, 2], 2, 3), [[False, True, False], [True, True, False]])


@pytest.mark.parametrize("counts", [[1, 3], [1, 3, 3], [-1, 7], "5", "é", "P", "6P"])
def test_runs_that_do_not_fill_the_mask_are_refused(counts):
    with pytest.raises(ValueError, match=r"runs of|character|inside a number"):
        decode_rle(counts, 2, 3)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@given(MASKS, st.integers(0, 3), st.integers(0, 3))
def test_run_lengths_of_an_outline_are_pycocotools_mask_and_come_back(mask, left, top):
    whole = np.pad(mask, ((top, 1), (left, 2)))
    rings = mask_rings(whole)
    if rings:
        height, width = whole.shape
        runs = encode_rle(rings, width, height)
        peer = coco_mask.decode(
            coco_mask.frPyObjects({"size": [height, width], "counts": runs}, height, width)
        )
        assert_array_equal(peer, whole)
        assert all(runs[1:])
        part, origin = decode_rle(runs, height, width)
        for ring, again in zip(rings, mask_rings(part, origin), strict=True):
            assert_array_equal(ring, again)


@pytest.mark.parametrize(
    "ring",
    [
        [[1, 1], [4, 1], [4, 3.5], [1, 3.5]],
        [[1, 1], [4, 1], [2, 4]],
        [[-1, 1], [4, 1], [4, 3], [-1, 3]],
        [[1, 1], [9, 1], [9, 3], [1, 3]],
    ],
)
def test_an_outline_of_no_mask_has_no_run_lengths(ring):
    assert encode_rle((np.array(ring, float),), 8, 8) is None


def test_run_lengths_ask_for_no_more_memory_than_the_object():
    side = 1_000_000
    part, origin = decode_rle([side * 7 + 5, 3, side**2 - side * 7 - 8], side, side)
    assert (part.tolist(), origin) == ([[True]] * 3, (7, 5))
    for bomb in ([0, side**2], "o" * 40 + "0", [2**70, 1]):
        with pytest.raises(ValueError, match=r"object of|runs of|longer"):
            decode_rle(bomb, side, side)


@given(st.lists(st.lists(st.integers(0, 3), min_size=6, max_size=6), min_size=1, max_size=6))
def test_the_rings_of_many_objects_are_those_of_each_mask(rows):
    labels = np.array(rows)
    together = label_rings(labels, 3, (5, 2))
    for number, rings in enumerate(together, start=1):
        alone = mask_rings(labels == number, (5, 2))
        assert [ring.tolist() for ring in rings] == [ring.tolist() for ring in alone]
        assert rings_area(rings) == (labels == number).sum()
