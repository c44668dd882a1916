"""Drawn slides whose countable, thick, thin, blurred and crushed zones are known.

A smear is not alike everywhere. Each zone is a block of smears of one kind: cells in a single layer; cells
piled upon each other in a dense film; hardly any cells; cells in a single layer that lie out of focus; cells
that the spreading burst. Only the first kind is what a laboratory counts in. Around them there is glass.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmbench.core.types import Annotations, Pixels
from bmbench.datasets.synthetic.kinds import ARTEFACT_KINDS, CELL_KINDS, MEAN_CELL_UM
from bmbench.datasets.synthetic.mosaic import Mosaic
from bmbench.datasets.synthetic.render import render
from bmbench.datasets.synthetic.scene import (
    LOOSE,
    MARGIN_UM,
    OBJECTS_PER_UM2,
    Crowding,
    PlacedObject,
    Scene,
    free_place,
    red_cells,
    scaled,
    settle,
)
from bmbench.datasets.synthetic.stain import SlideStain, slide

CELL_PX = 44.0
GLASS = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """How a zone differs from the slide that it lies on.

    Attributes
    ----------
    cells, reds : float
        Density of nucleated objects and of red cells, relative to the slide.
    haze, blur_px : float
        What is added to the film of plasma, and to the standard deviation of the blur.
    burst : float
        Share of the nucleated objects that are artefacts: smudge cells and damaged ones.
    """

    cells: float
    reds: float = 1.0
    haze: float = 0.0
    blur_px: float = 0.0
    burst: float = 0.08
    crowding: Crowding = LOOSE


_PILED = Crowding(attached=0.4, closest=0.35, slides_under=0.9)
ZONES = {
    "countable": Zone(cells=1.0),
    "thick": Zone(cells=4.0, reds=1.6, haze=0.1, crowding=_PILED),
    "thin": Zone(cells=0.1, reds=0.4),
    "blurred": Zone(cells=1.15, blur_px=3.2),
    "crushed": Zone(cells=1.6, burst=0.85),
}
"""The first is countable, the others are not."""


def zoned_slide(seed: int, *, blocks: int = 6, block_patches: int = 2, patch_px: int = 700) -> ZonedSlide:
    """A square slide of `blocks` × `blocks` zones, each of `block_patches` × `block_patches` smears."""
    rng = np.random.default_rng([seed, 26])
    stain = dataclasses.replace(slide(seed, seed), rim_px=0.0)
    smears = [
        _smear(seed, number, zone, stain, patch_px) for zone in range(len(ZONES)) for number in range(2)
    ]
    kinds = np.arange(blocks * blocks - 4) % len(ZONES)
    inner = np.concatenate([rng.permutation(kinds), np.full(4, GLASS)])
    corners = [0, blocks - 1, blocks * (blocks - 1), blocks * blocks - 1]
    zones = np.full(blocks * blocks, GLASS)
    zones[np.setdiff1d(np.arange(blocks * blocks), corners)] = inner[:-4]
    zones = zones.reshape(blocks, blocks).repeat(block_patches, axis=0).repeat(block_patches, axis=1)
    places = np.where(zones == GLASS, -1, 2 * zones + rng.integers(0, 2, zones.shape))
    glass = np.clip(np.rint(255 * stain.light + rng.normal(0, 1.5, (patch_px, patch_px, 3))), 0, 255)
    return ZonedSlide(
        mosaic=Mosaic(
            smears=tuple((pixels, Annotations.empty()) for pixels in smears),
            places=places,
            turns=rng.integers(0, 8, zones.shape),
            glass=glass.astype(np.uint8),
            um_per_px=MEAN_CELL_UM / CELL_PX,
        ),
        zones=zones,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZonedSlide:
    """A slide, and which zone each of its smears is of.

    Attributes
    ----------
    zones : (rows, columns) int64
        Number of the zone in `ZONES`; -1 for glass.
    """

    mosaic: Mosaic
    zones: NDArray[np.int64]

    def shares(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        """(zones + 1,) the area of (n, 4) boxes in each zone, glass last, as shares of all of it."""
        side = self.mosaic.patch_px
        area = np.zeros(len(ZONES) + 1)
        for (row, column), zone in np.ndenumerate(self.zones):
            wide = np.minimum(boxes[:, 2], (column + 1) * side) - np.maximum(boxes[:, 0], column * side)
            high = np.minimum(boxes[:, 3], (row + 1) * side) - np.maximum(boxes[:, 1], row * side)
            area[zone] += (np.clip(wide, 0, None) * np.clip(high, 0, None)).sum()
        return area / max(area.sum(), 1e-9)


def _smear(seed: int, number: int, zone: int, stain: SlideStain, size_px: int) -> Pixels:
    here = tuple(ZONES.values())[zone]
    px_per_um = CELL_PX / MEAN_CELL_UM
    key = (seed, 26, zone, number)
    rng = np.random.default_rng(key)
    objects = _place(rng, size_px / px_per_um, here, stain.cells)
    things = settle(rng, objects, px_per_um, here.crowding)
    reds = red_cells(rng, objects, size_px / px_per_um, here.reds * stain.reds)
    there = dataclasses.replace(stain, haze=stain.haze + here.haze, focus_px=stain.focus_px + here.blur_px)
    return render(
        Scene(
            key=key,
            size_px=size_px,
            px_per_um=px_per_um,
            slide=there,
            things=tuple(things),
            reds=tuple((scaled(outline, px_per_um), over) for outline, over in reds),
        )
    )


def _place(rng: np.random.Generator, size_um: float, here: Zone, density: float) -> list[PlacedObject]:
    low, high = -MARGIN_UM, size_um + MARGIN_UM
    objects: list[PlacedObject] = []
    for _ in range(rng.poisson(OBJECTS_PER_UM2 * density * here.cells * (high - low) ** 2)):
        kinds = ARTEFACT_KINDS if rng.uniform() < here.burst else CELL_KINDS
        weights = np.array([kind.weight for kind in kinds])
        kind = kinds[rng.choice(len(kinds), p=weights / weights.sum())]
        radius = max(rng.normal(kind.um, kind.um_sd), 0.6 * kind.um) / 2
        xy = free_place(rng, objects, radius, (low, high), here.crowding)
        if xy is not None:
            objects.append(PlacedObject(kind, xy, radius))
    return objects
