"""Which object each pixel of a patch belongs to, beyond the patch's edge too: what heads are taught of.

A distance along a ray, a centre or a flow is no function of depth, and turns or stretches with its picture.
So these targets are computed of the annotations after they were moved into a patch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from bmbench.adapters.unet.encodings.depth_map import DepthMap, Reals, depth_map, ignored_regions
from bmbench.core.objects import moved
from bmbench.core.types import Annotations, Bools, Ints, Role


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ObjectMap:
    """The objects of one patch, and of a margin around it, so that those at its edge are whole.

    Attributes
    ----------
    drawn : function that returns DepthMap
        Owner and depth of each pixel, the margin's too; drawn when first asked for.
    annotations : Annotations
        In pixels of that larger part.
    kind : (n,) int64
        The channel of each object's kind: classes of cells, then artefacts; −1: not to be learned.
    margin : int
        Pixels on each side.
    weight : (h, w) float32
        0 on ignored objects and regions of the patch, else 1.
    """

    drawn: Callable[[], DepthMap]
    annotations: Annotations
    kind: Ints
    margin: int
    weight: Reals

    @property
    def depths(self) -> DepthMap:
        """Owner and depth of each pixel, the margin's too."""
        return self.drawn()

    @property
    def taught(self) -> Bools:
        """Where objects that are to be learned lie, the margin's too."""
        return np.append(False, self.kind >= 0)[self.depths.owner]

    def inner(self, whole: Any) -> Any:
        """The patch itself of (…, h, w) maps with the margin."""
        return _without(self.margin, whole)


def object_map(
    annotations: Annotations, size: tuple[int, ...], label: Ints, *, artefacts: bool, margin: int
) -> ObjectMap:
    """The objects of a patch of (height, width); `label` is what a detector shall say of each of them.

    Overlapping circles are cut apart. Artefacts are background where they are no class.
    """
    height, width = (length + 2 * margin for length in size)
    around = moved(annotations, np.full(2, float(margin)))
    drawn = cache(partial(depth_map, around, height, width, artefacts=artefacts))
    kind = np.where(annotations.role == Role.IGNORE, -1, label)
    ignored = np.zeros((height, width), bool)
    if (annotations.role == Role.IGNORE).any():
        ignored = np.append(False, annotations.role == Role.IGNORE)[drawn().owner]
    if annotations.region.any():
        ignored |= ignored_regions(around, height, width)
    weight = (~ignored).astype(np.float32)
    return ObjectMap(
        drawn=drawn, annotations=around, kind=kind, margin=margin, weight=_without(margin, weight)
    )


def _without(margin: int, whole: Any) -> Any:
    """The inner part of (…, h, w) maps."""
    return whole[..., margin:-margin, margin:-margin] if margin else whole
