"""Training images at working scale, their colours, and random views of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bmbench.adapters.images.rescaling import resized, scaled, working_size
from bmbench.adapters.images.stain import jitter_stain, shift_stain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bmbench.adapters.method import Augment
    from bmbench.core.types import Annotations, Pixels, Sample

Colour = tuple[float, float, float]
"""Red, green, blue, each 0 … 255."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """One image at working scale with its annotations."""

    image: Pixels
    annotations: Annotations


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """How views are drawn.

    Attributes
    ----------
    augment : Augment
    side_px : int
        Of a view, which is square.
    stain_jitter, stain_shift : float
        See `bmbench.adapters.images.stain`.
    """

    augment: Augment
    side_px: int
    stain_jitter: float
    stain_shift: float


def source_of(sample: Sample, factor: float) -> Source:
    """The sample resized by `factor`."""
    image = sample.load()
    height, width = image.shape[:2]
    size = working_size(width, height, factor)
    ratio = np.array(size) / (width, height)
    return Source(image=resized(image, size), annotations=scaled(sample.annotations, ratio))


def draw_view(sources: Sequence[Source], drawing: Drawing, generator: np.random.Generator) -> Source:
    """A random view; every pixel of the images is equally likely to be in it."""
    areas = np.array([source.image.shape[0] * source.image.shape[1] for source in sources], float)
    source = sources[generator.choice(len(sources), p=areas / areas.sum())]
    image, annotations = drawing.augment(source.image, source.annotations, drawing.side_px, generator)
    image = jitter_stain(image, drawing.stain_jitter, generator)
    return Source(image=shift_stain(image, drawing.stain_shift, generator), annotations=annotations)


def colours(sources: Sequence[Source]) -> tuple[Colour, Colour]:
    """Mean and standard deviation (at least 1) of all pixels."""
    pixels = np.concatenate([source.image.reshape(-1, 3) for source in sources])
    mean, deviation = pixels.mean(axis=0).tolist(), np.maximum(pixels.std(axis=0), 1).tolist()
    return tuple(mean), tuple(deviation)
