"""Losses that can be chosen, beside those of torchvision's own networks: of boxes, and of being a cell."""

from collections.abc import Callable

import torch
from torch.nn import functional
from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

from bmbench.adapters.detection.settings.pyramid import TaughtMaskRCNNSettings
from bmbench.adapters.detection.settings.yolo import YoloSettings

SMOOTH = 1 / 9
"""Where smooth L1 turns from squares to amounts, as in torchvision's Mask R-CNN."""


def box_costs(
    kind: str,
    said: torch.Tensor,
    wanted: torch.Tensor,
    boxes_of: Callable[[torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """The sum of the losses of boxes by their numbers, said and wanted (n, k); of GIoU by the boxes of these.

    `kind` is "l1", "smooth_l1" or "giou".
    """
    if kind == "giou":
        cost: torch.Tensor = generalized_box_iou_loss(boxes_of(said), boxes_of(wanted), reduction="sum")
        return cost
    if kind == "l1":
        return functional.l1_loss(said, wanted, reduction="sum")
    return functional.smooth_l1_loss(said, wanted, beta=SMOOTH, reduction="sum")


def object_costs(
    logits: torch.Tensor, wanted: torch.Tensor, settings: TaughtMaskRCNNSettings | YoloSettings
) -> torch.Tensor:
    """(n,) the loss of each place or anchor that says whether it is a cell."""
    if settings.object_loss == "focal":
        alpha, gamma = settings.focal_alpha, settings.focal_gamma
        costs: torch.Tensor = sigmoid_focal_loss(logits, wanted, alpha=alpha, gamma=gamma)
        return costs
    return functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
