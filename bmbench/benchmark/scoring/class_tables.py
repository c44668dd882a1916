"""Tables of several classes of cells; each reads well at 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.markup import escape
from rich.table import Table

from bmbench.benchmark.run.row import UNDEFINED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RULES = {"bb": "boxes", "cd": "centres"}
MOST_COLUMNS = 12
"""Classes that a confusion table shows on a terminal; files have all of them."""


def class_tables(
    by_class: Mapping[str, Any], *, one_class: Mapping[str, Any], confusion: Mapping[str, Any]
) -> Iterator[Table]:
    """The scores of each class, their means and sums, all cells as one class; then what is taken for what.

    Parameters
    ----------
    by_class, one_class : geometry → scores
        Of each class by itself, and of all cells as one.
    confusion : geometry → what `bmbench.metrics.Confusion.to_json` gives
    """
    rules = [rule for rule in RULES if by_class.get(rule) and by_class[rule].get("classes")]
    yield _classes_table(by_class, one_class, rules)
    shown = confusion[rules[-1]]
    if len(shown["rows"]) <= MOST_COLUMNS + 1:
        yield _confusion_table(shown, rule=rules[-1])


def _classes_table(by_class: Mapping[str, Any], one_class: Mapping[str, Any], rules: list[str]) -> Table:
    table = Table(title="by category", box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("category", overflow="fold")
    table.add_column("cells", justify="right", no_wrap=True)
    for rule in rules:
        for label in ("AP", "F1"):
            table.add_column(f"{label}, {RULES[rule]}", justify="right", no_wrap=True)
    for name, first in by_class[rules[0]]["classes"].items():
        found = [by_class[rule]["classes"][name] for rule in rules]
        values = [_number(scores[value]) for scores in found for value in ("ap", "f1")]
        table.add_row(escape(name), f"{first['tp'] + first['fn']:,}", *values)
    table.add_section()
    means = [_number(by_class[rule][value]) for rule in rules for value in ("ap", "macro_f1")]
    table.add_row("mean of them (macro)", "", *means)
    sums = [text for rule in rules for text in ("", _number(by_class[rule]["f1"]))]
    table.add_row("counts summed (micro)", "", *sums)
    ones = [_number(one_class[rule][value]) for rule in rules for value in ("ap", "f1")]
    table.add_row("all as one class", "", *ones)
    return table


def _confusion_table(shown: Mapping[str, Any], *, rule: str) -> Table:
    """Predicted classes down, annotated ones across, by number."""
    threshold = UNDEFINED if shown["threshold"] is None else f"{shown['threshold']:.3f}"
    table = Table(
        title=f"what is taken for what ({RULES[rule]})",
        caption=f"across: annotated as, down: predicted as, at confidence ≥ {threshold}",
        box=box.SIMPLE_HEAD,
        title_justify="left",
    )
    table.add_column("predicted as", overflow="fold")
    k = len(shown["rows"]) - 1
    for number in range(1, k + 1):
        table.add_column(str(number), justify="right", no_wrap=True)
    table.add_column("false alarms", justify="right")
    for number, (name, counts) in enumerate(zip(shown["rows"], shown["counts"], strict=True), start=1):
        if number > k:
            table.add_section()
        values = [str(count) for count in counts]
        label = escape(name) if number > k else f"{number} {escape(name)}"
        table.add_row(label, *(values[:k] if number > k else values))
    return table


def _number(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.3f}"
