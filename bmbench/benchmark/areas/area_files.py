"""The areas of a slide in files: GeoJSON that QuPath corrects and ``--regions`` takes, and a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.benchmark.areas.choose import BLURRY, FEW, PILED, THICK, ChosenAreas, SlideField
from bmbench.benchmark.drawing.figures import save_figure
from bmbench.core.files import make_folder
from bmbench.core.types import Annotations, Category, Pixels
from bmbench.datasets.formats.qupath.geojson import write_qupath
from bmbench.datasets.slides import opened, read_scaled
from bmbench.present.palette import BLACK, BLUE, GREY, ORANGE, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AREA = Category(id=1, name="area to count in")
"""The class of the areas in QuPath."""
FOLDER = "areas"
"""Where they are written, in the folder of what was found in them."""
MOST_PX = 1600
"""Longest side of the slide on the picture."""
_SIGNS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {FEW: ("o", GREY), THICK: ("s", VERMILLION), PILED: ("X", BLACK), BLURRY: ("^", ORANGE)}
)
"""A sign and a colour for each fault of a field."""


def write_areas(
    folder: Path, areas: ChosenAreas, *, stem: str, path: Path, white: int | None = None
) -> tuple[Path, Path]:
    """Write ``STEM.geojson`` with the chosen areas, the best first, and ``STEM.png``, where they lie.

    `path` is the slide, and `white` the value that is white, of 16 bits.
    """
    make_folder(folder)
    outlines, picture = folder / f"{stem}.geojson", folder / f"{stem}.png"
    box = np.array([field.box for field in areas.chosen], np.float64).reshape(-1, 4)
    marks = Annotations.of(xy=(box[:, :2] + box[:, 2:]) / 2, box=box)
    measured = {
        "Nuclei": np.array([field.nuclei for field in areas.chosen], np.float64),
        "Nuclei that stand alone, share": np.array([field.share for field in areas.chosen]),
        "Bare ground, share": np.array([field.bare for field in areas.chosen]),
        "Width of edges, diameters of a nucleus": np.array([field.edge or np.nan for field in areas.chosen]),
    }
    write_qupath(outlines, marks, [AREA], decimals=2, measure=lambda _: measured)
    with opened(path, white=white) as slide:
        factor = min(1.0, MOST_PX / max(slide.finest))
        shown = read_scaled(
            slide, (max(1, round(slide.width * factor)), max(1, round(slide.height * factor)))
        )
        size = slide.finest
    save_figure(picture, areas_figure(areas, shown, size=size, title=path.name))
    return outlines, picture


def areas_figure(areas: ChosenAreas, shown: Pixels, *, size: tuple[int, int], title: str) -> Figure:
    """The slide, of `size` px at level 0, with the chosen fields numbered and the faults of the others."""
    from matplotlib.figure import Figure

    height, width = shown.shape[:2]
    across = 9.0 if width >= height else 9.0 * width / height
    figure = Figure(figsize=(max(across, 5.0), max(across, 5.0) * height / width + 1.0), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shown, extent=(0, size[0], size[1], 0), interpolation="antialiased")
    for field in areas.others:
        if not field.fault:
            _outline(axes, field, width=0.8, dashes=(0, (3, 2)))
    for number, field in enumerate(areas.chosen, start=1):
        _outline(axes, field, width=2.0, dashes="-")
        x0, y0 = field.box[:2]
        label = {"boxstyle": "square,pad=0.15", "facecolor": BLUE, "edgecolor": "none"}
        axes.text(x0, y0, str(number), color="white", fontsize=7, va="top", ha="left", bbox=label)
    for fault, (sign, colour) in _SIGNS.items():
        some = [field.box for field in areas.others if field.fault == fault]
        if some:
            box = np.array(some)
            centre = (box[:, :2] + box[:, 2:]) / 2
            look: dict[str, Any] = {
                "marker": sign,
                "s": 34,
                "color": colour,
                "edgecolor": "white",
                "linewidth": 0.7,
            }
            axes.scatter(*centre.T, **look, label=f"{fault} ({len(some)})")
    spare = sum(not field.fault for field in areas.others)
    axes.plot([], [], color=BLUE, lw=2, label=f"chosen ({len(areas.chosen)})")
    if spare:
        axes.plot(
            [], [], color=BLUE, lw=0.8, ls=(0, (3, 2)), label=f"not needed, focus not looked at ({spare})"
        )
    axes.set(xlim=(0, size[0]), ylim=(size[1], 0), title=title, xticks=[], yticks=[])
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def _outline(axes: Axes, field: SlideField, *, width: float, dashes: object) -> None:
    from matplotlib.patches import Rectangle

    x0, y0, x1, y1 = field.box
    place = (x0, y0), x1 - x0, y1 - y0
    axes.add_patch(Rectangle(*place, fill=False, edgecolor="white", linewidth=width + 1.6))
    axes.add_patch(Rectangle(*place, fill=False, edgecolor=BLUE, linewidth=width, linestyle=dashes))
