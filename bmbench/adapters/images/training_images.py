"""Training images at working scale, their colours, and random views of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bmbench.adapters.images.augment import jitter_stain, shift_stain
from bmbench.adapters.images.rescaling import resized, working_size
from bmbench.core.objects import scaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bmbench.adapters.images.augment import Augment
    from bmbench.core.types import Annotations, Pixels, Sample

Colour = tuple[float, float, float]
"""Red, green, blue, each 0 … 255."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingImage:
    """One image at working scale with its annotations."""

    image: Pixels
    annotations: Annotations


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewSettings:
    """How random views of training images are drawn.

    Attributes
    ----------
    augment : Augment
    side_px : int
        Of a view, which is square.
    stain_jitter, stain_shift : float
        See `bmbench.adapters.images.augment`.
    """

    augment: Augment
    side_px: int
    stain_jitter: float
    stain_shift: float


def at_working_scale(sample: Sample, factor: float) -> TrainingImage:
    """The sample resized by `factor`."""
    image = sample.load()
    height, width = image.shape[:2]
    size = working_size(width, height, factor)
    ratio = np.array(size) / (width, height)
    return TrainingImage(image=resized(image, size), annotations=scaled(sample.annotations, ratio))


def random_view(
    images: Sequence[TrainingImage], settings: ViewSettings, generator: np.random.Generator
) -> TrainingImage:
    """A random view; every pixel of the images is equally likely to be in it."""
    areas = np.array([one.image.shape[0] * one.image.shape[1] for one in images], float)
    chosen = images[generator.choice(len(images), p=areas / areas.sum())]
    image, annotations = settings.augment(chosen.image, chosen.annotations, settings.side_px, generator)
    image = jitter_stain(image, settings.stain_jitter, generator)
    return TrainingImage(image=shift_stain(image, settings.stain_shift, generator), annotations=annotations)


def colour_statistics(images: Sequence[TrainingImage]) -> tuple[Colour, Colour]:
    """Mean and standard deviation (at least 1) of all pixels."""
    pixels = np.concatenate([one.image.reshape(-1, 3) for one in images])
    mean, deviation = pixels.mean(axis=0).tolist(), np.maximum(pixels.std(axis=0), 1).tolist()
    return tuple(mean), tuple(deviation)
