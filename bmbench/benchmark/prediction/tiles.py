"""How an image of any size is cut: cores that share it out, and margins that a detector sees around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bmbench.core.types import Bools, Floats

Rectangle = tuple[int, int, int, int]
"""x0, y0, x1, y1 in whole pixels of the working grid; x1 and y1 lie outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One piece of work: the detector sees `seen`, and answers for `core`."""

    number: int
    core: Rectangle
    seen: Rectangle


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The cut of one image.

    The cores are rectangles of nearly equal size that cover the image without overlap. A detector sees a
    margin around its core, up to the image's own edge. An image no larger than a tile is one piece.

    Attributes
    ----------
    size : (width, height)
        Of the image on the working grid: its pixels have the size of those that the detector learned from.
    columns, rows : tuple of int
        The x and y at which cores begin, and the end of the last one.
    margin_px : int
        On each side of a core. Wider than the largest cell, so that a cell whose centre lies in the core,
        or by less than `band_px` outside, is seen whole.
    band_px : float
        How far the centres of one cell, as two neighbours see it, may lie apart (see `seams`).
    """

    size: tuple[int, int]
    columns: tuple[int, ...]
    rows: tuple[int, ...]
    margin_px: int
    band_px: float

    @classmethod
    def of(cls, size: tuple[int, int], *, tile_px: int, margin_px: int, band_px: float) -> Grid:
        """Tiles of at most `tile_px` a side, margins included.

        Raises
        ------
        ValueError
            If the margins leave nothing of a tile, or the band is wider than the margin.
        """
        if tile_px <= 2 * margin_px or not 0 <= band_px <= margin_px:
            raise ValueError(
                f"no tiles of {tile_px} px with margins of {margin_px} and bands of {band_px} px"
            )
        columns, rows = (_edges(length, tile_px, margin_px) for length in size)
        return cls(size=size, columns=columns, rows=rows, margin_px=margin_px, band_px=band_px)

    def tiles(self, wanted: Callable[[Rectangle], bool] | None = None) -> list[Tile]:
        """The tiles row by row; only those whose core is `wanted`, the numbers staying those of all."""
        found = []
        for row in range(len(self.rows) - 1):
            for column in range(len(self.columns) - 1):
                core = self.columns[column], self.rows[row], self.columns[column + 1], self.rows[row + 1]
                if wanted is None or wanted(core):
                    number = row * (len(self.columns) - 1) + column
                    found.append(Tile(number=number, core=core, seen=self._seen(core)))
        return found

    def __len__(self) -> int:
        return (len(self.columns) - 1) * (len(self.rows) - 1)

    def _seen(self, core: Rectangle) -> Rectangle:
        x0, y0, x1, y1 = core
        margin, (width, height) = self.margin_px, self.size
        return max(x0 - margin, 0), max(y0 - margin, 0), min(x1 + margin, width), min(y1 + margin, height)


def within(xy: Floats, core: Rectangle, size: tuple[int, int], grow: float = 0.0) -> Bools:
    """(n,) whether each centre lies in a core grown by `grow` pixels.

    A core has its left and top edges and not the others, so that each point of the image lies in one core
    only. At the edge of the image a core reaches on for ever: a centre there belongs to somebody too.
    """
    x0, y0, x1, y1 = core
    low = np.array([-np.inf if x0 == 0 else x0 - grow, -np.inf if y0 == 0 else y0 - grow])
    high = np.array([np.inf if x1 == size[0] else x1 + grow, np.inf if y1 == size[1] else y1 + grow])
    return np.asarray(((xy >= low) & (xy < high)).all(axis=1), bool)


def _edges(length: int, tile: int, margin: int) -> tuple[int, ...]:
    """Where cores begin and end: as few as tiles allow. The first and the last have one margin only."""
    if length <= tile:
        parts = 1
    elif length <= 2 * (tile - margin):
        parts = 2
    else:
        parts = -(-length // (tile - 2 * margin))
    return tuple(length * part // parts for part in range(parts + 1))
