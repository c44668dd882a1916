"""Tiles that overlap, and which of them may say something of a cell.

A tile says nothing of what touches an inner edge of it: the cell goes on there. But a cell too large for
any tile is left to the tile in whose own share its middle lies, so that none is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bmbench.adapters.images.tiling import Tiling

if TYPE_CHECKING:
    from bmbench.adapters.detection.settings import CommonSettings
    from bmbench.core.types import Bools, Floats, Ints, Pixels

_CLEAR_PX = 2.0
"""Between a box and an inner edge of its tile, at working scale."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tile:
    """One tile of an image, and where all of them lie.

    Attributes
    ----------
    image : (h, w, 3)
    corner, size : (2,) pixels
        x, y of its first corner in the image; width and height.
    inner, share : (m, 4) pixels
        For each tile of the image: the box in which it sees cells whole; the box of its own share.
    number : int
        Row of `inner` and `share`.
    """

    image: Pixels
    corner: Floats
    size: Floats
    inner: Floats
    share: Floats
    number: int

    @property
    def alone(self) -> bool:
        """Whether it is the whole image."""
        return len(self.inner) == 1


def tiles_of(image: Pixels, settings: CommonSettings) -> list[Tile]:
    """The tiles of an image at working scale, row by row."""
    tiling = Tiling.of(
        *image.shape[:2], tile=settings.tile_px, overlap=settings.overlap_px, stride=settings.stride
    )
    down, right = (
        _spans(starts, length)
        for starts, length in zip((tiling.rows, tiling.columns), tiling.tile, strict=True)
    )
    inner, share = (
        np.array([(x[0], y[0], x[1], y[1]) for y in down[kind] for x in right[kind]], float)
        for kind in ("inner", "share")
    )
    corners = [(x, y) for y in tiling.rows for x in tiling.columns]
    return [
        Tile(
            image=part,
            corner=np.array(corner, float),
            size=np.array(tiling.tile[::-1], float),
            inner=inner,
            share=share,
            number=number,
        )
        for number, (part, corner) in enumerate(zip(tiling.cut(image), corners, strict=True))
    ]


def where_accepted(box: Floats, tile: Tile) -> Ints:
    """(n,) how many tiles may say something of each box of this tile; 0 where this one may not."""
    middle = (box[:, :2] + box[:, 2:]) / 2
    whole = (box[:, None, :2] >= tile.inner[None, :, :2]) & (box[:, None, 2:] <= tile.inner[None, :, 2:])
    own = (middle[:, None] >= tile.share[None, :, :2]) & (middle[:, None] < tile.share[None, :, 2:])
    accepted: Bools = np.logical_or(whole.all(axis=2), own.all(axis=2))
    count: Ints = np.where(accepted[:, tile.number], accepted.sum(axis=1), 0)
    return count


def _spans(starts: tuple[int, ...], length: int) -> dict[str, list[tuple[float, float]]]:
    """On one axis, for each tile: where it sees cells whole, and its share, which ends in mid-overlap."""
    last = len(starts) - 1
    inner, share = [], []
    for number, start in enumerate(starts):
        first_edge, last_edge = number == 0, number == last
        inner.append(
            (
                -np.inf if first_edge else start + _CLEAR_PX,
                np.inf if last_edge else start + length - _CLEAR_PX,
            )
        )
        share.append(
            (
                -np.inf if first_edge else (starts[number - 1] + length + start) / 2,
                np.inf if last_edge else (start + length + starts[number + 1]) / 2,
            )
        )
    return {"inner": inner, "share": share}
