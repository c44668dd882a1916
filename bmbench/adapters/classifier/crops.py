"""A picture of each cell, cut out at one scale and of one size, as a classifier sees it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bmbench.adapters.images.augment import jitter_stain, shift_stain
from bmbench.adapters.images.working_scale import mean_diameter, resized
from bmbench.core.types import Floats, Ints, Pixels, Role, Sample

CROP_PX = 64
"""Side of what the network sees."""
CROP_CELLS = 1.75
"""Its side in diameters of the mean training cell. All classes are cut at one scale: size is a part of what a
cell is."""
MARGIN = 1.5
"""Side of what is cut out of training images, in sides of a crop: room to turn and move it."""
MOST_CROPS = 20_000
"""Of more training cells as many are drawn: half a gigabyte of pictures."""
_SHIFT, _SCALE = 0.06, 1.15
"""A detector's centre is off by a few per cent of a crop; cells are a little larger or smaller."""
_STAIN_JITTER, _STAIN_SHIFT = 0.1, 0.1
_WHITE = (255, 255, 255)


def crop_side(samples: Sequence[Sample]) -> float:
    """Side of a crop in pixels of these images; the errors of `mean_diameter`."""
    return CROP_CELLS * mean_diameter(sample.annotations for sample in samples)


def cut_crops(image: Pixels, xy: Floats, side: float, size: int = CROP_PX) -> Pixels:
    """(n, size, size, 3) pictures around (n, 2) centres, `side` image pixels wide, white outside it."""
    half = max(1, round(side / 2))
    padded = np.pad(image, ((half, half), (half, half), (0, 0)), constant_values=255)
    height, width = image.shape[:2]
    corner = np.clip(np.floor(xy).astype(int), 0, (width, height))
    cut = [
        resized(padded[top : top + 2 * half, left : left + 2 * half], (size, size)) for left, top in corner
    ]
    return np.stack(cut) if cut else np.zeros((0, size, size, 3), np.uint8)


def training_crops(
    samples: Sequence[Sample], side: float, generator: np.random.Generator
) -> tuple[Pixels, Ints]:
    """(n, MARGIN × CROP_PX, MARGIN × CROP_PX, 3) pictures of all annotated cells, and their labels.

    Of more than `MOST_CROPS` as many, drawn at random.
    """
    size = round(MARGIN * CROP_PX)
    owner = np.repeat(np.arange(len(samples)), [len(sample.annotations) for sample in samples])
    role = np.concatenate([np.zeros(0, np.int64), *(sample.annotations.role for sample in samples)])
    cells = np.flatnonzero(role == Role.CELL)
    if len(cells) > MOST_CROPS:
        cells = np.sort(generator.choice(cells, MOST_CROPS, replace=False))
    first = np.searchsorted(owner, np.arange(len(samples)))
    pictures, labels = [np.zeros((0, size, size, 3), np.uint8)], [np.zeros(0, np.int64)]
    for number, sample in enumerate(samples):
        rows = cells[owner[cells] == number] - first[number]
        if len(rows):
            own = sample.annotations.take(rows)
            pictures.append(cut_crops(sample.load(), own.xy, MARGIN * side, size))
            labels.append(own.label)
    return np.concatenate(pictures), np.concatenate(labels)


def varied(picture: Pixels, generator: np.random.Generator) -> Pixels:
    """(CROP_PX, CROP_PX, 3) a training picture turned, mirrored, moved, resized and stained anew."""
    import cv2

    angle = generator.uniform(0, 2 * np.pi)
    scale = np.exp(generator.uniform(-1, 1) * np.log(_SCALE))
    mirror = generator.choice([-1.0, 1.0])
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * [mirror, 1.0]
    old, new = (picture.shape[0] - 1) / 2, (CROP_PX - 1) / 2
    shift = new + generator.uniform(-_SHIFT, _SHIFT, 2) * CROP_PX - turn @ np.array([old, old])
    moved = cv2.warpAffine(
        picture,
        np.column_stack([turn, shift]),
        (CROP_PX, CROP_PX),
        borderValue=_WHITE,
        flags=cv2.INTER_LINEAR,
    )
    stained = jitter_stain(np.asarray(moved, np.uint8), _STAIN_JITTER, generator)
    return shift_stain(stained, _STAIN_SHIFT, generator)
