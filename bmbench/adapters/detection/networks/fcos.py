"""FCOS (Tian et al., ICCV 2019), torchvision's: a place in the middle of a cell says how far its sides are.

The centre-ness of a place is learned beside it, and its confidence is the geometric mean of both. A level
learns the cells whose farthest side is four to eight strides away, the finest one all smaller and the
coarsest all larger ones, as in the paper.
"""

import torch
from torch import nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.fcos import FCOS, FCOSClassificationHead, FCOSHead, FCOSRegressionHead
from torchvision.ops import sigmoid_focal_loss

from bmbench.adapters.detection.networks.anchors import TensorDict, where_hidden
from bmbench.adapters.detection.networks.backbone import IdentityTransform, pyramid
from bmbench.adapters.detection.networks.losses import box_costs
from bmbench.adapters.detection.settings.pyramid import FcosSettings
from bmbench.adapters.learning.networks import group_normalisation

_SURELY_NONE = -100.0
"""A logit whose focal loss, as background, is 0."""
_LAYERS = 4


class CellFCOS(FCOS):  # type: ignore[misc]
    """Torchvision's FCOS, which learns nothing at places on ignored objects.

    Targets have `boxes`, `labels` (from 0), `ignored` boxes and `regions`.
    """

    def compute_loss(
        self,
        targets: list[TensorDict],
        head_outputs: TensorDict,
        anchors: list[torch.Tensor],
        num_anchors_per_level: list[int],
    ) -> dict[str, torch.Tensor]:
        """The losses of the head, with no target on ignored objects."""
        middles = [(here[:, :2] + here[:, 2:]) / 2 for here in anchors]
        hidden = [where_hidden(*image) for image in zip(middles, targets, strict=True)]
        logits = head_outputs["cls_logits"].masked_fill(torch.stack(hidden)[..., None], _SURELY_NONE)
        losses: dict[str, torch.Tensor] = super().compute_loss(
            targets, head_outputs | {"cls_logits": logits}, anchors, num_anchors_per_level
        )
        return losses


class CellFCOSHead(FCOSHead):  # type: ignore[misc]
    """Torchvision's head, whose losses of classes and of boxes can be others than its own."""

    settings: FcosSettings

    def compute_loss(
        self,
        targets: list[TensorDict],
        head_outputs: TensorDict,
        anchors: list[torch.Tensor],
        matched_idxs: list[torch.Tensor],
    ) -> dict[str, torch.Tensor]:
        """The losses, sums over all images by their number of places on cells."""
        losses: dict[str, torch.Tensor] = super().compute_loss(targets, head_outputs, anchors, matched_idxs)
        chosen, matched = self.settings, torch.stack(matched_idxs)
        mine, n = matched >= 0, max(1, int((matched >= 0).sum()))
        if (chosen.focal_alpha, chosen.focal_gamma) != (0.25, 2.0):
            logits = head_outputs["cls_logits"]
            kinds = [target["labels"][here[here >= 0]] for target, here in zip(targets, matched, strict=True)]
            wanted = torch.zeros_like(logits)
            wanted[mine, torch.cat(kinds)] = 1.0
            losses["classification"] = (
                sigmoid_focal_loss(
                    logits, wanted, alpha=chosen.focal_alpha, gamma=chosen.focal_gamma, reduction="sum"
                )
                / n
            )
        if chosen.box_loss != "giou":
            truth = [target["boxes"][here[here >= 0]] for target, here in zip(targets, matched, strict=True)]
            sides = self.box_coder.encode(torch.stack(anchors)[mine], torch.cat(truth))
            said = head_outputs["bbox_regression"][mine]
            losses["bbox_regression"] = box_costs(chosen.box_loss, said, sides, lambda boxes: boxes) / n
        return losses


def build(settings: FcosSettings, *, classes: int) -> CellFCOS:
    """A network with fresh weights from torch's generator."""
    strides = [float(2**level) for level in range(settings.finest, settings.coarsest + 1)]
    places = AnchorGenerator(tuple((stride,) for stride in strides), ((1.0,),) * len(strides))
    network = CellFCOS(
        pyramid(settings),
        classes,
        anchor_generator=places,
        head=_head(settings, classes),
        center_sampling_radius=settings.centre_strides,
        score_thresh=settings.least_confidence,
        nms_thresh=settings.nms_iou,
        detections_per_img=settings.most_answers,
        topk_candidates=settings.most_candidates,
    )
    network.transform = IdentityTransform(settings.stride)
    return network


def _head(settings: FcosSettings, classes: int) -> FCOSHead:
    """Torchvision's, normalised in groups of about eight channels, so that any width will do.

    At first every place says a box of the mean cell's size: what a place says of a side is cut off below 0,
    and a place that says less than 0 learns nothing of it.
    """
    # Of no layers: its own are normalised in 32 groups, whatever the width.
    head = CellFCOSHead(settings.width, 1, classes, 0)
    head.settings = settings
    options = {"num_convs": _LAYERS, "norm_layer": group_normalisation}
    head.classification_head = FCOSClassificationHead(settings.width, 1, classes, **options)
    head.regression_head = FCOSRegressionHead(settings.width, 1, **options)
    nn.init.constant_(head.regression_head.bbox_reg.bias, settings.cell_px / 2 / 2**settings.finest)
    return head
