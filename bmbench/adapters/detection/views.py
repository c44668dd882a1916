"""Views of an image: its mirror images, and their tiles, which overlap.

What a network says of a view is brought back to the pixels of the image here. A tile says nothing of what
touches an inner edge of it: the cell goes on there. But a cell too large for any tile is left to the tile in
whose own share its middle lies, so that none is lost.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmbench.adapters.detection.merging.overlaps import are_circles
from bmbench.adapters.detection.settings.common import CommonSettings
from bmbench.adapters.images.tiling import Tiling
from bmbench.core.geometry import ring_area, rings_box
from bmbench.core.types import Bools, Floats, Ints, Pixels, Rings

MIRRORS = ((False, False), (True, False), (False, True), (True, True))
"""(left and right exchanged, top and bottom exchanged) of each mirrored view."""
_CLEAR_PX = 2.0
"""Between a box and an inner edge of its tile, at working scale."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlacedTile:
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


def tiles_of(image: Pixels, settings: CommonSettings) -> list[PlacedTile]:
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
        PlacedTile(
            image=part,
            corner=np.array(corner, float),
            size=np.array(tiling.tile[::-1], float),
            inner=inner,
            share=share,
            number=number,
        )
        for number, (part, corner) in enumerate(zip(tiling.cut(image), corners, strict=True))
    ]


def where_accepted(box: Floats, tile: PlacedTile) -> Ints:
    """(n,) how many tiles may say something of each box of this tile; 0 where this one may not."""
    middle = (box[:, :2] + box[:, 2:]) / 2
    whole = (box[:, None, :2] >= tile.inner[None, :, :2]) & (box[:, None, 2:] <= tile.inner[None, :, 2:])
    own = (middle[:, None] >= tile.share[None, :, :2]) & (middle[:, None] < tile.share[None, :, 2:])
    accepted: Bools = np.logical_or(whole.all(axis=2), own.all(axis=2))
    count: Ints = np.where(accepted[:, tile.number], accepted.sum(axis=1), 0)
    return count


def mirrored(shapes: Floats, *, width: float, height: float, flip: tuple[bool, bool]) -> Floats:
    """The shapes as they lie in the mirror image of a (height, width) image; applied twice, as they were."""
    result = shapes.copy()
    for axis, (length, flipped) in enumerate(zip((width, height), flip, strict=True)):
        if not flipped:
            continue
        if are_circles(shapes):
            result[:, axis] = length - shapes[:, axis]
        else:
            result[:, axis], result[:, axis + 2] = length - shapes[:, axis + 2], length - shapes[:, axis]
    return result


def centrality(xy: Floats, corner: Floats, size: Floats, *, sigma: float = 0.8) -> Floats:
    """(n,) how central points lie in their tiles: 1 in the middle.

    The mean over both axes of a Gaussian of the distance to the tile's middle; `sigma` is in half sides of
    the tile (0.8 in the toolkit of Jaeger et al.: 0.46 at the middle of an edge's far end on both axes).

    Parameters
    ----------
    xy, corner, size : (n, 2) pixels
        The points; the first corner, and width and height, of each one's tile.
    """
    away = (xy - corner - size / 2) / (sigma * size / 2)
    near: Floats = np.exp(-0.5 * away**2).mean(axis=1)
    return near


def outline_of(mask: NDArray[Any] | None, flip: tuple[bool, bool]) -> Rings:
    """The outline of a (1, h, w) map of probabilities, mirrored by `flip`, in a box of side 1; () of none.

    The largest part of where the probability is above one half.
    """
    if mask is None:
        return ()
    from skimage.measure import find_contours

    grid = np.pad(mask[0].astype(np.float64), 1)
    rings = [ring[:-1, ::-1] for ring in find_contours(grid, 0.5)]  # type: ignore[no-untyped-call]
    if not rings:
        return ()
    ring = max(rings, key=ring_area)
    # Row 0 of the padded grid is the middle of a pixel outside.
    ring = (ring - 0.5) / np.array(mask.shape[:0:-1])
    return (np.where(np.array(flip), 1 - ring, ring),)


def stretched(rings: Rings, box: Floats) -> Rings:
    """The outline moved and stretched until it fills a box; () stays."""
    if not rings:
        return ()
    now = rings_box(rings)
    old, new = now[2:] - now[:2], box[2:] - box[:2]
    if not (old > 0).all():
        return ()
    return tuple(box[:2] + (ring - now[:2]) * (new / old) for ring in rings)


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
