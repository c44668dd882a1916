"""Circles in both stages of Mask R-CNN."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")

from bmbench.adapters import METHODS
from bmbench.adapters.detection.networks.circular_mask_rcnn import build
from bmbench.adapters.detection.networks.retinanet import as_circles
from bmbench.adapters.detection.settings.profiles import PROFILES
from bmbench.core.geometry import circle_iou

from ..conftest import sample
from ..small import learned

SIZES = ((12.0, 20.0),)
SMALL = dataclasses.replace(
    PROFILES["mask_rcnn"]["quick"],
    width=16,
    features=32,
    proposals=60,
    proposals_kept=40,
    scales=2,
    mask="off",
)


@pytest.fixture(name="network", scope="module")
def _network():
    torch.manual_seed(3)
    return build(SMALL, SIZES, classes=2, masks=False)


def squares(*circles):
    return torch.tensor([[x - r, y - r, x + r, y + r] for x, y, r in circles], dtype=torch.float32)


def test_both_stages_say_three_numbers(network):
    # Two sizes a place, 3 numbers each; background and two classes.
    assert network.rpn.head.bbox_pred.out_channels == 2 * 3
    assert network.roi_heads.box_predictor.bbox_pred.out_features == 3 * 3
    maps = [torch.randn(1, 16, 5, 7)]
    _, (numbers,) = network.rpn.head(maps)
    assert numbers.shape == (1, 2 * 4, 5, 7)
    assert torch.equal(numbers[:, 2::4], numbers[:, 3::4])
    assert not torch.equal(numbers[:, 0::4], numbers[:, 1::4])
    _, deltas = network.roi_heads.box_predictor(torch.randn(6, 32))
    assert torch.equal(deltas.view(6, 3, 4)[..., 2], deltas.view(6, 3, 4)[..., 3])


def test_what_it_finds_are_circles_that_do_not_overlap_much(network):
    network.eval()
    image = torch.randn(3, 96, 96, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        (found,) = network([image])
    square = found["boxes"]
    side = square[:, 2:] - square[:, :2]
    assert len(square) > 3
    assert torch.allclose(side[:, 0], side[:, 1], rtol=1e-4)
    # Cut at the image's edge they would be no circles.
    assert (square.min() < 0) | (square.max() > 96)
    circle = as_circles(square).double().numpy()
    for label in (1, 2):
        mine = circle[(found["labels"] == label).numpy()]
        overlap = np.array([[circle_iou(a[None], b[None]).item() for b in mine] for a in mine])
        assert (overlap - np.eye(len(mine)) <= SMALL.nms_iou + 1e-6).all()


def test_proposals_are_matched_by_the_overlap_of_circles(network):
    """6.5 px aside of a radius of 10: squares share 270 / 530 = 0.51, circles 186 / 442 = 0.42. 4 px aside:
    circles 235 / 394 = 0.60."""
    truth = squares((20, 20, 10))
    rows, labels = network.roi_heads.assign_targets_to_proposals(
        [squares((20, 20, 10), (24, 20, 10), (26.5, 20, 10), (60, 60, 10))], [truth], [torch.tensor([2])]
    )
    assert rows[0].tolist() == [0, 0, 0, 0]
    assert labels[0].tolist() == [2, 2, 0, 0]
    (none,), (nothing,) = network.roi_heads.assign_targets_to_proposals(
        [squares((20, 20, 10))], [torch.zeros(0, 4)], [torch.zeros(0, dtype=torch.int64)]
    )
    assert (none.tolist(), nothing.tolist()) == ([0], [0])


@pytest.mark.parametrize(("aside", "n"), [(6.5, 2), (4.0, 1)])
def test_circles_are_suppressed_by_the_overlap_of_circles(network, aside, n):
    """The same pairs at a suppression of 0.5, in the second stage and among proposals."""
    pair = squares((20, 20, 10), (20 + aside, 20, 10))
    logits = torch.tensor([[0.0, 5.0, -9.0], [0.0, 4.0, -9.0]])
    heads = network.roi_heads
    (found,), (score,), (label,) = heads.postprocess_detections(
        logits, torch.zeros(2, 12), [pair], [(64, 64)]
    )
    assert len(found) == len(score) == len(label) == n
    assert label.tolist() == [1] * n
    assert torch.allclose(found[0], pair[0])
    # Proposals: at 0.7 both pairs stay, on one level; a copy goes.
    three = torch.cat([pair, pair[:1]])[None]
    (kept,), _ = network.rpn.kept_proposals(three, torch.tensor([[2.0, 1.0, 0.0]]), [(64, 64)], [3])
    assert len(kept) == 2


def test_it_finds_drawn_cells():
    detector = learned("circular_mask_rcnn")
    one = sample(5)
    found = detector.predict(one.load())
    sure = found.take(found.confidence > 0.5)
    nearest = np.linalg.norm(one.annotations.xy[:, None] - sure.xy[None], axis=2).min(axis=1)
    assert (nearest < 3).mean() > 0.8
    assert METHODS.get("circular_mask_rcnn").family == "mask_rcnn"
