"""Mask R-CNN of circles, the outlook of Graebel et al. 2021: circular anchors in both stages.

Circles travel as the squares around them, as in `retinanet`. A square has three numbers: torchvision's coder
of boxes says dx, dy, and twice the same logarithm of a ratio of sides, so both stages learn three numbers and
give the third one twice. Anchors and proposals are matched, and answers suppressed, by the overlap of
circles; nothing is cut at the image's edge, or it would be a circle no more.
"""

import torch
from torch import nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.detection.rpn import RPNHead

from bmbench.adapters.detection.merging.suppression import suppress
from bmbench.adapters.detection.networks.anchors import Sizes
from bmbench.adapters.detection.networks.mask_rcnn import (
    CellHeads,
    CellProposals,
    Overlap,
    StageParts,
)
from bmbench.adapters.detection.networks.mask_rcnn import build as build_two_stages
from bmbench.adapters.detection.networks.retinanet import CircleAnchors, as_circles, circle_overlap
from bmbench.adapters.detection.settings.pyramid import TaughtMaskRCNNSettings

_TWICE = [0, 1, 2, 2]
"""From three numbers of a circle to the four of the square around it."""


class CircleRPNHead(RPNHead):  # type: ignore[misc]
    """The first stage's head with three numbers an anchor."""

    def __init__(self, in_channels: int, num_anchors: int) -> None:
        super().__init__(in_channels, num_anchors)
        self.bbox_pred = nn.Conv2d(in_channels, num_anchors * 3, kernel_size=1)
        nn.init.normal_(self.bbox_pred.weight, std=0.01)
        nn.init.constant_(self.bbox_pred.bias, 0)  # type: ignore[arg-type]

    def forward(self, maps: list[torch.Tensor]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Objectness and four numbers of each anchor, level by level."""
        objectness, numbers = super().forward(maps)
        squares = [
            level.view(len(level), -1, 3, *level.shape[2:])[:, :, _TWICE].flatten(1, 2) for level in numbers
        ]
        return objectness, squares


class CirclePredictor(FastRCNNPredictor):  # type: ignore[misc]
    """The second stage's predictor with three numbers a class."""

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__(in_channels, num_classes)
        self.bbox_pred = nn.Linear(in_channels, num_classes * 3)

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, classes) logits and (n, 4 classes) numbers."""
        logits, numbers = super().forward(features)
        return logits, numbers.view(len(numbers), -1, 3)[:, :, _TWICE].flatten(1)


class CircleProposals(CellProposals):
    """The first stage, whose proposals are circles."""

    overlap: Overlap = staticmethod(circle_overlap)

    def kept_proposals(
        self,
        proposals: torch.Tensor,
        objectness: torch.Tensor,
        image_shapes: list[tuple[int, int]],  # noqa: ARG002
        num_anchors_per_level: list[int],
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Of each level the most likely ones, after circular suppression, and their scores."""
        objectness = objectness.detach().reshape(len(proposals), -1)
        of_level = torch.repeat_interleave(
            torch.arange(len(num_anchors_per_level)), torch.tensor(num_anchors_per_level)
        ).to(objectness.device)
        best = self._get_top_n_idx(objectness, num_anchors_per_level)
        squares, scores = [], []
        for here, said, rows in zip(proposals, objectness.sigmoid(), best, strict=True):
            kept = rows[_suppressed(here[rows], said[rows], of_level[rows], self.nms_thresh)]
            kept = kept[: self.post_nms_top_n()]
            squares.append(here[kept])
            scores.append(said[kept])
        return squares, scores


class CircleHeads(CellHeads):
    """The second stage, whose answers are circles."""

    overlap: Overlap = staticmethod(circle_overlap)

    def assign_targets_to_proposals(
        self, proposals: list[torch.Tensor], gt_boxes: list[torch.Tensor], gt_labels: list[torch.Tensor]
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """For each proposal the row of the cell that it is on, and its label: 0 for none."""
        rows, labels = [], []
        for here, truth, label in zip(proposals, gt_boxes, gt_labels, strict=True):
            if not len(truth):
                nothing = torch.zeros(len(here), dtype=torch.int64, device=here.device)
                rows.append(nothing)
                labels.append(nothing.clone())
                continue
            matched = self.proposal_matcher(circle_overlap(truth, here))
            row = matched.clamp(min=0)
            rows.append(row)
            labels.append(torch.where(matched < 0, 0, label[row]))
        return rows, labels

    def postprocess_detections(
        self,
        class_logits: torch.Tensor,
        box_regression: torch.Tensor,
        proposals: list[torch.Tensor],
        image_shapes: list[tuple[int, int]],  # noqa: ARG002
    ) -> tuple[list[torch.Tensor], list[torch.Tensor], list[torch.Tensor]]:
        """The circles of each image as squares, their confidences and labels."""
        n = [len(here) for here in proposals]
        squares = torch.split(self.box_coder.decode(box_regression, proposals), n)
        probability = torch.split(class_logits.softmax(dim=1), n)
        found: tuple[list[torch.Tensor], ...] = ([], [], [])
        for every, said in zip(squares, probability, strict=True):
            place, label = torch.where(said[:, 1:] > self.score_thresh)
            square, score = every[place, label + 1], said[place, label + 1]
            rows = _suppressed(square, score, label, self.nms_thresh)[: self.detections_per_img]
            for kept, values in zip(found, (square, score, label + 1), strict=True):
                kept.append(values[rows])
        return found[0], found[1], found[2]


def _suppressed(squares: torch.Tensor, scores: torch.Tensor, label: torch.Tensor, iou: float) -> torch.Tensor:
    """Rows that circular suppression leaves, most confident first; labels do not compete."""
    rows = suppress(
        as_circles(squares).double().cpu().numpy(),
        scores.detach().double().cpu().numpy(),
        iou=iou,
        label=label.cpu().numpy(),
    )
    return torch.from_numpy(rows).to(squares.device)


CIRCLES = StageParts(
    anchors=CircleAnchors,
    rpn_head=CircleRPNHead,
    predictor=CirclePredictor,
    proposals=CircleProposals,
    heads=CircleHeads,
    square=True,
)


def build(settings: TaughtMaskRCNNSettings, sizes: Sizes, *, classes: int, masks: bool) -> nn.Module:
    """A network with fresh weights from torch's generator."""
    network: nn.Module = build_two_stages(settings, sizes, classes=classes, masks=masks, parts=CIRCLES)
    return network
