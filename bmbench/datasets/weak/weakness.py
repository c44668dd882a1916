"""How weak the weak circles of a set are: how they overlap, what they cover, what they miss.

Areas are counted on a grid of points, four in a pixel: an image of half a thousand circles
has no closed form for the area that two or more of them share. Of a large set some images are enough.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bmbench.core.objects import diameters, mean_size, scaled, shape_circles_of
from bmbench.core.types import Annotations, Bools, Floats, Role, Sample
from bmbench.datasets.weak.simulator import jitter_for, overlapping_circles, weak_circles

SUBPIXELS = 2
"""Grid points along each side of a pixel."""
MOST_COUNTED = 100
"""Images on which areas are counted: their shares are shown to a tenth of a percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeakStatistics:
    """The circles of all outlined cells of a set, at one jitter; None where there is nothing to divide by.

    Attributes
    ----------
    jitter_px : float
        Standard deviation of the centre's coordinates.
    circles : int
        Cells with an outline.
    counted_on : int
        Images on which areas were counted, evenly over the set: for all below but `overlapping` and `cover`.
    overlapping : float or None
        Share of the circles that share area with another one.
    covered : float or None
        Share of the images' area inside at least one circle.
    covered_twice : float or None
        Share of that covered area inside two circles or more.
    cells : float or None
        Share of the images' area inside cells.
    not_cell : float or None
        Share of the covered area that is no cell: what is learned wrongly as foreground.
    missed : float or None
        Share of the cells' area in no circle: what is learned wrongly as background.
    cover : float or None
        Area of a circle over that of its cell, median.
    """

    jitter_px: float
    circles: int
    counted_on: int
    overlapping: float | None
    covered: float | None
    covered_twice: float | None
    cells: float | None
    not_cell: float | None
    missed: float | None
    cover: float | None


def weak_statistics(samples: Sequence[Sample], *, seed: int = 0) -> tuple[WeakStatistics, ...]:
    """The statistics without jitter, and with the study's, scaled to these cells; no image is read.

    Empty if no cell has an outline.
    """
    cells = [_outlined(sample.annotations) for sample in samples]
    if not any(map(len, cells)):
        return ()
    sizes = np.concatenate([diameters(mine) for mine in cells])
    jitters = (0.0, jitter_for(mean_size(sizes)))
    shapes = shape_circles_of(cells)
    circles = [
        [
            weak_circles(circle, seed=seed, image_id=sample.image_id, jitter_px=jitter)
            for circle, sample in zip(shapes, samples, strict=True)
        ]
        for jitter in jitters
    ]
    counted = np.unique(np.linspace(0, len(samples) - 1, MOST_COUNTED).round().astype(int)).tolist()
    sums = np.zeros((len(jitters), len(_PARTS)), np.int64)
    for number in counted:
        cell = _cell_area(cells[number], (samples[number].height, samples[number].width))
        sums += [_areas(cell, of_jitter[number]) for of_jitter in circles]
    cell_areas = np.pi * (sizes / 2) ** 2
    return tuple(
        _statistics(jitter, of_jitter, cell_areas, dict(zip(_PARTS, parts, strict=True)), len(counted))
        for jitter, of_jitter, parts in zip(jitters, circles, sums.tolist(), strict=True)
    )


_PARTS = ("image", "cells", "circles", "two circles", "circles alone", "cells alone")


def _outlined(annotations: Annotations) -> Annotations:
    outlined = np.array([bool(rings) for rings in annotations.contour], bool)
    kept = outlined & (annotations.role == Role.CELL)
    return annotations if kept.all() else annotations.take(kept)


def _statistics(
    jitter_px: float,
    circles: Sequence[Floats],
    cell_areas: Floats,
    parts: Mapping[str, int],
    counted_on: int,
) -> WeakStatistics:
    touching = np.concatenate([overlapping_circles(circle) for circle in circles])
    return WeakStatistics(
        jitter_px=jitter_px,
        circles=len(touching),
        counted_on=counted_on,
        overlapping=_share(int(touching.sum()), len(touching)),
        covered=_share(parts["circles"], parts["image"]),
        covered_twice=_share(parts["two circles"], parts["circles"]),
        cells=_share(parts["cells"], parts["image"]),
        not_cell=_share(parts["circles alone"], parts["circles"]),
        missed=_share(parts["cells alone"], parts["cells"]),
        cover=float(np.median(np.pi * np.concatenate(circles)[:, 2] ** 2 / cell_areas)),
    )


def _cell_area(cells: Annotations, size: tuple[int, int]) -> Bools:
    """(h, w) on the grid: whether each point lies in a cell."""
    from bmbench.datasets.formats.label_image import draw_labels

    enlarged = scaled(cells, np.full(2, SUBPIXELS, float))
    return draw_labels(enlarged, (size[0] * SUBPIXELS, size[1] * SUBPIXELS)) > 0


def _areas(cell: Bools, circle: Floats) -> tuple[int, ...]:
    """Grid points of one image in each of `_PARTS`."""
    once, twice = np.zeros(cell.shape, bool), np.zeros(cell.shape, bool)
    for x, y, radius in (circle * SUBPIXELS).tolist():
        rows, columns = (_span(centre, radius, n) for centre, n in zip((y, x), cell.shape, strict=True))
        dy, dx = (np.arange(side.start, side.stop) + 0.5 - at for side, at in ((rows, y), (columns, x)))
        inside = (dx * dx)[None] + (dy * dy)[:, None] < radius * radius
        window = once[rows, columns]
        twice[rows, columns] |= window & inside
        window |= inside
    parts = (cell, once, twice, once & ~cell, cell & ~once)
    return (cell.size, *(int(np.count_nonzero(part)) for part in parts))


def _span(centre: float, radius: float, length: int) -> slice:
    first = min(max(int(centre - radius) - 1, 0), length)
    return slice(first, max(min(int(centre + radius) + 2, length), first))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
