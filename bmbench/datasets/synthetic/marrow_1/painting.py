"""Cut cells and stain precipitate, painted; all other objects are painted as on other synthetic smears."""

from __future__ import annotations

import numpy as np

from bmbench.datasets.synthetic.canvas import Canvas, window
from bmbench.datasets.synthetic.cells import paint_cell, sprinkle
from bmbench.datasets.synthetic.kinds import DAMAGED
from bmbench.datasets.synthetic.marrow_1.objects import BARE_NUCLEUS, PRECIPITATE
from bmbench.datasets.synthetic.render import paint
from bmbench.datasets.synthetic.scene import Thing

CUT_RAD = (0.6, 0.95)
"""Half the angle of a cut."""
CUT_DEPTH = (0.05, 0.35)
"""Where a cut begins, relative to the way from the centre to the border."""


def paint_object(canvas: Canvas, thing: Thing, rng: np.random.Generator) -> None:
    """One annotated object of `marrow_1`."""
    category = thing.kind.category
    if category == DAMAGED:
        paint_cell(canvas, thing, rng)
        _cut(canvas, thing, rng)
    elif category == BARE_NUCLEUS:
        paint_cell(canvas, thing, rng)
    elif category == PRECIPITATE:
        _precipitate(canvas, thing, rng)
    else:
        paint(canvas, thing, rng)


def _cut(canvas: Canvas, thing: Thing, rng: np.random.Generator) -> None:
    """A sector of the border that is torn open: pale, with a little of the cell's content leaking out."""
    um = canvas.px_per_um
    at = window(thing.outline, canvas.size_px, 2 * um)
    if at is None:
        return
    turn, half = rng.uniform(0, 2 * np.pi), rng.uniform(*CUT_RAD)
    begins = rng.uniform(*CUT_DEPTH)
    angle = np.arctan2(at.y, at.x)
    apart = np.abs((angle - turn + np.pi) % (2 * np.pi) - np.pi)
    ragged = 0.12 * canvas.noise("coarse", at, rng)
    beside = np.clip((half - apart) / 0.12 + 0.5 + ragged * 4, 0, 1)
    beyond = np.clip((at.inward - begins + ragged) / 0.1, 0, 1)
    torn = beside * beyond * at.cover(0.5 * um)
    canvas.fade(at, 0.92 * torn)
    leak = beside * np.exp(-((at.edge / um - 0.4) ** 2) / 1.2)
    canvas.add(at, "pink", 0.2 * leak * (1 + 0.4 * ragged))


def _precipitate(canvas: Canvas, thing: Thing, rng: np.random.Generator) -> None:
    """Dried stain in a clot as dark and as large as a small nucleus, with grains around it."""
    um = canvas.px_per_um
    at = window(thing.outline, canvas.size_px, 2 * um)
    if at is None:
        return
    body = np.clip(0.5 - (at.edge + 0.6 * um * canvas.noise("mid", at, rng)) / (0.5 * um), 0, 1)
    level = 0.75 + 0.25 * canvas.noise("fine", at, rng) + 0.15 * canvas.noise("mid", at, rng)
    dye = ("azure", "chromatin", "black")[rng.integers(3)]
    canvas.add(at, dye, np.clip(level, 0.1, None) * body * rng.uniform(0.8, 1.3))
    rows, columns = np.nonzero(at.edge < 1.5 * um)
    n = int(rng.integers(4, 14))
    pick = rng.integers(max(len(rows), 1), size=n) if len(rows) else np.zeros(0, np.int64)
    spots = np.stack([columns[pick], rows[pick]], axis=1) + rng.uniform(0, 1, (len(pick), 2))
    grains = sprinkle(body.shape, spots, um * rng.uniform(0.15, 0.4, len(pick)))
    canvas.add(at, "black", np.minimum(grains, 1.0) * 0.7)
