"""How weak the weak circles of a set are: how they overlap, what they cover, what they miss.

Areas are counted on a grid of points, four in a pixel: an image of half a thousand circles
has no closed form for the area that two or more of them share.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bmbench.core.objects import diameters, scaled
from bmbench.core.types import Annotations, Bools, Floats, Ints, Role, Sample
from bmbench.datasets.weak.simulator import overlapping_circles, scaled_jitter, weaken

SUBPIXELS = 2
"""Grid points along each side of a pixel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeakStatistics:
    """The circles of all outlined cells of a set, at one jitter; None where there is nothing to divide by.

    Attributes
    ----------
    jitter_px : float
        Standard deviation of the centre's coordinates.
    circles : int
        Cells with an outline.
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
    jitters = (0.0, scaled_jitter(cells))
    circles = [
        [
            weaken(mine, seed=seed, image_id=sample.image_id, jitter_px=jitter).circle
            for mine, sample in zip(cells, samples, strict=True)
        ]
        for jitter in jitters
    ]
    sums = np.zeros((len(jitters), len(_PARTS)), np.int64)
    for number, (mine, sample) in enumerate(zip(cells, samples, strict=True)):
        cell = _cell_area(mine, (sample.height, sample.width))
        sums += [_areas(cell, of_jitter[number]) for of_jitter in circles]
    cell_areas = np.concatenate([np.pi * (diameters(mine) / 2) ** 2 for mine in cells])
    return tuple(
        _statistics(jitter, of_jitter, cell_areas, dict(zip(_PARTS, parts.tolist(), strict=True)))
        for jitter, of_jitter, parts in zip(jitters, circles, sums, strict=True)
    )


_PARTS = ("image", "cells", "circles", "two circles", "circles alone", "cells alone")


def _outlined(annotations: Annotations) -> Annotations:
    outlined = np.array([bool(rings) for rings in annotations.contour], bool)
    return annotations.take((annotations.role == Role.CELL) & outlined)


def _statistics(
    jitter_px: float, circles: Sequence[Floats], cell_areas: Floats, parts: Mapping[str, int]
) -> WeakStatistics:
    touching = np.concatenate([overlapping_circles(circle) for circle in circles])
    return WeakStatistics(
        jitter_px=jitter_px,
        circles=len(touching),
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
    covers = np.zeros(cell.shape, np.uint16)
    for x, y, radius in circle * SUBPIXELS:
        rows, columns = (_span(centre, radius, n) for centre, n in zip((y, x), cell.shape, strict=True))
        dy, dx = rows[:, None] + 0.5 - y, columns + 0.5 - x
        covers[np.ix_(rows, columns)] += dx * dx + dy * dy < radius * radius
    covered = covers > 0
    parts = (cell, covered, covers > 1, covered & ~cell, cell & ~covered)
    return (cell.size, *(int(np.count_nonzero(part)) for part in parts))


def _span(centre: float, radius: float, length: int) -> Ints:
    return np.arange(max(int(centre - radius) - 1, 0), max(min(int(centre + radius) + 2, length), 0))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
