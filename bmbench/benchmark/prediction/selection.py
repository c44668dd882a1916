"""Which part of a slide is looked at: drawn regions, whatever is stained, or everything."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bmbench.benchmark.prediction.tiles import Rectangle
from bmbench.core.errors import BadInputError
from bmbench.core.geometry import clip_ring, rectangle, ring_area, rings_contain
from bmbench.core.types import Bools, Floats, Rings
from bmbench.datasets.slides import Slide

LEAST_UM2 = 50.0
"""A core with less stained area is passed over: it is half the area of a small cell."""
_ASSUMED_UM = 0.25


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selection:
    """What is looked at, in level-0 pixels.

    Attributes
    ----------
    wanted : x0, y0, x1, y1 → bool
        Whether a part of the slide has to be looked at.
    inside : (n, 2) → (n,) bool
        Whether cells with these centres are reported.
    """

    wanted: Callable[[tuple[float, float, float, float]], bool]
    inside: Callable[[Floats], Bools]


EVERYTHING = Selection(wanted=lambda part: True, inside=lambda xy: np.ones(len(xy), bool))  # noqa: ARG005


def where_stained(slide: Slide) -> Selection:
    """The parts of a slide on which its thumbnail shows anything stained."""
    from bmbench.datasets.slides.tissue import stained, thumbnail

    mask = stained(thumbnail(slide))
    height, width = mask.shape
    across, down = width / slide.width, height / slide.height
    um = slide.um_per_px or _ASSUMED_UM
    least = max(LEAST_UM2 * (across / um) * (down / um), 1.0)

    def wanted(part: tuple[float, float, float, float]) -> bool:
        rows = slice(int(part[1] * down), int(np.ceil(part[3] * down)))
        columns = slice(int(part[0] * across), int(np.ceil(part[2] * across)))
        return bool(mask[rows, columns].sum() >= least)

    return Selection(wanted=wanted, inside=EVERYTHING.inside)


def in_regions(path: Path) -> Selection:
    """The areas drawn in a GeoJSON file (QuPath: *File → Export objects as GeoJSON*), level-0 pixels.

    A cell is reported if its centre lies in any of them.

    Raises
    ------
    BadInputError
        If the file is not GeoJSON, or holds no area.
    """
    from bmbench.datasets.formats.qupath.geojson import read_qupath

    file = read_qupath(path)
    # Of a whole export, what was detected in an area is no area itself.
    drawn = file.kind == "annotation"
    annotations = file.annotations.take(drawn) if drawn.any() else file.annotations
    areas = [
        rings or rectangle(*box) for rings, box in zip(annotations.contour, annotations.box, strict=True)
    ]
    areas = [rings for rings in areas if sum(map(ring_area, rings)) > 0]
    if not areas:
        raise BadInputError(
            "no region in the file", where=str(path), expected="polygons, rectangles or ellipses"
        )
    return within_areas(areas)


def within_areas(areas: Sequence[Rings]) -> Selection:
    """What lies in any of these areas, in level-0 pixels; nothing where there are none."""
    return Selection(
        wanted=lambda part: any(_touches(rings, part) for rings in areas),
        inside=lambda xy: np.any(
            [np.zeros(len(xy), bool), *(rings_contain(rings, xy) for rings in areas)], axis=0
        ),
    )


def core_on_slide(core: Rectangle, ratio: Floats) -> tuple[float, float, float, float]:
    """x0, y0, x1, y1 in level-0 pixels of a rectangle of the working grid."""
    x0, y0, x1, y1 = core
    return float(x0 * ratio[0]), float(y0 * ratio[1]), float(x1 * ratio[0]), float(y1 * ratio[1])


def _touches(rings: Rings, part: tuple[float, float, float, float]) -> bool:
    origin, extent = np.array(part[:2]), (part[2] - part[0], part[3] - part[1])
    return any(len(clip_ring(ring - origin, *extent)) > 0 for ring in rings)
