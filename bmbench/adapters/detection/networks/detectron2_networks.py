"""RetinaNet and Mask R-CNN of detectron2, called as torchvision's networks are.

The networks, their matching and their losses are detectron2's, put together from its parts; patches,
steps, checkpoints and merging are those of all detectors here. Normalisation is by groups: detectron2's own,
frozen batch statistics, does nothing where no weights are loaded, and its stock networks then diverge at the
third step.

Importing this module imports detectron2: it is done inside `third_party.without_side_effects`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from detectron2.layers import ShapeSpec
from detectron2.modeling import GeneralizedRCNN
from detectron2.modeling.anchor_generator import DefaultAnchorGenerator, _create_grid_offsets
from detectron2.modeling.backbone import FPN, BasicStem, ResNet
from detectron2.modeling.backbone.resnet import BasicBlock, BottleneckBlock
from detectron2.modeling.box_regression import Box2BoxTransform
from detectron2.modeling.matcher import Matcher
from detectron2.modeling.meta_arch.retinanet import RetinaNetHead
from detectron2.modeling.poolers import ROIPooler
from detectron2.modeling.proposal_generator.rpn import StandardRPNHead
from detectron2.modeling.roi_heads import FastRCNNConvFCHead, FastRCNNOutputLayers
from detectron2.modeling.roi_heads.mask_head import MaskRCNNConvUpsampleHead
from detectron2.utils import events
from detectron2.utils.tracing import is_fx_tracing
from torch import nn

from bmbench.adapters.detection.networks.anchors import Sizes, TensorDict, anchor_ratios
from bmbench.adapters.detection.networks.backbone import BLOCKS, head_normalisation, normalisation
from bmbench.adapters.detection.networks.detectron2_parts import (
    Detectron2Heads,
    Detectron2Proposals,
    Detectron2RetinaNet,
    instances,
)
from bmbench.adapters.detection.networks.mask_rcnn import Sampler
from bmbench.adapters.detection.settings.pyramid import DetectorSettings, MaskRCNNSettings

if TYPE_CHECKING:
    from detectron2.structures import Instances

_ROI, _MASK_ROI = 7, 14
_ANY_SIZE = Box2BoxTransform(weights=(1.0, 1.0, 1.0, 1.0))
_AS_THEY_ARE = {"pixel_mean": [0.0] * 3, "pixel_std": [1.0] * 3}


class Detectron2Network(nn.Module):
    """Losses while training, else boxes, scores, labels and masks of each image."""

    def __init__(self, network: nn.Module, samplers: Sequence[Sampler] = ()) -> None:
        super().__init__()
        # Both warn at their first call in a process: here, where it is not heard.
        _create_grid_offsets([1, 1], 1, 0.5, torch.zeros(1))
        is_fx_tracing()
        self.network, self.samplers = network, samplers

    def forward(self, images: list[torch.Tensor], targets: list[TensorDict] | None = None) -> Any:
        """Losses by name, or one dict an image."""
        with _unheard():
            if targets is not None:
                pairs = zip(images, targets, strict=True)
                return self.network([{"image": i, "instances": instances(i, t)} for i, t in pairs])
            return [_said(found) for found in _found(self.network, [{"image": image} for image in images])]


def build_retinanet(settings: DetectorSettings, sizes: Sizes, *, classes: int) -> Detectron2Network:
    """A network with fresh weights from torch's generator."""
    backbone, levels, shapes = _pyramid(settings)
    anchors = _anchors(settings, sizes, shapes)
    head = RetinaNetHead(
        input_shape=shapes,
        num_classes=classes,
        num_anchors=anchors.num_anchors[0],
        conv_dims=[settings.width] * 4,
        norm=head_normalisation(settings) or "",
    )
    network = Detectron2RetinaNet(
        backbone=backbone,
        head=head,
        head_in_features=levels,
        anchor_generator=anchors,
        box2box_transform=_ANY_SIZE,
        anchor_matcher=Matcher([settings.negative, settings.positive], [0, -1, 1], True),  # noqa: FBT003
        num_classes=classes,
        test_score_thresh=settings.least_confidence,
        test_topk_candidates=settings.most_candidates,
        test_nms_thresh=settings.nms_iou,
        max_detections_per_image=settings.most_answers,
        **_AS_THEY_ARE,
    )
    return Detectron2Network(network)


def build_mask_rcnn(
    settings: MaskRCNNSettings, sizes: Sizes, *, classes: int, masks: bool
) -> Detectron2Network:
    """A network with fresh weights from torch's generator."""
    backbone, levels, shapes = _pyramid(settings)
    proposals = _proposals(settings, levels, _anchors(settings, sizes, shapes))
    heads = _heads(settings, levels, shapes, classes=classes, masks=masks)
    network = GeneralizedRCNN(
        backbone=backbone, proposal_generator=proposals, roi_heads=heads, **_AS_THEY_ARE
    )
    return Detectron2Network(network, [proposals.sampler, heads.sampler])


def _pyramid(settings: DetectorSettings) -> tuple[nn.Module, list[str], list[ShapeSpec]]:
    """A ResNet with a pyramid, the names of the levels with anchors, and their channels and strides."""
    _, blocks = BLOCKS[settings.backbone]
    deep = settings.backbone == "resnet50"
    norm, width = normalisation(settings), 256 if deep else 64
    before, stages = 64, []
    for number, n_blocks in enumerate(blocks[: settings.deepest - 1]):
        after = width * 2**number
        extra = {"bottleneck_channels": 64 * 2**number} if deep else {}
        stages.append(
            ResNet.make_stage(
                BottleneckBlock if deep else BasicBlock,
                n_blocks,
                stride_per_block=[2 if number else 1] + [1] * (n_blocks - 1),
                in_channels=before,
                out_channels=after,
                norm=norm,
                **extra,
            )
        )
        before = after
    inner = [f"res{level}" for level in range(settings.finest, settings.deepest + 1)]
    backbone = FPN(
        ResNet(BasicStem(3, 64, norm=norm), stages, out_features=inner), inner, settings.width, norm=norm
    )
    for level in range(settings.coarsest + 1, settings.deepest + 1):
        # Nothing lies on this level, whose features only come up the pyramid.
        delattr(backbone, f"fpn_output{level}")
        backbone.output_convs[settings.deepest - level] = nn.Identity()
    levels = [f"p{level}" for level in range(settings.finest, settings.coarsest + 1)]
    return backbone, levels, [backbone.output_shape()[level] for level in levels]


def _anchors(settings: DetectorSettings, sizes: Sizes, shapes: list[ShapeSpec]) -> DefaultAnchorGenerator:
    return DefaultAnchorGenerator(
        sizes=[list(level) for level in sizes],
        aspect_ratios=[list(anchor_ratios(settings))] * len(sizes),
        strides=[shape.stride for shape in shapes],
    )


def _proposals(
    settings: MaskRCNNSettings, levels: list[str], anchors: DefaultAnchorGenerator
) -> Detectron2Proposals:
    network = Detectron2Proposals(
        in_features=levels,
        head=StandardRPNHead(in_channels=settings.width, num_anchors=anchors.num_anchors[0]),
        anchor_generator=anchors,
        anchor_matcher=Matcher([0.3, settings.positive], [0, -1, 1], True),  # noqa: FBT003
        box2box_transform=_ANY_SIZE,
        batch_size_per_image=128,
        positive_fraction=0.5,
        pre_nms_topk=(settings.proposals, settings.proposals),
        post_nms_topk=(settings.proposals_kept, settings.proposals_kept),
    )
    network.patch_px, network.sampler = settings.patch_px, Sampler(128, 0.5)
    return network


def _heads(
    settings: MaskRCNNSettings, levels: list[str], shapes: list[ShapeSpec], *, classes: int, masks: bool
) -> Detectron2Heads:
    def pooler(size: int) -> ROIPooler:
        scales = [1 / shape.stride for shape in shapes]
        return ROIPooler(size, scales, sampling_ratio=2, pooler_type="ROIAlignV2")

    width, features = settings.width, settings.features
    mask = {
        "mask_in_features": levels,
        "mask_pooler": pooler(_MASK_ROI),
        "mask_head": MaskRCNNConvUpsampleHead(
            ShapeSpec(width, _MASK_ROI, _MASK_ROI),
            num_classes=classes,
            conv_dims=[settings.mask_width] * (settings.mask_layers + 1),
        ),
    }
    heads = Detectron2Heads(
        num_classes=classes,
        batch_size_per_image=settings.regions,
        positive_fraction=0.25,
        proposal_matcher=Matcher([0.5], [0, 1], False),  # noqa: FBT003
        box_in_features=levels,
        box_pooler=pooler(_ROI),
        box_head=FastRCNNConvFCHead(ShapeSpec(width, _ROI, _ROI), conv_dims=[], fc_dims=[features] * 2),
        box_predictor=FastRCNNOutputLayers(
            ShapeSpec(features),
            box2box_transform=Box2BoxTransform(weights=(10.0, 10.0, 5.0, 5.0)),
            num_classes=classes,
            test_score_thresh=settings.least_confidence,
            test_nms_thresh=settings.nms_iou,
            test_topk_per_image=settings.most_answers,
        ),
        **(mask if masks else {}),
    )
    heads.sampler = Sampler(settings.regions, 0.25)
    return heads


def _found(network: nn.Module, inputs: list[dict[str, torch.Tensor]]) -> list[Instances]:
    if isinstance(network, GeneralizedRCNN):
        # Masks stay small, each in its own box.
        found: list[Instances] = network.inference(inputs, do_postprocess=False)
        return found
    return [answer["instances"] for answer in network(inputs)]


def _said(found: Instances) -> TensorDict:
    masks = {"masks": found.pred_masks} if found.has("pred_masks") else {}
    return {
        "boxes": found.pred_boxes.tensor,
        "scores": found.scores,
        "labels": found.pred_classes,
    } | masks


@contextmanager
def _unheard() -> Iterator[None]:
    """A place where detectron2 may note what it counts, which it needs; nobody reads it.

    The list of such places is one for all threads, each of which adds and removes its own.
    """
    here = events.EventStorage()
    events._CURRENT_STORAGE_STACK.append(here)
    try:
        yield
    finally:
        events._CURRENT_STORAGE_STACK.remove(here)
