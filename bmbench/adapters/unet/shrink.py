"""Eroded shapes as foreground: touching cells become separate kernels (design of `unet_shrink`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bmbench.adapters.unet.encoding import Encoding, Target
from bmbench.adapters.unet.losses import overlap_loss
from bmbench.core.types import Role

if TYPE_CHECKING:
    import torch

    from bmbench.adapters.unet.depth import DepthMap
    from bmbench.adapters.unet.settings import UNetSettings
    from bmbench.core.types import Annotations


def target(depths: DepthMap, annotations: Annotations, settings: UNetSettings) -> Target:
    """1 where a cell is deeper than the erosion, 0 elsewhere; no weight on ignored objects.

    A circle shrinks concentrically. A cell that is shallower than the erosion would vanish; it is eroded
    by `keep` of its own depth instead.
    """
    if not len(annotations):
        return Target(value=np.zeros_like(depths.depth), weight=np.ones_like(depths.depth))
    limit = np.minimum(grow_px(settings), settings.keep * depths.deepest).astype(np.float32)
    row = depths.owner - 1
    owned = row >= 0
    cell = owned & (annotations.role[row] == Role.CELL)
    ignored = owned & (annotations.role[row] == Role.IGNORE)
    kernel = cell & (depths.depth > limit[row])
    return Target(value=kernel.astype(np.float32), weight=(~ignored).astype(np.float32))


def grow_px(settings: UNetSettings) -> float:
    """The erosion in pixels at working scale, to be undone in every object."""
    return settings.shrink * settings.cell_px


def foreground(logits: torch.Tensor) -> torch.Tensor:
    """Probability of the kernel."""
    return logits[:, 0].sigmoid()


ENCODING = Encoding(outputs=1, target=target, loss=overlap_loss, foreground=foreground, grow_px=grow_px)
