"""Targets that turn and move with the picture: the levels of all pixels, computed once for a whole image.

A map that keeps angles turns depth with the picture, and a target is a function of depth. So the levels of
an image (`Levels`) are stored beside its colours, eight bits a pixel, sampled with them through the same map,
and a patch's target is looked up. Where a view is larger or smaller than its image, an erosion is too.

Eight bits tell levels apart that differ by 1/16 px or more finely at a mean cell of 40 px, or by 1/204 of a
cell's depth. On both sides of an outline pixels have levels, so that one between them is where it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bmbench.adapters.images.working_scale import TrainingImage
from bmbench.adapters.unet.encodings.cell_classes import class_codes, class_planes
from bmbench.adapters.unet.encodings.depth_map import DepthMap, Reals, ignored_regions
from bmbench.adapters.unet.encodings.encoding import Encoding, depths_of
from bmbench.adapters.unet.encodings.object_pixels import ObjectPixels, TargetMap
from bmbench.adapters.unet.settings import UNetSettings
from bmbench.core.objects import moved
from bmbench.core.types import Annotations, Bools, Floats, Ints, Pixels, Role

BEYOND_PX = 2.0
"""So far outside of an object its pixels have levels: more than any that is sampled with one inside."""
IGNORED = 255
"""Where nothing is learned."""
_BAND_PX = 4_000_000
"""Pixels whose depths are in memory at once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelledImage:
    """A training image with the levels of its pixels.

    Attributes
    ----------
    image : (h, w, 4) uint8
        Red, green, blue, and the coded level as a cell.
    artefact : (h, w) uint8 or None
        The coded level as an artefact, where these are a class and there are some.
    ignored : (h, w) uint8 or None
        `IGNORED` or 0; None where nothing is ignored.
    named : (h, w) uint8 or None
        The code of the class of each pixel's cell, or 0; None where classes are not told apart.
    """

    image: Pixels
    artefact: Pixels | None = None
    ignored: Pixels | None = None
    named: Pixels | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LookUp:
    """The target of each coded level.

    Attributes
    ----------
    zero, codes : int, float
        The first code whose levels lie above 0; codes a unit of level.
    value : (k, 256) float32
        Of the classes of a cell's own pixels.
    weight : (256,) float32 or None
        None: all weigh 1.
    outputs : int
        Classes of the map in all.
    cells : int
        Labels of cells; above 1 they have planes of their own after the map's.
    """

    zero: int
    codes: float
    value: Reals
    weight: Reals | None
    outputs: int
    cells: int

    @classmethod
    def of(cls, encoding: Encoding, settings: UNetSettings) -> LookUp:
        """The table of an encoding with these settings."""
        least, most = encoding.levels.limits(settings)
        zero = round(-255 * least / (most - least))
        codes = zero / -least
        level = ((np.arange(256) + 0.5 - zero) / codes).astype(np.float32)
        depth, deepest = encoding.levels.pixels(level, settings)
        inside = depth > 0
        value = np.zeros((len(encoding.channels), 256), np.float32)
        weight = np.ones(256, np.float32)
        value[:, inside], weight[inside] = encoding.pixel_targets(
            ObjectPixels(
                depth=depth[inside], deepest=deepest[inside], settings=settings, curve=encoding.curve
            )
        )
        alike = bool((weight == 1).all())
        return cls(
            zero=zero,
            codes=codes,
            value=value,
            weight=None if alike else weight,
            outputs=len(encoding.classes),
            cells=encoding.cells,
        )

    def coded(self, level: Reals) -> Pixels:
        """The codes of levels; what lies beyond the first or the last has that."""
        codes: Pixels = np.clip(np.floor(level * self.codes + self.zero), 0, 255).astype(np.uint8)
        return codes

    def target(
        self,
        cell: Pixels,
        artefact: Pixels | None,
        ignored: Pixels | None,
        named: Pixels | None = None,
    ) -> TargetMap:
        """The target of a patch from its (h, w) codes, after they were sampled."""
        import cv2

        value = np.zeros((self.outputs, *cell.shape), np.float32)
        for own, table in zip(value, self.value, strict=False):
            cv2.LUT(cell, table, own)
        weight = None if self.weight is None else cv2.LUT(cell, self.weight)
        if artefact is not None:
            cv2.LUT(artefact, self.value[0], value[-1])
            for own, table in zip(value[1:-1], self.value[1:], strict=True):
                np.maximum(own, cv2.LUT(artefact, table), out=own)
            if weight is not None and self.weight is not None:
                weight = np.minimum(weight, cv2.LUT(artefact, self.weight))
        if ignored is not None:
            counted = cv2.LUT(ignored, _COUNTED)
            weight = counted if weight is None else cv2.multiply(weight, counted)
        if weight is None:
            weight = np.ones(cell.shape, np.float32)
        if named is not None:
            value = np.concatenate([value, class_planes(named, self.cells)])
        return TargetMap(value=value, weight=np.asarray(weight, np.float32))


_COUNTED = (np.arange(256) != IGNORED).astype(np.float32)


def levelled(
    one: TrainingImage, *, encoding: Encoding, settings: UNetSettings, look_up: LookUp
) -> LevelledImage:
    """The image with the levels of its pixels, computed in bands of rows that memory can hold."""
    height, width = one.image.shape[:2]
    cell, artefact, ignored, named = (np.zeros((height, width), np.uint8) for _ in range(4))
    for rows, near in _bands(one.annotations, height, width):
        size = (rows.stop - rows.start, width)
        depths = depths_of(near, size, encoding=encoding, settings=settings, beyond=BEYOND_PX)
        owned = np.flatnonzero(depths.owner)
        role = near.role[depths.owner.ravel()[owned] - 1]
        for plane, kind in ((cell, Role.CELL), (artefact, Role.ARTEFACT)):
            level = _levels(depths, owned, role == kind, encoding=encoding, settings=settings)
            plane[rows].ravel()[owned] = look_up.coded(level)
        inside = owned[(role == Role.IGNORE) & (depths.depth.ravel()[owned] > 0)]
        ignored[rows].ravel()[inside] = IGNORED
        if encoding.cells > 1:
            named[rows] = class_codes(depths, near, encoding.cells)
        if near.region.any():
            ignored[rows][ignored_regions(near, *size)] = IGNORED
            named[rows][ignored[rows] == IGNORED] = 0
    return LevelledImage(
        image=np.dstack([one.image, cell]),
        artefact=artefact if encoding.artefacts and (one.annotations.role == Role.ARTEFACT).any() else None,
        ignored=ignored if ignored.any() else None,
        named=named if encoding.cells > 1 else None,
    )


def _levels(
    depths: DepthMap, owned: Ints, own: Bools, *, encoding: Encoding, settings: UNetSettings
) -> Reals:
    """The levels of owned pixels as of one kind: those of another are as far outside as they are inside."""
    depth = depths.depth.ravel()[owned]
    outside = np.where(depth > 0, -depth, np.float32(depths.outside))
    deepest = depths.deepest[depths.owner.ravel()[owned] - 1]
    return encoding.levels.of(np.where(own, depth, outside), deepest, settings)


def _bands(annotations: Annotations, height: int, width: int) -> Iterator[tuple[slice, Annotations]]:
    """Rows of an image, and the annotations that matter there, in pixels of that part."""
    step = max(1, _BAND_PX // width)
    top, bottom = _extent(annotations).T
    # Of two that overlap only one may reach into the band, and its border comes from both.
    reach = float((bottom - top).max(initial=0.0)) + BEYOND_PX
    for first in range(0, height, step):
        rows = slice(first, min(first + step, height))
        near = annotations
        if step < height:
            near = annotations.take((bottom > first - reach) & (top < rows.stop + reach))
        yield rows, moved(near, np.array([0.0, -first])) if first else near


def _extent(annotations: Annotations) -> Floats:
    """(n, 2) the highest and the lowest y of every object's box and circle."""
    middle, radius = annotations.circle[:, 1], annotations.circle[:, 2]
    round_one = np.column_stack([middle - radius, middle + radius])
    box = annotations.box[:, [1, 3]]
    has_circle = (radius > 0)[:, None]
    highest = np.where(has_circle, np.minimum(box, round_one), box)[:, :1]
    lowest = np.where(has_circle, np.maximum(box, round_one), box)[:, 1:]
    return np.hstack([highest, lowest])
