"""Losses of maps, one value a patch: a loss of each pixel, the Dice loss of each class, or both."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from bmbench.adapters.unet.settings import UNetSettings

_RAREST = 1e-6
"""The least share of a class in a map that says the same everywhere: of 0 there is no logarithm."""


def map_loss(
    logits: torch.Tensor,
    target: torch.Tensor,
    weight: torch.Tensor,
    settings: UNetSettings,
    *,
    class_weight: Sequence[float],
    signed: bool = False,
) -> torch.Tensor:
    """(n,) weighted mean of the pixels' loss, plus `dice` times the Dice loss of the classes.

    Parameters
    ----------
    logits : (n, k, h, w)
        Of each class, relative to the background's 0.
    target : (n, k, h, w) in [0, 1]
        Probability of each class; the background has the rest.
    weight : (n, h, w)
        Pixels of weight 0 take no part.
    class_weight : k numbers
        How much a pixel of each class weighs in the pixels' loss; background weighs 1.
    signed : bool
        Whether targets run from −1 to 1.
    """
    loss = torch.zeros_like(weight[:, 0, 0])
    if settings.loss != "none":
        balance = 1 + sum((w - 1) * target[:, c].clamp_min(0) for c, w in enumerate(class_weight))
        counted = (weight * balance).sum(dim=(1, 2)).clamp_min(1.0)
        pixels = _pixel_loss(logits, target, settings, signed=signed)
        loss = (pixels * weight * balance).sum(dim=(1, 2)) / counted
    if settings.dice == 0:
        return loss
    return loss + settings.dice * dice_loss(shares(logits), target, weight, settings.cell_px)


def class_loss(logits: torch.Tensor, target: torch.Tensor, cell_weights: Sequence[float]) -> torch.Tensor:
    """(n,) cross-entropy of the classes on a patch's pixels of cells, weighted, divided by all its pixels.

    So divided, the cross-entropy of cell or background and that of the cell's class are together that of all
    classes and the background, which heads learn.

    Parameters
    ----------
    logits : (n, k, h, w)
        Of each class of cells.
    target : (n, k, h, w)
        1 in the cells of each class; nothing is learned where all are 0.
    cell_weights : k numbers
        What a pixel of each class weighs.
    """
    weight = torch.tensor(cell_weights, dtype=logits.dtype, device=logits.device)[:, None, None]
    pixels = -(weight * target * logits.log_softmax(dim=1)).sum(dim=1)
    return pixels.mean(dim=(1, 2))


def frequencies(mean: NDArray[np.float64], cell_weights: Sequence[float]) -> torch.Tensor:
    """(k,) logits that say of every cell how frequent its class is, by these means of the targets."""
    share = np.asarray(cell_weights) * mean
    return torch.from_numpy(np.log(np.maximum(share / max(share.sum(), _RAREST), _RAREST)))


def answers(logits: torch.Tensor, *, signed: bool) -> torch.Tensor:
    """(n, k, h, w) what the logits say of each class: its probability, or a number from −1 to 1."""
    return logits.tanh() if signed else shares(logits)


def constant_logits(mean: NDArray[np.float64], *, signed: bool) -> torch.Tensor:
    """(k,) logits of a map that says everywhere that mean of each class."""
    if signed:
        return torch.from_numpy(np.arctanh(np.clip(mean, _RAREST - 1, 1 - _RAREST)))
    share = np.maximum(mean, _RAREST)
    return torch.from_numpy(np.log(share / max(1 - share.sum(), _RAREST)))


def shares(logits: torch.Tensor) -> torch.Tensor:
    """(n, k, h, w) probability of each class, from logits relative to the background's 0."""
    if logits.shape[1] == 1:
        return logits.sigmoid()
    return _with_background(logits).softmax(dim=1)[:, 1:]


def _with_background(logits: torch.Tensor) -> torch.Tensor:
    return torch.cat([torch.zeros_like(logits[:, :1]), logits], dim=1)


def _pixel_loss(
    logits: torch.Tensor, target: torch.Tensor, settings: UNetSettings, *, signed: bool
) -> torch.Tensor:
    """(n, h, w) loss of each pixel: cross-entropy, or what regression of the answers takes."""
    if settings.loss == "squared":
        return (answers(logits, signed=signed) - target).square().sum(dim=1)
    if settings.loss == "absolute":
        return (answers(logits, signed=signed) - target).abs().sum(dim=1)
    return cross_entropy(logits, target)


def cross_entropy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """(n, h, w) cross-entropy of each pixel, from (n, k, h, w) logits and probabilities of each class."""
    if logits.shape[1] == 1:
        return functional.binary_cross_entropy_with_logits(logits[:, 0], target[:, 0], reduction="none")
    label = torch.cat([1 - target.sum(dim=1, keepdim=True), target], dim=1)
    return -(label * _with_background(logits).log_softmax(dim=1)).sum(dim=1)


def dice_loss(
    value: torch.Tensor, target: torch.Tensor, weight: torch.Tensor, cell_px: float
) -> torch.Tensor:
    """(n,) mean over the classes of the soft Dice loss (Milletari et al., 3DV 2016).

    Smoothed by the area of one cell, so that a patch without cells asks for an empty map and not for a
    perfect one.
    """
    value = value * weight[:, None]
    smooth = cell_px**2 / 4
    shared = (value * target).sum(dim=(2, 3))
    total = value.sum(dim=(2, 3)) + (target * weight[:, None]).sum(dim=(2, 3))
    return (1 - (2 * shared + smooth) / (total + smooth)).mean(dim=1)
