"""FCOS: which place learns which cell, and what it says, against the paper's rules written apart."""

import math

import pytest

torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")

from torchvision.models.detection import fcos_resnet50_fpn

from bmbench.adapters.detection.networks.fcos import build
from bmbench.adapters.detection.settings.profiles import PROFILES
from bmbench.adapters.detection.settings.pyramid import FcosSettings

SMALL = {"width": 16, "finest": 3, "coarsest": 4}


def network(**changes):
    torch.manual_seed(1)
    return build(FcosSettings(**{**SMALL, **changes}), classes=2)


def target(boxes, ignored=(), regions=()):
    def tensor(values):
        return torch.tensor(values, dtype=torch.float32).reshape(-1, 4)

    return {
        "boxes": tensor(boxes),
        "labels": torch.zeros(len(boxes), dtype=torch.int64),
        "ignored": tensor(ignored),
        "regions": tensor(regions),
    }


def places(side):
    """Stride, and middle, of every place of a square image on levels 3 and 4."""
    return [
        (stride, (column * stride, row * stride))
        for stride in (8, 16)
        for row in range(side // stride)
        for column in range(side // stride)
    ]


def taught(place, boxes):
    """The row of the cell that a place learns, by sections 3.1 and 3.2 of the paper; -1 for background.

    The middle of torchvision's place is the corner of its square.
    """
    stride, (x, y) = place
    chosen = []
    for row, (x0, y0, x1, y1) in enumerate(boxes):
        sides = x - x0, y - y0, x1 - x, y1 - y
        near = max(abs(x - (x0 + x1) / 2), abs(y - (y0 + y1) / 2)) < 1.5 * stride
        # Two levels: the finest takes all that is small, the coarsest all that is large.
        here = max(sides) < 64 if stride == 8 else max(sides) > 64
        if min(sides) > 0 and near and here:
            chosen.append(((x1 - x0) * (y1 - y0), row))
    return min(chosen)[1] if chosen else -1


def test_each_place_learns_the_cell_of_the_paper(monkeypatch):
    boxes = [(10, 10, 41, 37), (30, 20, 75, 70), (90, 8, 120, 31), (5, 50, 160, 200)]
    net, seen = network().train(), {}

    def caught(targets, outputs, anchors, matched):
        seen["matched"] = matched[0].tolist()
        return {}

    monkeypatch.setattr(net.head, "compute_loss", caught)
    net([torch.zeros(3, 208, 208)], [target(boxes)])
    expected = [taught(place, boxes) for place in places(208)]
    assert set(expected) == {-1, 0, 1, 2, 3}
    assert seen["matched"] == expected


def learned_at(net, image, wanted):
    """(places,) whether the classification of each place is taught anything."""
    logits = {}
    hook = net.head.classification_head.register_forward_hook(lambda *said: logits.update(it=said[2]))
    losses = net([image], [wanted])
    hook.remove()
    (slope,) = torch.autograd.grad(losses["classification"], logits["it"])
    return (slope[0].abs().sum(dim=1) > 0).tolist()


def test_nothing_is_learned_at_places_on_ignored_objects_and_in_ignored_regions():
    net, image = network().train(), torch.rand(3, 96, 96)
    cell, ignored, region = (8, 8, 32, 32), (40, 40, 64, 64), (-9, 60, 99, 99)
    over = (4, 4, 20, 20)
    got = learned_at(net, image, target([cell], ignored=[ignored, over], regions=[region]))

    def on(point, box):
        return box[0] < point[0] < box[2] and box[1] < point[1] < box[3]

    expected = [
        on(xy, cell) or not any(on(xy, box) for box in (ignored, over, region)) for _, xy in places(96)
    ]
    assert 0 < sum(expected) < len(expected)
    assert got == expected


def test_a_patch_without_cells_teaches_background():
    losses = network().train()([torch.rand(3, 64, 64)], [target([])])
    assert losses["classification"] > 0
    assert losses["bbox_regression"] == losses["bbox_ctrness"] == 0


def test_an_untaught_network_says_boxes_of_the_size_of_a_cell():
    # Half of 40 px is 2.5 strides of 8 px; level 4 has strides twice as long.
    net = network(cell_px=40.0, least_confidence=0.0, nms_iou=1.0, coarsest=3).eval()
    with torch.inference_mode():
        box = net([torch.zeros(3, 160, 160)])[0]["boxes"]
    inner = box[(box > 0).all(dim=1) & (box < 160).all(dim=1)]
    sides = inner[:, 2:] - inner[:, :2]
    assert len(sides)
    assert torch.allclose(sides, torch.tensor(40.0), atol=4.0)


def test_a_confidence_is_the_geometric_mean_of_class_and_centre_ness():
    net = network(least_confidence=0.0, nms_iou=1.0).eval()
    with torch.no_grad():
        for layer, bias in (
            (net.head.classification_head.cls_logits, [0.5, -1.0]),
            (net.head.regression_head.bbox_ctrness, [1.5]),
        ):
            layer.weight.zero_()
            layer.bias.copy_(torch.tensor(bias))
    with torch.inference_mode():
        said = net([torch.zeros(3, 64, 64)])[0]

    def sigmoid(x):
        return 1 / (1 + math.exp(-x))

    for label, logit in ((0, 0.5), (1, -1.0)):
        expected = math.sqrt(sigmoid(logit) * sigmoid(1.5))
        assert said["scores"][said["labels"] == label].tolist() == pytest.approx([expected] * 80)


@pytest.mark.parametrize("width", [8, 48, 64])
def test_any_width_will_do(width):
    assert sum(network(width=width).train()([torch.rand(3, 64, 64)], [target([(8, 8, 40, 40)])]).values()) > 0


def test_the_head_of_the_paper_profile_takes_torchvisions_own_weights():
    theirs = fcos_resnet50_fpn(weights=None, weights_backbone=None, num_classes=91).state_dict()
    mine = build(PROFILES["fcos"]["paper"], classes=91).state_dict()
    heads = [{k: v.shape for k, v in one.items() if k.startswith("head.")} for one in (theirs, mine)]
    assert heads[0] == heads[1]
