"""Flows: heat coded apart, pixels that meet in the middle, and the published program beside ours."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")

from bmbench.adapters.unet.heads import flow as flow_module
from bmbench.adapters.unet.heads.flow import flow_labels, flows, followed
from bmbench.adapters.unet.heads.head import HEADS
from bmbench.adapters.unet.heads.settings import FlowSettings
from bmbench.core.types import Role

from .encoding import TOUCHING, encoded

SETTINGS = FlowSettings(cell_px=16.0)
HEAD = HEADS.get("flow")


def labelled(side=40):
    y, x = np.mgrid[:side, :side]
    labels = np.zeros((side, side), np.int32)
    for number, (a, b, long, wide) in enumerate([(12, 14, 9, 5), (26, 14, 6, 8), (20, 31, 10, 4)], 1):
        labels[((x - a) / long) ** 2 + ((y - b) / wide) ** 2 < 1] = number
    return labels


def test_flows_run_down_the_heat_of_each_object():
    labels = labelled()
    found = flows(labels)
    pixels = np.argwhere(labels)
    extents = [np.ptp(np.argwhere(labels == n), axis=0).sum() + 2 for n in (1, 2, 3)]
    heat = {}
    for n in (1, 2, 3):
        own = [tuple(p) for p in np.argwhere(labels == n).tolist()]
        warm = dict.fromkeys(own, 0.0)
        middle = np.round(np.mean(own, axis=0))
        source = min(own, key=lambda p, m=middle: (p[0] - m[0]) ** 2 + (p[1] - m[1]) ** 2)
        for _ in range(2 * (max(extents) + 2)):
            warm[source] += 1
            warm = {
                (r, c): sum(warm.get((r + i, c + j), 0) for i in (-1, 0, 1) for j in (-1, 0, 1)) / 9
                for r, c in own
            }
        heat |= warm
    for r, c in pixels.tolist():
        rise = np.array(
            [
                heat.get((r, c + 1), 0) - heat.get((r, c - 1), 0),
                heat.get((r + 1, c), 0) - heat.get((r - 1, c), 0),
            ]
        )
        steep = np.hypot(*rise) > 1e-9
        assert found[:, r, c] == pytest.approx(rise / np.hypot(*rise) if steep else [0, 0], abs=1e-4)
    assert not found[:, labels == 0].any()


def test_a_step_is_as_long_as_the_flow_between_pixels():
    flow = np.zeros((6, 8, 2), np.float32)
    flow[:, :4, 0], flow[:, 4:, 0] = 1.0, 0.5
    y, x = followed(flow, np.array([2, 5]), np.array([1, 7]), 3)
    # From 1 by 1 to 2, 3 and 4; from 7 the image ends.
    assert x.tolist() == [4.0, 7.0]
    assert y.tolist() == [2.0, 5.0]
    halfway = followed(flow, np.array([2]), np.array([1]), 4)[1]
    assert halfway.tolist() == [4.5]


def test_touching_cells_come_apart_where_their_flows_part():
    _, target = encoded(HEAD, SETTINGS, TOUCHING)
    found = HEAD.find(np.moveaxis(target.value, 0, 2), SETTINGS, 20.0)
    order = np.argsort(found.xy[:, 0])
    assert found.xy[order] == pytest.approx(TOUCHING.xy[[0, 2, 1]], abs=0.6)
    sides = (found.box[:, 2] - found.box[:, 0])[order]
    # Both that touch are cut off where they do, at x = 23.
    assert sides == pytest.approx([15, 14, 15], abs=1.0)


def test_objects_whose_flows_are_not_theirs_are_none():
    _, target = encoded(HEAD, SETTINGS, TOUCHING)
    probable, flow = target.value[0], np.moveaxis(target.value[1:], 0, 2)
    assert flow_labels(probable, flow, SETTINGS).max() == 3
    strict = dataclasses.replace(SETTINGS, flow_error=1e-9)
    weak = (flow * 0.3).astype(np.float32)
    assert not flow_labels(probable, weak, strict).any()
    assert flow_labels(probable, weak, dataclasses.replace(SETTINGS, flow_error=0.0)).any()
    assert not flow_labels(np.zeros((9, 9), np.float32), np.zeros((9, 9, 2), np.float32), SETTINGS).any()


def test_kinds_are_told_by_what_is_likelier_inside():
    mixed = dataclasses.replace(TOUCHING, role=np.array([Role.CELL, Role.ARTEFACT, Role.CELL]))
    head, target = encoded(HEAD, SETTINGS, mixed, artefacts=True)
    found = head.find(np.moveaxis(target.value, 0, 2), SETTINGS, 20.0)
    assert found.label[np.argsort(found.xy[:, 0])].tolist() == [0, 0, 1]


def test_the_loss_by_hand():
    target = torch.zeros(1, 3, 2, 2)
    target[0, :, 0, 0] = torch.tensor([1.0, 0.6, 0.8])
    found = HEAD.loss(torch.zeros(1, 3, 2, 2), target, torch.ones(1, 2, 2), SETTINGS)
    # ln 2 a pixel, and in one of four half of the mean of 9 and 16.
    assert float(found[0]) == pytest.approx(np.log(2) + 12.5 / 2 / 4, rel=1e-5)


@pytest.mark.filterwarnings("ignore:Sparse invariant checks:UserWarning")
def test_the_published_program_makes_the_same_flows_and_objects():
    dynamics = pytest.importorskip(
        "cellpose.dynamics", reason="the judge is the package cellpose, not installed here"
    )
    labels = labelled()
    theirs = dynamics.masks_to_flows_gpu(labels.astype(np.int64))[0][::-1]
    ours = flows(labels)
    # In the middle of an object nothing but rounding says where theirs lead.
    warmest = (labels > 0) & ~ours.any(axis=0)
    assert warmest.sum() <= 3
    assert ours[:, ~warmest] == pytest.approx(theirs[:, ~warmest], abs=1e-4)
    settings = dataclasses.replace(SETTINGS, cell_px=20.0, journey=10.0, meeting=10 / 400)
    found = flow_labels((labels > 0).astype(np.float32), np.moveaxis(ours, 0, 2), settings)
    inside = np.nonzero(labels)
    ends = dynamics.follow_flows((theirs[::-1]).astype(np.float32), inside, niter=200)
    masks = dynamics.get_masks_torch(ends.int(), inside, labels.shape)
    assert found.max() == masks.max() == 3
    # It samples flows half a pixel further at the image's edge: single pixels may go elsewhere.
    pairs = np.array([[((found == i) & (masks == j)).sum() for j in (1, 2, 3)] for i in (1, 2, 3)])
    assert pairs.max(axis=1).sum() >= 0.98 * (labels > 0).sum()


def test_objects_that_are_warmed_together_do_not_feel_each_other():
    generator = np.random.default_rng(2)
    shapes = [generator.random((9, 9)) < 0.8 for _ in range(12)]
    for shape in shapes:
        shape[[0, 4, -1]] = shape[:, [0, 4, -1]] = True
    whole = np.zeros((60, 45), np.int32)
    for number, (shape, (row, column)) in enumerate(zip(shapes, np.ndindex(4, 3), strict=True), 1):
        whole[2 + 14 * row : 11 + 14 * row, 2 + 14 * column : 11 + 14 * column] = number * shape
    together = flows(whole)
    for number in range(1, 13):
        alone = flows(np.where(whole == number, number, 0).astype(np.int32))
        assert np.array_equal(together[:, whole == number], alone[:, whole == number])


def test_objects_of_one_image_are_warmed_in_parts_too(monkeypatch):
    labels = labelled(60)
    whole = flows(labels)
    monkeypatch.setattr(flow_module, "_AT_ONCE_PX", 300)
    assert np.array_equal(flows(labels), whole)


def test_flows_inside_a_margin_are_those_of_the_whole():
    labels = labelled(60)
    assert np.array_equal(flows(labels, 13), flows(labels)[:, 13:-13, 13:-13])
    # Here the margin cuts one object, holds another and ends next to a third.
    assert len(np.unique(labels[20:-20, 20:-20])) == 3
    assert np.array_equal(flows(labels, 20), flows(labels)[:, 20:-20, 20:-20])
