"""Losses of maps, one value a patch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

if TYPE_CHECKING:
    import torch

    from bmbench.adapters.unet.settings import UNetSettings


def overlap_loss(
    logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor, settings: UNetSettings
) -> torch.Tensor:
    """(n,) weighted cross-entropy plus `dice` times the soft Dice loss (Milletari et al., 3DV 2016).

    Pixels of weight 0 take no part. The Dice loss of a patch is smoothed by the area of one cell, so that
    a patch without cells asks for an empty map and not for a perfect one.
    """
    logit = logits[:, 0]
    balance = 1 + (settings.foreground_weight - 1) * target
    entropy = functional.binary_cross_entropy_with_logits(logit, target, reduction="none")
    counted = (weight * balance).sum(dim=(1, 2)).clamp_min(1.0)
    cross_entropy = (entropy * weight * balance).sum(dim=(1, 2)) / counted
    if settings.dice == 0:
        return cross_entropy
    value = logit.sigmoid() * weight
    smooth = settings.cell_px**2 / 4
    shared = (value * target).sum(dim=(1, 2))
    total = value.sum(dim=(1, 2)) + (target * weight).sum(dim=(1, 2))
    return cross_entropy + settings.dice * (1 - (2 * shared + smooth) / (total + smooth))
