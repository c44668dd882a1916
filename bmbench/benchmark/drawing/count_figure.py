"""The figure of agreement of counts: predicted against true, and differences against means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.present.palette import BLUE, COLOURS, GREY, VERMILLION
from bmbench.present.words import decimal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bmbench.benchmark.scoring.count_agreement import CountAgreement, NumberAgreement

_MARKS = ("o", "^", "s", "D", "v", "P", "X")
MOST_SHOWN = len(_MARKS)
"""Classes, or methods, that are told apart in a picture: those with the most cells, or that agree best."""


def count_figure(found: CountAgreement) -> Figure:
    """Cells of each unit above; below, where classes are told apart, their percentages."""
    level, units = list(found.levels)[-1]
    rows = {"cells": {"": units.cells}}
    if units.percentages:
        most = sorted(units.percentages, key=lambda name: -float(units.percentages[name].truth.sum()))
        rows["per cent"] = {name: units.percentages[name] for name in most[:MOST_SHOWN]}
    return agreement_figure(rows, level=level)


def agreement_figure(rows: Mapping[str, Mapping[str, NumberAgreement]], *, level: str) -> Figure:
    """A line of two pictures for each number: what is counted → name → both values of every unit.

    At most `MOST_SHOWN` names are told apart in a picture; a single one has the empty name.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 3.9 * len(rows)), layout="constrained")
    for axes, (what, numbers) in zip(figure.subplots(len(rows), 2, squeeze=False), rows.items(), strict=True):
        _pair(axes, numbers, what=what, level=level)
    return figure


def _pair(axes: Any, numbers: Mapping[str, NumberAgreement], *, what: str, level: str) -> None:
    """Second against first, and their difference against their mean."""
    left, right = axes
    every = np.concatenate([np.concatenate([one.truth, one.found]) for one in numbers.values()])
    top = float(every.max()) * 1.05 if len(every) and every.max() > 0 else 1.0
    left.plot([0, top], [0, top], color=GREY, lw=1, ls=":", zorder=0)
    for place, (name, one) in enumerate(numbers.items()):
        look = {
            "color": COLOURS[place % len(COLOURS)],
            "marker": _MARKS[place],
            "ls": "",
            "ms": 5,
            "alpha": 0.8,
        }
        label = (
            f"{name} ({decimal(one.concordance, 2)})"
            if name
            else f"concordance {decimal(one.concordance, 2)}"
        )
        left.plot(one.truth, one.found, **look, label=label)
        right.plot((one.truth + one.found) / 2, one.found - one.truth, **look)
        if not name and one.line is not None:
            ends = np.array([0.0, top])
            left.plot(
                ends, one.line.intercept + one.line.slope * ends, color=VERMILLION, lw=1.4, ls=(0, (5, 2))
            )
    left.set(xlim=(0, top), ylim=(0, top), xlabel=f"true, {what}", ylabel=f"predicted, {what}")
    left.legend(loc="upper left", frameon=False, fontsize=8)
    if len(numbers) == 1:
        _limits(right, next(iter(numbers.values())))
    right.axhline(0, color=GREY, lw=1, ls=":", zorder=0)
    right.set(xlabel=f"mean of both, {what}", ylabel=f"predicted − true, {what}", title=f"a point a {level}")
    right.title.set_fontsize(9)
    for one in (left, right):
        one.spines[["top", "right"]].set_visible(False)


def _limits(axes: Axes, one: NumberAgreement) -> None:
    """Bias and limits of agreement as lines, their intervals as bands."""
    limits = one.limits
    lines = (
        (limits.bias, limits.bias_ci, "-"),
        (limits.low, limits.low_ci, "--"),
        (limits.high, limits.high_ci, "--"),
    )
    for value, interval, dash in lines:
        if value is not None:
            axes.axhline(value, color=BLUE, lw=1.3, ls=dash)
        if interval is not None:
            axes.axhspan(*interval, color=BLUE, alpha=0.1, lw=0)
