"""Drawn cells: dark discs on pale ground, with their circles. A method that works finds every one of them."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np

from bmbench.core.geometry import circle_box
from bmbench.core.types import Annotations, Category, Pixels, Role, Sample

PALE, DEEP, ORANGE = (235, 220, 230), (90, 40, 140), (250, 150, 20)
"""Colours of the ground, of a cell, and of one of another class."""
COLOURS = (Category(id=1, name="violet"), Category(id=2, name="orange"))
"""The classes of `coloured` cells."""
SIDE_PX = 72
"""Side of a drawn image."""


def circles(*xyr: tuple[float, float, float], role: Role = Role.CELL) -> Annotations:
    """Circles x, y, radius as annotations."""
    circle = np.array(xyr, float).reshape(-1, 3)
    return Annotations.of(
        xy=circle[:, :2], box=circle_box(circle), circle=circle, role=np.full(len(circle), role, np.int64)
    )


def smear(annotations: Annotations, height: int, width: int) -> Pixels:
    """Pale ground with a dark disc, soft at the rim, on every object."""
    y, x = np.mgrid[:height, :width] + 0.5
    dark = np.zeros((height, width))
    for cx, cy, r in annotations.circle:
        dark = np.maximum(dark, np.clip(r - np.hypot(x - cx, y - cy) + 0.5, 0, 1))
    pale, deep = np.array(PALE), np.array(DEEP)
    drawn: Pixels = np.round(pale + dark[..., None] * (deep - pale)).astype(np.uint8)
    return drawn


def scattered(generator: np.random.Generator, side: int, n: int, radius: tuple[float, float]) -> Annotations:
    """At most `n` circles inside a square, at least two pixels apart from each other."""
    kept: list[tuple[float, float, float]] = []
    for _ in range(40 * n):
        r = generator.uniform(*radius)
        x, y = generator.uniform(r, side - r, 2)
        if len(kept) < n and all(np.hypot(x - a, y - b) > r + c + 2 for a, b, c in kept):
            kept.append((x, y, r))
    return circles(*kept)


def sample(number: int, *, side: int = SIDE_PX, n: int = 9) -> Sample:
    """The drawn image of that number."""
    annotations = scattered(np.random.default_rng(number), side, n, (7.0, 9.0))
    return _sample(f"drawn_{number}", number, annotations, smear(annotations, side, side))


def coloured(number: int, *, side: int = SIDE_PX) -> Sample:
    """A drawn image of violet cells and orange ones, every second, as two classes."""
    annotations = scattered(np.random.default_rng(number), side, 9, (7.0, 9.0))
    annotations = dataclasses.replace(annotations, label=np.arange(len(annotations)) % len(COLOURS))
    image = smear(annotations, side, side)
    y, x = np.mgrid[:side, :side] + 0.5
    for cx, cy, r in annotations.circle[annotations.label == 1]:
        image[np.hypot(x - cx, y - cy) < r] = ORANGE
    return _sample(f"coloured_{number}", number, annotations, image)


def _sample(name: str, number: int, annotations: Annotations, image: Pixels) -> Sample:
    height, width = image.shape[:2]
    return Sample(
        image_id=number,
        name=name,
        width=width,
        height=height,
        group=name,
        annotations=annotations,
        load=partial(np.asarray, image),
    )
