"""The figures of ``bmbench score --out``, as a paper can take them: one message each, never colour alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from bmbench.benchmark.drawing.count_figure import count_figure
from bmbench.benchmark.drawing.figures import pr_figure, save_figure
from bmbench.core.files import make_folder, write_json
from bmbench.metrics.by_size import EDGES
from bmbench.metrics.free_response import CELL_RATES, MM2_RATES
from bmbench.metrics.scores import Scores
from bmbench.present.palette import BLUE, COLOURS, GREY, VERMILLION
from bmbench.present.words import FALSE_ALARMS, MISSES, RULES, decimal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bmbench.benchmark.scoring.reports import ScoreReport
    from bmbench.metrics import Geometry

_Bars: TypeAlias = "Mapping[str, Sequence[float | None]]"
"""Matching rule → one number a row."""
DPI = 300
"""What journals ask of a figure in print."""
_LOOKS: Mapping[str, dict[str, Any]] = {
    "cd": {"color": BLUE, "ls": "-", "marker": "o"},
    "bb": {"color": VERMILLION, "ls": (0, (5, 2)), "marker": "s"},
}


def write_score_folder(folder: Path, report: ScoreReport, *, title: str) -> tuple[Path, ...]:
    """Write ``scores.json`` and a figure for all that the report holds; paths of what was written.

    Files of these names in the folder are written anew, others stay. `title` is that of the
    precision-recall curve.
    """
    make_folder(folder)
    written = [folder / "scores.json"]
    write_json(written[0], report.to_json())
    figures: dict[str, Callable[[], Figure | None]] = {
        "precision_recall": lambda: pr_figure(report.evaluation, title=title),
        "reliability": lambda: _reliability(report),
        "froc": lambda: _froc(report),
        "causes": lambda: _causes(report),
        "sizes": lambda: _sizes(report),
        "raters": lambda: _raters(report),
        "counts": lambda: _counts(report),
    }
    for name, draw in figures.items():
        figure = draw()
        if figure is not None:
            written.append(folder / f"{name}.png")
            save_figure(written[-1], figure, dpi=DPI)
    return tuple(written)


def _reliability(report: ScoreReport) -> Figure | None:
    """Share of hits against confidence, a point a step; below it how many predictions each rests on."""
    if not report.details:
        return None
    figure, (axes, counts) = _panels((5.2, 5.6), 2, height_ratios=[3, 1], sharex=True)
    axes.plot([0, 1], [0, 1], color="0.75", lw=1, zorder=0)
    width = 0.04
    for place, (rule, one) in enumerate(report.details.items()):
        curve, look = one.reliability, _LOOKS[rule]
        some = curve.count > 0
        label = f"{RULES[rule]}: D-ECE {decimal(curve.error)}"
        axes.plot(curve.confidence[some], curve.precision[some], **look, lw=1.5, ms=5, label=label)
        steps = (np.arange(len(curve.count)) + 0.5) / len(curve.count)
        counts.bar(steps + (place - 0.5) * width, curve.count, width, color=look["color"])
    axes.set(ylabel="share of hits (precision)", ylim=(0, 1.02), xlim=(0, 1))
    axes.legend(loc="upper left", frameon=False)
    counts.set(xlabel="confidence", ylabel="predictions")
    return figure


def _froc(report: ScoreReport) -> Figure | None:
    """Sensitivity against false alarms per mm² where that is known, else per 100 cells, else per image."""
    if not report.details:
        return None
    amount, unit, rates = _held_against(report)
    if not amount > 0:
        return None
    figure, (axes,) = _panels((5.6, 4.2), 1)
    for rule, scores in _scored(report):
        curve, look = scores.curve, _LOOKS[rule]
        alarms, found = np.append(0.0, curve.fp / amount), np.append(0.0, curve.recall)
        axes.step(alarms, found, where="post", color=look["color"], ls=look["ls"], lw=1.6, label=RULES[rule])
        if scores.recall is not None:
            axes.plot(
                scores.fp / amount, scores.recall, look["marker"], color=look["color"], mec="white", ms=8
            )
    for at in rates:
        axes.axvline(at, color="0.9", lw=0.8, zorder=0)
    axes.set(xlabel=f"false alarms per {unit}", ylabel="cells found (sensitivity)", ylim=(0, 1.02))
    axes.set_xscale("symlog", linthresh=rates[0])
    axes.set_xlim(0, None)
    axes.set_xticks([0, *rates], [f"{at:g}" for at in (0, *rates)], fontsize=8)
    axes.minorticks_off()
    axes.legend(loc="upper left", frameon=False, title="dot: at the threshold", title_fontsize=8)
    return figure


def _held_against(report: ScoreReport) -> tuple[float, str, tuple[float, ...]]:
    """What false alarms are held against: how much of it there is, its name, the rates that are averaged."""
    first = next(iter(report.details.values()))
    if first.froc_per_mm2 is not None:
        return float(first.froc_per_mm2.at.amount.sum()), "mm²", MM2_RATES
    if first.froc_per_100_cells is not None:
        return float(first.froc_per_100_cells.at.amount.sum()), "100 cells", CELL_RATES
    return float(report.evaluation.n_images), "image", tuple(first.froc.rates.tolist())


def _counts(report: ScoreReport) -> Figure | None:
    """Agreement of counts by the last matching rule; the rules hardly differ in it."""
    if not report.details:
        return None
    return count_figure(list(report.details.values())[-1].count_agreement)


def _causes(report: ScoreReport) -> Figure:
    """What false alarms lie on and what became of cells not found: how many, and what AP they cost."""
    names = {**FALSE_ALARMS, **MISSES}
    words = [f"false alarm {word}" for word in FALSE_ALARMS.values()] + [f"cell {w}" for w in MISSES.values()]
    counts: _Bars = {rule: [getattr(one, name) for name in names] for rule, one in _scored(report)}
    known = {rule: report.details[rule].costs for rule, _ in _scored(report) if rule in report.details}
    costs: _Bars = {
        rule: [one[name].value if name in one else None for name in names]
        for rule, one in known.items()
        if one
    }
    shown = [(counts, "number, at the threshold", "{:.0f}")]
    if costs:
        shown.append((costs, "average precision that it costs", "{:.3f}"))
    size = (3.2 + 3.2 * len(shown), 0.9 + 0.42 * len(names))
    figure, panels = _panels(size, 1, len(shown), sharey=True)
    for axes, (values, title, form) in zip(panels, shown, strict=True):
        _bars(axes, values, form)
        axes.set(xlabel=title)
        axes.margins(x=0.16)
        axes.locator_params(axis="x", nbins=5)
    panels[0].set_yticks(range(len(names)), words)
    panels[0].invert_yaxis()
    panels[0].legend(frameon=False)
    return figure


def _bars(axes: Axes, values: _Bars, form: str) -> None:
    """A bar a row and matching rule, side by side, with its number; none where it is undefined."""
    height = 0.8 / max(len(values), 1)
    for place, (rule, numbers) in enumerate(values.items()):
        rows = np.arange(len(numbers)) + (place - (len(values) - 1) / 2) * height
        known = [0.0 if value is None else value for value in numbers]
        look = {"color": _LOOKS[rule]["color"], "hatch": "" if rule == "cd" else "///", "ec": "white"}
        bars = axes.barh(rows, known, height, label=RULES[rule], **look)
        texts = ["" if value is None else form.format(value) for value in numbers]
        axes.bar_label(bars, texts, padding=2, fontsize=8)


def _sizes(report: ScoreReport) -> Figure | None:
    """Recall of small, usual and large cells with intervals, and how many cells each rests on."""
    shown = [(rule, report.details[rule]) for rule, _ in _scored(report) if rule in report.details]
    known = [(rule, one, one.by_size) for rule, one in shown if one.by_size is not None]
    if not known:
        return None
    figure, (axes,) = _panels((5.2, 3.8), 1)
    for place, (rule, one, _) in enumerate(known):
        look = _LOOKS[rule]
        for row, value in enumerate(one.size_recall):
            at = row + (place - (len(known) - 1) / 2) * 0.18
            if value.value is None:
                continue
            if value.interval is not None:
                axes.plot((at, at), value.interval, color=look["color"], lw=2)
            label = RULES[rule] if row == 1 else None
            axes.plot(at, value.value, look["marker"], color=look["color"], mec="white", ms=8, label=label)
    sizes = known[0][2]
    cells = sizes.cells.sum(axis=0).tolist()
    words = (f"small\n(under {EDGES[0]:g})", "usual", f"large\n(over {EDGES[1]:g})")
    axes.set_xticks(range(len(words)), [f"{word}\n{n} cells" for word, n in zip(words, cells, strict=True)])
    axes.set(ylabel="cells found (recall)", ylim=(0, 1.02), xlim=(-0.5, len(words) - 0.5))
    axes.set_xlabel(f"size of the cell, in diameters of the median one ({sizes.diameter_px:.1f} px)")
    axes.legend(frameon=False, loc="lower right")
    return figure


def _raters(report: ScoreReport) -> Figure | None:
    """F1 of the answer against each rater, and of each pair of raters, with their intervals."""
    raters = report.raters
    if raters is None or not raters.rules:
        return None
    size = (1.6 + 3.4 * len(raters.rules), 1.4 + 0.36 * _n_rows(report))
    figure, panels = _panels(size, 1, len(raters.rules), sharey=True, sharex=True)
    for axes, (rule, one) in zip(panels, raters.rules.items(), strict=True):
        answers = [
            (f"answer, {name}", s.f1, s.f1_ci) for name, s in zip(raters.names, one.against, strict=True)
        ]
        pairs = [
            (f"{first}, {second}", value.value, value.interval)
            for (first, second), value in zip(raters.pairs, one.line.pairs, strict=True)
        ]
        rows = [(row, COLOURS[0]) for row in answers] + [(row, GREY) for row in pairs]
        for place, ((_, value, interval), colour) in enumerate(rows):
            if value is None:
                continue
            if interval is not None:
                axes.plot(interval, (place, place), color=colour, lw=2)
            axes.plot(value, place, "o" if colour == COLOURS[0] else "D", color=colour, ms=7)
        if one.line.raters.value is not None:
            axes.axvline(one.line.raters.value, color=GREY, lw=1, ls=(0, (4, 2)), zorder=0)
        axes.set_yticks(range(len(rows)), [row[0] for row, _ in rows], fontsize=8)
        axes.set(xlabel=f"F1, {RULES[rule]} (dashed: human line)", xlim=(None, 1.0))
    panels[0].invert_yaxis()
    return figure


def _n_rows(report: ScoreReport) -> int:
    return 0 if report.raters is None else len(report.raters.names) + len(report.raters.pairs)


def _scored(report: ScoreReport) -> Iterator[tuple[Geometry, Scores]]:
    evaluation = report.evaluation
    if evaluation.cd is not None:
        yield "cd", evaluation.cd
    if evaluation.bb is not None:
        yield "bb", evaluation.bb


def _panels(size: tuple[float, float], rows: int, columns: int = 1, **more: Any) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, **more).ravel().tolist()
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
    return figure, panels
