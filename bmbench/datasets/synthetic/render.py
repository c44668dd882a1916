"""From a scene to pixels: paint in optical density, then light, lens and camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from bmbench.datasets.synthetic.canvas import Canvas, noise, patch
from bmbench.datasets.synthetic.cells import paint_cell, paint_red
from bmbench.datasets.synthetic.debris import paint_artefact, paint_platelets, paint_precipitate

if TYPE_CHECKING:
    from bmbench.core.types import Pixels
    from bmbench.datasets.synthetic.canvas import Plane
    from bmbench.datasets.synthetic.scene import Scene, Thing


def render(scene: Scene) -> Pixels:
    """The (size, size, 3) uint8 RGB image of a scene; the same scene gives the same bytes."""
    canvas = Canvas(scene.size_px, scene.px_per_um, scene.slide.dyes)
    _film(canvas, scene, _stream(scene, 0))
    rng = _stream(scene, 1)
    for outline, over in scene.reds:
        if not over:
            paint_red(canvas, outline, scene.slide.pallor, rng)
    paint_platelets(canvas, _stream(scene, 2), 1.0)
    for k in reversed(range(len(scene.things))):
        paint(canvas, scene.things[k], _stream(scene, 3, k))
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
    x = (np.arange(size) + 0.5) / size - 0.5
    along = x[None] * np.cos(here.tilt) + x[:, None] * np.sin(here.tilt)
    field = 1 - here.shade * (0.6 * along + 1.2 * (x[None] ** 2 + x[:, None] ** 2))
    image = 255 * light * field[:, :, None].astype(np.float32) * here.light.astype(np.float32)
    image += rng.standard_normal(image.shape, dtype=np.float32) * np.float32(here.noise)
    pixels: Pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return pixels


def _stream(scene: Scene, *what: int) -> np.random.Generator:
    return np.random.default_rng([*scene.key, 1000, *what])
