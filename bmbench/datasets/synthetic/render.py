"""From a scene to pixels: paint in optical density, then light, lens and camera.

Beside cells there are artefacts (smudge cells, damaged cells, loose granules), platelets and precipitate.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from scipy import ndimage

from bmbench.core.types import Pixels
from bmbench.datasets.synthetic.canvas import Canvas, Plane, Window, noise, patch, window
from bmbench.datasets.synthetic.cells import paint_cell, paint_red, sprinkle
from bmbench.datasets.synthetic.kinds import DAMAGED, SMUDGE
from bmbench.datasets.synthetic.outline import grow
from bmbench.datasets.synthetic.scene import Scene, Thing

Painter: TypeAlias = Callable[[Canvas, Thing, np.random.Generator], None]
"""Paints one annotated object."""


def render(scene: Scene, painter: Painter | None = None) -> Pixels:
    """The (size, size, 3) uint8 RGB image of a scene; the same scene gives the same bytes.

    `painter` is for objects of other kinds than those of `bmbench.datasets.synthetic.kinds`.
    """
    draw = painter or paint
    canvas = Canvas(scene.size_px, scene.px_per_um, scene.slide.dyes)
    _film(canvas, scene, _stream(scene, 0))
    rng = _stream(scene, 1)
    for outline, over in scene.reds:
        if not over:
            paint_red(canvas, outline, scene.slide.pallor, rng)
    paint_platelets(canvas, _stream(scene, 2), 1.0)
    for k in reversed(range(len(scene.things))):
        draw(canvas, scene.things[k], _stream(scene, 3, k))
    for outline, over in scene.reds:
        if over:
            paint_red(canvas, outline, scene.slide.pallor, rng)
    paint_precipitate(canvas, _stream(scene, 4), scene.slide.specks)
    return _photograph(canvas.density, scene, _stream(scene, 5))


def paint(canvas: Canvas, thing: Thing, rng: np.random.Generator) -> None:
    """Paint one annotated object."""
    if thing.kind.category.artefact:
        paint_artefact(canvas, thing, rng)
    else:
        paint_cell(canvas, thing, rng)


def _film(canvas: Canvas, scene: Scene, rng: np.random.Generator) -> None:
    """Dried plasma: a faint, cloudy, pinkish film."""
    planes = noise(scene.px_per_um)
    shape = (scene.size_px, scene.size_px)
    cloud = 1 + 0.35 * patch(planes["cloud"], shape, rng) + 0.1 * patch(planes["coarse"], shape, rng)
    film = scene.slide.haze * np.clip(cloud, 0, None)
    canvas.density += film[:, :, None] * scene.slide.dyes["pink"].astype(np.float32) * 2


def _photograph(density: Plane, scene: Scene, rng: np.random.Generator) -> Pixels:
    """Light through the smear, out of focus a little, sharpened by the camera, with its noise."""
    here, size = scene.slide, scene.size_px
    light = np.exp(-density)
    for channel, extra in enumerate((0.12, 0.0, 0.2)):
        # The lens focuses green best; red and blue fringe the edges.
        sharp = ndimage.gaussian_filter(light[:, :, channel], here.focus_px + extra)
        soft = ndimage.gaussian_filter(sharp, 1.3)
        light[:, :, channel] = sharp + here.sharpen * (sharp - soft)
    if here.rim_px > 0:
        _blur_rim(light, here.rim_px, here.tilt)
    x = (np.arange(size) + 0.5) / size - 0.5
    along = x[None] * np.cos(here.tilt) + x[:, None] * np.sin(here.tilt)
    field = 1 - here.shade * (0.6 * along + 1.2 * (x[None] ** 2 + x[:, None] ** 2))
    image = 255 * light * field[:, :, None].astype(np.float32) * here.light.astype(np.float32)
    image += rng.standard_normal(image.shape, dtype=np.float32) * np.float32(here.noise)
    pixels: Pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return pixels


def _blur_rim(light: Plane, rim_px: float, tilt: float) -> None:
    """Blur one side of the field, where the smear lies out of focus, in place."""
    size = len(light)
    x = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
    along = x[None] * np.float32(np.cos(tilt)) + x[:, None] * np.float32(np.sin(tilt))
    share = np.clip((along - 0.05) / 0.3, 0, 1)[:, :, None]
    light += share * (ndimage.gaussian_filter(light, (rim_px, rim_px, 0)) - light)


def _stream(scene: Scene, *what: int) -> np.random.Generator:
    return np.random.default_rng([*scene.key, 1000, *what])


def paint_artefact(canvas: Canvas, thing: Thing, rng: np.random.Generator) -> None:
    """One cell-like artefact, by its category."""
    at = window(thing.outline, canvas.size_px, 1.2 * canvas.px_per_um)
    if at is None:
        return
    if thing.kind.category == SMUDGE:
        _smudge(canvas, thing, at, rng)
    elif thing.kind.category == DAMAGED:
        _damaged(canvas, thing, at, rng)
    else:
        _loose_granules(canvas, at, rng)


def _smudge(canvas: Canvas, thing: Thing, at: Window, rng: np.random.Generator) -> None:
    """Bare chromatin spread out by the smearing: a felt of fibres that fades away, without a membrane."""
    um = canvas.px_per_um
    fray = at.edge + um * (0.9 * canvas.noise("coarse", at, rng) + 0.5 * canvas.noise("mid", at, rng))
    body = np.clip(0.5 - fray / (3.0 * um), 0, 1) * at.cover(1.2 * um) ** 0.5
    body *= np.clip(1.15 - 0.4 * at.inward**2, 0, 1)
    drawn_out = rng.uniform(0.25, 1.0)
    fibres = drawn_out * _streaks(canvas, at, rng) + (1 - drawn_out) * canvas.noise("mid", at, rng)
    level = 0.78 + 0.2 * fibres + 0.17 * canvas.noise("wide", at, rng) + 0.1 * canvas.noise("fine", at, rng)
    level = np.clip(level, 0.1, 1.5) * thing.kind.chromatin * rng.lognormal(0, 0.25)
    canvas.fade(at, 0.45 * body)
    canvas.add(at, "chromatin", level * body * 0.85)
    canvas.add(at, "azure", level * body * 0.12)


def _streaks(canvas: Canvas, at: Window, rng: np.random.Generator) -> Plane:
    """Fibres: noise averaged along the direction of spreading, of unit variance."""
    turn = rng.uniform(0, 2 * np.pi)
    step = 0.5 * canvas.px_per_um
    plane = canvas.noise("fine", at, rng)
    total = np.zeros_like(plane)
    for k in range(-4, 5):
        bow = 0.04 * k * k * rng.uniform(0.5, 1.5)
        away = k * np.array([np.sin(turn), np.cos(turn)]) + bow * np.array([np.cos(turn), -np.sin(turn)])
        total += np.roll(plane, tuple(np.rint(step * away).astype(int)), axis=(0, 1))
    return total / max(float(total.std()), 1e-6)


def _damaged(canvas: Canvas, thing: Thing, at: Window, rng: np.random.Generator) -> None:
    """A burst cell: swollen nucleus with gaps, leaking on one side, with or without shreds of cytoplasm."""
    um, kind = canvas.px_per_um, thing.kind
    cover = at.cover(0.7 * um)
    room = float(np.sqrt(np.mean(thing.outline.radius**2)))
    turn = rng.uniform(0, 2 * np.pi)
    ahead = (at.x * np.cos(turn) + at.y * np.sin(turn)) / room
    naked = rng.uniform() < 0.4
    if not naked:
        shreds = np.clip(
            0.6 + 0.6 * canvas.noise("coarse", at, rng) + 0.3 * canvas.noise("mid", at, rng), 0, 1.6
        )
        canvas.fade(at, 0.4 * cover)
        canvas.add(at, ("pink", "grey", "blue")[rng.integers(3)], 0.42 * shreds * cover)
    reach = 0.98 if naked else rng.uniform(0.72, 0.88)
    warp = 0.13 * canvas.noise("wide", at, rng) + 0.1 * canvas.noise("coarse", at, rng)
    leak = np.clip(ahead - rng.uniform(-0.1, 0.35), 0, 1)
    core = np.clip((reach - at.inward - warp + 0.25 * leak) / (0.09 + 0.5 * leak), 0, 1) * cover
    gaps = np.clip(0.75 + 0.75 * canvas.noise("coarse", at, rng), 0, 1)
    level = 0.45 + 0.55 * gaps + 0.14 * canvas.noise("mid", at, rng) + 0.1 * canvas.noise("fine", at, rng)
    level *= np.clip(1 - 0.55 * leak, 0.3, 1.2) * kind.chromatin * rng.lognormal(0, 0.2)
    canvas.fade(at, 0.4 * core)
    canvas.add(at, "chromatin", np.clip(level, 0.05, None) * core * 0.85)
    canvas.add(at, "azure", np.clip(level, 0.05, None) * core * 0.16)


def _loose_granules(canvas: Canvas, at: Window, rng: np.random.Generator) -> None:
    """The granules of a burst granulocyte, or stain, in a heap up to the outline."""
    um = canvas.px_per_um
    cover = at.cover(0.5 * um)
    rows, columns = np.nonzero(at.edge < -0.25 * um)
    if not len(rows):
        return
    dye = ("azure", "black", "eosin", "azure", "azure", "chromatin")[rng.integers(6)]
    near = np.exp(-(at.inward[rows, columns] ** 2) * rng.uniform(0.7, 2.2))
    n = int(rng.uniform(0.6, 1.3) * len(rows) / um**2)
    pick = rng.choice(len(rows), size=n, p=near / near.sum())
    spots = np.stack([columns[pick], rows[pick]], axis=1) + rng.uniform(0, 1, (n, 2))
    heap = sprinkle(cover.shape, spots, rng.uniform(0.26, 0.42) * um * rng.lognormal(0, 0.35, n))
    haze = np.clip(0.16 + 0.08 * canvas.noise("coarse", at, rng), 0, 1)
    canvas.add(at, "pink", haze * cover * 1.6)
    canvas.add(at, "grey", haze * cover * 0.8)
    canvas.add(at, dye, heap / (1 + 0.45 * heap) * rng.uniform(0.75, 1.05) * at.cover())


def paint_platelets(canvas: Canvas, rng: np.random.Generator, density: float) -> None:
    """Platelets: small, granular violet in a pale blue body, often in groups."""
    um, size = canvas.px_per_um, canvas.size_px
    for _ in range(rng.poisson(6e-4 * density * (size / um) ** 2)):
        home = rng.uniform(0, size, 2)
        for _ in range(1 + rng.geometric(0.5) if rng.uniform() < 0.4 else 1):
            centre = home + rng.normal(0, 2.2 * um, 2)
            radius = np.clip(rng.lognormal(np.log(1.25), 0.25), 0.8, 2.4) * um
            outline = grow(rng, centre, radius, oblong=0.15, rough=0.2)
            at = window(outline, size, 2)
            if at is None:
                continue
            cover = at.cover(0.4 * um)
            canvas.add(at, "blue", 0.22 * cover)
            core = np.clip(1.25 - 1.3 * at.inward, 0, 1) * (1 + 0.5 * canvas.noise("fine", at, rng))
            canvas.add(at, "azure", np.clip(0.42 * core, 0, None) * cover)


def paint_precipitate(canvas: Canvas, rng: np.random.Generator, density: float) -> None:
    """Grains of dried stain: tiny, almost black, over everything."""
    um, size = canvas.px_per_um, canvas.size_px
    n = rng.poisson(1.1e-3 * density * (size / um) ** 2)
    spots = rng.uniform(0, size, (n, 2))
    grains = sprinkle((size, size), spots, um * rng.uniform(0.15, 0.42, n))
    whole = Window(
        rows=slice(0, size), columns=slice(0, size), x=grains, y=grains, inward=grains, edge=grains
    )
    canvas.add(whole, "black", np.minimum(grains, 1.0) * 0.8)
