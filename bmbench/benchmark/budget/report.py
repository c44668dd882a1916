"""The report of a budget: ``report.md``, ``budget.png``, ``results.csv``, and the same as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bmbench.benchmark.budget.options import BudgetOptions
from bmbench.benchmark.budget.points import BudgetPoint
from bmbench.benchmark.drawing.figures import save_figure
from bmbench.core.csv_cells import CsvRows
from bmbench.core.files import make_folder, write_text, writing
from bmbench.present.markdown import bullets, paragraph, table
from bmbench.present.palette import COLOURS, DASHES
from bmbench.present.terminal import terminal_table
from bmbench.present.words import count, gap, listed, with_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table as TerminalTable

HEADER = ("images", "cells", "minutes", "F1 (centres)", "behind all")
_COLUMNS = (
    "method", "track", "artefacts", "share", "images", "annotations", "minutes",
    "f1", "f1_low", "f1_high", "ap", "ap_low", "ap_high", "behind", "behind_low", "behind_high",
    "seeds", "units",
)  # fmt: skip
_MARKS = ("o", "s", "^", "D", "v", "P", "X")


def budget_rows(points: Sequence[BudgetPoint]) -> list[tuple[str, ...]]:
    """A row a point, as tables show it."""
    return [
        (
            f"{row_name(point)}, {100 * point.share:g} %",
            count(round(point.images)),
            count(round(point.annotations)),
            f"{point.minutes:.0f}" if point.minutes >= 10 else f"{point.minutes:.1f}",
            with_interval(point.f1.value, point.f1.interval),
            "" if point.behind is None else gap(point.behind.value, point.behind.interval),
        )
        for point in points
    ]


def row_name(point: BudgetPoint) -> str:
    """What is trained, and from what."""
    return f"{point.key.method}, {point.key.track}"


def budget_tables(points: Sequence[BudgetPoint]) -> Iterator[TerminalTable]:
    """What the command prints: a table for each method and kind of annotation."""
    for name in dict.fromkeys(map(row_name, points)):
        own = [point for point in points if row_name(point) == name]
        caption = "behind all: points of F1; 95 % intervals over test groups and seeds"
        shown = terminal_table("share", HEADER[1:], title=name, caption=caption)
        for point, row in zip(own, budget_rows(own), strict=True):
            shown.add_row(f"{100 * point.share:g} %", *row[2:])
        yield shown


def write_budget(points: Sequence[BudgetPoint], options: BudgetOptions, notes: Sequence[str]) -> Path:
    """Write the files of the report; the page."""
    out = options.study.out
    make_folder(out)
    save_figure(out / "budget.png", budget_figure(points))
    with writing(out / "results.csv") as aside, aside.open("w", newline="", encoding="utf-8") as file:
        rows = CsvRows(file)
        rows.write(_COLUMNS)
        for record in map(point_record, points):
            rows.write(tuple("" if record[name] is None else record[name] for name in _COLUMNS))
    page = out / "report.md"
    text = (
        f"# How many annotations are enough: {options.study.dataset}",
        bullets([paragraph(line, indent="  ").strip() for line in (*about(options), *notes)]),
        table(("share", *HEADER), budget_rows(points)),
        "![F1 against minutes of annotation](budget.png)",
    )
    write_text(page, "\n\n".join(part.rstrip() for part in text) + "\n")
    return page


def about(options: BudgetOptions) -> list[str]:
    """How the numbers are to be read, a sentence each."""
    seeds = listed([str(seed) for seed in options.study.seeds])
    shares = (
        f"Shares are of the training images, one at least, drawn by the seed ({seeds}), one of each patient "
        "or slide in turn; a smaller share lies within a larger one. Images of validation, optimisation and "
        "test are the same for all, and their annotations are not counted."
    )
    scores = (
        "F1 is between centres, at the threshold chosen on the optimisation images: the mean over the seeds "
        "with its 95 % interval. Behind all: F1 with all training images minus this F1, in points, on the "
        "same test images."
    )
    minutes = (
        f"Minutes are {options.circle_s:g} s for a circle or box, {options.contour_s:g} s for an outline."
    )
    changed = f"Settings changed: {listed(list(options.study.settings))}." if options.study.settings else ""
    return [line for line in (shares, minutes, scores, changed) if line]


def point_record(point: BudgetPoint) -> dict[str, Any]:
    """A point as JSON and CSV hold it."""
    record: dict[str, Any] = {
        "method": point.key.method,
        "track": point.key.track,
        "artefacts": point.key.artefacts,
        "share": point.share,
        "images": point.images,
        "annotations": point.annotations,
        "minutes": round(point.minutes, 3),
        "seeds": point.f1.n_seeds,
        "units": point.f1.n_units,
    }
    for name in ("f1", "ap", "behind"):
        found = getattr(point, name)
        low, high = (None, None) if found is None or found.interval is None else found.interval
        record |= {name: None if found is None else found.value, f"{name}_low": low, f"{name}_high": high}
    return record


def budget_figure(points: Sequence[BudgetPoint]) -> Figure:
    """F1 against minutes of annotation, a line a row, with intervals."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.4, 4.8), layout="constrained")
    axes = figure.add_subplot()
    names = list(dict.fromkeys(map(row_name, points)))
    for place, name in enumerate(names):
        own = [point for point in points if row_name(point) == name and point.f1.value is not None]
        minutes = [point.minutes for point in own]
        look: dict[str, Any] = {
            "color": COLOURS[place % len(COLOURS)],
            "marker": _MARKS[place % len(_MARKS)],
            "ms": 6,
        }
        axes.plot(
            minutes,
            [100 * (p.f1.value or 0) for p in own],
            ls=DASHES[place % len(DASHES)],
            label=name,
            **look,
        )
        for point in own:
            if point.f1.interval is not None:
                low, high = point.f1.interval
                axes.plot(
                    [point.minutes] * 2, [100 * low, 100 * high], color=look["color"], lw=1.2, alpha=0.7
                )
    axes.set_xscale("log")
    axes.set(xlabel="minutes of annotation", ylabel="F1 between centres, per cent")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.grid(color="0.92")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure
