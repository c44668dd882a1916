"""Where everything lies on one image, and what of it is annotated.

Objects are placed in µm-scaled pixels on an area a little larger than the image, so that cells are cut by
the border as they are in a patch of a slide. An object is annotated with its *visible* outline: what
neighbours hide and what lies outside the image does not belong to it. An object of which less than
`VISIBLE` lies inside the image is a sliver that no expert could name: it is annotated as ignored.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bmbench.core.geometry import ring_area, rings_box
from bmbench.core.types import Annotations, Category, Floats, Rings, Role
from bmbench.datasets.synthetic.kinds import (
    ARTEFACT_KINDS,
    CATEGORIES,
    CELL_KINDS,
    CLUMP,
    MEAN_CELL_UM,
    RED_CELL_UM,
    SMUDGE,
    Kind,
)
from bmbench.datasets.synthetic.outline import Outline, cut, grow, hide, press
from bmbench.datasets.synthetic.stain import SlideStain, slide

ARTEFACT_SHARE = 0.4
VISIBLE = 0.25
"""Share of an object's area that must lie inside the image for it to count."""
OBJECTS_PER_UM2 = 1.35e-3
REDS_PER_UM2 = 9e-3
MARGIN_UM = 13.0
ATTACHED = 0.7
"""Share of objects that are placed touching another one: what makes clusters."""
CLOSEST = 0.8
"""Least distance of two centres, relative to the sum of their radii."""
GOLDEN = 0.6180339887498949


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Thing:
    """One nucleated cell or artefact: its kind and its visible outline."""

    kind: Kind
    outline: Outline


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """Everything that lies on one image.

    Attributes
    ----------
    key : tuple of int
        What random streams of this image start from.
    things : tuple of Thing
        Annotated kinds, none overlapping another.
    reds : tuple of (Outline, over)
        Red cells; `over` is True where one lies above the nucleated cells.
    """

    key: tuple[int, ...]
    size_px: int
    px_per_um: float
    slide: SlideStain
    things: tuple[Thing, ...]
    reds: tuple[tuple[Outline, bool], ...]


def compose(*, seed: int, number: int, size_px: int, cell_px: float) -> Scene:
    """The scene of image `number`; the same for every number of images asked for."""
    px_per_um = cell_px / MEAN_CELL_UM
    here = slide(seed, number)
    key = (seed, 3, number, size_px, round(cell_px * 1000))
    rng = np.random.default_rng(key)
    seeds = _place(rng, size_px / px_per_um, here.cells)
    things = settle(rng, seeds, px_per_um)
    reds = red_cells(rng, seeds, size_px / px_per_um, here.reds)
    return Scene(
        key=key,
        size_px=size_px,
        px_per_um=px_per_um,
        slide=here,
        things=tuple(things),
        reds=tuple((scaled(outline, px_per_um), over) for outline, over in reds),
    )


def annotate(scene: Scene, categories: Sequence[Category] = CATEGORIES) -> Annotations:
    """The annotations of a scene: visible outlines, cut at the border, with their boxes."""
    contours: list[Rings] = []
    labels: list[int] = []
    roles: list[int] = []
    for thing in scene.things:
        rings = cut(thing.outline.points, scene.size_px, scene.size_px)
        rings = tuple(ring for ring in rings if ring_area(ring) >= 1.0)
        if not rings:
            continue
        share = sum(map(ring_area, rings)) / ring_area(thing.outline.points)
        role = Role.ARTEFACT if thing.kind.category.artefact else Role.CELL
        contours.append(rings)
        labels.append(categories.index(thing.kind.category))
        roles.append(role if share >= VISIBLE else Role.IGNORE)
    if not contours:
        return Annotations.empty()
    box = np.stack([rings_box(rings) for rings in contours])
    return Annotations.of(
        xy=(box[:, :2] + box[:, 2:]) / 2,
        box=box,
        contour=tuple(contours),
        label=np.array(labels, np.int64),
        role=np.array(roles, np.int64),
    )


@dataclass(frozen=True, slots=True)
class PlacedObject:
    """One object before its outline is drawn: kind, centre and radius in µm."""

    kind: Kind
    xy: Floats
    radius: float


def _place(rng: np.random.Generator, size: float, density: float) -> list[PlacedObject]:
    """Kinds, centres and radii (µm), none with its centre inside another."""
    low, high = -MARGIN_UM, size + MARGIN_UM
    n = int(rng.poisson(OBJECTS_PER_UM2 * density * (high - low) ** 2))
    offset = rng.uniform()
    seeds: list[PlacedObject] = []
    for k in range(n):
        kinds = ARTEFACT_KINDS if (offset + k * GOLDEN) % 1 < ARTEFACT_SHARE else CELL_KINDS
        weights = np.array([kind.weight for kind in kinds])
        kind = kinds[rng.choice(len(kinds), p=weights / weights.sum())]
        radius = max(rng.normal(kind.um, kind.um_sd), 0.6 * kind.um) / 2
        xy = free_place(rng, seeds, radius, (low, high))
        if xy is not None:
            seeds.append(PlacedObject(kind, xy, radius))
    return seeds


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowding:
    """How close objects lie: the share that is placed touching another, and how near two centres may come."""

    attached: float = ATTACHED
    closest: float = CLOSEST
    slides_under: float = 0.3


LOOSE = Crowding()


def free_place(
    rng: np.random.Generator,
    seeds: list[PlacedObject],
    radius: float,
    bounds: tuple[float, float],
    crowding: Crowding = LOOSE,
) -> Floats | None:
    """Where (µm) an object of that radius fits between those that lie there; None if nowhere was found."""
    attach = bool(seeds) and rng.uniform() < crowding.attached
    centres = np.array([seed.xy for seed in seeds]).reshape(-1, 2)
    radii = np.array([seed.radius for seed in seeds])
    for attempt in range(40):
        if attach and attempt < 20:
            near = seeds[int(rng.integers(len(seeds)))]
            angle = rng.uniform(0, 2 * np.pi)
            step = (near.radius + radius) * rng.uniform(crowding.closest, 1.02)
            xy = near.xy + step * np.array([np.cos(angle), np.sin(angle)])
        else:
            xy = rng.uniform(*bounds, 2)
        if xy.min() < bounds[0] or xy.max() > bounds[1]:
            continue
        if (np.hypot(*(centres - xy).T) >= crowding.closest * (radii + radius)).all():
            return np.asarray(xy)
    return None


def settle(
    rng: np.random.Generator, seeds: list[PlacedObject], px_per_um: float, crowding: Crowding = LOOSE
) -> list[Thing]:
    """Outlines that press against or slide under their neighbours, from the topmost down."""
    order = sorted(
        range(len(seeds)), key=lambda i: (seeds[i].kind.category in (SMUDGE, CLUMP), rng.uniform())
    )
    seeds = [seeds[i] for i in order]
    full = [
        grow(rng, s.xy * px_per_um, s.radius * px_per_um, oblong=s.kind.oblong, rough=s.kind.rough)
        for s in seeds
    ]
    slides_under = rng.uniform(size=(len(seeds), len(seeds))) < crowding.slides_under
    settled: list[Outline] = []
    for i, outline in enumerate(full):
        for j in _within_reach(full, i):
            loose = {seeds[i].kind.category, seeds[j].kind.category} & {SMUDGE, CLUMP}
            if not loose and not slides_under[max(i, j), min(i, j)]:
                outline = press(outline, full[i], full[j], gap=0.12 * px_per_um, bend=0.9 * px_per_um)  # noqa: PLW2901
        for j in _within_reach(full, i):
            if j < i:
                outline = hide(outline, settled[j])  # noqa: PLW2901
        settled.append(outline)
    return [Thing(kind=s.kind, outline=outline) for s, outline in zip(seeds, settled, strict=True)]


def _within_reach(outlines: list[Outline], i: int) -> list[int]:
    centres = np.array([outline.centre for outline in outlines])
    reach = np.array([outline.radius.max() for outline in outlines])
    near = np.hypot(*(centres - centres[i]).T) < reach + reach[i]
    near[i] = False
    return [int(j) for j in np.flatnonzero(near)]


def red_cells(
    rng: np.random.Generator, seeds: list[PlacedObject], size: float, density: float
) -> list[tuple[Outline, bool]]:
    """Red cells: crowded in places, mostly beside nucleated cells, a few over them."""
    low, high = -RED_CELL_UM, size + RED_CELL_UM
    n = int(rng.poisson(REDS_PER_UM2 * density * (high - low) ** 2))
    waves = rng.uniform(0.01, 0.045, (3, 2)) * 2 * np.pi * rng.choice([-1, 1], (3, 2))
    phases = rng.uniform(0, 2 * np.pi, 3)
    centres = np.array([seed.xy for seed in seeds]).reshape(-1, 2)
    radii = np.array([seed.radius for seed in seeds])
    placed = np.zeros((n, 2))
    reds: list[tuple[Outline, bool]] = []
    for _ in range(n):
        over = rng.uniform() < 0.08
        radius = RED_CELL_UM / 2 * rng.normal(1, 0.07)
        apart = RED_CELL_UM * rng.uniform(0.5, 1.0)
        for _ in range(6):
            xy = rng.uniform(low, high, 2)
            crowd = 0.62 + 0.22 * np.sin(waves @ xy + phases).sum()
            clear = (np.hypot(*(centres - xy).T) > radii + radius * (0.2 if over else 0.55)).all()
            if not clear and not over:
                continue
            alone = (np.hypot(*(placed[: len(reds)] - xy).T) > apart).all()
            if alone and rng.uniform() < crowd:
                placed[len(reds)] = xy
                reds.append(
                    (grow(rng, xy, radius, oblong=rng.normal(0, 0.07), rough=0.06, harmonics=5), over)
                )
                break
    return reds


def scaled(outline: Outline, factor: float) -> Outline:
    """The outline so many times as large, about the origin."""
    return Outline(centre=outline.centre * factor, radius=outline.radius * factor)
