"""The figure of a search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bmbench.benchmark.drawing.figures import BLUE, save_figure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def draw_importance(path: Path, importance: Mapping[str, float], *, title: str) -> None:
    """Write a bar for each setting: how much of the difference between trials it explains."""
    from matplotlib.figure import Figure

    shown = sorted(importance.items(), key=lambda item: (item[1], item[0]))
    figure = Figure(figsize=(6.4, 1.2 + 0.3 * len(shown)), layout="constrained")
    axes = figure.add_subplot()
    axes.barh([name for name, _ in shown], [100 * value for _, value in shown], color=BLUE)
    axes.set(xlabel="share of the difference in F1 (CD) between trials, %", xlim=(0, 100), title=title)
    axes.spines[["top", "right"]].set_visible(False)
    save_figure(path, figure)
