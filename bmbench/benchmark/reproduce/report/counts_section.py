"""Whether the methods count what the annotators count, by patient and by image, at each run's threshold."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bmbench.benchmark.drawing.count_figure import MOST_SHOWN, agreement_figure
from bmbench.benchmark.drawing.figures import save_figure
from bmbench.benchmark.protocol.lineages import CUT_OFFS, counted_classes
from bmbench.benchmark.reproduce.report.runs import FinishedRun, Key
from bmbench.benchmark.reproduce.report.seed_means import Table, by_seed
from bmbench.benchmark.reproduce.report.tables import ordered
from bmbench.benchmark.scoring.count_agreement import (
    CountAgreement,
    LevelAgreement,
    NumberAgreement,
    agreement_of,
    mean_number,
    mean_of_all,
)
from bmbench.benchmark.scoring.count_agreement_tables import HEADS, MOST_CLASSES, agreement_cells
from bmbench.core.types import Category
from bmbench.metrics.class_counts import ClassCounts, class_counts
from bmbench.present.markdown import paragraph, table
from bmbench.present.words import decimal, share, signed_number
from bmbench.statistics.jackknife import ratio
from bmbench.statistics.seeds import SeedMean, SeedScores, seed_variance

PICTURE = "counts.png"
_ABOUT = """Predicted minus true cells, by centres, at each run's own threshold; means over seeds. Bias: with
its 95 % interval over the test groups and, with several seeds, trainings. 95 % limits: of agreement (Bland
and Altman), between which differences of single patients or images lie. Off by: without sign. Concord.: Lin's
coefficient. Slope: of the line of Passing and Bablok."""
_PERCENTAGES = """Percentages of each class, by {level}, in points. In limits: how many lie within the
binomial limits (Rümke) of the true count."""
_CUT_OFFS = """On which side of a cut-off each {level} is: how many there truly are, and how many of these are
found on that side."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowAgreement:
    """The agreement of one row, by seed; `bias` is that of cells, by test group."""

    key: Key
    seeds: tuple[CountAgreement, ...]
    bias: SeedMean

    @property
    def level(self) -> str:
        """What a test group is: an image, or a patient."""
        return list(self.seeds[0].levels)[-1][0]

    @property
    def by_group(self) -> tuple[LevelAgreement, ...]:
        """The agreement over the test groups, by seed."""
        return tuple(list(one.levels)[-1][1] for one in self.seeds)

    @property
    def name(self) -> str:
        """As tables call the row."""
        mode = "" if self.key.artefacts == "background" else f", {self.key.artefacts}"
        return f"{self.key.track} `{self.key.method}`{mode}"


def counts_section(out: Path, scores: Table) -> str:
    """Tables of cells, percentages and cut-offs, and a picture; empty where nothing is scored by centres."""
    rows = row_agreements(scores)
    if not rows:
        return ""
    draw_agreement(out / PICTURE, rows)
    picture = f"![Predicted against true counts]({PICTURE})"
    parts = ["## Agreement of counts", paragraph(_ABOUT), *agreement_tables(rows), picture]
    if len(rows) > MOST_SHOWN:
        parts.append(paragraph(f"The picture shows the {MOST_SHOWN} rows of the highest concordance."))
    return "\n\n".join(parts)


def agreement_tables(rows: Sequence[RowAgreement]) -> Iterator[str]:
    """Cells of every row; where classes are told apart, their percentages, and on which side of cut-offs."""
    yield _cells_table(rows)
    yield from _percentages(rows)
    yield from _cut_offs(rows)


def row_agreements(scores: Table) -> list[RowAgreement]:
    """Those of every row with a seed whose folds are all finished."""
    collection, found = scores.collection, []
    for key in ordered(list(collection.rows)):
        runs = [run for run in collection.rows[key] if run.evaluation.cd is not None]
        whole = {seed: some for seed, some in by_seed(runs).items() if len(some) == collection.n_folds}
        if whole:
            found.append((key, tuple(whole), tuple(map(_joined, whole.values()))))
    biases = [bias_by_group(seeds, some) for _, seeds, some in found]
    variance = seed_variance(biases)
    return [
        RowAgreement(key=key, seeds=some, bias=bias.mean(variance))
        for (key, _, some), bias in zip(found, biases, strict=True)
    ]


def _joined(runs: Sequence[FinishedRun]) -> CountAgreement:
    """Of one seed: the test images of all folds together."""
    counts = []
    for run in runs:
        assert run.evaluation.cd is not None
        counts.append(class_counts(*run.files, run.evaluation.cd))
    together = ClassCounts(
        names=counts[0].names,
        cells=np.concatenate([one.cells for one in counts]),
        predicted=np.concatenate([one.predicted for one in counts]),
    )
    return agreement_of(together, runs[0].files[0].categories, [name for run in runs for name in run.units])


def bias_by_group(seeds: Sequence[Hashable], found: Sequence[CountAgreement]) -> SeedScores:
    """The mean difference over the test groups, by seed."""
    cells = [list(one.levels)[-1][1].cells for one in found]
    parts = tuple(ratio(one.found - one.truth, np.ones(len(one.truth)), scale="number") for one in cells)
    return SeedScores(seeds=tuple(seeds), scores=parts, n_units=len(cells[0].truth))


def _cells_table(rows: Sequence[RowAgreement]) -> str:
    """A line a row, the interval of its bias below it, and a third line by image where images have groups."""
    lines = []
    for row in rows:
        cells = agreement_cells(mean_number([one.cells for one in row.by_group]))
        lines.append([f"{row.name}, {row.level}s", *cells[:-1]])
        if row.bias.interval is not None:
            lines.append(["· 95 %", " to ".join(map(signed_number, row.bias.interval)), *[""] * 4])
        if row.seeds[0].patients is not None:
            cells = agreement_cells(mean_number([one.images.cells for one in row.seeds]))
            lines.append(["· images", *cells[:-1]])
    return table(["", *HEADS[:-1]], lines)


def _percentages(rows: Sequence[RowAgreement]) -> Iterator[str]:
    """A line a row and class, where classes are told apart."""
    lines = []
    for row in rows:
        for name in list(row.by_group[0].percentages)[:MOST_CLASSES]:
            some = [one.percentages[name] for one in row.by_group if name in one.percentages]
            lines.append([f"{row.name}: {name}", *agreement_cells(mean_number(some))])
    if lines:
        yield paragraph(_PERCENTAGES.format(level=rows[0].level))
        yield table(["", *HEADS], lines)


def _cut_offs(rows: Sequence[RowAgreement]) -> Iterator[str]:
    """A line a row and cut-off."""
    lines = []
    for row in rows:
        for name, cuts in row.by_group[0].cut_offs.items():
            for place, cut in enumerate(cuts):
                some = [one.cut_offs[name][place] for one in row.by_group if name in one.cut_offs]
                sides = (
                    (cut.above, mean_of_all(one.sensitivity for one in some)),
                    (cut.below, mean_of_all(one.specificity for one in some)),
                )
                shown = [text for n, found in sides for text in (str(n), share(found, 0))]
                kappa = decimal(mean_of_all(one.kappa for one in some), 2)
                lines.append([f"{row.name}: {name} ≥ {100 * cut.at:g} %", *shown, kappa])
    if lines:
        yield paragraph(_CUT_OFFS.format(level=rows[0].level))
        yield table(["", "at or above", "found", "below", "found", "kappa"], lines)


def draw_agreement(path: Path, rows: Sequence[RowAgreement]) -> None:
    """Cells of every group; below, where classes are told, the share of what has a cut-off."""
    cells = {row: mean_number([one.cells for one in row.by_group]) for row in rows}
    best = sorted(rows, key=lambda row: -(cells[row].concordance or 0.0))[:MOST_SHOWN]
    kept = [row for row in rows if row in best]
    single = len(kept) == 1
    shown: dict[str, Mapping[str, NumberAgreement]] = {
        "cells": {"" if single else _plain(row): cells[row] for row in kept}
    }
    name = _drawn_class(rows)
    if name:
        shown[f"per cent {name}"] = {
            "" if single else _plain(row): mean_number([one.percentages[name] for one in row.by_group])
            for row in kept
            if all(name in one.percentages for one in row.by_group)
        }
    save_figure(path, agreement_figure(shown, level=rows[0].level))


def _plain(row: RowAgreement) -> str:
    return row.name.replace("`", "")


def _drawn_class(rows: Sequence[RowAgreement]) -> str:
    """The first class with a cut-off, or the first one; empty where no row tells classes apart."""
    names = list(dict.fromkeys(name for row in rows for name in row.by_group[0].percentages))
    for name in names:
        (one,) = counted_classes([Category(id=1, name=name)])
        if {one.lineage, one.sum} & set(CUT_OFFS):
            return name
    return names[0] if names else ""
