"""YOLO v3 (Redmon & Farhadi, arXiv 1804.02767): Darknet, three scales, three anchors a scale, objectness.

What is not as in the paper: group instead of batch normalisation, so that a patch is answered alike in
training and in use, and anchors from the training cells at hand. A smaller Darknet is the same network with
fewer blocks and channels.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn
from torchvision.ops import batched_nms, box_iou

from bmbench.adapters.detection.merging.overlaps import bounding_box
from bmbench.adapters.detection.networks.anchors import Sizes, TensorDict, where_ignored
from bmbench.adapters.detection.networks.losses import box_costs, object_costs
from bmbench.adapters.detection.settings.common import CommonSettings
from bmbench.adapters.detection.settings.yolo import YoloSettings
from bmbench.adapters.learning.networks import group_normalisation, short_numbers
from bmbench.core.types import Floats

BLOCKS = {"darknet53": (1, 2, 8, 8, 4), "darknet_small": (1, 1, 1, 1, 1)}
"""Residual blocks after each halving of the resolution."""
_PER_SCALE = 3
_ROUNDS = 100
_LARGEST_GROWTH = 4.0
"""Of a side against its anchor's, as a logarithm; keeps a network that has not learned yet finite."""


class YoloV3(nn.Module):
    """Called as torchvision's detectors are: losses while training, else boxes, scores, labels an image."""

    sizes: torch.Tensor

    def __init__(self, settings: YoloSettings, anchors: Sizes, *, classes: int) -> None:
        super().__init__()
        self.settings, self.classes = settings, classes
        self.levels = list(range(settings.finest, settings.coarsest + 1))
        # Widths and heights of each level's anchors, finest first.
        sizes = torch.tensor(anchors, dtype=torch.float32).reshape(len(self.levels), _PER_SCALE, 2)
        self.register_buffer("sizes", sizes, persistent=False)
        widths = [settings.width * 2**level for level in range(settings.coarsest + 1)]
        self.stem = _layer(3, widths[0], 3)
        self.stages = nn.ModuleList(
            nn.Sequential(_layer(before, after, 3, stride=2), *(_Block(after) for _ in range(blocks)))
            for (before, after), blocks in zip(pairwise(widths), BLOCKS[settings.backbone], strict=False)
        )
        coarse_first = [widths[level] for level in reversed(self.levels)]
        self.gather = nn.ModuleList(
            _five(width + (width if number else 0), width // 2) for number, width in enumerate(coarse_first)
        )
        self.grow = nn.ModuleList(_layer(before // 2, after, 1) for before, after in pairwise(coarse_first))
        self.heads = nn.ModuleList(
            nn.Sequential(_layer(width // 2, width, 3), nn.Conv2d(width, _PER_SCALE * (5 + classes), 1))
            for width in coarse_first
        )
        for head in self.heads:
            # At first nothing is a cell: one place in a hundred, as RetinaNet begins.
            bias = head[1].bias.detach().view(_PER_SCALE, -1)  # type: ignore[index]
            bias[:, 4] = -4.6

    def forward(self, images: list[torch.Tensor], targets: list[TensorDict] | None = None) -> Any:
        """Losses by name while training; else one dict of boxes, scores and labels an image."""
        batch = torch.stack(images).contiguous(memory_format=torch.channels_last)
        with short_numbers(self.settings.precision, batch.device):
            maps = [values.float() for values in self._maps(batch)]
        raw, boxes = self._answers(maps)
        if self.training and targets is not None:
            grids = [(values.shape[2], values.shape[3]) for values in maps]
            parts = [self._losses(*image, grids=grids) for image in zip(raw, boxes, targets, strict=True)]
            return {name: torch.stack([part[name] for part in parts]).mean() for name in parts[0]}
        return [self._found(*image) for image in zip(raw, boxes, strict=True)]

    def _maps(self, image: torch.Tensor) -> list[torch.Tensor]:
        """(n, 3 × (5 + classes), h, w) of each level, finest first."""
        features, x = [], self.stem(image)
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        maps: list[torch.Tensor] = []
        below: torch.Tensor | None = None
        for number, level in enumerate(reversed(self.levels)):
            here = features[level - 1]
            if below is not None:
                above = nn.functional.interpolate(self.grow[number - 1](below), scale_factor=2)
                here = torch.cat([above, here], dim=1)
            below = self.gather[number](here)
            maps.append(self.heads[number](below))
        return maps[::-1]

    def _answers(self, maps: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, anchors, 5 + classes) raw numbers, and (n, anchors, 4) the boxes that they say."""
        raw, boxes = [], []
        for level, values, place in zip(self.levels, maps, self._places(maps), strict=True):
            n, _, height, width = values.shape
            rows = (
                values.view(n, _PER_SCALE, -1, height, width)
                .permute(0, 3, 4, 1, 2)
                .reshape(n, height * width * _PER_SCALE, -1)
            )
            middle = (place[:, :2] + torch.sigmoid(rows[..., :2])) * 2**level
            half = place[:, 2:] * torch.exp(rows[..., 2:4].clamp(max=_LARGEST_GROWTH)) / 2
            raw.append(rows)
            boxes.append(torch.cat([middle - half, middle + half], dim=-1))
        return torch.cat(raw, dim=1), torch.cat(boxes, dim=1)

    def _places(self, maps: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """For each level (anchors, 4): column and row of the place, width and height of the anchor."""
        places = []
        for sizes, values in zip(self.sizes, maps, strict=True):
            height, width = values.shape[2:]
            y, x = torch.meshgrid(
                torch.arange(height, device=values.device),
                torch.arange(width, device=values.device),
                indexing="ij",
            )
            grid = torch.stack([x, y], dim=-1).reshape(-1, 1, 2).expand(-1, _PER_SCALE, -1)
            both = torch.cat([grid.to(sizes.dtype), sizes.expand(len(grid), -1, -1)], dim=-1)
            places.append(both.reshape(-1, 4))
        return places

    def _losses(
        self, raw: torch.Tensor, boxes: torch.Tensor, target: TensorDict, *, grids: list[tuple[int, int]]
    ) -> dict[str, torch.Tensor]:
        """The losses of one image, sums over its objects divided by their number."""
        truth, n = target["boxes"], max(1, len(target["boxes"]))
        wanted, weight = torch.zeros(len(raw), device=raw.device), torch.ones(len(raw), device=raw.device)
        # A good box that is not the one chosen for its object is neither right nor wrong.
        said = boxes.detach()
        if len(truth):
            weight[(box_iou(truth, said) > self.settings.ignore_iou).any(dim=0)] = 0
        weight[where_ignored(box_iou, said, target, above=0.3)] = 0
        rows, offsets = self._chosen(truth, grids)
        wanted[rows], weight[rows] = 1, 1
        cross_entropy = nn.functional.binary_cross_entropy_with_logits
        mine = raw[rows]
        place = self._place_costs(mine, offsets, boxes[rows], truth)
        kinds = nn.functional.one_hot(target["labels"], self.classes).to(raw.dtype)
        if self.settings.object_loss == "cross_entropy":
            objects = cross_entropy(raw[:, 4], wanted, weight=weight, reduction="sum")
        else:
            objects = (object_costs(raw[:, 4], wanted, self.settings) * weight).sum()
        return {
            "place": place / n,
            "objectness": objects / n,
            "class": cross_entropy(mine[:, 5:], kinds, reduction="sum") / n,
        }

    def _place_costs(
        self, mine: torch.Tensor, offsets: torch.Tensor, said: torch.Tensor, truth: torch.Tensor
    ) -> torch.Tensor:
        """The loss of where cells are and how large; `said` and `truth` are boxes."""
        kind = self.settings.box_loss
        if kind == "squared":
            # The gradient of cross-entropy is that of the paper: what it should be less what it is.
            middle = nn.functional.binary_cross_entropy_with_logits(
                mine[:, :2], offsets[:, :2], reduction="sum"
            )
            return middle + nn.functional.mse_loss(mine[:, 2:4], offsets[:, 2:], reduction="sum") / 2
        if kind == "giou":
            return box_costs(kind, said, truth, lambda boxes: boxes)
        numbers = torch.cat([torch.sigmoid(mine[:, :2]), mine[:, 2:4]], dim=1)
        return box_costs(kind, numbers, offsets, lambda boxes: boxes)

    def _chosen(self, truth: torch.Tensor, grids: list[tuple[int, int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """(n,) the anchor's row that shall find each object, and (n, 4) the numbers that it shall say.

        Of all anchors the one whose shape is nearest to the object's, at the place in which the object's
        middle lies.
        """
        size, middle = truth[:, 2:] - truth[:, :2], (truth[:, :2] + truth[:, 2:]) / 2
        anchors: torch.Tensor = self.sizes.reshape(-1, 2)
        shared = torch.minimum(size[:, None], anchors[None]).prod(dim=2)
        union = size.prod(dim=1)[:, None] + anchors.prod(dim=1)[None] - shared
        best = (shared / union).argmax(dim=1)
        level = best // _PER_SCALE
        high, wide = torch.tensor(grids, device=truth.device)[level].unbind(dim=1)
        first = torch.tensor([0, *np.cumsum([h * w for h, w in grids])[:-1]], device=truth.device)[level]
        at = middle / 2.0 ** (level + self.levels[0])[:, None]
        column, row = at[:, 0].long().clamp(min=0), at[:, 1].long().clamp(min=0)
        column, row = torch.minimum(column, wide - 1), torch.minimum(row, high - 1)
        rows = (first + row * wide + column) * _PER_SCALE + best % _PER_SCALE
        inside = (at - torch.stack([column, row], dim=1)).clamp(0, 1)
        return rows, torch.cat([inside, torch.log(size / anchors[best])], dim=1)

    def _found(self, raw: torch.Tensor, boxes: torch.Tensor) -> TensorDict:
        """What one image holds; a confidence is objectness times the probability of the class."""
        probability = torch.sigmoid(raw[:, 4:5]) * torch.sigmoid(raw[:, 5:])
        return kept(boxes, probability, settings=self.settings)


def kept(boxes: torch.Tensor, probability: torch.Tensor, *, settings: CommonSettings) -> TensorDict:
    """What NMS leaves of (n, 4) boxes with (n, classes) probabilities, each as its likeliest class."""
    scores, labels = probability.max(dim=1)
    best = scores.argsort(descending=True, stable=True)[: settings.most_candidates]
    best = best[scores[best] > settings.least_confidence]
    rows = best[batched_nms(boxes[best], scores[best], labels[best], settings.nms_iou)]
    rows = rows[: settings.most_answers]
    return {"boxes": boxes[rows], "scores": scores[rows], "labels": labels[rows]}


def clustered_anchors(shapes: Floats, settings: YoloSettings) -> Sizes:
    """For each level, finest first, widths and heights of its three anchors, one after the other, pixels.

    Centres of the clusters of the training cells' boxes, where two boxes are as near as they overlap when
    one corner is laid on the other's (the paper's k-means; begun at even quantiles of the area).
    """
    box = bounding_box(shapes)
    size = box[:, 2:] - box[:, :2]
    size = size[(size > 0).all(axis=1)]
    n = _PER_SCALE * (settings.coarsest - settings.finest + 1)
    by_area = size[np.argsort(size.prod(axis=1), kind="stable")]
    centre = by_area[np.round((np.arange(n) + 0.5) / n * (len(size) - 1)).astype(int)]
    for _ in range(_ROUNDS):
        shared = np.minimum(size[:, None], centre[None]).prod(axis=2)
        union = size.prod(axis=1)[:, None] + centre.prod(axis=1)[None] - shared
        nearest = (shared / union).argmax(axis=1)
        moved = np.array(
            [size[nearest == k].mean(axis=0) if (nearest == k).any() else centre[k] for k in range(n)]
        )
        if np.array_equal(moved, centre):
            break
        centre = moved
    centre = centre[np.argsort(centre.prod(axis=1), kind="stable")]
    levels = centre.reshape(-1, 2 * _PER_SCALE)
    return tuple(tuple(round(float(value), 2) for value in level) for level in levels)


class _Block(nn.Module):
    """Two convolutions, and what came in added to what comes out."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(_layer(width, width // 2, 1), _layer(width // 2, width, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = x + self.layers(x)
        return out


def _five(before: int, after: int) -> nn.Sequential:
    """The five convolutions before each head."""
    widths = [before, after, 2 * after, after, 2 * after, after]
    return nn.Sequential(
        *(_layer(a, b, 3 if number % 2 else 1) for number, (a, b) in enumerate(pairwise(widths)))
    )


def _layer(before: int, after: int, kernel: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride=stride, padding=kernel // 2, bias=False),
        group_normalisation(after),
        nn.LeakyReLU(0.1, inplace=True),
    )
