"""What the pixels of a set tell without its annotations: copies, near copies, parts that hold no image."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, lru_cache, partial

import numpy as np

from bmbench.core.dataset import Picture
from bmbench.core.types import Bools, Floats, Ints, Pixels
from bmbench.datasets.reading.picture_overlaps import marks_of, overlaps

BLOCK_PX = 16
FLAT_SHARE = 0.01
"""A part of one colour is named from this share of the image on."""
ALIKE = 0.95
"""Correlation of thumbnails from which two images may be nearly the same: one field seen twice has 0.97 or
more, different fields of one smear 0.65 or less."""
SAME_DETAIL = 0.6
"""Correlation of the details inside the field, from which they are: round photographs through an eyepiece
look alike at a glance (0.95 to 0.99), but their details differ (0.25; a field seen twice has 0.68)."""
_THUMB_PX, _DETAIL_PX = 32, 64
_SMOOTH_PX = 7
"""Of the larger: what is smoother than the mean over so many pixels is no detail."""
_FIELD_GREY, _FIELD_SHARE, _FIELD_EDGE_PX = 0.25, 0.3, 4
"""The field is what is brighter than this share of the brightest parts, without its edge; if that is less of
the picture than the second share, it is no bright field with a dark border, and all of it counts."""
_COARSE_PX = 8
"""Side of the version of a thumbnail by which most pairs are told apart."""
_AT_ONCE, _PAIRS_AT_ONCE = 1000, 1 << 13
MOST_ALIKE = 5000
"""Images that are compared pair by pair; more would take minutes."""


def picture_of(
    name: str, pixels: Pixels, *, closely: bool = True, again: Callable[[], Pixels] | None = None
) -> Picture:
    """The record of one image, `closely` with the marks by which overlapping pictures are known.

    With `again`, which reads the pixels once more, their digest waits until another image has the same tones.
    """
    from PIL import Image

    grey = Image.fromarray(pixels).convert("L")
    thumb, small = (
        np.asarray(grey.resize((side, side), Image.Resampling.BOX)) for side in (_THUMB_PX, _DETAIL_PX)
    )
    now = pixel_digest(pixels) if again is None else ""
    return Picture(
        name=name,
        tones=np.array([*sorted(grey.size), *grey.histogram()], "<u4").tobytes(),
        digest=cache(lambda: now if again is None else pixel_digest(again())),
        thumb=_unit(thumb.astype(np.float64)),
        detail=cache(partial(_details, small)),
        flat=_flat(pixels),
        marks=marks_of(pixels) if closely else None,
    )


def pixel_digest(pixels: Pixels) -> str:
    """SHA-256 of an image's pixels in that of its eight orientations whose rows come first."""
    # A pixel as one item: copying a turned image colour by colour takes twice as long.
    whole = np.ascontiguousarray(pixels).view(f"V{pixels.shape[2]}")[:, :, 0]
    turned = [np.rot90(side, turns) for side in (whole, whole[:, ::-1]) for turns in range(4)]
    # The first row nearly always decides; turning all of eight large images takes far longer.
    tops = [((*one.shape, pixels.shape[2]), one[:1].tobytes()) for one in turned]
    first = min(tops)
    texts = [one.tobytes() for one, top in zip(turned, tops, strict=True) if top == first]
    digest = hashlib.sha256(repr(first[0]).encode())
    digest.update(min(texts))
    return digest.hexdigest()


def pixel_keys(pictures: Sequence[Picture]) -> list[bytes | str]:
    """What pictures have in common that have the same pixels, turned or mirrored or not, and no others."""
    # Nearly every picture has tones of its own, and need not be read a second time for its digest.
    alike_in_tones = Counter(picture.tones for picture in pictures)
    return [picture.tones if alike_in_tones[picture.tones] == 1 else picture.digest() for picture in pictures]


def same(pictures: Sequence[Picture]) -> list[tuple[str, str]]:
    """Pairs of images with the same pixels: each copy with the first of its kind."""
    first: dict[bytes | str, str] = {}
    pairs = []
    for picture, key in zip(pictures, pixel_keys(pictures), strict=True):
        known = first.setdefault(key, picture.name)
        if known != picture.name:
            pairs.append((known, picture.name))
    return pairs


def alike(pictures: Sequence[Picture]) -> list[tuple[int, int]]:
    """Rows of pairs of images that are nearly, but not exactly, the same, turned or mirrored or not.

    A copy that was stored anew, made brighter, smaller or noisy is; for one that was turned by another angle
    than quarters, or a tile that overlaps another one, see `in_part`. None is looked for beyond `MOST_ALIKE`
    images.
    """
    if not 1 < len(pictures) <= MOST_ALIKE:
        return []
    row_of = {picture: row for row, picture in enumerate(pictures)}
    rows = [sorted((row_of[one], row_of[other])) for one, other in _pairs(tuple(sorted(row_of, key=id)))]
    return sorted((a, b) for a, b in rows)


@lru_cache(maxsize=1)
def _pairs(pictures: tuple[Picture, ...]) -> list[tuple[Picture, Picture]]:
    """The pairs; asked once, since a split is made, counted and checked from the same pictures."""
    thumbs = np.array([picture.thumb for picture in pictures])
    coarse = _coarse(thumbs)
    found: set[tuple[int, int]] = set()
    for orientation in range(8):
        other, coarser = _turned(thumbs, orientation), _turned(coarse, orientation)
        for start in range(0, len(pictures), _AT_ONCE):
            # Two pictures are no farther apart in their coarse versions: of most sets few pairs are left.
            squared = _squared_distances(coarse[start : start + _AT_ONCE], coarser)
            rows, columns = np.nonzero(squared < 2 - 2 * ALIKE + 1e-9)
            rows += start
            near = (rows != columns) & (_correlations(thumbs, other, rows, columns) > ALIKE)
            rows, columns = rows[near], columns[near]
            near = _detail_correlations(pictures, rows, columns, orientation) > SAME_DETAIL
            found |= set(zip(rows[near].tolist(), columns[near].tolist(), strict=True))
    ordered = sorted({(min(pair), max(pair)) for pair in found})
    return [(pictures[a], pictures[b]) for a, b in ordered if _differ(pictures[a], pictures[b])]


def in_part(pictures: Sequence[Picture]) -> list[tuple[int, int]]:
    """Rows of pairs of images that show a part of the same field, and are not alike as a whole.

    None is looked for beyond `picture_overlaps.MOST` images.
    """
    found = overlaps([picture.marks for picture in pictures])
    known = set(alike(pictures)) if found else set()
    return [(a, b) for a, b in found if (a, b) not in known and _differ(pictures[a], pictures[b])]


def _differ(one: Picture, other: Picture) -> bool:
    """Whether two pictures have other pixels, however they are turned."""
    return one.tones != other.tones or one.digest() != other.digest()


def _coarse(thumbs: Floats) -> Floats:
    """(m, n) a projection of small pictures: each block of pixels as one number."""
    blocks = thumbs.reshape(len(thumbs), _COARSE_PX, _THUMB_PX // _COARSE_PX, _COARSE_PX, -1)
    return np.asarray(blocks.mean(axis=(2, 4)) * (_THUMB_PX // _COARSE_PX), np.float64).reshape(
        len(thumbs), -1
    )


def _squared_distances(a: Floats, b: Floats) -> Floats:
    """(m, n) between every row of a and every row of b."""
    squared: Floats = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * (a @ b.T)
    return squared


def _correlations(a: Floats, b: Floats, rows: Ints, columns: Ints) -> Floats:
    """(k,) of some rows of a with rows of b, both of length 1."""
    # In parts, for the memory's sake.
    parts = [slice(start, start + _PAIRS_AT_ONCE) for start in range(0, len(rows), _PAIRS_AT_ONCE)]
    found = [np.einsum("ij,ij->i", a[rows[part]], b[columns[part]]) for part in parts]
    return np.concatenate([np.zeros(0), *found])


def _detail_correlations(pictures: Sequence[Picture], rows: Ints, columns: Ints, orientation: int) -> Floats:
    """(k,) of the details of some pictures with those of others in one of eight orientations."""
    # Worked out for the pictures that are left alone: that takes longer than to compare them.
    left = np.unique(np.concatenate([rows, columns]))
    if not len(left):
        return np.zeros(0)
    details = np.array([pictures[row].detail() for row in left.tolist()])
    of_rows, of_columns = np.searchsorted(left, rows), np.searchsorted(left, columns)
    return _correlations(details, _turned(details, orientation), of_rows, of_columns)


def _turned(small: Floats, orientation: int) -> Floats:
    """(m, n) small square pictures in one of eight orientations."""
    side = round(small.shape[1] ** 0.5)
    square = small.reshape(-1, side, side)
    square = square[:, :, ::-1] if orientation >= 4 else square
    return np.rot90(square, orientation % 4, axes=(1, 2)).reshape(len(small), -1)


def _details(grey: Pixels) -> Floats:
    """(n,) what stands out from its surroundings inside the field of view, of mean 0 and length 1."""
    from scipy import ndimage

    small = grey.astype(np.float64)
    field: Bools = small > _FIELD_GREY * np.percentile(small, 95)
    field = ndimage.binary_erosion(field, iterations=_FIELD_EDGE_PX, border_value=1)
    if field.mean() < _FIELD_SHARE:
        field = np.ones_like(field)
    weight = ndimage.uniform_filter(field.astype(np.float64), _SMOOTH_PX, mode="constant")
    smooth = ndimage.uniform_filter(small * field, _SMOOTH_PX, mode="constant") / np.maximum(weight, 1e-9)
    detail = small - smooth
    return _unit(np.where(field, detail - detail[field].mean(), 0.0), centred=True)


def _unit(values: Floats, *, centred: bool = False) -> Floats:
    """(n,) values of mean 0 and length 1; zeros where all are equal."""
    flat = values.ravel() if centred else values.ravel() - values.mean()
    length = float(np.linalg.norm(flat))
    return np.asarray(flat / length if length > 1e-6 else flat * 0, np.float64)


def _flat(pixels: Pixels) -> tuple[float, tuple[int, int, int]]:
    height, width = (side // BLOCK_PX * BLOCK_PX for side in pixels.shape[:2])
    if not height or not width:
        return 0.0, (0, 0, 0)
    blocks = pixels[:height, :width].reshape(height // BLOCK_PX, BLOCK_PX, width // BLOCK_PX, BLOCK_PX, 3)
    corner, middle, last = (blocks[:, at, :, at] for at in (0, BLOCK_PX // 2, BLOCK_PX - 1))
    # Two values tell nearly always; only of the few blocks that are left all are compared.
    row, column = np.nonzero(corner[:, :, 0] == middle[:, :, 0])
    left = (corner[row, column] == last[row, column]).all(axis=1)
    row, column = row[left], column[left]
    # Rows of 48 values: comparing three colours at a time takes several times as long.
    inside = blocks[row, :, column].reshape(len(row), BLOCK_PX, BLOCK_PX * 3)
    one_colour = inside == np.tile(corner[row, column], BLOCK_PX)[:, None]
    flat = corner[row, column][one_colour.reshape(len(row), BLOCK_PX * BLOCK_PX * 3).all(axis=1)]
    if not len(flat):
        return 0.0, (0, 0, 0)
    # As one number: comparing rows of three takes ten times as long, in the same order.
    _, first, counts = np.unique(flat @ [1 << 16, 1 << 8, 1], return_index=True, return_counts=True)
    most = int(counts.argmax())
    red, green, blue = flat[first[most]].tolist()
    return float(counts[most]) / corner[:, :, 0].size, (red, green, blue)
