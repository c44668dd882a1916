"""Images at the scale at which a network works.

A network learns fastest where cells have the size it was built for, so images are resized until the mean
training cell has a stated diameter. Whole images are resized before patches are drawn from them: an area
average of the original pixels is exact, is done once, and spares the augmentation most of its work.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bmbench.adapters.images.augment import Augment, jitter_stain, shift_stain
from bmbench.core.errors import BadInputError, MissingExtraError
from bmbench.core.objects import cell_diameters, scaled
from bmbench.core.types import Annotations, Pixels, Sample


def mean_diameter(images: Iterable[Annotations]) -> float:
    """Mean diameter of all annotated cells, in pixels.

    Raises
    ------
    BadInputError
        If there is no cell, or the cells are points without a size.
    """
    diameter = cell_diameters(images)
    if not len(diameter):
        raise BadInputError(
            "no cell in the training images", remedy="a method that learns needs annotated cells"
        )
    mean = float(diameter.mean())
    if not mean > 0:
        raise BadInputError(
            "the annotated cells are points without a size", remedy="give each point a radius"
        )
    return mean


def working_size(width: int, height: int, factor: float) -> tuple[int, int]:
    """Width and height, in whole pixels, of an image resized by `factor`."""
    return max(1, round(width * factor)), max(1, round(height * factor))


def resized(image: Pixels, size: tuple[int, int]) -> Pixels:
    """The image at `size` (width, height): area averages where it shrinks, linear where it grows.

    Raises
    ------
    MissingExtraError
        If OpenCV is not installed.
    """
    height, width = image.shape[:2]
    if (width, height) == size:
        return image
    try:
        import cv2
    except ImportError:
        raise MissingExtraError("OpenCV, which resizes images,", extra="train") from None
    way = cv2.INTER_AREA if size[0] <= width and size[1] <= height else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(image), size, interpolation=way), np.uint8)


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
    scale_jitter : float
        A view shows the image up to this factor larger or smaller, all ratios alike; 1: as it is.
    """

    augment: Augment
    side_px: int
    stain_jitter: float
    stain_shift: float
    scale_jitter: float = 1.0


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
    chosen = images[random_image([one.image for one in images], generator)]
    scale = random_scale(settings.scale_jitter, generator)
    image, annotations = settings.augment(
        chosen.image, chosen.annotations, settings.side_px, generator, scale=scale
    )
    image = jitter_stain(image, settings.stain_jitter, generator)
    return TrainingImage(image=shift_stain(image, settings.stain_shift, generator), annotations=annotations)


def random_image(images: Sequence[Pixels], generator: np.random.Generator) -> int:
    """The number of one of the images, of which larger ones are drawn more often: each pixel as often."""
    areas = np.array([image.shape[0] * image.shape[1] for image in images], float)
    # As `generator.choice` does, which takes ten times as long.
    below = (areas / areas.sum()).cumsum()
    return int((below / below[-1]).searchsorted(generator.random(), side="right"))


def random_scale(jitter: float, generator: np.random.Generator) -> float:
    """How many pixels of the image a pixel of the view is wide: up to this factor more or less than one."""
    return float(jitter ** generator.uniform(-1, 1)) if jitter > 1 else 1.0


def colour_statistics(images: Sequence[TrainingImage]) -> tuple[Colour, Colour]:
    """Mean and standard deviation (at least 1) of all pixels."""
    pixels = np.concatenate([one.image.reshape(-1, 3) for one in images])
    mean, deviation = pixels.mean(axis=0).tolist(), np.maximum(pixels.std(axis=0), 1).tolist()
    return tuple(mean), tuple(deviation)
