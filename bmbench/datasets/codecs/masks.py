"""Pixel masks ↔ outlines along pixel edges, and COCO's run-length encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bmbench.core.types import Bools, Floats, Rings

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


def decode_rle(counts: Sequence[int] | str, height: int, width: int) -> Bools:
    """(height, width) mask of a COCO run-length encoding, uncompressed (numbers) or compressed (text).

    Raises
    ------
    ValueError
        If the runs do not fill the mask exactly, or the text holds a character that the encoding has not.
    """
    runs = np.array(_decompress(counts) if isinstance(counts, str) else counts, dtype=np.int64)
    if (runs < 0).any() or runs.sum() != height * width:
        raise ValueError(f"runs of {runs.sum()} pixels in all for {height * width}")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(width, height).T


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
