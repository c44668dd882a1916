"""HoVer-Net's maps: what is an object, and how far right and below its middle each pixel of it lies.

Graham et al., HoVer-Net, Medical Image Analysis 2019;58:101563. Both maps run from −1 to 1 through every
object and jump where two touch: there a watershed ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from bmbench.adapters.unet.encodings.depth_map import Reals
from bmbench.adapters.unet.heads.head import Head, mirrored_vectors
from bmbench.adapters.unet.heads.object_map import ObjectMap
from bmbench.adapters.unet.heads.outlined_cells import labelled_cells
from bmbench.adapters.unet.heads.settings import HoverSettings
from bmbench.core.types import Bools, Detections, Ints

if TYPE_CHECKING:
    import torch

_WIDEST = 31
"""OpenCV has no wider derivative."""


def hover_targets(objects: ObjectMap, kinds: int, settings: HoverSettings) -> Reals:
    """(kinds + 2, h, w) 1 in the objects of each kind; how far right and below of its middle a pixel lies.

    As a share of the farthest pixel of the same object on the same side; 0 outside of objects.
    """
    del settings
    taught = objects.taught
    down, right = np.nonzero(taught)
    row = objects.depths.owner[taught].astype(np.int64) - 1
    value = np.zeros((kinds + 2, *taught.shape), np.float32)
    value[objects.kind[row], down, right] = 1
    for channel, place in ((kinds, right), (kinds + 1, down)):
        value[channel, down, right] = _shares_of_side(place, row, len(objects.annotations))
    inner: Reals = objects.inner(value)
    return inner


def _shares_of_side(place: Ints, row: Ints, n: int) -> Reals:
    """(m,) how far pixels at these places lie beyond the middle of their object, from −1 to 1."""
    middle = np.bincount(row, place, minlength=n) / np.maximum(np.bincount(row, minlength=n), 1)
    away = place - middle[row]
    farthest = np.zeros((2, n))
    np.maximum.at(farthest[0], row, away)
    np.maximum.at(farthest[1], row, -away)
    side = np.where(away < 0, farthest[1][row], farthest[0][row])
    shares: Reals = np.divide(away, side, out=np.zeros(len(away)), where=side > 0).astype(np.float32)
    return shares


def hover_loss(
    logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor, settings: HoverSettings, kinds: int
) -> torch.Tensor:
    """(n,) cross-entropy and Dice loss of the kinds; squared error of both maps, and of their gradients.

    Of the gradients it looks at pixels of objects alone, as the paper does.
    """
    from bmbench.adapters.unet.encodings.losses import cross_entropy, dice_loss, shares

    counted = weight.sum(dim=(1, 2)).clamp_min(1.0)
    wanted, error = target[:, :kinds], logits[:, kinds:] - target[:, kinds:]
    pixels = cross_entropy(logits[:, :kinds], wanted) + settings.place_weight * error.square().mean(dim=1)
    inside = wanted.sum(dim=1) * weight
    bent = _derivative(error).square().mean(dim=1) * inside
    loss = (pixels * weight).sum(dim=(1, 2)) / counted
    loss = loss + settings.gradient_weight * bent.sum(dim=(1, 2)) / inside.sum(dim=(1, 2)).clamp_min(1.0)
    if settings.dice == 0:
        return loss
    return loss + settings.dice * dice_loss(shares(logits[:, :kinds]), wanted, weight, settings.cell_px)


def _derivative(maps: torch.Tensor) -> torch.Tensor:
    """(n, 2, h, w) how the first map changes to the right and the second one downwards.

    The paper's kernel of 5 × 5: a neighbour counts by its place, divided by its squared distance.
    """
    import torch

    steps = torch.arange(-2.0, 3.0, device=maps.device, dtype=maps.dtype)
    right, down = steps[None, :], steps[:, None]
    kernel = right / (right**2 + down**2 + 1e-15)
    both = torch.stack([kernel, kernel.T])[:, None]
    return torch.nn.functional.conv2d(maps, both, padding=2, groups=2)


def hover_maps(logits: torch.Tensor, settings: HoverSettings, kinds: int) -> torch.Tensor:
    """(n, kinds + 2, h, w) probabilities, and both maps."""
    import torch

    from bmbench.adapters.unet.encodings.losses import shares

    del settings
    return torch.cat([shares(logits[:, :kinds]), logits[:, kinds:]], dim=1)


def hover_labels(probable: Reals, places: Reals, settings: HoverSettings) -> Ints:
    """(h, w) labels from 1 of the objects in (h, w) probabilities and (h, w, 2) maps.

    The steeper of both gradients, each scaled to this image's least and largest, is an edge from `edge` on.
    What is left of the foreground, opened, marks the objects; they are flooded from there.
    """
    from scipy import ndimage
    from skimage.segmentation import watershed

    speck = settings.speck * settings.cell_px**2
    ground = _without_specks(probable >= settings.lowest, speck)
    side = _odd(settings.window * settings.cell_px)
    steep = []
    for across, down in ((1, 0), (0, 1)):
        place = _scaled(np.ascontiguousarray(places[..., down]))
        steep.append(1 - _scaled(cv2.Sobel(place, cv2.CV_64F, across, down, ksize=side)))
    edge = np.where(ground, np.maximum(*steep), 0)
    height = cv2.GaussianBlur(np.where(ground, 1 - edge, 0), (3, 3), 0)
    marker = ndimage.binary_fill_holes(ground & (edge < settings.edge)).astype(np.uint8)
    opening = _odd(settings.opening * settings.cell_px)
    opened = cv2.morphologyEx(
        marker, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (opening, opening))
    )
    marks, _ = ndimage.label(_without_specks(np.asarray(opened) > 0, speck))
    labels: Ints = watershed(-height, marks, mask=ground)  # type: ignore[no-untyped-call]
    return labels


def _scaled(values: Any) -> Reals:
    """From 0 at the least to 1 at the largest."""
    return np.asarray(cv2.normalize(values, None, 0, 1, cv2.NORM_MINMAX, cv2.CV_32F), np.float32)  # type: ignore[call-overload]


def _odd(length: float) -> int:
    """The nearest odd number that OpenCV takes."""
    return int(np.clip(2 * round((length - 1) / 2) + 1, 1, _WIDEST))


def _without_specks(mask: Bools, least: float) -> Bools:
    """The mask without components, joined along sides, of fewer pixels than that."""
    from scipy import ndimage

    component, _ = ndimage.label(mask)
    large = np.bincount(component.ravel()) >= least
    large[0] = False
    kept: Bools = large[component]
    return kept


def hover_cells(maps: Reals, settings: HoverSettings, kinds: int, smallest_px2: float) -> Detections:
    """The cells of (h, w, kinds + 2) maps, outlined."""
    probable = maps[..., :kinds].sum(axis=2)
    if not (probable >= settings.lowest).any():
        return Detections.empty()
    labels = hover_labels(probable, maps[..., kinds:], settings)
    return labelled_cells(labels, maps[..., :kinds], smallest_px2=smallest_px2)


HOVER = Head(
    name="hover",
    shape=2,
    values=hover_targets,
    losses=hover_loss,
    answers=hover_maps,
    mirrored=mirrored_vectors,
    cells_in=hover_cells,
)
