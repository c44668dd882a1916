"""The pictures of the report: scores with intervals, precision against recall."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bmbench.benchmark.figures import save_figure
from bmbench.benchmark.reproduce.statistics import mean_curve
from bmbench.benchmark.reproduce.tables import ordered
from bmbench.benchmark.reproduce.words import RULES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from bmbench.benchmark.reproduce.runs import FinishedRun, Key
    from bmbench.benchmark.reproduce.statistics import Table
    from bmbench.metrics import Geometry

COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito's (2008), which colour-blind people can tell apart, without the yellow that white swallows."""
DASHES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 2, 1.5, 2)), (0, (4, 1.5, 1.5, 1.5, 1.5, 1.5)))
_CORNER = 0.8
_RECALLS = np.linspace(0.0, 1.0, 501)
_BLUE, _VERMILLION = "#0072B2", "#D55E00"


def draw_scores(path: Path, scores: Table, keys: Sequence[Key], *, title: str) -> None:
    """Write F1 and AP of every row as points with their intervals, boxes and centres in one line each."""
    from matplotlib.figure import Figure

    keys = ordered(keys)
    figure = Figure(figsize=(8.4, 1.3 + 0.42 * len(keys)), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, name in zip(panels, ("f1", "ap"), strict=True):
        for geometry, colour, marker, shift in (("bb", _VERMILLION, "s", -0.14), ("cd", _BLUE, "o", 0.14)):
            _draw_points(axes, scores, keys, geometry, name, style=(colour, marker, shift))
        axes.set(xlabel=f"{name.upper()}, per cent")
        axes.grid(axis="x", color="0.9")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(keys)), [_name(key, keys) for key in keys])
    panels[0].set_ylim(len(keys) - 0.5, -0.5)
    figure.suptitle(title, fontsize=11)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    save_figure(path, figure)


def _draw_points(
    axes: Axes, scores: Table, keys: Sequence[Key], geometry: Geometry, name: str, *, style: tuple[str, str, float]
) -> None:
    colour, marker, shift = style
    for place, key in enumerate(keys):
        found = scores.mean(key, geometry, "f1" if name == "f1" else "ap")
        if found.value is None:
            continue
        low, high = found.interval or (found.value, found.value)
        axes.plot([100 * low, 100 * high], [place + shift] * 2, color=colour, lw=1.6, solid_capstyle="butt")
        label = RULES[geometry] if place == 0 else None
        axes.plot(100 * found.value, place + shift, marker, color=colour, mec="white", ms=7, label=label)


def draw_curves(path: Path, rows: dict[Key, tuple[FinishedRun, ...]], *, title: str) -> None:
    """Write precision against recall of every row, by boxes and by centres, whole and in the corner."""
    from matplotlib.figure import Figure

    keys = ordered(list(rows))
    geometries: list[Geometry] = [
        geometry for geometry in ("bb", "cd") if all(run.scores(geometry) for key in keys for run in rows[key])
    ]
    figure = Figure(figsize=(4.6 * len(geometries), 9.6), layout="constrained")
    panels = figure.subplots(2, len(geometries), squeeze=False)
    for column, geometry in enumerate(geometries):
        for place, key in enumerate(keys):
            precision = mean_curve(rows[key], geometry, _RECALLS)
            reached = precision > 0
            for axes in panels[:, column]:
                axes.plot(
                    _RECALLS[reached],
                    precision[reached],
                    color=COLOURS[place % len(COLOURS)],
                    ls=DASHES[place % len(DASHES)],
                    lw=1.6,
                    label=_name(key, keys),
                )
        whole, corner = panels[:, column]
        whole.set(title=RULES[geometry], xlim=(0, 1.005), ylim=(0, 1.01))
        corner.set(title=f"{RULES[geometry]}, corner", xlim=(_CORNER, 1.001), ylim=(_CORNER, 1.002))
        for axes in (whole, corner):
            axes.set(xlabel="recall", ylabel="precision")
            axes.grid(color="0.93")
            axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title, fontsize=11)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, handlelength=4)
    save_figure(path, figure)


def _name(key: Key, keys: Sequence[Key]) -> str:
    several = len({other.artefacts for other in keys}) > 1
    return f"{key.method}, {key.artefacts}" if several else key.method
