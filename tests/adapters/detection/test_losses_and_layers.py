"""Losses, normalisation and mask branch of the detectors, as their settings say."""

import dataclasses

import pytest

torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")

from torch import nn
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads
from torchvision.models.detection.retinanet import RetinaNetClassificationHead

from bmbench.adapters import METHODS
from bmbench.adapters.detection.networks.families import FAMILIES, TrainingFacts
from bmbench.adapters.detection.networks.mask_rcnn import build as build_mask_rcnn
from bmbench.adapters.detection.networks.retinanet import _focal
from bmbench.adapters.detection.networks.retinanet import build as build_retinanet
from bmbench.adapters.detection.settings.profiles import PROFILES
from bmbench.adapters.detection.training import _losses, _patch
from bmbench.adapters.images.working_scale import TrainingImage

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
