"""What knowing nothing costs: a yardstick that makes validation losses of different settings comparable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bmbench.adapters.unet.encodings.encoding import Encoding
    from bmbench.adapters.unet.sampling import Patch
    from bmbench.adapters.unet.settings import UNetSettings

_RAREST = 1e-6


def ignorant_loss(patches: Sequence[Patch], *, encoding: Encoding, settings: UNetSettings) -> float:
    """Mean loss over the patches of a map that says everywhere how frequent each class is in them.

    Frequencies are weighted as the loss weighs pixels: then no other constant map has a smaller
    cross-entropy, or squared error.
    """
    value = np.stack([patch.target.value for patch in patches]).astype(np.float64)
    weight = np.stack([patch.target.weight for patch in patches]).astype(np.float64)
    balance = 1 + sum((w - 1) * value[:, c] for c, w in enumerate(encoding.class_weight(settings)))
    pixel = weight * balance
    share = np.maximum((value * pixel[:, None]).sum(axis=(0, 2, 3)) / max(pixel.sum(), 1.0), _RAREST)
    logit = torch.from_numpy(np.log(share / max(1 - share.sum(), _RAREST)))
    losses = []
    for patch in patches:
        target = torch.from_numpy(patch.target.value)[None]
        constant = logit[None, :, None, None].expand(target.shape).to(target.dtype)
        losses.append(encoding.loss(constant, target, torch.from_numpy(patch.target.weight)[None], settings))
    return float(torch.cat(losses).mean())
