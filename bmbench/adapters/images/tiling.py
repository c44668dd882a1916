"""A large image cut into overlapping tiles, and the tiles' results put together again.

Tiles start at multiples of the network's coarsest stride, so that pooling falls on the same pixels as in
the whole image; each pixel of the result comes from the tile in which it lies most centrally. If the
overlap is at least twice the network's reach, the result is that of the whole image for every network
whose output depends on nearby pixels only. Group and instance normalisation look at a whole tile; their
results differ slightly from tile to tile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Map: TypeAlias = NDArray[Any]
"""(height, width, channels)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiling:
    """How one image of (height, width) is cut.

    Attributes
    ----------
    height, width : int
        Of the image, in pixels.
    padded : (height, width)
        After mirrored rows and columns were added at the bottom and right, to a multiple of the stride
        (two of them at least: a normalisation layer needs more than one pixel at the coarsest level).
    rows, columns : tuple of int
        Where the tiles begin.
    tile : (height, width)
        Of every tile.
    """

    height: int
    width: int
    padded: tuple[int, int]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    tile: tuple[int, int]

    @classmethod
    def of(cls, height: int, width: int, *, tile: int, overlap: int, stride: int) -> Tiling:
        """Tiles of at most `tile` pixels a side that share at least `overlap` with their neighbours.

        `tile` and `overlap` are rounded up to multiples of `stride`.

        Raises
        ------
        ValueError
            If the overlap leaves no new pixel in a tile.
        """
        tile, overlap = (rounded_up(length, stride) for length in (tile, overlap))
        if overlap >= tile:
            raise ValueError(f"an overlap of {overlap} px leaves nothing of a tile of {tile} px")
        padded = rounded_up(max(height, stride + 1), stride), rounded_up(max(width, stride + 1), stride)
        return cls(
            height=height,
            width=width,
            padded=padded,
            rows=_starts(padded[0], tile, tile - overlap),
            columns=_starts(padded[1], tile, tile - overlap),
            tile=(min(tile, padded[0]), min(tile, padded[1])),
        )

    def cut(self, image: Map) -> list[Map]:
        """The tiles of a (height, width, channels) image, row by row."""
        extra = (self.padded[0] - self.height, self.padded[1] - self.width)
        whole = np.pad(image, ((0, extra[0]), (0, extra[1]), (0, 0)), mode="symmetric")
        return [
            whole[row : row + self.tile[0], column : column + self.tile[1]]
            for row in self.rows
            for column in self.columns
        ]

    def join(self, tiles: Sequence[Map]) -> Map:
        """The (height, width, k) whole of the results (tile height, tile width, k) of `cut`'s tiles."""
        whole = np.empty((*self.padded, tiles[0].shape[2]), np.float32)
        parts = iter(tiles)
        for row, top, bottom in _shares(self.rows, self.tile[0]):
            for column, left, right in _shares(self.columns, self.tile[1]):
                part = next(parts)
                whole[top:bottom, left:right] = part[top - row : bottom - row, left - column : right - column]
        return whole[: self.height, : self.width]


def mirror(mirrored: tuple[bool, bool]) -> tuple[slice, slice]:
    """What mirrors the rows and columns of a map in x, in y, in both, or in neither."""
    x, y = (slice(None, None, -1) if one else slice(None) for one in mirrored)
    return y, x


def rounded_up(length: int, step: int) -> int:
    """The next multiple of `step` that is not less."""
    return -(-length // step) * step


def _starts(length: int, tile: int, step: int) -> tuple[int, ...]:
    if length <= tile:
        return (0,)
    return (*range(0, length - tile, step), length - tile)


def _shares(starts: Sequence[int], tile: int) -> list[tuple[int, int, int]]:
    """(start, first, end) of each tile: neighbours meet in the middle of what they share."""
    meets = [(before + tile + after) // 2 for before, after in pairwise(starts)]
    firsts, ends = [starts[0], *meets], [*meets, starts[-1] + tile]
    return list(zip(starts, firsts, ends, strict=True))
