"""What an encoding is given of an object's pixels, and what it makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from bmbench.adapters.learning.fit_request import ForegroundCurve
from bmbench.adapters.unet.encodings.depth_map import Reals
from bmbench.adapters.unet.settings import UNetSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetMap:
    """What the network shall say about one image, and where it matters.

    Attributes
    ----------
    value : (k, h, w) float32 in [0, 1]
        Probability of each class but the background, which has the rest; where an encoding is signed, the
        answer in [−1, 1] that is wanted of each. Then, where classes of cells are told apart, 1 in the cells
        of each.
    weight : (h, w) float32
        0 where the loss must not look.
    """

    value: Reals
    weight: Reals


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectPixels:
    """The m pixels of an image that lie in a cell or an artefact.

    Attributes
    ----------
    depth : (m,) float32, pixels at working scale
        Distance to the outline.
    deepest : (m,) float32, pixels
        Largest depth of the same object.
    settings : UNetSettings
    curve : ForegroundCurve or None
        How likely foreground is at a depth, for the encodings that use it.
    """

    depth: Reals
    deepest: Reals
    settings: UNetSettings
    curve: ForegroundCurve | None = None

    @property
    def normalised(self) -> Reals:
        """(m,) depth as a fraction of the object's largest: 0 at the outline, 1 at the deepest pixel."""
        depth: Reals = np.minimum(self.depth / self.deepest, np.float32(1))
        return depth


@dataclass(frozen=True, slots=True, kw_only=True)
class Regrowth:
    """How much larger a cell is than its object in the map.

    By some pixels at working scale, and by a share of the object's own inner radius.
    """

    px: float = 0.0
    share: float = 0.0


PixelTargets: TypeAlias = Callable[[ObjectPixels], tuple[Reals, Reals]]
"""m pixels → (channels, m) values and (m,) weights."""
