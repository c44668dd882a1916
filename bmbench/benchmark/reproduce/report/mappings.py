"""What each encoding makes of a pixel's place in its cell (the study's Figure 3), as the runs were taught."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.adapters.unet.encodings.encoding import Encoding
from bmbench.benchmark.drawing.figures import save_figure
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.matrix import Cell
from bmbench.core.files import read_json
from bmbench.present.palette import BLUE, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DEPTH = np.linspace(0.0, 1.0, 401, dtype=np.float32)
_COLUMNS = 4
_GREY = "0.88"


def draw_mappings(path: Path, folder: StudyFolder, cells: Mapping[str, Cell]) -> bool:
    """Write one panel a method, for a round cell of the mean diameter; False if no run says its encoding.

    Parameters
    ----------
    cells : method → the finished cell whose run is asked
    """
    from matplotlib.figure import Figure

    found = {name: card for name, cell in cells.items() if (card := _card(folder.run(cell)))}
    if not found:
        return False
    columns = min(_COLUMNS, len(found))
    rows = -(-len(found) // columns)
    # Below two panels the legend, which is 3.9 inches wide, was cut off on both sides.
    width = max(2.6 * columns + 0.4, 4.2)
    figure = Figure(figsize=(width, 2.5 * rows + 0.7), layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes in panels.flat[len(found) :]:
        axes.set_axis_off()
    for axes, (name, card) in zip(panels.flat, found.items(), strict=False):
        _draw(axes, card)
        axes.set_title(name, fontsize=9)
    panels[0, 0].set(xlim=(0, 1), ylim=(-1.1, 1.1))
    figure.supxlabel("depth: 0 at the outline, 1 at the centre", fontsize=10)
    figure.supylabel("target", fontsize=10)
    figure.legend(handles=_legend(), loc="outside upper center", ncols=3, frameon=False, fontsize=9)
    save_figure(path, figure)
    return True


def _card(run: Path) -> dict[str, Any] | None:
    """The card of a run's first network that has an encoding."""
    for file in sorted((run / "checkpoint").rglob("*.json")):
        card = read_json(file)
        if isinstance(card, dict) and isinstance(card.get("encoding"), dict):
            return card
    return None


def _draw(axes: Axes, card: dict[str, Any]) -> None:
    from bmbench.adapters.unet.encodings.encoding import encoding_of
    from bmbench.adapters.unet.encodings.object_pixels import ObjectPixels
    from bmbench.adapters.unet.settings import UNetSettings

    encoding: Encoding = encoding_of(card["encoding"])
    settings = UNetSettings(**card["settings"])
    radius = np.float32(settings.cell_px / 2)
    pixels = ObjectPixels(
        depth=_DEPTH * radius, deepest=np.full_like(_DEPTH, radius), settings=settings, curve=encoding.curve
    )
    value, weight = encoding.pixel_targets(pixels)
    axes.axhline(0, color="0.8", lw=0.8, zorder=0)
    if set(np.unique(weight)) <= {0.0, 1.0}:
        axes.fill_between(_DEPTH, -1.1, 1.1, where=weight == 0, color=_GREY, lw=0, zorder=0)
        axes.plot(_DEPTH, np.where(weight > 0, value[0], np.nan), color=BLUE, lw=2)
    else:
        # Classes with graded weights stand for a target between −1 and 1.
        axes.plot(_DEPTH, (2 * value[0] - 1) * weight, color=BLUE, lw=2)
    if len(value) > 1:
        axes.plot(_DEPTH, value[1], color=ORANGE, lw=1.8, ls=(0, (4, 1.5)))
    axes.spines[["top", "right"]].set_visible(False)


def _legend() -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    return [
        Line2D([], [], color=BLUE, lw=2, label="cell"),
        Line2D([], [], color=ORANGE, lw=1.8, ls=(0, (4, 1.5)), label="contour"),
        Patch(color=_GREY, label="left out of the loss"),
    ]
