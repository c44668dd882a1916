"""A part of a slide as an image by itself: a region that somebody annotated, with a margin around it.

Cells at the edge of a region are to be seen whole, so its image is a little larger. What lies in the image
and not in the region nobody marked: ignored rectangles cover it, since scores know regions by their boxes.
"""

from pathlib import Path

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.geometry import rectangle, rings_area, rings_box, rings_mask
from bmbench.core.types import Bools, Pixels, Rings
from bmbench.datasets.reading.tiff_files import LIMIT_PX
from bmbench.datasets.slides.opening import opened
from bmbench.datasets.slides.slide import read_region

MARGIN_PX = 64.0
"""Twice the reach of a large cell at 0.25 µm per px."""
_STEPS, _FINER = 128, 4
_IS_RECTANGLE = 0.999
"""Share of its box that an area fills which is a rectangle, drawn by hand or rounded."""
Window = tuple[int, int, int, int]


def region_window(rings: Rings, size: tuple[int, int], margin: float, *, where: str) -> Window:
    """x0, y0, x1, y1 in whole pixels: the region's box and a margin, inside a slide of (width, height).

    Raises
    ------
    BadInputError
        If it is larger than an image that is read whole.
    """
    box = rings_box(rings)
    x0, y0 = np.maximum(np.floor(box[:2] - margin), 0).astype(int).tolist()
    x1, y1 = np.minimum(np.ceil(box[2:] + margin), size).astype(int).tolist()
    if (x1 - x0) * (y1 - y0) > LIMIT_PX:
        raise BadInputError(
            "region of interest too large",
            where=where,
            got=f"{x1 - x0} × {y1 - y0} px",
            expected=f"{LIMIT_PX:,} px",
            remedy="draw several smaller ones",
        )
    return x0, y0, x1, y1


def outside_region(rings: Rings, window: Window) -> list[Rings]:
    """Rectangles that cover what is in a window and not in the region, in pixels of the window.

    Above, below, left and right of its box they are exact. What else is outside is covered to a hundredth of
    the window by all rectangles that no larger one holds: a box that lies outside lies in one of them.
    """
    x0, y0, x1, y1 = window
    width, height = float(x1 - x0), float(y1 - y0)
    own = tuple(ring - np.array([x0, y0]) for ring in rings)
    left, top, right, bottom = rings_box(own).tolist()
    strips = [(0.0, 0.0, width, top), (0.0, bottom, width, height)]
    strips += [(0.0, 0.0, left, height), (right, 0.0, width, height)]
    if rings_area(own) < _IS_RECTANGLE * (right - left) * (bottom - top):
        step = max(width, height) / _STEPS
        strips += [
            (c0 * step, r0 * step, min(c1 * step, width), min(r1 * step, height))
            for c0, r0, c1, r1 in _largest_rectangles(_free(own, (width, height), step))
        ]
    return [rectangle(*s) for s in strips if s[2] > s[0] and s[3] > s[1]]


def region_pixels(path: Path, size: tuple[int, int], window: Window, *, white: int | None = None) -> Pixels:
    """(height, width, 3) the pixels of a window of a slide that has to have that (width, height).

    Raises
    ------
    BadInputError
        If the slide is damaged, or of another size: another one may lie in its folder.
    """
    with opened(path, white=white) as slide:
        if slide.finest != size:
            raise BadInputError(
                "a slide of another size than its annotations say",
                where=str(path),
                expected=f"{size[0]} × {size[1]} px",
                got=f"{slide.width} × {slide.height} px",
                remedy="give each slide a folder of its own",
            )
        return read_region(slide, window, (window[2] - window[0], window[3] - window[1]))


def _free(rings: Rings, size: tuple[float, float], step: float) -> Bools:
    """(rows, columns) which squares of a grid lie outside the region, as their own 16 parts tell."""
    columns, rows = (int(np.ceil(side / step)) for side in size)
    finer = tuple(ring / step * _FINER for ring in rings)
    inside = rings_mask(finer, rows * _FINER, columns * _FINER)
    parts = inside.reshape(rows, _FINER, columns, _FINER)
    return np.asarray(parts.max(axis=(1, 3)) == 0, bool)


def _largest_rectangles(free: Bools) -> list[Window]:
    """c0, r0, c1, r1 of every rectangle of free squares that no larger one holds, the end not included.

    >>> _largest_rectangles(np.array([[True, True], [True, False]]))
    [(0, 0, 2, 1), (0, 0, 1, 2)]
    """
    rows, columns = free.shape
    found: list[Window] = []
    height = np.zeros(columns + 1, np.int64)
    for row in range(rows):
        height[:-1] = np.where(free[row], height[:-1] + 1, 0)
        below = free[row + 1] if row + 1 < rows else np.zeros(columns, bool)
        # The columns that a rectangle may still begin in, each higher than the one before.
        open_: list[tuple[int, int]] = []
        for column, now in enumerate(height.tolist()):
            start = column
            while open_ and open_[-1][1] > now:
                start, high = open_.pop()
                if not below[start:column].all():
                    found.append((start, row + 1 - high, column, row + 1))
            if now and (not open_ or open_[-1][1] < now):
                open_.append((start, now))
    return found
