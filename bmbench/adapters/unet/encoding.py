"""What makes one U-Net method different from another: its target, its loss, its map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from bmbench.adapters.unet.depth import DepthMap, Reals
from bmbench.adapters.unet.settings import UNetSettings
from bmbench.core.registry import Registry
from bmbench.core.types import Annotations

if TYPE_CHECKING:
    import torch

Loss: TypeAlias = "Callable[[torch.Tensor, torch.Tensor, torch.Tensor, UNetSettings], torch.Tensor]"
"""(logits (n, k, h, w), target (n, h, w), weight (n, h, w), settings) → (n,) loss of each patch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the network shall say about one image, and where it matters.

    Attributes
    ----------
    value : (h, w) float32
    weight : (h, w) float32
        0 where the loss must not look.
    """

    value: Reals
    weight: Reals


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoding:
    """One way to teach cells to a U-Net.

    Attributes
    ----------
    outputs : int
        Channels of the network's logits.
    target : (depth map, its annotations, settings) → Target
    loss : Loss
    foreground : logits (n, k, h, w) → (n, h, w) map in [0, 1] that the segmentation reads
    grow_px : settings → float
        How far, in pixels at working scale, an object of the map lies inside its cell.
    """

    outputs: int
    target: Callable[[DepthMap, Annotations, UNetSettings], Target]
    loss: Loss
    foreground: Callable[[torch.Tensor], torch.Tensor]
    grow_px: Callable[[UNetSettings], float]


ENCODINGS: Registry[Encoding] = Registry("encoding", (("shrink", "bmbench.adapters.unet.shrink:ENCODING"),))
