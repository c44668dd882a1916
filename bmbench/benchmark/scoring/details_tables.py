"""The tables of ``bmbench score --details``; each reads well at 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from bmbench.present.terminal import terminal_table
from bmbench.present.words import RULES, count, decimal, with_interval

if TYPE_CHECKING:
    from rich.table import Table

    from bmbench.benchmark.scoring.details import Details
    from bmbench.metrics import Geometry, LimitSweep


def details_tables(details: Mapping[Geometry, Details]) -> Iterator[Table]:
    """How hits lie and images are counted, what is merged and split; then scores by matching limit."""
    yield _details_table(details)
    for rule, one in details.items():
        yield _sweep_table(rule, one.sweep)


def _details_table(details: Mapping[Geometry, Details]) -> Table:
    table = terminal_table("", (RULES[rule] for rule in details), title="in detail")
    hits = [one.localisation for one in details.values()]
    counts = [one.count_error for one in details.values()]
    bias = [with_interval(one.count_error.mean, one.count_error_ci) for one in details.values()]
    joined = [one.merges_and_splits for one in details.values()]
    rates = [with_interval(one.froc.mean, one.froc_ci) for one in details.values()]
    for label, values in (
        ("hits: mean distance, px", [one.mean_distance_px for one in hits]),
        ("hits: median distance, px", [one.median_distance_px for one in hits]),
        ("hits: mean IoU", [one.mean_iou for one in hits]),
        ("hits: median size / the cell's", [one.median_size_ratio for one in hits]),
        ("cells lost in merges", [count(one.merged_cells if one else None) for one in joined]),
        ("· predictions over them", [count(one.merges if one else None) for one in joined]),
        ("cells split", [count(one.splits if one else None) for one in joined]),
        ("· false alarms on them", [count(one.split_predictions if one else None) for one in joined]),
        ("predictions minus cells, an image", bias),
        ("· without sign", [one.mean_absolute for one in counts]),
        ("· root mean square", [one.root_mean_square for one in counts]),
        ("sensitivity, mean of FROC", rates),
    ):
        table.add_row(label, *(one if isinstance(one, str) else decimal(one) for one in values))
    return table


def _sweep_table(rule: Geometry, sweep: LimitSweep) -> Table:
    heads = ("AP", "F1", "precision", "recall")
    table = terminal_table("IoU" if rule == "bb" else "px", heads, title=f"{RULES[rule]}, by matching limit")
    table.columns[0].justify = "right"
    for limit, *values in zip(sweep.limits, sweep.ap, sweep.f1, sweep.precision, sweep.recall, strict=True):
        table.add_row(f"{limit:g}", *map(decimal, values))
    return table
