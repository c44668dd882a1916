"""What the pixels of a set tell without its annotations: copies, near copies, parts that hold no image."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bmbench.core.progress import Progress
from bmbench.core.types import Floats, Pixels, Sample

BLOCK_PX = 16
FLAT_SHARE = 0.01
"""A part of one colour is named from this share of the image on."""
ALIKE = 0.95
"""Correlation of thumbnails from which two images count as nearly the same: one field seen twice has 0.97 or
more, different fields of one smear 0.65 or less."""
_THUMB_PX = 32
MOST_ALIKE = 5000
"""Images that are compared pair by pair; more would take minutes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """One image.

    Attributes
    ----------
    digest : str
        The same for the same pixels, turned or mirrored or not.
    thumb : (n,) float64
        A small grey version of mean 0 and length 1; zeros where the image is of one colour.
    flat : (share, colour)
        The largest share of the image that is one colour exactly, in blocks, and which.
    """

    name: str
    digest: str
    thumb: Floats
    flat: tuple[float, tuple[int, int, int]]


def look(samples: Sequence[Sample], progress: Progress) -> list[Picture]:
    """A record of every image; each is read once."""
    return [
        picture_of(sample.name, sample.load())
        for sample in progress.track(samples, description="looking at the images", total=len(samples))
    ]


def picture_of(name: str, pixels: Pixels) -> Picture:
    """The record of one image."""
    return Picture(name=name, digest=pixel_digest(pixels), thumb=_thumbnail(pixels), flat=_flat(pixels))


def pixel_digest(pixels: Pixels) -> str:
    """SHA-256 of an image's pixels in that of its eight orientations whose rows come first."""
    turned = [np.rot90(side, turns) for side in (pixels, pixels[:, ::-1]) for turns in range(4)]
    # The first row nearly always decides; turning all of eight large images takes far longer.
    tops = [(one.shape, one[:1].tobytes()) for one in turned]
    first = min(tops)
    texts = [one.tobytes() for one, top in zip(turned, tops, strict=True) if top == first]
    return hashlib.sha256(repr(first[0]).encode() + min(texts)).hexdigest()


def same(pictures: Sequence[Picture]) -> list[tuple[str, str]]:
    """Pairs of images with the same pixels: each copy with the first of its kind."""
    first: dict[str, str] = {}
    pairs = []
    for picture in pictures:
        known = first.setdefault(picture.digest, picture.name)
        if known != picture.name:
            pairs.append((known, picture.name))
    return pairs


def alike(pictures: Sequence[Picture]) -> list[tuple[str, str]]:
    """Pairs of images that are nearly, but not exactly, the same; none looked for beyond 5000 images."""
    if not 1 < len(pictures) <= MOST_ALIKE:
        return []
    thumbs = np.array([picture.thumb for picture in pictures])
    likeness = np.triu(thumbs @ thumbs.T, 1)
    rows = np.argwhere(likeness > ALIKE).tolist()
    return [(pictures[a].name, pictures[b].name) for a, b in rows if pictures[a].digest != pictures[b].digest]


def _thumbnail(pixels: Pixels) -> Floats:
    from PIL import Image

    small = Image.fromarray(pixels).convert("L").resize((_THUMB_PX, _THUMB_PX), Image.Resampling.BOX)
    values = np.asarray(small, np.float64).ravel()
    values = values - values.mean()
    length = float(np.linalg.norm(values))
    return np.asarray(values / length if length > 0 else values, np.float64)


def _flat(pixels: Pixels) -> tuple[float, tuple[int, int, int]]:
    height, width = (side // BLOCK_PX * BLOCK_PX for side in pixels.shape[:2])
    if not height or not width:
        return 0.0, (0, 0, 0)
    # Over rows first, which lie one after the other in memory.
    rows = pixels[:height, :width].reshape(height // BLOCK_PX, BLOCK_PX, width, 3)
    low, high = (
        extreme(axis=1).reshape(height // BLOCK_PX, width // BLOCK_PX, BLOCK_PX, 3)
        for extreme in (rows.min, rows.max)
    )
    low, high = low.min(axis=2), high.max(axis=2)
    flat = low[(low == high).all(axis=2)]
    if not len(flat):
        return 0.0, (0, 0, 0)
    colours, counts = np.unique(flat, axis=0, return_counts=True)
    most = int(counts.argmax())
    red, green, blue = (int(value) for value in colours[most])
    return float(counts[most]) / low[:, :, 0].size, (red, green, blue)
