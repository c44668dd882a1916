"""Anchors: their sizes, from the training cells; anchors and places where nothing is to be learned."""

from collections.abc import Callable

import numpy as np
import torch

from bmbench.adapters.detection.merging.overlaps import bounding_box
from bmbench.adapters.detection.settings.pyramid import DetectorSettings
from bmbench.core.types import Floats

Sizes = tuple[tuple[float, ...], ...]
"""The sizes of the anchors of each level, finest first, pixels at working scale."""
TensorDict = dict[str, torch.Tensor]
"""What one image holds, as torchvision's networks take and give it: tensors by name."""

_TAILS = (2.0, 98.0)
"""Percentiles of the training sizes between which anchors are spread."""


def anchor_sizes(shapes: Floats, settings: DetectorSettings) -> Sizes:
    """The anchors' sizes for each level, finest first: square roots of areas, pixels.

    The range of the training shapes, without its tails, is cut into as many equal ratios as there are
    anchors; each anchor is the middle of one. Fine levels get the small ones.
    """
    box = bounding_box(shapes)
    size = np.sqrt(np.prod(box[:, 2:] - box[:, :2], axis=1))
    low, high = np.percentile(size[size > 0], _TAILS)
    n_levels = settings.coarsest - settings.finest + 1
    edges = np.geomspace(low, high, n_levels * settings.scales + 1)
    middle = np.sqrt(edges[1:] * edges[:-1]).reshape(n_levels, settings.scales)
    return tuple(tuple(round(float(value), 2) for value in level) for level in middle)


def anchor_ratios(settings: DetectorSettings) -> tuple[float, ...]:
    """Height divided by width of each anchor shape."""
    return (1.0,) if settings.ratios == 1 else (0.5, 1.0, 2.0)


def where_ignored(
    overlap: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    boxes: torch.Tensor,
    target: TensorDict,
    *,
    above: float,
) -> torch.Tensor:
    """(n,) True for boxes on an ignored object, or with their middle in an ignored region."""
    hidden = torch.zeros(len(boxes), dtype=torch.bool, device=boxes.device)
    if len(target["ignored"]):
        hidden |= (overlap(target["ignored"], boxes) > above).any(dim=0)
    if len(target["regions"]):
        middle = (boxes[None, :, :2] + boxes[None, :, 2:]) / 2
        first, last = target["regions"][:, None, :2], target["regions"][:, None, 2:]
        hidden |= ((middle > first) & (middle < last)).all(dim=2).any(dim=0)
    return hidden


def where_hidden(points: torch.Tensor, target: TensorDict) -> torch.Tensor:
    """(n,) True for places on an ignored object or region, and on no cell."""

    def on(boxes: torch.Tensor) -> torch.Tensor:
        inside = (points[:, None] > boxes[None, :, :2]) & (points[:, None] < boxes[None, :, 2:])
        return inside.all(dim=2).any(dim=1)

    return (on(target["ignored"]) | on(target["regions"])) & ~on(target["boxes"])
