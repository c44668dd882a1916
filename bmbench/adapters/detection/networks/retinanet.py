"""RetinaNet (Lin et al., ICCV 2017), torchvision's, for boxes and for circles.

The circular one (Graebel et al., ISBI 2020) predicts a centre and a radius. It is torchvision's network with
anchors, coder, matcher and head of its own; circles travel as the squares around them, (x − r, y − r, x + r,
y + r), so that everything else sees boxes. Its targets are the natural ones for three numbers:

    dx = (x − x_a) / 2 r_a        dy = (y − y_a) / 2 r_a        dr = log(r / r_a)
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torchvision.models.detection._utils import Matcher
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.retinanet import (
    RetinaNet,
    RetinaNetHead,
    RetinaNetRegressionHead,
)
from torchvision.ops import box_iou, sigmoid_focal_loss

from bmbench.adapters.detection.merging.suppression import suppress
from bmbench.adapters.detection.networks.anchors import Sizes, TensorDict, anchor_ratios, where_ignored
from bmbench.adapters.detection.networks.backbone import IdentityTransform, head_normalisation, pyramid
from bmbench.adapters.detection.settings.pyramid import RetinaNetSettings

_LARGEST_GROWTH = math.log(1000 / 16)
"""Of a radius against its anchor's, as torchvision bounds that of boxes."""


class CellRetinaNet(RetinaNet):  # type: ignore[misc]
    """Torchvision's RetinaNet, which learns nothing from anchors on ignored objects.

    Targets have `boxes`, `labels` (from 0), `ignored` boxes and `regions`.
    """

    overlap: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = staticmethod(box_iou)
    settings: RetinaNetSettings

    def compute_loss(
        self, targets: list[TensorDict], head_outputs: TensorDict, anchors: list[torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        """The losses of the head, with no target on ignored objects."""
        matched = [
            match(self.proposal_matcher, self.overlap, here, target, most=self.settings.most_anchors)
            for here, target in zip(anchors, targets, strict=True)
        ]
        pairs = zip(targets, head_outputs["cls_logits"], matched, strict=True)
        found = [_focal(*pair, self.settings) for pair in pairs]
        return {
            "classification": sum(found[1:], found[0]) / len(targets),
            "bbox_regression": self.head.regression_head.compute_loss(
                targets, head_outputs, anchors, matched
            ),
        }


class CircularRetinaNet(CellRetinaNet):
    """RetinaNet of circles; `boxes` everywhere are the squares around them."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.overlap = circle_overlap
        self.box_coder = CircleCoder()

    def postprocess_detections(
        self,
        head_outputs: dict[str, list[torch.Tensor]],
        anchors: list[list[torch.Tensor]],
        image_shapes: list[tuple[int, int]],
    ) -> list[TensorDict]:
        """The circles of each image after NMS; they are not cut at its edge, or they would be none."""
        answers = []
        for image in range(len(image_shapes)):
            logits = torch.cat([level[image] for level in head_outputs["cls_logits"]])
            offsets = torch.cat([level[image] for level in head_outputs["bbox_regression"]])
            scores, labels = torch.sigmoid(logits).max(dim=1)
            best = scores.argsort(descending=True, stable=True)[: self.topk_candidates]
            best = best[scores[best] > self.score_thresh]
            squares = self.box_coder.decode_single(offsets[best], torch.cat(anchors[image])[best])
            shapes = as_circles(squares).double().cpu().numpy()
            rows = suppress(
                shapes,
                scores[best].double().cpu().numpy(),
                iou=self.nms_thresh,
                label=labels[best].cpu().numpy(),
            )
            kept = torch.from_numpy(rows[: self.detections_per_img]).to(best.device)
            answers.append(
                {"boxes": squares[kept], "scores": scores[best][kept], "labels": labels[best][kept]}
            )
        return answers


class CircleCoder:
    """From a circle to three numbers relative to its anchor, and back; both as squares."""

    def encode_single(self, reference: torch.Tensor, anchors: torch.Tensor) -> torch.Tensor:
        """(n, 3) dx, dy, dr of circles relative to their anchors."""
        x, y, r = as_circles(reference).unbind(dim=1)
        ax, ay, ar = as_circles(anchors).unbind(dim=1)
        return torch.stack([(x - ax) / (2 * ar), (y - ay) / (2 * ar), torch.log(r / ar)], dim=1)

    def decode_single(self, offsets: torch.Tensor, anchors: torch.Tensor) -> torch.Tensor:
        """(n, 4) squares around the circles that the offsets say."""
        ax, ay, ar = as_circles(anchors).unbind(dim=1)
        dx, dy, dr = offsets.unbind(dim=1)
        r = torch.exp(dr.clamp(max=_LARGEST_GROWTH)) * ar
        x, y = ax + 2 * ar * dx, ay + 2 * ar * dy
        return torch.stack([x - r, y - r, x + r, y + r], dim=1)


class CircleRegressionHead(RetinaNetRegressionHead):  # type: ignore[misc]
    """Three numbers an anchor."""

    def __init__(self, in_channels: int, num_anchors: int, **options: Any) -> None:
        super().__init__(in_channels, num_anchors, **options)
        self.bbox_reg = torch.nn.Conv2d(in_channels, num_anchors * 3, kernel_size=3, padding=1)
        torch.nn.init.normal_(self.bbox_reg.weight, std=0.01)
        torch.nn.init.constant_(self.bbox_reg.bias, 0)  # type: ignore[arg-type]
        self.box_coder = CircleCoder()

    def forward(self, maps: Sequence[torch.Tensor]) -> torch.Tensor:
        """(n, anchors, 3) of all levels."""
        levels = []
        for features in maps:
            n, _, height, width = features.shape
            numbers = self.bbox_reg(self.conv(features)).view(n, -1, 3, height, width)
            levels.append(numbers.permute(0, 3, 4, 1, 2).reshape(n, -1, 3))
        return torch.cat(levels, dim=1)


class CircleAnchors(AnchorGenerator):  # type: ignore[misc]
    """Circular anchors as the squares around them, with radii that are not rounded to whole pixels."""

    def generate_anchors(self, scales: Sequence[float], *_: Any, **kind: Any) -> torch.Tensor:
        """(k, 4) squares of these sides around 0."""
        half = torch.as_tensor(scales, dtype=kind.get("dtype", torch.float32)) / 2
        return torch.stack([-half, -half, half, half], dim=1)


def build(settings: RetinaNetSettings, sizes: Sizes, *, classes: int, circles: bool) -> CellRetinaNet:
    """A network with fresh weights from torch's generator."""
    ratios = ((1.0,) if circles else anchor_ratios(settings),) * len(sizes)
    anchors = (CircleAnchors if circles else AnchorGenerator)(sizes, ratios)
    n_anchors, norm = anchors.num_anchors_per_location()[0], head_normalisation(settings)
    head = RetinaNetHead(settings.width, n_anchors, classes, norm_layer=norm)
    if circles:
        head.regression_head = CircleRegressionHead(settings.width, n_anchors, norm_layer=norm)
    network = (CircularRetinaNet if circles else CellRetinaNet)(
        pyramid(settings),
        classes,
        anchor_generator=anchors,
        head=head,
        proposal_matcher=Matcher(settings.positive, settings.negative, allow_low_quality_matches=True),
        score_thresh=settings.least_confidence,
        nms_thresh=settings.nms_iou,
        detections_per_img=settings.most_answers,
        topk_candidates=settings.most_candidates,
    )
    network.transform = IdentityTransform(settings.stride)
    network.settings = settings
    head.regression_head._loss_type = settings.box_loss
    return network


def _focal(
    target: TensorDict, logits: torch.Tensor, matched: torch.Tensor, settings: RetinaNetSettings
) -> torch.Tensor:
    """The focal loss of the anchors of one image, by its cells, as torchvision has it."""
    positive, valid = matched >= 0, matched != Matcher.BETWEEN_THRESHOLDS
    wanted = torch.zeros_like(logits)
    wanted[positive, target["labels"][matched[positive]]] = 1.0
    loss: torch.Tensor = sigmoid_focal_loss(
        logits[valid],
        wanted[valid],
        alpha=settings.focal_alpha,
        gamma=settings.focal_gamma,
        reduction="sum",
    )
    return loss / positive.sum().clamp(min=1)


def match(
    matcher: Matcher,
    overlap: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    anchors: torch.Tensor,
    target: TensorDict,
    *,
    most: int = 0,
) -> torch.Tensor:
    """(n,) row of the target that each anchor shall find, −1 for background, −2 for nothing to learn.

    Of the anchors that could find a cell, those that overlap it best are taught, `most` of them (0: all).
    """
    if len(target["boxes"]):
        quality = overlap(target["boxes"], anchors)
        matched: torch.Tensor = matcher(quality)
        for row, values in enumerate(quality if most else ()):
            mine = torch.where(matched == row)[0]
            rank = values[mine].argsort(descending=True, stable=True)
            matched[mine[rank[most:]]] = Matcher.BETWEEN_THRESHOLDS
    else:
        matched = torch.full((len(anchors),), Matcher.BELOW_LOW_THRESHOLD, device=anchors.device)
    on_ignored = where_ignored(overlap, anchors, target, above=matcher.low_threshold)
    matched[(matched < 0) & on_ignored] = Matcher.BETWEEN_THRESHOLDS
    return matched


def as_circles(squares: torch.Tensor) -> torch.Tensor:
    """(n, 3) x, y, radius."""
    middle = (squares[:, :2] + squares[:, 2:]) / 2
    return torch.cat([middle, (squares[:, 2:3] - squares[:, 0:1]) / 2], dim=1)


def circle_overlap(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """(n, m) intersection over union of circles, both given as squares."""
    x, y, r = as_circles(one)[:, None].unbind(dim=2)
    u, v, s = as_circles(other)[None].unbind(dim=2)
    large, small = torch.maximum(r, s), torch.minimum(r, s)
    d = torch.sqrt((x - u) ** 2 + (y - v) ** 2)
    safe = d.clamp(min=1e-6)
    at_large = torch.acos(((safe**2 + large**2 - small**2) / (2 * safe * large)).clamp(-1, 1))
    at_small = torch.acos(((safe**2 + small**2 - large**2) / (2 * safe * small)).clamp(-1, 1))
    lens = large**2 * (at_large - torch.sin(2 * at_large) / 2)
    lens = lens + small**2 * (at_small - torch.sin(2 * at_small) / 2)
    lens = torch.where(d <= large - small, math.pi * small**2, lens)
    shared = torch.where(d >= large + small, torch.zeros_like(lens), lens)
    return shared / (math.pi * (r**2 + s**2) - shared)
