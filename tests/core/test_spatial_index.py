"""Pairs of boxes: none is missed, and one giant does not make all of them neighbours."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmbench.core.geometry import box_centre, box_iou
from bmbench.core.spatial_index import iou_reach, near_boxes
from bmbench.core.types import Floats


def drawn(rng: np.random.Generator, n: int) -> Floats:
    """Boxes of all sizes, flat and tall ones among them, some of them nearly the same."""
    side = 2.0 ** rng.uniform(-1, 8, (n, 2))
    corner = rng.uniform(-100, 100, (n, 2))
    box = np.column_stack([corner, corner + side])
    return np.concatenate([box, box + rng.uniform(-0.2, 0.2, box.shape)])


@given(seed=st.integers(0, 10_000), iou=st.sampled_from([0.0, 0.3, 0.5, 0.8]))
def test_every_pair_that_overlaps_enough_is_found(seed: int, iou: float) -> None:
    rng = np.random.default_rng(seed)
    one, other = drawn(rng, 20), drawn(rng, 25)
    one = np.concatenate([one, other[:3]])
    found = set(map(tuple, near_boxes(one, other, partial(iou_reach, iou=iou)).tolist()))
    a, b = np.divmod(np.arange(len(one) * len(other)), len(other))
    enough = box_iou(one[a], other[b]) > iou
    assert {*zip(a[enough].tolist(), b[enough].tolist(), strict=True)} <= found
    assert len(found) == len(near_boxes(one, other, partial(iou_reach, iou=iou)))


@given(seed=st.integers(0, 10_000), share=st.floats(0, 1))
def test_every_pair_in_reach_is_found(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    one, other = drawn(rng, 20), drawn(rng, 25)
    found = set(map(tuple, near_boxes(one, other, lambda a, b: share * (a + b)).tolist()))
    a, b = np.divmod(np.arange(len(one) * len(other)), len(other))
    apart = np.abs(box_centre(one)[a] - box_centre(other)[b]).max(axis=1)
    longer = [(box[:, 2:] - box[:, :2]).max(axis=1) for box in (one, other)]
    near = apart < share * (longer[0][a] + longer[1][b])
    assert {*zip(a[near].tolist(), b[near].tolist(), strict=True)} <= found


@pytest.mark.parametrize(("one", "other"), [(0, 0), (0, 3), (3, 0)])
def test_without_boxes_there_are_no_pairs(one: int, other: int) -> None:
    boxes = np.tile([0.0, 0.0, 1.0, 1.0], (3, 1))
    pairs = near_boxes(boxes[:one], boxes[:other], lambda a, b: a + b)
    assert pairs.shape == (0, 2)
    assert pairs.dtype == np.int64
