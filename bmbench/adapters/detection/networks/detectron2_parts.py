"""Detectron2's networks, which learn nothing from ignored objects.

Ignored objects and regions travel as objects of classes of their own, and are taken out again where it
matches.
"""

import copy
from typing import Any

import torch
from detectron2.modeling import RetinaNet
from detectron2.modeling.proposal_generator.rpn import RPN
from detectron2.modeling.roi_heads import StandardROIHeads
from detectron2.structures import BitMasks, Boxes, Instances
from torchvision.ops import box_iou

from bmbench.adapters.detection.networks.anchors import TensorDict, where_ignored
from bmbench.adapters.detection.networks.mask_rcnn import Sampler, in_use

_IGNORED, _REGION = -1, -2
"""Classes of objects of which nothing is learned, and of ignored regions."""


class Detectron2RetinaNet(RetinaNet):  # type: ignore[misc]
    """Detectron2's RetinaNet, which learns nothing from anchors on ignored objects."""

    def label_anchors(self, anchors: Any, gt_instances: Any) -> Any:
        """For each image, the class of each anchor (-1: nothing to learn) and the box that it shall say."""
        labels, boxes = super().label_anchors(anchors, [real(objects) for objects in gt_instances])
        here = Boxes.cat(anchors).tensor
        for label, objects in zip(labels, gt_instances, strict=True):
            unsure = where_ignored(box_iou, here, hidden(objects), above=self.anchor_matcher.thresholds[1])
            label[(label == self.num_classes) & unsure] = -1
        return labels, boxes

    def _ema_update(self, name: str, value: float, *_: Any) -> float:  # noqa: ARG002
        """The number of cells at hand; a moving mean would not be in a checkpoint."""
        return value


class Detectron2Proposals(RPN):  # type: ignore[misc]
    """Detectron2's proposals, which learn nothing from anchors on ignored objects, by draws of their own.

    In use the number of proposals grows with the image: `patch_px` is the side of a training patch.
    """

    patch_px: int
    sampler: Sampler

    def predict_proposals(
        self, anchors: Any, pred_objectness_logits: Any, pred_anchor_deltas: Any, image_sizes: Any
    ) -> Any:
        """The proposals of each image."""
        # A copy, since several tiles are computed at once.
        here = copy.copy(self)
        if not self.training:
            patches = max(height * width for height, width in image_sizes) / self.patch_px**2
            for most in ("pre_nms_topk", "post_nms_topk"):
                limits: dict[bool, int] = getattr(self, most)
                setattr(here, most, limits | {False: in_use(limits[True], patches)})
        return RPN.predict_proposals(here, anchors, pred_objectness_logits, pred_anchor_deltas, image_sizes)

    def label_and_sample_anchors(self, anchors: Any, gt_instances: Any) -> Any:
        """For each image, 1 a cell, 0 background, -1 neither, for each anchor; and the box it shall say."""
        labels, boxes = super().label_and_sample_anchors(anchors, [real(o) for o in gt_instances])
        here, low = Boxes.cat(anchors).tensor, self.anchor_matcher.thresholds[1]
        for label, objects in zip(labels, gt_instances, strict=True):
            label[(label == 0) & where_ignored(box_iou, here, hidden(objects), above=low)] = -1
        return labels, boxes

    def _subsample_labels(self, label: torch.Tensor) -> torch.Tensor:
        positive, negative = (taken[0].bool() for taken in self.sampler([label]))
        return torch.full_like(label, -1).masked_fill(positive, 1).masked_fill(negative, 0)


class Detectron2Heads(StandardROIHeads):  # type: ignore[misc]
    """Detectron2's second stage, which is shown no proposal on an ignored object, by draws of its own."""

    sampler: Sampler

    def label_and_sample_proposals(self, proposals: Any, targets: Any) -> Any:
        """The proposals of each image to learn from."""
        shown, reals = [], [real(objects) for objects in targets]
        for here, cells, objects in zip(proposals, reals, targets, strict=True):
            boxes = here.proposal_boxes.tensor
            unsure = where_ignored(box_iou, boxes, hidden(objects), above=0.3)
            if len(cells):
                on_cell = box_iou(cells.gt_boxes.tensor, boxes) >= self.proposal_matcher.thresholds[1]
                unsure &= ~on_cell.any(dim=0)
            shown.append(here[~unsure])
        return super().label_and_sample_proposals(shown, reals)

    def _sample_proposals(self, matched: Any, label: torch.Tensor, classes: torch.Tensor) -> Any:
        """Rows of the proposals taken, positive ones first, and their classes."""
        positive, negative = (torch.where(taken[0])[0] for taken in self.sampler([label]))
        nothing = torch.full_like(label, self.num_classes, dtype=torch.int64)
        kinds = torch.where(label == 1, classes[matched], nothing) if len(classes) else nothing
        rows = torch.cat([positive, negative])
        return rows, kinds[rows]


def instances(image: torch.Tensor, target: TensorDict) -> Instances:
    """The objects of one patch; ignored ones and regions are classes of their own."""
    kinds = ("boxes", "ignored", "regions")
    labels = [target["labels"]]
    labels += [
        torch.full((len(target[kind]),), label, device=image.device)
        for kind, label in (("ignored", _IGNORED), ("regions", _REGION))
    ]
    objects = Instances(tuple(image.shape[1:]))
    objects.gt_boxes = Boxes(torch.cat([target[kind] for kind in kinds]))
    objects.gt_classes = torch.cat(labels)
    if "masks" in target:
        blank = target["masks"].new_zeros(len(objects) - len(target["boxes"]), *image.shape[1:])
        objects.gt_masks = BitMasks(torch.cat([target["masks"], blank]).bool())
    return objects


def real(objects: Instances) -> Instances:
    """The cells and artefacts among them."""
    return objects[objects.gt_classes >= 0]


def hidden(objects: Instances) -> TensorDict:
    """What `where_ignored` reads."""
    boxes, kind = objects.gt_boxes.tensor, objects.gt_classes
    return {"ignored": boxes[kind == _IGNORED], "regions": boxes[kind == _REGION]}
