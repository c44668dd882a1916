"""One number a pixel that a target can be looked up by, whatever the size of its object."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bmbench.adapters.unet.encodings.depth_map import Reals
from bmbench.adapters.unet.settings import UNetSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """One number a pixel that says all that its target needs, on one scale for objects of all sizes.

    A level rises with a pixel's depth in its object, and equal levels have equal targets. So it is what turns
    and moves with a picture, what is stored beside it, and what a target is looked up by.

    Attributes
    ----------
    of : (depth, deepest, settings) → reals
        The levels of pixels; depth below 0 is that far outside of the object.
    pixels : (levels, settings) → (depth, deepest)
        Pixels of some object that have these levels.
    limits : settings → (least, most)
        The levels between which targets differ, with those of the pixels next to them; 0 lies between.
    """

    of: Callable[[Reals, Reals, UNetSettings], Reals]
    pixels: Callable[[Reals, UNetSettings], tuple[Reals, Reals]]
    limits: Callable[[UNetSettings], tuple[float, float]]


def _share_of_depth(depth: Reals, deepest: Reals, _: UNetSettings) -> Reals:
    """Depth as a fraction of the object's largest."""
    return (depth / np.maximum(deepest, 1e-3)).astype(np.float32)


def _of_share(level: Reals, settings: UNetSettings) -> tuple[Reals, Reals]:
    radius = np.full_like(level, settings.cell_px / 2)
    return level * radius, radius


SHARES = Levels(of=_share_of_depth, pixels=_of_share, limits=lambda _: (-0.25, 1.0))
"""Levels from 0 at the outline to 1 at the deepest pixel."""
