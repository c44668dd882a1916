"""The pictures of the report: scores with intervals, precision against recall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bmbench.benchmark.drawing.figures import save_figure
from bmbench.benchmark.records.history import read_history
from bmbench.benchmark.reproduce.report.runs import FinishedRun, Key
from bmbench.benchmark.reproduce.report.seed_means import Table, mean_curve
from bmbench.benchmark.reproduce.report.tables import ordered
from bmbench.core.types import Floats
from bmbench.metrics.protocol import GEOMETRIES, Geometry
from bmbench.present.palette import BLACK, BLUE, COLOURS, DASHES, VERMILLION
from bmbench.present.words import RULES
from bmbench.statistics.seeds import ScoreName

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINES = (BLACK, *COLOURS)
_CORNERS = (0.9, 0.8)
"""Recall and precision from which on a part is drawn once more: the first that all curves come into."""
_RECALLS = np.linspace(0.0, 1.0, 501)
_STYLES: Mapping[Geometry, tuple[str, str, float]] = {
    "bb": (VERMILLION, "s", -0.14),
    "cd": (BLUE, "o", 0.14),
}
"""Colour, marker and place of a matching rule in its line."""
_PANELS: tuple[ScoreName, ScoreName] = ("f1", "ap")


def draw_scores(path: Path, scores: Table, keys: Sequence[Key], *, title: str) -> None:
    """Write F1 and AP of every row as points with their intervals, boxes and centres in one line each."""
    from matplotlib.figure import Figure

    keys = ordered(keys)
    figure = Figure(figsize=(8.4, 1.3 + 0.42 * len(keys)), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, name in zip(panels, _PANELS, strict=True):
        for geometry in GEOMETRIES:
            _draw_points(axes, scores, keys, geometry, name)
        axes.set(xlabel=f"{name.upper()}, per cent")
        axes.grid(axis="x", color="0.9")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(keys)), [_name(key, keys) for key in keys])
    panels[0].set_ylim(len(keys) - 0.5, -0.5)
    figure.suptitle(title, fontsize=11)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    save_figure(path, figure)


def _draw_points(axes: Axes, scores: Table, keys: Sequence[Key], geometry: Geometry, name: ScoreName) -> None:
    colour, marker, shift = _STYLES[geometry]
    for place, key in enumerate(keys):
        found = scores.mean(key, geometry, name)
        if found.value is None:
            continue
        low, high = found.interval or (found.value, found.value)
        axes.plot([100 * low, 100 * high], [place + shift] * 2, color=colour, lw=1.6, solid_capstyle="butt")
        label = RULES[geometry] if place == 0 else None
        axes.plot(100 * found.value, place + shift, marker, color=colour, mec="white", ms=7, label=label)


def draw_curves(path: Path, rows: Mapping[Key, tuple[FinishedRun, ...]], *, title: str) -> None:
    """Write precision against recall of every row, by boxes and by centres, whole and their corner."""
    from matplotlib.figure import Figure

    keys = ordered(list(rows))
    geometries = [
        geometry for geometry in GEOMETRIES if all(run.scores(geometry) for key in keys for run in rows[key])
    ]
    curves = {(key, rule): mean_curve(rows[key], rule, _RECALLS) for key in keys for rule in geometries}
    corner = _corner(list(curves.values()))
    zoom = corner is not None
    figure = Figure(figsize=(4.6 * len(geometries), 9.6 if zoom else 5.2), layout="constrained")
    panels = figure.subplots(1 + zoom, len(geometries), squeeze=False)
    for column, rule in enumerate(geometries):
        for row, start in enumerate((0.0, corner) if corner else (0.0,)):
            axes = panels[row, column]
            _draw_curves(axes, keys, [curves[key, rule] for key in keys])
            part = f" from {start:g}" if start else ""
            axes.set(title=f"{RULES[rule]}{part}", xlabel="recall", ylabel="precision")
            axes.set(xlim=(start, 1 + (1 - start) / 200), ylim=(start, 1 + (1 - start) / 100))
    figure.suptitle(title, fontsize=11)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, handlelength=4)
    save_figure(path, figure)


def draw_trainings(path: Path, rows: Mapping[Key, tuple[FinishedRun, ...]], *, title: str) -> bool:
    """Write the losses of the final training of every run, a panel a method; False where none reports any."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    told = {key: [_final_losses(run) for run in rows[key]] for key in ordered(list(rows))}
    shown = {key: lines for key, lines in told.items() if any(lines)}
    if not shown:
        return False
    columns = min(3, len(shown))
    n_rows = -(-len(shown) // columns)
    figure = Figure(figsize=(3.6 * columns + 0.6, 2.7 * n_rows + 0.6), layout="constrained")
    panels = figure.subplots(n_rows, columns, squeeze=False)
    for panel in panels.flat[len(shown) :]:
        panel.remove()
    for axes, (key, lines) in zip(panels.flat, shown.items(), strict=False):
        for number, points in enumerate(lines):
            if points:
                axes.plot(
                    *zip(*points, strict=True), color=COLOURS[number % len(COLOURS)], lw=1.3, marker="."
                )
        # Of losses that hardly change matplotlib leaves no room above: they lay on the panel's edge.
        highest = max(axes.get_ylim()[1], 1.02 * axes.dataLim.y1)
        axes.set(title=_name(key, list(shown)), ylim=(0, highest))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.title.set_fontsize(10)
        axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("step", fontsize=10)
    figure.supylabel("loss (1: an answer that knows nothing)", fontsize=10)
    figure.suptitle(title, fontsize=11)
    save_figure(path, figure)
    return True


def _final_losses(run: FinishedRun) -> list[tuple[int, float]]:
    """(step, loss) of a run's last training: of the validation images, else of the training images."""
    rows = read_history(run.predictions.parent)
    own = [row for row in rows if row.fit == rows[-1].fit]
    losses = [row.training_loss if row.validation_loss is None else row.validation_loss for row in own]
    return [(row.step, loss) for row, loss in zip(own, losses, strict=True) if loss is not None]


def _corner(curves: Sequence[Floats]) -> float | None:
    """Where the part begins that is drawn once more; None where few curves come into it."""

    def coming(start: float) -> float:
        return float(np.mean([curve[start <= _RECALLS].max() > start for curve in curves]))

    if coming(_CORNERS[-1]) <= 0.5:
        return None
    return next((start for start in _CORNERS if coming(start) == 1), _CORNERS[-1])


def _draw_curves(axes: Axes, keys: Sequence[Key], curves: Sequence[Floats]) -> None:
    for place, (key, precision) in enumerate(zip(keys, curves, strict=True)):
        reached = precision > 0
        axes.plot(
            _RECALLS[reached],
            precision[reached],
            color=_LINES[place % len(_LINES)],
            ls=DASHES[place % len(DASHES)],
            lw=1.6,
            label=_name(key, keys),
        )
    axes.grid(color="0.93")
    axes.spines[["top", "right"]].set_visible(False)


def _name(key: Key, keys: Sequence[Key]) -> str:
    several = len({other.artefacts for other in keys}) > 1
    return f"{key.method}, {key.artefacts}" if several else key.method
