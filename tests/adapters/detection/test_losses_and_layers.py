"""Losses, normalisation and mask branch of the detectors, as their settings say."""

import dataclasses
from functools import partial

import pytest

torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")

from torch import nn
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads
from torchvision.models.detection.retinanet import RetinaNetClassificationHead
from torchvision.ops import generalized_box_iou_loss

from bmbench.adapters import METHODS
from bmbench.adapters.detection.networks.families import FAMILIES, TrainingFacts
from bmbench.adapters.detection.networks.fcos import build as build_fcos
from bmbench.adapters.detection.networks.losses import box_costs
from bmbench.adapters.detection.networks.mask_rcnn import _around_one
from bmbench.adapters.detection.networks.mask_rcnn import build as build_mask_rcnn
from bmbench.adapters.detection.networks.retinanet import _focal
from bmbench.adapters.detection.networks.retinanet import build as build_retinanet
from bmbench.adapters.detection.networks.yolov3 import YoloV3
from bmbench.adapters.detection.settings.profiles import PROFILES
from bmbench.adapters.detection.training import _losses, _patch
from bmbench.adapters.images.working_scale import TrainingImage
from bmbench.core.types import Role

from ..conftest import sample
from ..small import tiny

QUICK = PROFILES["retinanet"]["quick"]
SIZES = ((10.0, 14.0, 18.0, 22.0),)


def target_of(*boxes):
    return {
        "boxes": torch.tensor(boxes, dtype=torch.float32),
        "labels": torch.zeros(len(boxes), dtype=torch.int64),
        "ignored": torch.zeros((0, 4)),
        "regions": torch.zeros((0, 4)),
    }


def test_the_focal_loss_is_torchvisions_own_where_its_numbers_are():
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn((40, 2), generator=generator)
    matched = torch.randint(-2, 2, (40,), generator=generator)
    target = target_of((0, 0, 10, 10), (20, 20, 30, 30))
    theirs = RetinaNetClassificationHead(8, 1, 2).compute_loss([target], {"cls_logits": [logits]}, [matched])
    assert torch.equal(_focal(target, logits, matched, QUICK), theirs)


def test_without_focus_it_is_half_the_cross_entropy():
    logits, matched = torch.tensor([[0.3], [-1.0], [2.0]]), torch.tensor([0, -1, -2])
    settings = dataclasses.replace(QUICK, focal_alpha=0.5, focal_gamma=0.0)
    # The last anchor is neither: softplus(−0.3) for the positive, softplus(−1) for the negative one.
    wanted = (nn.functional.softplus(torch.tensor(-0.3)) + nn.functional.softplus(torch.tensor(-1.0))) / 2
    assert float(_focal(target_of((0, 0, 9, 9)), logits, matched, settings)) == pytest.approx(float(wanted))


@pytest.mark.parametrize("circles", [False, True])
@pytest.mark.parametrize("box_loss", ["l1", "smooth_l1", "giou"])
def test_an_answer_that_is_right_costs_nothing(circles, box_loss):
    settings = dataclasses.replace(QUICK, box_loss=box_loss)
    network = build_retinanet(settings, SIZES, classes=1, circles=circles)
    head = network.head.regression_head
    anchors = torch.tensor([[0.0, 0, 10, 10], [20, 20, 34, 34]])
    target = target_of((1, 2, 12, 13), (19, 18, 33, 32))
    right = head.box_coder.encode_single(target["boxes"], anchors)
    for answer, costs in ((right, False), (right + 0.3, True)):
        loss = head.compute_loss([target], {"bbox_regression": [answer]}, [anchors], [torch.tensor([0, 1])])
        assert (float(loss) > 0.05) == costs
    if box_loss == "giou":
        # Twice as large about the same centre: an IoU of 1/4 and no empty hull, 1 − 1/4 each.
        double = torch.stack([torch.cat([c - h, c + h]) for c, h in ((torch.tensor([6.5, 7.5]), 11.0),)])
        answer = head.box_coder.encode_single(double, anchors[:1])
        loss = head.compute_loss(
            [target_of((1, 2, 12, 13))], {"bbox_regression": [answer]}, [anchors[:1]], [torch.tensor([0])]
        )
        assert float(loss) == pytest.approx(0.75, abs=1e-4)


def facts():
    return TrainingFacts(
        factor=1.0, mean=(200,) * 3, deviation=(30,) * 3, anchors=SIZES, classes=1, masks=False
    )


@pytest.mark.parametrize("name", ["retinanet", "circular_retinanet", "fcos", "mask_rcnn"])
@pytest.mark.parametrize("kind", ["batch", "instance"])
def test_networks_learn_with_other_layers_and_validation_leaves_them_alone(name, kind):
    family, settings = FAMILIES[name], dataclasses.replace(tiny(METHODS.get(name)), normalisation=kind)
    torch.manual_seed(0)
    network = family.build(settings, facts())
    layers = [type(layer) for layer in network.backbone.modules()]
    assert (nn.BatchNorm2d in layers) == (kind == "batch")
    one = sample(0)
    view = TrainingImage(image=one.load()[:48, :48], annotations=one.annotations)
    patches = [_patch(view, settings, family, cells=1)] * 2
    before = {key: value.clone() for key, value in network.named_buffers()}
    with torch.no_grad():
        assert torch.isfinite(_losses(network, patches, family=family, facts=facts())).all()
    assert all(torch.equal(before[key], value) for key, value in network.named_buffers())
    loss = _losses(network, patches, family=family, facts=facts())
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    moved = any(not torch.equal(before[key], value) for key, value in network.named_buffers())
    assert moved == (kind == "batch")


def test_the_mask_branch_of_paper_is_torchvisions():
    settings = PROFILES["mask_rcnn"]["paper"]
    assert (settings.mask_layers, settings.mask_width) == (4, 256)
    small = dataclasses.replace(PROFILES["mask_rcnn"]["quick"], mask_layers=4, mask_width=256, width=256)
    head = build_mask_rcnn(small, SIZES, classes=1, masks=True).roi_heads.mask_head
    theirs = MaskRCNNHeads(256, (256,) * 4, 1)
    assert {k: v.shape for k, v in head.state_dict().items()} == {
        k: v.shape for k, v in theirs.state_dict().items()
    }


def test_what_the_other_package_makes_has_no_setting_that_it_would_not_heed():
    """detectron2's RetinaNet has losses of its own."""
    assert not hasattr(METHODS.get("detectron2_retinanet").settings["quick"], "box_loss")
    with pytest.raises(TypeError):
        FAMILIES["detectron2_retinanet"].settings(box_loss="giou")


@pytest.mark.parametrize("name", ["mask_rcnn", "circular_mask_rcnn", "yolov3", "fcos"])
def test_every_loss_of_a_search_can_be_learned_from_and_differs(name):
    """From the same weights: each choice has losses and gradients of its own, and all are numbers."""
    family, base = FAMILIES[name], tiny(METHODS.get(name))
    space = METHODS.get(name).space["quick"].learned
    anchors = tuple((6.0, 6.0, 9.0, 9.0, 12.0, 12.0) for _ in range(3)) if name == "yolov3" else SIZES
    one = sample(0)
    kept = one.annotations.role == Role.CELL
    view = TrainingImage(image=one.load()[:64, :64], annotations=one.annotations.take(kept))
    found = {}
    for setting in ("box_loss", "object_loss", "focal_alpha", "focal_gamma"):
        for value in space[setting].options if setting in space else ():
            focal = {"object_loss": "focal"} if setting.startswith("focal") and "object_loss" in space else {}
            settings = dataclasses.replace(base, **{**focal, setting: value})
            torch.manual_seed(0)
            network = family.build(settings, dataclasses.replace(facts(), anchors=anchors))
            loss = _losses(
                network, [_patch(view, settings, family, cells=1)] * 2, family=family, facts=facts()
            )
            loss.sum().backward()
            slopes = [p.grad.abs().sum() for p in network.parameters() if p.grad is not None]
            assert torch.isfinite(loss).all()
            assert torch.isfinite(torch.stack(slopes)).all()
            found[setting, value] = float(loss.detach().sum())
    boxes = [loss for (setting, _), loss in found.items() if setting == "box_loss"]
    assert len(boxes) >= 3
    assert len(set(boxes)) == len(boxes)
    assert len({loss for (setting, _), loss in found.items() if setting != "box_loss"}) >= 2


def test_overlaps_of_boxes_do_not_depend_on_their_anchor():
    """GIoU of what two rows of numbers say of an anchor is that of what they say of an anchor of side 1."""
    generator = torch.Generator().manual_seed(0)
    said, wanted = torch.randn((2, 50, 4), generator=generator)
    anchors = torch.rand((50, 4), generator=generator) * 20
    anchors[:, 2:] += anchors[:, :2] + 3
    for weights in ((1.0, 1.0, 1.0, 1.0), (10.0, 10.0, 5.0, 5.0)):
        coder = BoxCoder(weights)
        there = generalized_box_iou_loss(
            coder.decode_single(said, anchors), coder.decode_single(wanted, anchors), reduction="sum"
        )
        here = box_costs("giou", said, wanted, partial(_around_one, coder))
        assert float(here) == pytest.approx(float(there), rel=1e-4)


def test_both_stages_cost_what_torchvision_says_where_smooth_l1_is_asked_for_by_another_way():
    """With the loss of objects changed and back, boxes cost what torchvision's own function says."""
    settings = dataclasses.replace(tiny(METHODS.get("mask_rcnn")), object_loss="focal")
    plain = dataclasses.replace(settings, object_loss="cross_entropy")
    networks = [build_mask_rcnn(one, SIZES, classes=1, masks=False) for one in (settings, plain)]
    anchors = 12
    generator = torch.Generator().manual_seed(0)
    objectness, numbers = torch.randn((anchors, 1), generator=generator), torch.randn((anchors, 4))
    labels = [torch.tensor([1.0] * 5 + [0.0] * 6 + [-1.0])]
    wanted = [torch.randn((anchors, 4))]
    (focal, boxes), (entropy, theirs) = (
        one.rpn.compute_loss(objectness, numbers, labels, wanted) for one in networks
    )
    assert float(boxes) == pytest.approx(float(theirs), rel=1e-6)
    assert 0 < float(focal) < float(entropy)
    # Without focus, α at a half: half of the cross-entropy.
    networks[0].rpn.settings = dataclasses.replace(settings, focal_alpha=0.5, focal_gamma=0.0)
    half, _ = networks[0].rpn.compute_loss(objectness, numbers, labels, wanted)
    assert float(half) == pytest.approx(float(entropy) / 2, rel=1e-6)


def test_the_second_stage_learns_boxes_by_the_loss_that_is_chosen():
    """Of two proposals, one on a cell: L1 of its four numbers of the cell's class, over two."""
    network = build_mask_rcnn(tiny(METHODS.get("mask_rcnn")), SIZES, classes=1, masks=False)
    heads = network.roi_heads
    said = torch.arange(16.0).reshape(2, 8)
    heads.lesson = {
        "labels": [torch.tensor([1, 0])],
        "wanted": [torch.tensor([[4.5, 5.0, 6.0, 9.0], [0.0, 0.0, 0.0, 0.0]])],
        "said": said,
    }
    heads.box_loss = "l1"
    # The numbers of class 1 are 4, 5, 6, 7: they miss by 0.5 and 2.
    assert float(heads.box_costs()) == pytest.approx(2.5 / 2)


def test_a_yolo_costs_what_its_boxes_miss():
    settings = dataclasses.replace(PROFILES["yolov3"]["quick"], width=2, box_loss="giou")
    sizes = tuple((8.0, 8.0) * 3 for _ in range(3))
    network = YoloV3(settings, sizes, classes=1)
    said, truth = torch.tensor([[0.0, 0, 8, 8]]), torch.tensor([[0.0, 0, 8, 4]])
    # Half of the box, and no empty hull: 1 − 1/2.
    assert float(network._place_costs(torch.zeros(1, 6), torch.zeros(1, 4), said, truth)) == pytest.approx(
        0.5
    )
    network.settings = dataclasses.replace(settings, box_loss="l1")
    # A sigmoid of 0 is in the middle of the place; 0.5 − 0.25 and 0.1 beside the sizes.
    offsets = torch.tensor([[0.5, 0.25, 0.1, 0.0]])
    assert float(network._place_costs(torch.zeros(1, 6), offsets, said, truth)) == pytest.approx(0.35)


def test_the_head_of_fcos_has_torchvisions_losses_by_default():
    """Changed and asked the long way, smooth L1 apart: the same focal loss."""
    torch.manual_seed(0)
    network = build_fcos(tiny(METHODS.get("fcos")), classes=2)
    head = network.head
    n = 6
    outputs = {
        "cls_logits": torch.randn(1, n, 2),
        "bbox_regression": torch.rand(1, n, 4),
        "bbox_ctrness": torch.randn(1, n, 1),
    }
    places = torch.tensor([[4.0 * i, 0, 4.0 * i + 4, 4] for i in range(n)])
    target = target_of((0, 0, 9, 4), (12, 0, 22, 4))
    matched = [torch.tensor([0, 0, -1, 1, 1, -1])]
    theirs = head.compute_loss([target], outputs, [places], matched)
    # So near the default that only the way there is another one.
    head.settings = dataclasses.replace(head.settings, focal_gamma=2.0 + 1e-9, box_loss="l1")
    ours = head.compute_loss([target], outputs, [places], matched)
    assert float(ours["classification"]) == pytest.approx(float(theirs["classification"]), rel=1e-5)
    sides = head.box_coder.encode(places[matched[0] >= 0], target["boxes"][[0, 0, 1, 1]])
    missed = (outputs["bbox_regression"][0][matched[0] >= 0] - sides).abs().sum() / 4
    assert float(ours["bbox_regression"]) == pytest.approx(float(missed), rel=1e-5)
