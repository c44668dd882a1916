"""The tables of a count: files for spreadsheets, and what the command prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from rich.markup import escape

from bmbench.benchmark.counting.differential import Differential, sureness
from bmbench.benchmark.protocol.lineages import ARTEFACT, SMUDGE, UNIDENTIFIED, CountedClass, tells_artefacts
from bmbench.core.csv_cells import CsvRows
from bmbench.core.files import writing
from bmbench.core.types import Ints
from bmbench.present.terminal import terminal_table
from bmbench.present.words import UNDEFINED, count, decimal, many, percent, share, span

if TYPE_CHECKING:
    from rich.table import Table

    from bmbench.benchmark.counting.options import CountReport
    from bmbench.benchmark.counting.tally import CountedImage
    from bmbench.statistics.differential import CellShare

Value: TypeAlias = "str | int | float | None"
"""What a cell of a table holds; None is an empty one."""
DIFFERENTIAL_COLUMNS = (
    "of", "images", "kind", "name", "n", "cells", "percent", "low", "high", "limits", "binomial_low",
    "binomial_high", "design_effect", "more_cells_to_5_points",
)  # fmt: skip
CUT_OFF_COLUMNS = ("of", "name", "cut_off_percent", "probability_at_or_above", "clustered")
_FIRST = ("patient", "cells")
_LAST = ("artefacts_percent",)
_POOR = (SMUDGE, ARTEFACT)
SHOWN_CLASSES = 3
"""Classes that a terminal shows beside them."""
MOST_ROWS = 20
"""Images, or patients, that a terminal shows."""


def count_columns(classes: Sequence[CountedClass], whose: str) -> list[str]:
    """Names of the columns of a table of counts: whose, cells, each class, artefacts in per cent.

    The last only where a class is of them: what cannot be found is not none.
    """
    taken = {whose, "images", *_FIRST, *_LAST}
    return [
        whose,
        *_FIRST,
        *(f"{one.name} (class)" if one.name in taken else one.name for one in classes),
        *(_LAST if tells_artefacts(classes) else ()),
    ]


def count_row(names: Sequence[Value], classes: Sequence[CountedClass], counts: Ints) -> list[Value]:
    """One row of such a table; `counts` is (classes,)."""
    cells = int(sum(n for one, n in zip(classes, counts, strict=True) if one.counted))
    row: list[Value] = [*names, cells, *counts.tolist()]
    if not tells_artefacts(classes):
        return row
    poor = _of(classes, counts, *_POOR)
    found = cells + _of(classes, counts, UNIDENTIFIED) + poor
    return [*row, round(100 * poor / found, 2) if found else None]


def _of(classes: Sequence[CountedClass], counts: Ints, *kinds: str) -> int:
    return int(sum(n for one, n in zip(classes, counts, strict=True) if one.lineage in kinds))


def differential_rows(found: Sequence[Differential]) -> Iterator[list[Value]]:
    """Every share of every differential, in per cent; then ratios and what stands beside 100 cells.

    Of a class that is counted alone only how many there are: its share is 100 % whatever was found.
    """
    for one in found:
        for kind, part in one.shares():
            cells = [None] * 8 if one.one_class else _share_cells(part)
            yield [one.name, one.images, kind, part.name, part.n, part.of, *cells]
        ratio = one.myeloid_to_erythroid
        if ratio is not None:
            limits = (*(ratio.interval or (None, None)), *(ratio.exact or (None, None)))
            value, low, high, *exact = [_rounded(number) for number in (ratio.value, *limits)]
            head: list[Value] = [one.name, one.images, "ratio", "M:E", ratio.upper, ratio.lower]
            yield [*head, value, low, high, "jackknife" if ratio.interval else None, *exact, None, None]
        for name, n in one.apart.items():
            rate = one.per_100[name]
            rounded = None if rate is None else round(rate, 3)
            yield [one.name, one.images, "per 100 cells", name, n, one.cells, rounded, *[None] * 7]


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)


def cut_off_rows(found: Sequence[Differential]) -> Iterator[list[Value]]:
    """Every cut-off of every differential."""
    for one in found:
        for cut in one.cut_offs:
            chance = None if cut.chance is None else round(cut.chance, 5)
            yield [one.name, cut.name, 100 * cut.at, chance, "yes" if cut.clustered else "no"]


def _share_cells(one: CellShare) -> list[Value]:
    def hundred(value: float | None) -> float | None:
        return None if value is None else round(100 * value, 3)

    low, high = one.interval or (None, None)
    exact_low, exact_high = one.exact or (None, None)
    rule = one.rule or "none: too few units"
    return [
        hundred(one.value), hundred(low), hundred(high), rule, hundred(exact_low), hundred(exact_high),
        round(one.design_effect, 3), one.more_cells,
    ]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table of a count: a file of its own, and a sheet of the workbook."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Value]]


def sheets_of(
    images: Sequence[CountedImage],
    classes: Sequence[CountedClass],
    found: Sequence[Differential],
    *,
    stop: int,
) -> list[Sheet]:
    """Counts by image, by patient where they are known, differentials, cut-offs where there are any."""
    rows = [count_row([one.name, one.patient], classes, one.counts[stop]) for one in images]
    sheets = [Sheet(name="counts", columns=count_columns(classes, "image"), rows=rows)]
    patients = list(dict.fromkeys(one.patient for one in images if one.patient))
    if patients:
        sums = [
            count_row([name, len(own)], classes, np.sum([one.counts[stop] for one in own], axis=0))
            for name in sorted(patients)
            if (own := [one for one in images if one.patient == name])
        ]
        columns = ["patient", "images", *count_columns(classes, "image")[2:]]
        sheets.append(Sheet(name="patients", columns=columns, rows=sums))
    sheets.append(
        Sheet(name="differential", columns=DIFFERENTIAL_COLUMNS, rows=list(differential_rows(found)))
    )
    cuts = list(cut_off_rows(found))
    if cuts:
        sheets.append(Sheet(name="cut-offs", columns=CUT_OFF_COLUMNS, rows=cuts))
    return sheets


def write_csv(path: Path, sheet: Sheet) -> None:
    """Write a table, whole or not at all."""
    with writing(path) as aside, aside.open("w", newline="", encoding="utf-8") as file:
        table = CsvRows(file)
        table.write(sheet.columns)
        table.write_all(["" if cell is None else cell for cell in row] for row in sheet.rows)


def share_texts(one: CellShare) -> list[str]:
    """A share as tables show it: cells, per cent, limits, binomial limits, cells still to be counted."""
    more = UNDEFINED if one.more_cells is None else "enough" if one.more_cells == 0 else f"{one.more_cells:,}"
    return [count(one.n), percent(one.value), span(one.interval), span(one.exact), more]


HEADS = ("cells", "%", "95 % limits", "binomial", "to ± 5")
"""What `share_texts` stand below."""


def differential_table(found: Differential, *, unit: str) -> Table:
    """One differential as a terminal shows it."""
    caption = (
        f"limits allow for cells of one {unit} being alike; binomial ones do not (Rümke); "
        "to ± 5: cells still to count"
    )
    title = f"{escape(found.name)}: {many(found.cells, 'cell')} on {many(found.images, 'image')}"
    table = terminal_table("", HEADS, title=title, caption=caption)
    last = "class"
    for kind, one in found.shares():
        if kind != last:
            table.add_section()
            last = kind
        table.add_row(escape(one.name), *share_texts(one))
    ratio = found.myeloid_to_erythroid
    if ratio is not None:
        limits = [
            UNDEFINED if ends is None else f"{ends[0]:.2f}–{ends[1]:.2f}"
            for ends in (ratio.interval, ratio.exact)
        ]
        table.add_section()
        table.add_row("M:E ratio", f"{ratio.upper}:{ratio.lower}", decimal(ratio.value, 2), *limits, "")
    return table


def apart_line(found: Differential) -> str:
    """What stands apart, in one line; empty where nothing does."""
    rates = [f"{name} {decimal(rate, 1)}" for name, rate in found.per_100.items() if rate]
    if not rates:
        return ""
    line = f"{found.name}: beside 100 cells {', '.join(rates)}"
    poor = found.artefact_share
    return line if poor is None else f"{line}; artefact share {share(poor, 0)}"


def cut_off_table(found: Sequence[Differential]) -> Table:
    """How sure it is that shares lie at or above their cut-offs, one row a patient."""
    cuts = [(cut.name, cut.at) for cut in found[0].cut_offs]
    heads = [f"{escape(name)} ≥ {100 * at:g} %" for name, at in cuts]
    alone = any(not cut.clustered for one in found for cut in one.cut_offs)
    caption = "how sure it is that a share lies at or above its cut-off"
    table = terminal_table(
        "", heads, caption=f"{caption}; * cells taken for independent" if alone else caption, wrap=True
    )
    for one in found[: MOST_ROWS + 1]:
        signs = ["" if cut.clustered else " *" for cut in one.cut_offs]
        texts = [f"{sureness(cut)}{sign}" for cut, sign in zip(one.cut_offs, signs, strict=True)]
        table.add_row(escape(one.name), *texts)
    return table


def counts_table(names: Sequence[str], classes: Sequence[CountedClass], counts: Ints, *, head: str) -> Table:
    """Counts by image or patient: cells, and the classes that are most frequent."""
    shown = np.argsort(-counts.sum(axis=0), kind="stable")[:SHOWN_CLASSES]
    shown = np.sort(shown) if len(classes) > 1 else shown[:0]
    told = ["artefacts"] if tells_artefacts(classes) else []
    heads = ["cells", *(escape(classes[row].name) for row in shown), *told]
    more = [f"the first {MOST_ROWS} of {len(names)}; counts.csv has all"] if len(names) > MOST_ROWS else []
    if len(shown) < len(classes) and len(classes) > 1:
        more.append(f"the {len(shown)} most frequent of {len(classes)} classes")
    table = terminal_table(head, heads, caption="; ".join(more) or None)
    for name, row in list(zip(names, counts, strict=True))[:MOST_ROWS]:
        cells = int(sum(n for one, n in zip(classes, row, strict=True) if one.counted))
        poor = [count(_of(classes, row, *_POOR)) for _ in told]
        table.add_row(escape(name), count(cells), *(count(row[at]) for at in shown), *poor)
    return table


def report_tables(report: CountReport) -> Iterator[Table]:
    """What the command prints: counts by image or patient, then differentials."""
    counts = report.counts()
    patients = [one.patient for one in report.images]
    if report.unit == "patient":
        names, row = np.unique(patients, return_inverse=True)
        sums = np.zeros((len(names), counts.shape[1]), np.int64)
        np.add.at(sums, row, counts)
        yield counts_table(names.tolist(), report.classes, sums, head="patient")
    else:
        yield counts_table([one.name for one in report.images], report.classes, counts, head="image")
    if sum(one.counted for one in report.classes) > 1:
        yield differential_table(report.differentials[0], unit=report.unit)
    if report.differentials[0].cut_offs:
        yield cut_off_table(report.differentials)


def report_lines(report: CountReport) -> Iterator[str]:
    """What stands apart in everything, and in each patient."""
    yield from filter(None, map(apart_line, report.differentials[: MOST_ROWS + 1]))
