"""Mask R-CNN (He et al., ICCV 2017), torchvision's; without its mask branch it is Faster R-CNN."""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.ops import MultiScaleRoIAlign, box_iou

from bmbench.adapters.detection.networks.anchors import Sizes, TensorDict, anchor_ratios, where_ignored
from bmbench.adapters.detection.networks.backbone import IdentityTransform, pyramid
from bmbench.adapters.detection.networks.losses import box_costs, object_costs
from bmbench.adapters.detection.settings.pyramid import TaughtMaskRCNNSettings

_ROI, _MASK_ROI = 7, 14
Overlap: TypeAlias = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Boxes, or what stands for shapes of another kind, → their overlaps, all with all."""


class CellProposals(RegionProposalNetwork):  # type: ignore[misc]
    """Torchvision's region proposal network, which learns nothing from anchors on ignored objects.

    In use the number of its proposals grows with the image.
    """

    settings: TaughtMaskRCNNSettings
    overlap: Overlap = staticmethod(box_iou)

    def filter_proposals(
        self,
        proposals: torch.Tensor,
        objectness: torch.Tensor,
        image_shapes: list[tuple[int, int]],
        num_anchors_per_level: list[int],
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Proposals and their scores for each image."""
        # A copy, since several tiles are computed at once.
        here = copy.copy(self)
        if not self.training:
            patches = max(height * width for height, width in image_shapes) / self.settings.patch_px**2
            for most in ("_pre_nms_top_n", "_post_nms_top_n"):
                limits: dict[str, int] = getattr(self, most)
                setattr(here, most, limits | {"testing": in_use(limits["training"], patches)})
        return here.kept_proposals(proposals, objectness, image_shapes, num_anchors_per_level)

    def kept_proposals(
        self,
        proposals: torch.Tensor,
        objectness: torch.Tensor,
        image_shapes: list[tuple[int, int]],
        num_anchors_per_level: list[int],
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Of each level the most likely ones that suppression leaves, and their scores."""
        found: tuple[list[torch.Tensor], list[torch.Tensor]] = RegionProposalNetwork.filter_proposals(
            self, proposals, objectness, image_shapes, num_anchors_per_level
        )
        return found

    def assign_targets_to_anchors(
        self, anchors: list[torch.Tensor], targets: list[TensorDict]
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Labels (1 a cell, 0 background, −1 neither) and boxes for the anchors of each image."""
        labels, boxes = super().assign_targets_to_anchors(anchors, targets)
        low = self.proposal_matcher.low_threshold
        for label, here, target in zip(labels, anchors, targets, strict=True):
            label[(label == 0) & where_ignored(self.overlap, here, target, above=low)] = -1
        return labels, boxes

    def compute_loss(
        self,
        objectness: torch.Tensor,
        pred_bbox_deltas: torch.Tensor,
        labels: list[torch.Tensor],
        regression_targets: list[torch.Tensor],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The losses of objectness and of boxes over the anchors drawn; torchvision's by default.

        Where every anchor is on something ignored they are 0: a mean over none is not a number.
        """
        chosen = self.settings
        if not any((label >= 0).any() for label in labels):
            return 0 * objectness.sum(), 0 * pred_bbox_deltas.sum()
        if (chosen.box_loss, chosen.object_loss) == ("smooth_l1", "cross_entropy"):
            losses: tuple[torch.Tensor, torch.Tensor] = super().compute_loss(
                objectness, pred_bbox_deltas, labels, regression_targets
            )
            return losses
        positive, negative = (torch.where(torch.cat(rows))[0] for rows in self.fg_bg_sampler(labels))
        drawn = torch.cat([positive, negative])
        wanted = torch.cat(regression_targets)[positive]
        boxes = box_costs(
            chosen.box_loss, pred_bbox_deltas[positive], wanted, partial(_around_one, self.box_coder)
        )
        objects = object_costs(objectness.flatten()[drawn], torch.cat(labels)[drawn], chosen)
        return objects.mean(), boxes / drawn.numel()


class CellHeads(RoIHeads):  # type: ignore[misc]
    """Torchvision's second stage, which is shown no proposal on an ignored object."""

    box_loss: str
    overlap: Overlap = staticmethod(box_iou)

    def forward(
        self,
        features: TensorDict,
        proposals: list[torch.Tensor],
        image_shapes: list[tuple[int, int]],
        targets: list[TensorDict] | None = None,
    ) -> tuple[list[TensorDict], TensorDict]:
        """What is found, and while training the losses; that of boxes is torchvision's by default.

        Where no cell is drawn and every proposal is on something ignored, the losses are 0.
        """
        if self.training:
            proposals = self._shown(proposals, targets or [])
            if not any(len(here) for here in (*proposals, *(target["boxes"] for target in targets or []))):
                return [], dict.fromkeys(self._losses(), sum(0 * part.sum() for part in self.parameters()))
        if not self.training or self.box_loss == "smooth_l1":
            found: tuple[list[TensorDict], TensorDict] = super().forward(
                features, proposals, image_shapes, targets
            )
            return found
        # A copy that remembers what it was taught and what it said: several patches are computed at once.
        here = copy.copy(self)
        object.__setattr__(here, "lesson", {})
        object.__setattr__(here, "box_predictor", partial(_remembered, here.lesson, self.box_predictor))
        answers, losses = RoIHeads.forward(here, features, proposals, image_shapes, targets)
        return answers, losses | {"loss_box_reg": here.box_costs()}

    def box_costs(self) -> torch.Tensor:
        """The chosen loss of the boxes that were said of proposals on cells."""
        label, wanted = (torch.cat(self.lesson[key]) for key in ("labels", "wanted"))
        rows = torch.where(label > 0)[0]
        said = self.lesson["said"].reshape(len(label), -1, 4)[rows, label[rows]]
        costs = box_costs(self.box_loss, said, wanted[rows], partial(_around_one, self.box_coder))
        return costs / label.numel()

    def select_training_samples(
        self, proposals: list[torch.Tensor], targets: list[TensorDict]
    ) -> tuple[list[torch.Tensor], ...]:
        """Proposals to learn from, the rows and labels of what they are on, and their regression targets."""
        samples: tuple[list[torch.Tensor], ...] = super().select_training_samples(proposals, targets)
        if "lesson" in self.__dict__:
            self.lesson.update(labels=samples[2], wanted=samples[3])
        return samples

    def _shown(self, proposals: list[torch.Tensor], targets: list[TensorDict]) -> list[torch.Tensor]:
        """The proposals of each image that are on a cell or on nothing ignored."""
        shown = []
        for here, target in zip(proposals, targets, strict=True):
            hidden = where_ignored(self.overlap, here, target, above=0.3)
            if len(target["boxes"]):
                shared = self.overlap(target["boxes"], here)
                hidden &= (shared < self.proposal_matcher.high_threshold).all(dim=0)
            shown.append(here[~hidden])
        return shown

    def _losses(self) -> list[str]:
        """The names of the losses that torchvision's heads give."""
        return ["loss_classifier", "loss_box_reg", *(["loss_mask"] if self.has_mask() else [])]


def _remembered(lesson: dict[str, torch.Tensor], predictor: nn.Module, features: torch.Tensor) -> Any:
    logits, numbers = predictor(features)
    lesson["said"] = numbers
    return logits, numbers


def _around_one(coder: BoxCoder, numbers: torch.Tensor) -> torch.Tensor:
    """(n, 4) the boxes that numbers say of an anchor of side 1: overlaps do not depend on the anchor."""
    one = numbers.new_tensor([-0.5, -0.5, 0.5, 0.5]).expand(len(numbers), -1)
    boxes: torch.Tensor = coder.decode_single(numbers, one)
    return boxes


class Sampler:
    """As many positive and negative rows as torchvision's sampler takes, from random draws of its own.

    Torchvision's draws come from the generator of the whole process, whose order is not known where
    several patches are computed at once.
    """

    def __init__(self, rows: int, positive: float) -> None:
        self.rows, self.positive, self.seed = rows, positive, 0

    def __call__(self, labels: Sequence[torch.Tensor]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """For each image, (n,) 1 at the positive rows taken, and 1 at the negative ones."""
        generator = torch.Generator().manual_seed(self.seed)
        chosen: tuple[list[torch.Tensor], list[torch.Tensor]] = [], []
        for label in labels:
            positive, negative = torch.where(label >= 1)[0], torch.where(label == 0)[0]
            n_positive = min(len(positive), int(self.rows * self.positive))
            for rows, n, masks in (
                (positive, n_positive, chosen[0]),
                (negative, min(len(negative), self.rows - n_positive), chosen[1]),
            ):
                mask = torch.zeros(len(label), dtype=torch.uint8, device=label.device)
                mask[rows[torch.randperm(len(rows), generator=generator).to(rows.device)[:n]]] = 1
                masks.append(mask)
        return chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class StageParts:
    """What the two stages are made of: their classes, for boxes or for other shapes."""

    anchors: Callable[..., AnchorGenerator] = AnchorGenerator
    rpn_head: Callable[..., nn.Module] = RPNHead
    predictor: Callable[..., nn.Module] = FastRCNNPredictor
    proposals: type[CellProposals] = CellProposals
    heads: type[CellHeads] = CellHeads
    square: bool = False


BOXES = StageParts()


def build(
    settings: TaughtMaskRCNNSettings, sizes: Sizes, *, classes: int, masks: bool, parts: StageParts = BOXES
) -> MaskRCNN:
    """A network with fresh weights from torch's generator."""
    levels = [str(level) for level in range(settings.finest, settings.coarsest + 1)]
    ratios = (1.0,) if parts.square else anchor_ratios(settings)
    anchors = parts.anchors(sizes, (ratios,) * len(sizes))
    network = MaskRCNN(
        pyramid(settings),
        rpn_anchor_generator=anchors,
        rpn_head=parts.rpn_head(settings.width, anchors.num_anchors_per_location()[0]),
        box_roi_pool=MultiScaleRoIAlign(levels, _ROI, 2),
        box_head=TwoMLPHead(settings.width * _ROI**2, settings.features),
        box_predictor=parts.predictor(settings.features, classes + 1),
        mask_roi_pool=MultiScaleRoIAlign(levels, _MASK_ROI, 2),
        mask_head=MaskRCNNHeads(settings.width, (settings.mask_width,) * settings.mask_layers, 1),
        mask_predictor=MaskRCNNPredictor(settings.mask_width, settings.mask_width, classes + 1),
    )
    network.rpn = _proposals(settings, network.rpn, parts.proposals)
    network.roi_heads = _heads(settings, network.roi_heads, parts.heads, masks=masks)
    network.transform = IdentityTransform(settings.stride)
    network.samplers = (network.rpn.fg_bg_sampler, network.roi_heads.fg_bg_sampler)
    return network


def in_use(proposals: int, patches: float) -> int:
    """Proposals of an image as large as that many training patches: as many a patch, twice as many at least.

    A fixed number would be the most cells that a large image can have.
    """
    return math.ceil(proposals * max(2.0, patches))


def reseed(network: nn.Module, seed: int) -> None:
    """Let a network that samples draw from this seed on."""
    for sampler in getattr(network, "samplers", ()):
        sampler.seed = seed


def _proposals(
    settings: TaughtMaskRCNNSettings, plain: RegionProposalNetwork, kind: type[CellProposals]
) -> CellProposals:
    kept = dict.fromkeys(("training", "testing"), settings.proposals_kept)
    before = dict.fromkeys(("training", "testing"), settings.proposals)
    network = kind(plain.anchor_generator, plain.head, settings.positive, 0.3, 128, 0.5, before, kept, 0.7)
    network.fg_bg_sampler = Sampler(128, 0.5)
    network.settings = settings
    network.box_similarity = network.overlap
    return network


def _heads(
    settings: TaughtMaskRCNNSettings, plain: RoIHeads, kind: type[CellHeads], *, masks: bool
) -> CellHeads:
    parts = (plain.mask_roi_pool, plain.mask_head, plain.mask_predictor) if masks else (None, None, None)
    heads = kind(
        plain.box_roi_pool,
        plain.box_head,
        plain.box_predictor,
        fg_iou_thresh=0.5,
        bg_iou_thresh=0.5,
        batch_size_per_image=settings.regions,
        positive_fraction=0.25,
        bbox_reg_weights=None,
        score_thresh=settings.least_confidence,
        nms_thresh=settings.nms_iou,
        detections_per_img=settings.most_answers,
        mask_roi_pool=parts[0],
        mask_head=parts[1],
        mask_predictor=parts[2],
    )
    heads.fg_bg_sampler = Sampler(settings.regions, 0.25)
    heads.box_loss = settings.box_loss
    return heads
