"""Cellpose's flows: what is an object, and from each pixel of it the direction towards its middle.

Stringer et al., Cellpose, Nature Methods 2021;18:100-106. Heat runs from the middle of an object through its
own pixels; its gradient leads back. Pixels that follow the flows meet where an object is.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from bmbench.adapters.unet.encodings.depth_map import Reals
from bmbench.adapters.unet.heads.head import Head, mirrored_vectors
from bmbench.adapters.unet.heads.object_map import ObjectMap
from bmbench.adapters.unet.heads.outlined_cells import labelled_cells
from bmbench.adapters.unet.heads.settings import FlowSettings
from bmbench.adapters.unet.labelled_pixels import LabelledPixels, parts_that
from bmbench.core.types import Bools, Detections, Floats, Ints

if TYPE_CHECKING:
    import torch

_SCALE = 5.0
"""Flows are learned five times as large, as in the paper's program: else their errors count for little."""
_AT_ONCE_PX = 1 << 17
"""Pixels in which heat spreads at a time: they stay in the processor's cache."""
_SPREAD, _POOLED, _JOINED = 5, 5, 2
"""Of the paper's program: pixels that a seed grows by, the side of the square in which it is the fullest, and
the pixels that have to end where it grows to, and more."""


def flow_targets(objects: ObjectMap, kinds: int, settings: FlowSettings) -> Reals:
    """(kinds + 2, h, w) 1 in the objects of each kind; unit vectors x, y towards their middle, else 0."""
    del settings
    taught = objects.taught
    inner = objects.inner(taught)
    row = objects.inner(objects.depths.owner)[inner].astype(np.int64) - 1
    value = np.zeros((kinds + 2, *inner.shape), np.float32)
    value[(objects.kind[row], *np.nonzero(inner))] = 1
    value[kinds:] = flows(np.where(taught, objects.depths.owner, 0), objects.margin)
    return value


def flows(labels: NDArray[np.int32], margin: int = 0) -> Reals:
    """(2, h, w) unit vectors x, y towards the middle of each pixel's object; of the part inside a margin.

    In each step one degree is added to the middle pixel, then each has a ninth of the sum over itself and
    those of its eight neighbours that are its own object's; twice as many steps as the largest is wide and
    high.

    Parameters
    ----------
    labels : (h + 2 margin, w + 2 margin) int32
        From 1; 0 where no object is.
    """
    heat = np.zeros((labels.shape[0] + 2, labels.shape[1] + 2))
    objects, boxes, _ = LabelledPixels.of(labels).by_side(0)
    steps = 2 * (int((boxes[:, 2:] - boxes[:, :2]).sum(axis=1).max(initial=0)) + 2)
    # A pixel's flow asks its neighbours for their heat, too.
    low, high = margin - 1, np.array(labels.shape) - margin + 1
    near = np.flatnonzero(((boxes[:, 2:] > low) & (boxes[:, :2] < high)).all(axis=1))
    objects, boxes = objects.take(near.tolist()), boxes[near]
    tall, wide = (boxes[:, 2:] - boxes[:, :2]).T

    def fit(some: slice) -> Bools:
        fits: Bools = np.maximum.accumulate(tall[some]) * np.cumsum(wide[some] + 1) <= _AT_ONCE_PX
        return fits

    for part in parts_that(fit, len(objects)):
        place = np.divmod(objects.place[objects.pixels(part)], labels.shape[1])
        heat[1:-1, 1:-1][place] = _warmed(objects, boxes, part, steps)
    own = labels[margin : labels.shape[0] - margin, margin : labels.shape[1] - margin]
    heat = heat[margin : margin + own.shape[0] + 2, margin : margin + own.shape[1] + 2]
    found = np.stack([heat[1:-1, 2:] - heat[1:-1, :-2], heat[2:, 1:-1] - heat[:-2, 1:-1]])
    length = np.hypot(*found)
    # Where it is warmest nothing is steeper than rounding.
    found = np.divide(found, length, out=np.zeros_like(found), where=length > 1e-9 * heat[1:-1, 1:-1])
    unit: Reals = np.where(own > 0, found, 0).astype(np.float32)
    return unit


def _warmed(objects: LabelledPixels, boxes: Ints, part: slice, steps: int) -> Floats:
    """(m,) heat of the pixels of some objects after so many steps.

    They lie side by side, a column of nobody's between them, and are warmed together. OpenCV adds up along
    columns, so that what it rounds in one object does not reach another.
    """
    sides = boxes[part, 2:] - boxes[part, :2]
    left = np.cumsum(sides[:, 1] + 1) - sides[:, 1]
    owner = objects.owner(part)
    down, right = np.divmod(objects.place[objects.pixels(part)], objects.shape[1])
    down, right = down - boxes[part, 0][owner], right - boxes[part, 1][owner]
    counts = objects.counts[part]
    middle = [np.rint(np.bincount(owner, at) / counts)[owner] for at in (down, right)]
    away = (down - middle[0]) ** 2 + (right - middle[1]) ** 2
    ends = np.cumsum(counts).tolist()
    nearest = [first + int(np.argmin(away[first:end])) for first, end in pairwise([0, *ends])]
    inside = np.zeros((sides[:, 0].max(), left[-1] + sides[-1, 1] + 1))
    place = down * inside.shape[1] + right + left[owner]
    inside.ravel()[place] = 1
    heat, spread = np.zeros_like(inside), np.empty_like(inside)
    warmth, sources = heat.ravel(), place[nearest]
    for _ in range(steps):
        warmth[sources] += 1
        cv2.blur(heat, (3, 3), dst=spread, borderType=cv2.BORDER_CONSTANT)
        np.multiply(spread, inside, out=heat)
    found: Floats = warmth[place]
    return found


def flow_loss(
    logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor, settings: FlowSettings, kinds: int
) -> torch.Tensor:
    """(n,) cross-entropy of the kinds, and half of the mean squared error of five times the flows."""
    from bmbench.adapters.unet.encodings.losses import cross_entropy

    error = (logits[:, kinds:] - _SCALE * target[:, kinds:]).square().mean(dim=1) / 2
    pixels = cross_entropy(logits[:, :kinds], target[:, :kinds]) + settings.flow_weight * error
    return (pixels * weight).sum(dim=(1, 2)) / weight.sum(dim=(1, 2)).clamp_min(1.0)


def flow_maps(logits: torch.Tensor, settings: FlowSettings, kinds: int) -> torch.Tensor:
    """(n, kinds + 2, h, w) probabilities, and flows."""
    import torch

    from bmbench.adapters.unet.encodings.losses import shares

    del settings
    return torch.cat([shares(logits[:, :kinds]), logits[:, kinds:] / _SCALE], dim=1)


def followed(flow: Reals, down: Ints, right: Ints, steps: int) -> tuple[Floats, Floats]:
    """Where pixels at these places end, y and x, after that many steps along (h, w, 2) flows x, y.

    Each step is as long as the flow where the pixel is by then, between pixels bilinear.
    """
    height, width = flow.shape[:2]
    y, x = down.astype(np.float32), right.astype(np.float32)
    both = np.ascontiguousarray(flow, np.float32)
    for _ in range(steps):
        step = _between(both, x, y)
        x = np.clip(x + step[:, 0], 0, width - 1)
        y = np.clip(y + step[:, 1], 0, height - 1)
    return y.astype(np.float64), x.astype(np.float64)


def _between(flow: Reals, x: Reals, y: Reals) -> Reals:
    """(m, 2) the flow at these places."""
    left, above = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right, below = np.minimum(left + 1, flow.shape[1] - 1), np.minimum(above + 1, flow.shape[0] - 1)
    across, down = (x - left)[:, None], (y - above)[:, None]
    upper = flow[above, left] * (1 - across) + flow[above, right] * across
    lower = flow[below, left] * (1 - across) + flow[below, right] * across
    found: Reals = upper * (1 - down) + lower * down
    return found


def flow_labels(probable: Reals, flow: Reals, settings: FlowSettings) -> Ints:
    """(h, w) labels from 1: pixels of (h, w) probabilities that meet, following (h, w, 2) flows x, y.

    Where most pixels end within a square is a seed, if there are more than `meeting`. It grows by those next
    to it where several end. An object whose own flows differ from those that it was made of is none.
    """
    down, right = np.nonzero(probable >= settings.lowest)
    labels = np.zeros(probable.shape, np.int32)
    y, x = (
        np.floor(end).astype(np.int64)
        for end in followed(flow, down, right, round(settings.journey * settings.cell_px))
    )
    full = np.zeros(probable.shape, np.float32)
    np.add.at(full, (y, x), 1)
    peak = (full >= cv2.dilate(full, np.ones((_POOLED, _POOLED), np.uint8))) & (
        full > settings.meeting * settings.cell_px**2
    )
    ends = _grown(full, np.argwhere(peak))
    labels[down, right] = ends[y, x]
    return _consistent(labels, flow, settings.flow_error)


def _grown(full: Reals, seeds: Ints) -> NDArray[np.int32]:
    """(h, w) number of the seed that reaches each pixel, the fullest seed's where several do; else 0."""
    order = np.argsort(full[tuple(seeds.T)], kind="stable")
    reach = np.zeros(full.shape, np.int32)
    for number, (row, column) in enumerate(seeds[order], 1):
        top, left = max(row - _SPREAD, 0), max(column - _SPREAD, 0)
        window = np.s_[top : row + _SPREAD + 1, left : column + _SPREAD + 1]
        dense = (full[window] > _JOINED).astype(np.uint8)
        grown = np.zeros_like(dense)
        grown[row - top, column - left] = 1
        for _ in range(_SPREAD):
            grown = np.asarray(cv2.dilate(grown, np.ones((3, 3), np.uint8)), np.uint8) * dense
        reach[window][grown > 0] = number
    return reach


def _consistent(labels: NDArray[np.int32], flow: Reals, most: float) -> Ints:
    """The labels without objects whose flows are, in the mean square, farther than that from those given."""
    n = int(labels.max())
    if n == 0 or most == 0:
        return labels.astype(np.int64)
    error = ((np.moveaxis(flows(labels), 0, 2) - flow) ** 2).sum(axis=2)
    counts = np.maximum(np.bincount(labels.ravel(), minlength=n + 1), 1)
    kept = np.bincount(labels.ravel(), error.ravel(), minlength=n + 1) / counts <= most
    return np.where(kept[labels], labels, 0).astype(np.int64)


def flow_cells(maps: Reals, settings: FlowSettings, kinds: int, smallest_px2: float) -> Detections:
    """The cells of (h, w, kinds + 2) maps, outlined."""
    labels = flow_labels(maps[..., :kinds].sum(axis=2), maps[..., kinds:], settings)
    return labelled_cells(labels, maps[..., :kinds], smallest_px2=smallest_px2)


FLOW = Head(
    name="flow",
    shape=2,
    values=flow_targets,
    losses=flow_loss,
    answers=flow_maps,
    mirrored=mirrored_vectors,
    cells_in=flow_cells,
)
