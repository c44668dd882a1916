"""Tables of several classes of cells; each reads well at 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape

from bmbench.present.terminal import terminal_table
from bmbench.present.words import RULES, count, decimal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.table import Table

    from bmbench.benchmark.scoring.recorded import RecordedConfusion, RecordedScores

MOST_COLUMNS = 12
"""Classes that a confusion table shows on a terminal; files have all of them."""


def class_tables(
    by_class: Mapping[str, RecordedScores],
    *,
    one_class: Mapping[str, RecordedScores],
    confusion: Mapping[str, RecordedConfusion],
) -> Iterator[Table]:
    """The scores of each class, their means and sums, all cells as one class; then what is taken for what.

    Parameters
    ----------
    by_class, one_class : geometry → scores
        Of each class by itself, and of all cells as one.
    confusion : geometry → what is taken for what
    """
    by_class = {rule: scores for rule, scores in by_class.items() if scores.classes}
    yield _classes_table(by_class, one_class)
    rule = list(by_class)[-1]
    if len(confusion[rule].rows) <= MOST_COLUMNS + 1:
        yield _confusion_table(confusion[rule], rule=rule)


def _classes_table(by_class: Mapping[str, RecordedScores], one_class: Mapping[str, RecordedScores]) -> Table:
    heads = [f"{label}, {RULES[rule]}" for rule in by_class for label in ("AP", "F1")]
    table = terminal_table("category", ("cells", *heads), title="by category")
    every = list(by_class.values())
    for name, first in every[0].classes.items():
        values = [decimal(value) for one in every for value in (one.classes[name].ap, one.classes[name].f1)]
        table.add_row(escape(name), count(first.tp + first.fn), *values)
    table.add_section()
    means = [decimal(value) for one in every for value in (one.ap, one.macro_f1)]
    table.add_row("mean of them (macro)", "", *means)
    sums = [text for one in every for text in ("", decimal(one.f1))]
    table.add_row("counts summed (micro)", "", *sums)
    ones = [decimal(value) for rule in by_class for value in (one_class[rule].ap, one_class[rule].f1)]
    table.add_row("all as one class", "", *ones)
    return table


def _confusion_table(shown: RecordedConfusion, *, rule: str) -> Table:
    """Predicted classes down, annotated ones across, by number."""
    k = len(shown.rows) - 1
    table = terminal_table(
        "predicted as",
        map(str, range(1, k + 1)),
        title=f"what is taken for what ({RULES[rule]})",
        caption=f"across: annotated as, down: predicted as, at confidence ≥ {decimal(shown.threshold)}",
    )
    table.add_column("false alarms", justify="right")
    for number, (name, counts) in enumerate(zip(shown.rows, shown.counts, strict=True), start=1):
        if number > k:
            table.add_section()
        values = [str(n) for n in counts]
        label = escape(name) if number > k else f"{number} {escape(name)}"
        table.add_row(label, *(values[:k] if number > k else values))
    return table
