"""A map of centres, and of each pixel the width and height of the cell whose centre it is.

Zhou et al., Objects as points, arXiv 1904.07850, 2019 (CenterNet): a centre is a peak of a Gaussian, learned
with a focal loss that forgives what lies close to it. Here maps are as fine as the image at working scale, so
that no offset within a coarse pixel is to be learned. KongNet (arXiv 2510.23559) has a map a class as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from bmbench.adapters.unet.encodings.depth_map import Reals
from bmbench.adapters.unet.heads.head import Head
from bmbench.adapters.unet.heads.object_map import ObjectMap
from bmbench.adapters.unet.heads.settings import HeatmapSettings
from bmbench.core.objects import object_circles
from bmbench.core.types import Detections, Floats

if TYPE_CHECKING:
    import torch

_PRIOR = float(np.log(0.1 / 0.9))
"""Logit of what an untrained network says of each pixel: with 0 the many without centre would come first."""


def centre_targets(objects: ObjectMap, kinds: int, settings: HeatmapSettings) -> Reals:
    """(kinds + 2, h, w) highest Gaussian of each kind, 1 at the pixel of a centre; width and height there."""
    height, width = objects.weight.shape
    value = np.zeros((kinds + 2, height, width), np.float32)
    circle = object_circles(objects.annotations) - np.array([objects.margin, objects.margin, 0])
    sides = objects.annotations.box[:, 2:] - objects.annotations.box[:, :2]
    for row in np.flatnonzero((objects.kind >= 0) & (objects.kind < kinds)):
        x, y, radius = circle[row]
        spread = max(2 * radius * settings.spread, 0.5)
        column, line, reach = int(np.floor(x)), int(np.floor(y)), int(np.ceil(4 * spread))
        rows = slice(max(line - reach, 0), max(line + reach + 1, 0))
        columns = slice(max(column - reach, 0), max(column + reach + 1, 0))
        window = value[objects.kind[row], rows, columns]
        if not window.size:
            continue
        down = np.arange(rows.start, rows.start + window.shape[0])[:, None] - line
        right = np.arange(columns.start, columns.start + window.shape[1]) - column
        np.maximum(window, np.exp(-(down**2 + right**2) / (2 * spread**2)), out=window, casting="same_kind")
        if 0 <= line < height and 0 <= column < width:
            outlined = bool(objects.annotations.contour[row])
            value[kinds:, line, column] = sides[row] if outlined else 2 * radius
    return value


def centre_loss(
    logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor, settings: HeatmapSettings, kinds: int
) -> torch.Tensor:
    """(n,) penalty-reduced focal loss of the centres, and the mean error of their sizes, a centre.

    Zhou et al., equation 1 with α = 2 and β = 4, and the L1 loss of sizes.
    """
    from torch.nn.functional import logsigmoid

    wanted, logit = target[:, :kinds], logits[:, :kinds] + _PRIOR
    said = logit.sigmoid()
    centre = (wanted == 1).float()
    found = centre * (1 - said) ** 2 * logsigmoid(logit)
    empty = (1 - centre) * (1 - wanted) ** 4 * said**2 * logsigmoid(-logit)
    count = (centre.amax(dim=1) * weight).sum(dim=(1, 2)).clamp_min(1.0)
    focal = -((found + empty) * weight[:, None]).sum(dim=(1, 2, 3)) / count
    error = (_sizes(logits, settings, kinds) - target[:, kinds:]).abs().sum(dim=1)
    size = (error * centre.amax(dim=1) * weight).sum(dim=(1, 2)) / count
    return focal + settings.size_weight * size


def centre_maps(logits: torch.Tensor, settings: HeatmapSettings, kinds: int) -> torch.Tensor:
    """(n, kinds + 2, h, w) how sure each pixel is a centre of each kind, and sizes in pixels."""
    import torch

    return torch.cat([(logits[:, :kinds] + _PRIOR).sigmoid(), _sizes(logits, settings, kinds)], dim=1)


def _sizes(logits: torch.Tensor, settings: HeatmapSettings, kinds: int) -> torch.Tensor:
    """Sizes in pixels; an untrained network says about those of a mean cell."""
    return (1 + logits[:, kinds:] / 2) * settings.cell_px


def centre_cells(maps: Reals, settings: HeatmapSettings, kinds: int, smallest_px2: float) -> Detections:
    """The cells at the peaks of (h, w, kinds + 2) maps: what is highest within a square around it.

    Neighbouring pixels that are equally high are one peak, in their middle. A peak belongs to the kind that
    is surest there.
    """
    sure = maps[..., :kinds].max(axis=2)
    reach = int(settings.apart * settings.cell_px)
    highest = cv2.dilate(sure, np.ones((2 * reach + 1,) * 2, np.uint8))
    peak = ((sure >= highest) & (sure > settings.lowest)).astype(np.uint8)
    n, place, _, middle = cv2.connectedComponentsWithStats(peak, connectivity=8)
    if n < 2:
        return Detections.empty()
    # The first pixel of each component stands for it.
    number, first = np.unique(place, return_index=True)
    y, x = np.unravel_index(first[number > 0], place.shape)
    centre: Floats = middle[1:] + 0.5
    half: Floats = np.maximum(maps[y, x, kinds:].astype(np.float64), 1.0) / 2
    large = np.pi * half.prod(axis=1) >= smallest_px2
    most = np.array([maps.shape[1], maps.shape[0]] * 2, np.float64)
    box = np.clip(np.hstack([centre - half, centre + half]), 0, most)
    return Detections.of(
        xy=centre[large],
        box=box[large],
        confidence=sure[y, x][large].astype(np.float64),
        label=maps[y, x, :kinds].argmax(axis=1)[large].astype(np.int64),
    )


def _as_they_are(numbers: Reals, mirrored: tuple[bool, bool]) -> Reals:
    del mirrored
    return numbers


HEATMAP = Head(
    name="heatmap",
    shape=2,
    values=centre_targets,
    losses=centre_loss,
    answers=centre_maps,
    mirrored=_as_they_are,
    cells_in=centre_cells,
)
