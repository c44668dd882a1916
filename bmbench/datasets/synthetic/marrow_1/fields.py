"""Where everything lies on one field of view of `marrow_1`."""

from __future__ import annotations

import numpy as np

from bmbench.datasets.synthetic.kinds import MEAN_CELL_UM, Kind
from bmbench.datasets.synthetic.marrow_1.objects import PLACED
from bmbench.datasets.synthetic.scene import (
    GOLDEN,
    MARGIN_UM,
    Crowding,
    PlacedObject,
    Scene,
    free_place,
    red_cells,
    scaled,
    settle,
)
from bmbench.datasets.synthetic.stain import SlideStain

SIZE_PX = 352
CELL_PX = 28.0
"""Mean cell diameter."""
OBJECTS_PER_UM2 = 1.65e-3
CROWDING = Crowding(attached=0.7, closest=0.73, slides_under=0.35)
"""Closer than on other synthetic smears: one cell often lies over another."""
_SHARES = np.array([share for share, _ in PLACED.values()])


def compose_field(part: int, number: int, slide: SlideStain, *, size_px: int = SIZE_PX) -> Scene:
    """Field `number` of a part of the set, on a slide of that stain."""
    px_per_um = CELL_PX / MEAN_CELL_UM
    key = (1, 7, part, number, size_px)
    rng = np.random.default_rng(key)
    size_um = size_px / px_per_um
    objects = _place(rng, size_um, slide.cells)
    things = settle(rng, objects, px_per_um, CROWDING)
    reds = red_cells(rng, objects, size_um, slide.reds)
    return Scene(
        key=key,
        size_px=size_px,
        px_per_um=px_per_um,
        slide=slide,
        things=tuple(things),
        reds=tuple((scaled(outline, px_per_um), over) for outline, over in reds),
    )


def _place(rng: np.random.Generator, size_um: float, density: float) -> list[PlacedObject]:
    """Kinds, centres and radii; shares come out as stated over many fields, and nearly so on each."""
    low, high = -MARGIN_UM, size_um + MARGIN_UM
    n = int(rng.poisson(OBJECTS_PER_UM2 * density * (high - low) ** 2))
    offset = rng.uniform()
    wanted = (offset + np.arange(n) * GOLDEN) % 1
    groups = np.searchsorted(np.cumsum(_SHARES) / _SHARES.sum(), wanted, side="right")
    # The large ones first: they would find no place between the others.
    objects: list[PlacedObject] = []
    for group in sorted(groups.tolist(), key=lambda group: list(PLACED)[group] != "megakaryocytes"):
        kind = _kind(rng, tuple(PLACED.values())[group][1])
        radius = max(rng.normal(kind.um, kind.um_sd), 0.6 * kind.um) / 2
        xy = free_place(rng, objects, radius, (low, high), CROWDING)
        if xy is not None:
            objects.append(PlacedObject(kind, xy, radius))
    return objects


def _kind(rng: np.random.Generator, kinds: tuple[Kind, ...]) -> Kind:
    weights = np.array([kind.weight for kind in kinds])
    return kinds[rng.choice(len(kinds), p=weights / weights.sum())]
