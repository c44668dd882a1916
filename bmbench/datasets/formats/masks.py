"""Pixel masks ↔ outlines along pixel edges, and COCO's run-length encoding."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmbench.core.geometry import cut_rings
from bmbench.core.types import Bools, Floats, Ints, Rings

LIMIT_PX = 1 << 28
"""Run lengths that unpack to more are no cell, but damage or a bomb (16,384 × 16,384 px)."""
_STARTS = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
"""The corner of a pixel where its edge begins that leads right, down, left, up: clockwise (y points down)."""


def mask_rings(mask: Bools, origin: tuple[int, int] = (0, 0)) -> Rings:
    """The outline of a (height, width) mask along the edges of its pixels, exact in area.

    Outer rings run clockwise on the screen, holes the other way round, each from its topmost, then
    leftmost corner; corners on a straight line are left out. Pixels that touch at a corner only belong to
    different rings.

    Parameters
    ----------
    origin : (x, y), pixels
        Where the mask's top-left corner lies.
    """
    return label_rings(np.asarray(mask, bool).view(np.uint8), 1, origin)[0]


def label_rings(labels: NDArray[Any], count: int, origin: tuple[int, int] = (0, 0)) -> list[Rings]:
    """The `mask_rings` of each of the objects 1 to `count` of a (height, width) label image, all at once."""
    turns = _turns(np.pad(labels, 1))
    if not len(turns.label):
        return [() for _ in range(count)]
    follower = turns.follower.tolist()
    seen = bytearray(len(follower))
    walked: list[int] = []
    first: list[int] = []
    for start in turns.order.tolist():
        if not seen[start]:
            first.append(len(walked))
            turn = start
            while not seen[turn]:
                seen[turn] = 1
                walked.append(turn)
                turn = follower[turn]
    corners = (turns.corner[walked] + origin).astype(np.float64)
    rings: list[list[Floats]] = [[] for _ in range(count)]
    owners = turns.label[[walked[place] for place in first]].tolist()
    lengths = np.diff([*first, len(corners)]).tolist()
    for owner, ring in zip(owners, cut_rings(corners, lengths), strict=True):
        rings[owner - 1].append(ring)
    return [tuple(some) for some in rings]


def decode_rle(counts: Sequence[int] | str, height: int, width: int) -> tuple[Bools, tuple[int, int]]:
    """The mask of a COCO run-length encoding, uncompressed (numbers) or compressed (text).

    Returns
    -------
    mask : (h, w) bool
        The part of the (height, width) image that holds all of it; of no extent if nothing is set.
    origin : (x, y)
        Where its top-left corner lies.

    Raises
    ------
    ValueError
        If the runs do not fill the image exactly, the text holds a character that the encoding has not,
        or the columns that hold the object have more than `LIMIT_PX` pixels.
    """
    try:
        runs = np.array(_decompress(counts) if isinstance(counts, str) else counts, dtype=np.int64)
    except OverflowError:
        raise ValueError("a run longer than any image") from None
    if (runs < 0).any() or (runs > height * width).any() or runs.sum() != height * width:
        raise ValueError(f"runs of {runs.sum()} pixels in all for {height * width}")
    ends, odd = np.cumsum(runs), np.arange(len(runs)) % 2 == 1
    filled = odd & (runs > 0)
    if not filled.any():
        return np.zeros((0, 0), bool), (0, 0)
    # Runs go down the columns, one after the other: only the columns that hold something are unpacked.
    left, right = int((ends - runs)[filled][0] // height), int(-(-ends[filled][-1] // height))
    if (right - left) * height > LIMIT_PX:
        raise ValueError(f"an object of {right - left:,} × {height:,} px")
    cut = np.clip(np.concatenate([[0], ends]), left * height, right * height)
    mask = np.repeat(odd, cut[1:] - cut[:-1]).reshape(right - left, height).T
    rows = np.flatnonzero(mask.any(axis=1))
    return mask[rows[0] : rows[-1] + 1], (left, int(rows[0]))


def encode_rle(rings: Rings, width: int, height: int) -> list[int] | None:
    """The uncompressed run lengths of the mask that has this outline; None if no mask of that size has.

    What `mask_rings` gives comes back exactly, from `decode_rle` and from every other reader of COCO.
    """
    points = np.concatenate(rings)
    low, high = points.min(axis=0), points.max(axis=0)
    inside = (low >= 0).all() and (high <= (width, height)).all()
    if not inside or (points != np.floor(points)).any() or np.prod(high - low) > LIMIT_PX:
        return None
    (left, top), (right, bottom) = low.astype(int).tolist(), high.astype(int).tolist()
    turns = np.zeros((bottom - top, right - left + 1), bool)
    for ring in rings:
        for (x, y), (_, end) in zip(ring.astype(int), np.roll(ring, -1, axis=0).astype(int), strict=True):
            # Every upright edge turns over all pixels to its right.
            turns[min(y, end) - top : max(y, end) - top, x - left] ^= True
    mask = np.logical_xor.accumulate(turns, axis=1)[:, :-1]
    again = mask_rings(mask, (left, top))
    if len(again) != len(rings) or not all(map(np.array_equal, again, rings)):
        return None
    columns = np.pad(mask.T, ((0, 0), (1, 1)))
    column, row = np.nonzero(columns[:, 1:] != columns[:, :-1])
    edges, times = np.unique((left + column) * height + top + row, return_counts=True)
    # Where a full column goes on in the next one, an end and a beginning are the same edge, and none.
    runs: list[int] = np.diff(edges[times == 1], prepend=0, append=width * height).tolist()
    return runs


def _decompress(text: str) -> list[int]:
    """The runs of a compressed encoding: five bits a character, from the third but one on as differences."""
    runs: list[int] = []
    value, shift = 0, 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64:
            raise ValueError(f"character {character!r}")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value, shift = 0, 0
    if shift:
        raise ValueError("text ends inside a number")
    return runs


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Turns:
    """The corners at which the outlines of a label image turn, each object on the right-hand side.

    Attributes
    ----------
    label : (m,) int64
        The object's number.
    corner : (m, 2) int64
        x, y.
    follower : (m,) int64
        The next turn of the same outline.
    order : (m,) int64
        The turns by y, x and new direction.
    """

    label: Ints
    corner: Ints
    follower: Ints
    order: Ints


def _turns(padded: NDArray[Any]) -> _Turns:
    """The turns of a label image with a border of zeros."""
    flat, width = padded.ravel(), padded.shape[1]
    right, ahead = np.array([1, width, -1, -width]), np.array([-width, 1, width, -1])
    # The border is no object's, so that the pixels beside all others are there.
    inner, reach = slice(width, -width), len(flat) - width
    parts = [
        np.flatnonzero((flat[inner] != 0) & (flat[inner] != flat[width + beside : reach + beside])) + width
        for beside in ahead.tolist()
    ]
    # A unit edge is a pixel and a direction; they stand sorted by direction and pixel.
    pixel = np.concatenate(parts)
    direction = np.repeat(np.arange(4), [len(part) for part in parts])
    # The edge after goes on at the pixel before it, at the one beside that, or turns right at its own: where
    # two pixels touch at a corner, turning right stays at the same pixel.
    before = pixel + right[direction]
    beside = before + ahead[direction]
    turns_right, straight = flat[before] != flat[pixel], flat[beside] != flat[pixel]
    next_pixel = np.where(turns_right, pixel, np.where(straight, before, beside))
    next_direction = (direction + np.where(turns_right, 1, np.where(straight, 0, -1))) % 4
    follower = np.searchsorted(direction * flat.size + pixel, next_direction * flat.size + next_pixel)
    turning = np.zeros(len(pixel), bool)
    turning[follower] = next_direction != direction
    # Straight on, each step twice as far as the one before.
    while not turning[follower].all():
        follower = np.where(turning[follower], follower, follower[follower])
    row, column = np.divmod(pixel[turning], width)
    corner = np.stack([column - 1, row - 1], axis=1) + _STARTS[direction[turning]]
    return _Turns(
        label=flat[pixel[turning]].astype(np.int64),
        corner=corner,
        follower=(np.cumsum(turning) - 1)[follower[turning]],
        order=np.lexsort((direction[turning], corner[:, 0], corner[:, 1])),
    )
