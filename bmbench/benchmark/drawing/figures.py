"""The figures of runs and searches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.benchmark.records.history import HistoryRow
from bmbench.core.files import writing
from bmbench.metrics.confusion import Confusion
from bmbench.metrics.scores import Evaluation, Scores
from bmbench.present.palette import BLUE, COLOURS, GREY, VERMILLION
from bmbench.present.words import RULES, decimal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PNG_LEVEL = 3
"""Photographs shrink little beyond this level, and the default takes four times as long."""
JPEG_QUALITY = 85
_LOSS_LINES: Mapping[str, dict[str, Any]] = {
    "training": {"ls": (0, (2, 1.5)), "lw": 1.1},
    "validation": {"ls": "-", "lw": 1.8},
}


def draw_pr_curves(path: Path, evaluation: Evaluation, *, title: str) -> None:
    """Write the precision-recall curves of a run, one a matching rule, with the chosen threshold marked."""
    save_figure(path, pr_figure(evaluation, title=title))


def pr_figure(evaluation: Evaluation, *, title: str) -> Figure:
    """What `draw_pr_curves` writes."""
    looks = ((evaluation.cd, BLUE, "-", "cd"), (evaluation.bb, VERMILLION, (0, (5, 2)), "bb"))
    curves = [
        (scores, {"colour": colour, "dash": dash, "name": RULES[rule]})
        for scores, colour, dash, rule in looks
        if scores is not None
    ]
    return _pr_axes(curves, title=title)


def pr_pair_figure(evaluations: tuple[Evaluation, Evaluation], names: tuple[str, str]) -> Figure:
    """The curves of two predictions files on the same images: by centres, else by boxes."""
    curves = []
    for evaluation, name, colour, dash in zip(
        evaluations, names, (BLUE, VERMILLION), ("-", (0, (5, 2))), strict=True
    ):
        scores = evaluation.cd or evaluation.bb
        if scores is not None:
            curves.append((scores, {"colour": colour, "dash": dash, "name": name}))
    return _pr_axes(curves, title="centres" if evaluations[0].cd else "boxes")


def _pr_axes(curves: Sequence[tuple[Scores, dict[str, Any]]], *, title: str) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 5.2), layout="constrained")
    axes = figure.add_subplot()
    _draw_f1_lines(axes)
    for scores, look in curves:
        _draw_curve(axes, scores, **look)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.005), ylim=(0, 1.02), title=title)
    axes.legend(loc="lower left", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def draw_confusion(path: Path, table: Confusion, *, title: str) -> None:
    """Write a table of what cells are taken for, one shade of blue for the share of an annotated class."""
    from matplotlib.figure import Figure

    counts, k = table.counts, len(table.names)
    cells = counts.sum(axis=0)
    share = np.divide(counts, cells, out=np.zeros(counts.shape), where=cells > 0)
    # False alarms are of no class, so they are no share of one.
    share[:, k] = 0
    figure = Figure(figsize=(3.4 + 0.52 * k, 2.9 + 0.46 * k), layout="constrained")
    axes = figure.add_subplot()
    shades = axes.imshow(100 * share, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    for row in range(k + 1):
        for column in range(k + 1):
            text = "" if row == column == k else f"{counts[row, column]}"
            shown = "white" if share[row, column] > 0.55 else "0.65" if not counts[row, column] else "black"
            axes.text(column, row, text, ha="center", va="center", fontsize=9, color=shown)
    axes.axhline(k - 0.5, color="black", lw=1)
    axes.axvline(k - 0.5, color="black", lw=1)
    columns = [f"{name} ({n})" for name, n in zip(table.names, cells, strict=False)]
    axes.set_xticks(range(k + 1), [*columns, "false alarms"], rotation=40, ha="right", fontsize=9)
    axes.set_yticks(range(k + 1), [*table.names, "missed"], fontsize=9)
    axes.tick_params(length=0)
    axes.set_xlabel("annotated as (number of cells)")
    axes.set_ylabel("predicted as")
    axes.set_title(title, fontsize=10)
    bar = figure.colorbar(shades, ax=axes, shrink=0.8)
    bar.set_label("share of the annotated class, %")
    save_figure(path, figure)


def draw_history(path: Path, rows: Sequence[HistoryRow], *, title: str) -> None:
    """Write the losses of every training of a run by step, the step that was kept, and the learning rate."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    fits = list(dict.fromkeys(row.fit for row in rows))
    rates = [row for row in rows if row.learning_rate is not None and row.fit == fits[-1]]
    n = 2 if rates else 1
    figure = Figure(figsize=(8.4, 5.4 if rates else 4.2), layout="constrained")
    panels = figure.subplots(n, 1, sharex=True, squeeze=False, height_ratios=[3, 1][:n])
    handles = []
    for number, fit in enumerate(fits):
        own, colour = [row for row in rows if row.fit == fit], COLOURS[number % len(COLOURS)]
        _draw_fit(panels[0, 0], own, colour)
        kept = "".join(f", kept: step {row.step}" for row in own if row.best)
        handles.append(Line2D([], [], color=colour, marker="o", mec="white", ms=8, label=f"{fit}{kept}"))
    handles += [
        Line2D([], [], color=GREY, lw=look["lw"], ls=look["ls"], label=f"{kind} loss")
        for kind, look in _LOSS_LINES.items()
    ]
    panels[0, 0].set(ylabel="loss (1: an answer that knows nothing)", title=title, ylim=(0, None))
    figure.legend(handles=handles, loc="outside right upper", frameon=False, fontsize=8)
    if rates:
        panels[1, 0].plot([row.step for row in rates], [row.learning_rate for row in rates], color=GREY)
        panels[1, 0].set(ylabel="learning rate", ylim=(0, None))
    panels[-1, 0].set(xlabel="step")
    for panel in panels.flat:
        panel.spines[["top", "right"]].set_visible(False)
    save_figure(path, figure)


def draw_importance(path: Path, importance: Mapping[str, float], *, title: str) -> None:
    """Write a bar for each setting: how much of the difference between trials it explains."""
    from matplotlib.figure import Figure

    shown = sorted(importance.items(), key=lambda item: (item[1], item[0]))
    figure = Figure(figsize=(6.4, 1.2 + 0.3 * len(shown)), layout="constrained")
    axes = figure.add_subplot()
    axes.barh([name for name, _ in shown], [100 * value for _, value in shown], color=BLUE)
    axes.set(xlabel="share of the difference in F1 (centres) between trials, %", xlim=(0, 100), title=title)
    axes.spines[["top", "right"]].set_visible(False)
    save_figure(path, figure)


def save_figure(path: Path, figure: Figure, *, dpi: int = 150) -> None:
    """Write a figure, whole or not at all, as the path ends; the same figure gives the same bytes.

    PNG is exact; JPEG is for photographs, a tenth of its size.
    """
    is_jpeg = path.suffix == ".jpg"
    how: dict[str, Any] = {"pil_kwargs": {"quality": JPEG_QUALITY, "optimize": True}}
    if not is_jpeg:
        how = {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": PNG_LEVEL}}
    with writing(path) as aside:
        figure.savefig(aside, dpi=dpi, format="jpeg" if is_jpeg else "png", **how)


def _draw_curve(axes: Axes, scores: Scores, *, colour: str, dash: object, name: str) -> None:
    # An IoU is at most 1, and no radius is so small.
    limit = f"IoU > {scores.limit:g}" if scores.limit <= 1 else f"≤ {scores.limit:g} px"
    label = f"{name} ({scores.matched_by or limit}): AP {decimal(scores.ap)}"
    axes.plot(scores.curve.recall, scores.curve.precision, color=colour, linestyle=dash, lw=1.8, label=label)
    if scores.f1 is None or scores.recall is None or scores.precision is None:
        return
    at = f"F1 {scores.f1:.3f} at confidence {scores.threshold:.2f}"
    axes.plot(scores.recall, scores.precision, "o", color=colour, mec="white", ms=9, label=at)


def _draw_fit(axes: Axes, rows: Sequence[HistoryRow], colour: str) -> None:
    """One training: its losses as lines, a dot on the step that was kept."""
    for kind, look in _LOSS_LINES.items():
        points = [(row.step, value) for row in rows if (value := getattr(row, f"{kind}_loss")) is not None]
        if points:
            marker = "." if len(points) < 3 else None
            axes.plot(*zip(*points, strict=True), color=colour, marker=marker, **look)
    for row in rows:
        kept = row.training_loss if row.validation_loss is None else row.validation_loss
        if row.best and kept is not None:
            axes.plot(row.step, kept, "o", color=colour, mec="white", ms=8)


def _draw_f1_lines(axes: Axes) -> None:
    """Grey lines of equal F1, so that a point on the plot can be read as one."""
    for f1 in (0.5, 0.6, 0.7, 0.8, 0.9):
        recall = np.linspace(f1 / (2 - f1) + 1e-6, 1, 200)
        axes.plot(recall, f1 * recall / (2 * recall - f1), color="0.85", lw=0.8, zorder=0)
        axes.annotate(f"F1 {f1}", (1, f1 / (2 - f1)), color="0.6", fontsize=7, ha="right", va="bottom")
