"""The table of ``bmbench score --rater``; it reads well at 80 columns."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from rich.markup import escape

from bmbench.present.terminal import terminal_table
from bmbench.present.words import RULES, many, signed, with_interval

if TYPE_CHECKING:
    from rich.table import Table

    from bmbench.benchmark.scoring.raters import RatersReport
    from bmbench.statistics.intervals import MetricInterval


def raters_table(report: RatersReport) -> Table:
    """F1 of the answer against each rater, of the raters among themselves, and the difference."""
    rules = list(report.rules.values())
    caption = (
        f"{many(report.n_images, 'image')}, {many(len(report.names), 'rater')}; in brackets: 95 % interval"
    )
    heads = (RULES[rule] for rule in report.rules)
    table = terminal_table("F1", heads, title="several raters", caption=caption)
    table.add_row("the answer against", style="bold")
    for row, name in enumerate(report.names):
        each = [one.against[row] for one in rules]
        table.add_row(f"· {row + 1} {escape(name)}", *(with_interval(one.f1, one.f1_ci) for one in each))
    table.add_row("· mean", *(_shown(one.line.answer) for one in rules))
    table.add_row("raters among themselves", style="bold")
    for row, (first, second) in enumerate(combinations(range(1, len(report.names) + 1), 2)):
        table.add_row(f"· {first} and {second}", *(_shown(one.line.pairs[row]) for one in rules))
    table.add_row("· mean: the human line", *(_shown(one.line.raters) for one in rules))
    table.add_section()
    differences = [one.line.difference for one in rules]
    table.add_row("answer − human line", *(signed(one.value, one.interval) for one in differences))
    return table


def _shown(value: MetricInterval) -> str:
    return with_interval(value.value, value.interval)
