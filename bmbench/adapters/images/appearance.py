"""How images look, measured without any annotation: the size of their nuclei, and their colours.

A detector answers best where nuclei are as large, and colours as deep, as in the images that it learned from.
Pixel sizes and diameters that somebody states are often missing, or mean the whole cell, so the size is
measured in the picture, and likewise in the training images: what the measurement is wrong by cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from bmbench.adapters.images.working_scale import Colour
from bmbench.core.types import Floats, Pixels

SMALLEST_PX, LARGEST_PX = 6.0, 200.0
"""Range of the diameters that are looked for."""
PER_OCTAVE = 4
"""Diameters from one to its double."""
FEWEST_NUCLEI = 5
"""Where fewer blobs of one size are seen, no size is told."""
FAINTEST = 0.05
"""Response (optical density) of the faintest blob that counts."""
SIGNIFICANT = 0.6
"""Of several sizes that stand out, the smallest with this share of the largest energy is that of the nuclei:
larger ones are clumps of cells, and tissue beside empty glass."""
WINDOW_PX = 1024
"""Largest side of a window, as which a part of an image is measured."""
MOST_WINDOWS = 9
"""Of a larger image as many windows are measured, spread evenly."""
MOST_IMAGES = 12
"""Of more training images as many are measured, spread evenly."""
LEAST_GAIN, MOST_GAIN = 0.25, 4.0
"""Limits of the factor between deviations: an empty picture has none, and shall not become noise."""

Plane = NDArray[np.float32]
Window = tuple[int, int, int, int]
"""x0, y0, x1, y1 in whole pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """How a set of images looks.

    Attributes
    ----------
    nucleus_px : float or None
        Diameter of the nuclei, as `nucleus_diameter` measures it; None where it sees too few.
    mean, deviation : (red, green, blue)
        Mean of the pixels of an image, and their standard deviation, each the average over images.
    """

    nucleus_px: Annotated[float, Meta(gt=0)] | None
    mean: Colour
    deviation: Colour


def appearance(images: Iterable[Pixels]) -> Appearance:
    """How these images look; the size is the median of those of single images."""
    diameters, means, deviations = list[float](), list[Floats](), list[Floats]()
    for image in images:
        parts = cut(image)
        diameter = nucleus_diameter(parts)
        diameters += [] if diameter is None else [diameter]
        mean, deviation = colours(parts)
        means.append(mean)
        deviations.append(deviation)
    return Appearance(
        nucleus_px=round(float(np.median(diameters)), 2) if diameters else None,
        mean=_colour(np.mean(means, axis=0)),
        deviation=_colour(np.mean(deviations, axis=0)),
    )


def cut(image: Pixels) -> list[Pixels]:
    """The windows of an image."""
    height, width = image.shape[:2]
    return [image[y0:y1, x0:x1] for x0, y0, x1, y1 in windows(width, height)]


def windows(
    width: int,
    height: int,
    wanted: Callable[[Window], bool] = lambda window: True,  # noqa: ARG005
) -> list[Window]:
    """Equal parts of an image, of those that are `wanted` at most `MOST_WINDOWS`, spread evenly."""
    columns, rows = _edges(width), _edges(height)
    there = [
        window
        for y0, y1 in pairwise(rows)
        for x0, x1 in pairwise(columns)
        if wanted(window := (x0, y0, x1, y1))
    ]
    return [there[number] for number in spread(len(there), MOST_WINDOWS)]


def _edges(length: int) -> list[int]:
    parts = -(-length // WINDOW_PX)
    return [length * part // parts for part in range(parts + 1)]


def spread(number: int, most: int = MOST_IMAGES) -> list[int]:
    """Which of so many are measured."""
    few = min(number, most)
    return [place * number // few for place in range(few)]


def colours(images: Sequence[Pixels]) -> tuple[Floats, Floats]:
    """(3,) mean and standard deviation of all pixels of these images."""
    pixels = np.concatenate([image.reshape(-1, 3) for image in images])
    return pixels.mean(axis=0), pixels.std(axis=0)


def standardising_table(mean: Floats, deviation: Floats, to: Appearance) -> Pixels:
    """(256, 3) the grey levels that bring images of this mean and deviation to those of `to`, a channel each.

    It is Reinhard's colour transfer (IEEE Computer Graphics and Applications 2001;21:34) in RGB.
    """
    gain = np.clip(np.array(to.deviation) / np.maximum(deviation, 1e-6), LEAST_GAIN, MOST_GAIN)
    levels = (np.arange(256)[:, None] - mean) * gain + np.array(to.mean)
    table: Pixels = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return table


def recoloured(image: Pixels, table: Pixels) -> Pixels:
    """The image with each grey level replaced by that of a (256, 3) table."""
    return np.stack([table[image[..., channel], channel] for channel in range(3)], axis=-1)


def nucleus_diameter(images: Sequence[Pixels]) -> float | None:
    """Diameter of the nuclei on images of one scale, in pixels; None where too few stand out.

    At every diameter d the dark blobs of red light are the local maxima of the scale-normalised negative
    Laplacian of Gaussian of the optical density (Lindeberg, IJCV 1998;30:79); the energy there is the sum of
    their responses cubed, times d^1.5. The cube favours what is dark as a whole over grains and shades, and
    the factor makes up for large blobs being fewer. The diameter is that of the first peak of the energy,
    less what the factor moves it by: to a disc of diameter D the response is u exp(-u) with u = (D / d)²,
    so that the energy is largest at u = 3/4 and not at 1.

    An image that is resized has the resized diameter (tests hold it to a few per cent).
    """
    diameters = _diameters(min((min(image.shape[:2]) for image in images), default=0) / 2)
    if len(diameters) < 3:
        return None
    energy, number = np.zeros(len(diameters)), np.zeros(len(diameters), int)
    for image in images:
        for row, response in enumerate(_responses(image, diameters)):
            energy[row] += (response**3).sum() * diameters[row] ** 1.5
            number[row] += len(response)
    inner = np.arange(1, len(diameters) - 1)
    peaks = inner[(energy[inner] >= energy[inner - 1]) & (energy[inner] >= energy[inner + 1])]
    peaks = peaks[number[peaks] >= FEWEST_NUCLEI]
    if not len(peaks):
        return None
    first = peaks[energy[peaks] >= SIGNIFICANT * energy[peaks].max()][0]
    top = diameters[first] * 2 ** (_summit(energy[first - 1 : first + 2]) / PER_OCTAVE)
    return float(np.sqrt(0.75) * top)


def _diameters(largest: float) -> Floats:
    largest = min(largest, LARGEST_PX)
    steps = int(np.floor(np.log2(largest / SMALLEST_PX) * PER_OCTAVE)) if largest > SMALLEST_PX else 0
    return SMALLEST_PX * 2 ** (np.arange(steps + 1) / PER_OCTAVE)


def _responses(image: Pixels, diameters: Floats) -> Iterable[Floats]:
    """The responses of the dark blobs of each diameter; large ones are looked for on halved planes."""
    from scipy import ndimage

    plane: Plane = -np.log((image[..., 0].astype(np.float32) + 1) / 256)
    shrunk = 1
    for diameter in diameters:
        # The response to a disc of diameter d is largest at sigma = d / (2 √2).
        sigma = diameter / (2 * np.sqrt(2)) / shrunk
        if sigma >= 4:
            shrunk, plane, sigma = 2 * shrunk, _halved(plane), sigma / 2
        answer = -(sigma**2) * ndimage.gaussian_laplace(plane, sigma, mode="reflect")
        peak = (answer == ndimage.maximum_filter(answer, size=2 * round(sigma) + 1, mode="nearest")) & (
            answer > FAINTEST
        )
        yield answer[peak].astype(np.float64)


def _halved(plane: Plane) -> Plane:
    height, width = (side // 2 * 2 for side in plane.shape)
    part = plane[:height, :width]
    halved = (part[::2, ::2] + part[1::2, ::2] + part[::2, 1::2] + part[1::2, 1::2]) / 4
    return halved.astype(np.float32)


def _summit(energy: Floats) -> float:
    """Where between −1 and 1 the parabola through three logarithms has its summit."""
    before, here, after = np.log(np.maximum(energy, 1e-300))
    bend = before - 2 * here + after
    return float(np.clip((before - after) / 2 / bend, -1, 1)) if bend < 0 else 0.0


def _colour(values: Floats) -> Colour:
    red, green, blue = (round(float(value), 2) for value in values)
    return red, green, blue
