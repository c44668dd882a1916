"""Agreement of counts as a terminal shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich.markup import escape

from bmbench.present.terminal import terminal_table
from bmbench.present.words import RULES, UNDEFINED, decimal, share, signed_number

if TYPE_CHECKING:
    from rich.table import Table

    from bmbench.benchmark.scoring.count_agreement import CountAgreement, NumberAgreement
    from bmbench.metrics import Geometry
    from bmbench.metrics.scores import Interval

HEADS = ("bias", "95 % limits", "off by", "concord.", "slope", "in limits")
MOST_CLASSES = 24
"""Classes that a terminal shows; files have all of them."""


def count_agreement_tables(found: Mapping[Geometry, CountAgreement]) -> Iterator[Table]:
    """Cells by image and patient; percentages and cut-offs, which hardly differ, by the last rule."""
    table = terminal_table("", HEADS[:-1], title="counts: predicted minus true cells", caption=_CELLS)
    for rule, one in found.items():
        for level, own in one.levels:
            table.add_row(f"{RULES[rule]}, by {level}", *agreement_cells(own.cells)[:-1])
    yield table
    if not found:
        return
    rule, last = list(found.items())[-1]
    level, units = list(last.levels)[-1]
    if units.percentages:
        yield _percentages(units.percentages, title=f"percentages by {level}, points ({RULES[rule]})")
    if units.cut_offs and len(units.cells.truth) > 1:
        yield _cut_offs(last, title=f"cut-offs by {level} ({RULES[rule]})")


_CELLS = "off by: without sign; slope: Passing–Bablok; intervals: --json"
_POINTS = "in limits: within the binomial limits (Rümke) of the true count"


def _percentages(found: Mapping[str, NumberAgreement], *, title: str) -> Table:
    table = terminal_table("class", HEADS, title=title, caption=_POINTS)
    for name, one in list(found.items())[:MOST_CLASSES]:
        table.add_row(escape(name), *agreement_cells(one))
    return table


def _cut_offs(found: CountAgreement, *, title: str) -> Table:
    _, units = list(found.levels)[-1]
    table = terminal_table("", ("at or above", "found", "below", "found", "kappa"), title=title)
    for name, cuts in units.cut_offs.items():
        for cut in cuts:
            table.add_row(
                f"{escape(name)} ≥ {100 * cut.at:g} %",
                str(cut.above),
                share(cut.sensitivity, 0),
                str(cut.below),
                share(cut.specificity, 0),
                decimal(cut.kappa, 2),
            )
    return table


def agreement_cells(one: NumberAgreement) -> list[str]:
    """What `HEADS` name, of one number of every unit."""
    limits = one.limits
    ends: Interval | None = None if limits.low is None or limits.high is None else (limits.low, limits.high)
    return [
        signed_number(limits.bias),
        UNDEFINED if ends is None else f"{signed_number(ends[0])} to {signed_number(ends[1])}",
        decimal(one.mean_absolute, 1),
        decimal(one.concordance, 2),
        decimal(None if one.line is None else one.line.slope, 2),
        share(one.within, 0),
    ]
