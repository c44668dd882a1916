"""Pixel masks ↔ outlines along pixel edges, and COCO's run-length encoding."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bmbench.core.types import Bools, Floats, Rings

LIMIT_PX = 1 << 28
"""Run lengths that unpack to more are no cell, but damage or a bomb (16,384 × 16,384 px)."""
_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""Right, down, left, up: one turn to the right each (y points down)."""


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
    edges = _boundary_edges(mask)
    rings = []
    for start in sorted(edges, key=lambda corner: (corner[1], corner[0])):
        while edges.get(start):
            rings.append(_follow(edges, start) + origin)
    return tuple(rings)


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


_Corner = tuple[int, int]


def _boundary_edges(mask: Bools) -> dict[_Corner, list[int]]:
    """Directions of the unit edges that leave each corner, with the mask on the right-hand side."""
    padded = np.pad(mask, 1)
    inside = padded[1:-1, 1:-1]
    neighbours: tuple[Any, ...] = (
        padded[:-2, 1:-1],
        padded[1:-1, 2:],
        padded[2:, 1:-1],
        padded[1:-1, :-2],
    )
    edges: dict[_Corner, list[int]] = {}
    starts = ((0, 0), (1, 0), (1, 1), (0, 1))
    for direction, (neighbour, (dx, dy)) in enumerate(zip(neighbours, starts, strict=True)):
        rows, columns = np.nonzero(inside & ~neighbour)
        for x, y in zip((columns + dx).tolist(), (rows + dy).tolist(), strict=True):
            edges.setdefault((x, y), []).append(direction)
    return edges


def _follow(edges: dict[_Corner, list[int]], start: _Corner) -> Floats:
    """(k, 2) the corners of one ring from `start`, whose edges are used up."""
    ring: list[_Corner] = []
    corner, heading = start, -1
    while True:
        ways = edges[corner]
        # Where two pixels touch at a corner, turning right stays at the same pixel.
        right = (heading + 1) % 4
        direction = right if len(ways) > 1 and heading >= 0 and right in ways else ways[0]
        ways.remove(direction)
        if direction != heading:
            ring.append(corner)
        corner = (corner[0] + _STEPS[direction][0], corner[1] + _STEPS[direction][1])
        heading = direction
        if corner == start:
            break
    return np.array(ring, np.float64)
