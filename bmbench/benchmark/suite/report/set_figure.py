"""One figure a set: what each method reaches, with its interval, and beside it how long it takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bmbench.benchmark.drawing.figures import save_figure
from bmbench.benchmark.reproduce.report.runs import Key
from bmbench.benchmark.suite.report.blocks import Block, ReportPicture
from bmbench.benchmark.suite.report.scored_sets import ScoredSet
from bmbench.benchmark.suite.report.set_tables import best_keys
from bmbench.present.palette import BLUE, GREY, ORANGE
from bmbench.statistics.seeds import SeedMean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def set_picture(one: ScoredSet, out: Path) -> list[Block]:
    """Draw ``scores_SET.png`` into the folder: the rows of the set's first table, in the same order."""
    path = out / f"scores_{one.name}.png"
    save_figure(path, set_figure(one))
    what = f"F1 of each method on {one.name} with its interval, and the seconds of a training"
    return [ReportPicture(path=path, what=what)]


def set_figure(one: ScoredSet) -> Figure:
    """F1 with its interval on the left, seconds on the right; a method a row, the best above."""
    from matplotlib.figure import Figure

    means = {key: one.scores.mean(key, "cd", "f1") for key in one.keys}
    keys = sorted(one.keys, key=lambda key: -(means[key].value or 0.0))
    figure = Figure(figsize=(8.6, 1.5 + 0.25 * len(keys)), layout="constrained")
    scores, times = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    _scores(scores, one, keys, means)
    _times(times, one, keys)
    for axes in (scores, times):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="x", color="0.92")
        axes.set_axisbelow(True)
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure


def _scores(axes: Axes, one: ScoredSet, keys: Sequence[Key], means: dict[Key, SeedMean]) -> None:
    """F1, and what other groups and other trainings would change."""
    best = best_keys(one, keys)
    looks: dict[str, dict[str, Any]] = {
        "may be the best": {"color": BLUE, "marker": "o", "mfc": BLUE},
        "is not the best": {"color": BLUE, "marker": "o", "mfc": "white"},
        "method": {"color": BLUE, "marker": "o", "mfc": "white"},
        "baseline": {"color": GREY, "marker": "s", "mfc": GREY},
    }
    named = set[str]()
    for place, key in enumerate(keys):
        kind = "may be the best" if best and key in best else "method" if best is None else "is not the best"
        kind = "baseline" if key.method in one.baselines else kind
        look, mean = looks[kind], means[key]
        if mean.interval is not None:
            low, high = mean.interval
            axes.plot((100 * low, 100 * high), (place, place), color=look["color"], lw=2)
        label = None if kind in named else kind
        axes.plot(100 * (mean.value or 0.0), place, ls="", ms=7, label=label, **look)
        named.add(kind)
    if one.set.human is not None:
        axes.axvline(100 * one.set.human.f1, color=ORANGE, lw=1.5, ls=(0, (4, 2)), label="people")
    axes.set_yticks(range(len(keys)), [key.method for key in keys], fontsize=9)
    axes.invert_yaxis()
    axes.set_xlabel("F1 between centres, per cent (line: 95 % interval)")


def _times(axes: Axes, one: ScoredSet, keys: Sequence[Key]) -> None:
    """The seconds of a run of each method, where they are known; a scale of factors."""
    from matplotlib.ticker import LogLocator, NullFormatter

    for place, key in enumerate(keys):
        seconds = one.seconds(key)
        if seconds:
            axes.plot(seconds, place, "o", color=GREY, ms=5)
            axes.annotate(
                f"{seconds:,.0f}",
                (seconds, place),
                (6, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
    axes.set_xscale("log")
    # Few, and round: a scale of less than a decade would label every line between.
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.3)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("seconds, training and answering")
