"""The tables of ``bmbench score --details``; each reads well at 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.markup import escape

from bmbench.benchmark.scoring.count_agreement_tables import count_agreement_tables
from bmbench.present.terminal import terminal_table
from bmbench.present.words import FALSE_ALARMS, RULES, count, decimal, with_interval

if TYPE_CHECKING:
    from rich.table import Table

    from bmbench.benchmark.scoring.details import ArtefactClass, Details, Rated
    from bmbench.metrics import Geometry, GroupScores, LimitSweep
    from bmbench.statistics.intervals import MetricInterval


MOST_GROUPS = 24
"""Groups that a terminal shows; files have all of them."""


def details_tables(details: Mapping[Geometry, Details]) -> Iterator[Table]:
    """How hits lie and images are counted, what is merged and split; then scores by matching limit."""
    yield _details_table(details)
    yield from count_agreement_tables({rule: one.count_agreement for rule, one in details.items()})
    groups = [one.by_group for one in details.values()]
    if len(groups[0]) < groups[0].images.sum():
        yield _groups_table(groups, rules=list(details))
    for rule, one in details.items():
        yield _sweep_table(rule, one.sweep)


def _details_table(details: Mapping[Geometry, Details]) -> Table:
    table = terminal_table("", (RULES[rule] for rule in details), title="in detail")
    hits = [one.localisation for one in details.values()]
    counts = [one.count_error for one in details.values()]
    bias = [with_interval(one.count_error.mean, one.count_error_ci) for one in details.values()]
    joined = [one.merges_and_splits for one in details.values()]
    rates = [with_interval(one.froc.mean, one.froc_ci) for one in details.values()]
    f_beta = {
        name: [with_interval(one.f_beta[name].value, one.f_beta[name].interval) for one in details.values()]
        for name in ("f2", "f0.5")
    }
    rows: list[tuple[str, Sequence[str | float | None]]] = [
        ("F2, recall counts twice", f_beta["f2"]),
        ("F0.5, precision counts twice", f_beta["f0.5"]),
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
        ("·· interpolated", [one.froc.interpolated_mean for one in details.values()]),
        *_rated_rows("mm²", [one.froc_per_mm2 for one in details.values()]),
        *_rated_rows("100 cells", [one.froc_per_100_cells for one in details.values()]),
        (
            "oLRP (0 is perfect)",
            [with_interval(one.olrp.error if one.olrp else None, one.olrp_ci) for one in details.values()],
        ),
        ("· misplacing of hits", [one.olrp.misplacing if one.olrp else None for one in details.values()]),
        ("· false alarms", [one.olrp.false_alarms if one.olrp else None for one in details.values()]),
        ("· misses", [one.olrp.misses if one.olrp else None for one in details.values()]),
        *_size_rows(list(details.values())),
        *_artefact_rows([one.artefacts for one in details.values()]),
        *_shape_rows([one.shapes for one in details.values()]),
        *_cost_rows([one.costs for one in details.values()]),
        (
            "confidence off by (D-ECE)",
            [with_interval(one.reliability.error, one.d_ece_ci) for one in details.values()],
        ),
    ]
    for label, values in rows:
        table.add_row(label, *(one if isinstance(one, str) else decimal(one) for one in values))
    return table


def _cost_rows(
    costs: Sequence[Mapping[str, MetricInterval]],
) -> Iterator[tuple[str, Sequence[str | float | None]]]:
    """What AP each cause of errors costs; nothing where it is undefined."""
    if not all(costs):
        return
    yield "AP lost to false alarms", ["" for _ in costs]
    words = {cause: f"· {name}" for cause, name in FALSE_ALARMS.items()} | {
        "fn_missed": "AP lost to missed cells"
    }
    for cause, row in words.items():
        yield row, [with_interval(one[cause].value, one[cause].interval) for one in costs]


def _size_rows(details: Sequence[Details]) -> Iterator[tuple[str, Sequence[str | float | None]]]:
    """Recall by the size of the cell; a size without cells is left out."""
    known = [one for one in details if one.by_size is not None]
    if len(known) < len(details):
        return
    # Not needed, and not loaded, where there are no details.
    from bmbench.metrics.by_size import EDGES

    yield "recall by size, in diameters", ["" for _ in known]
    names = (f"small, below {EDGES[0]}", "usual", f"large, above {EDGES[1]}")
    for row, name in enumerate(names):
        each = [one.size_recall[row] for one in known]
        if any(one.value is not None for one in each):
            yield f"· {name}", [with_interval(one.value, one.interval) for one in each]


def _artefact_rows(
    artefacts: Sequence[ArtefactClass | None],
) -> Iterator[tuple[str, Sequence[str | float | None]]]:
    """The class of artefacts by itself; nothing where none is predicted or annotated."""
    known = [one for one in artefacts if one is not None]
    if len(known) < len(artefacts):
        return
    yield "F1 of artefacts, as a class", [with_interval(one.f1.value, one.f1.interval) for one in known]
    yield "· artefacts found", [count(one.scores.tp) for one in known]
    yield "· taken for cells", [count(one.scores.fn_artefact) for one in known]
    yield "· missed", [count(one.scores.fn_missed) for one in known]
    yield "· predicted where none is", [count(one.scores.fp) for one in known]


def _shape_rows(
    shapes: Sequence[Mapping[str, MetricInterval]],
) -> Iterator[tuple[str, Sequence[str | float | None]]]:
    """How outlines agree; nothing where they were not matched."""
    names = {"panoptic_quality": "PQ", "aggregated_jaccard": "AJI", "dice": "Dice, of pixels"}
    for name, words in names.items() if any(shapes) else ():
        each = [one.get(name) for one in shapes]
        yield words, [None if one is None else with_interval(one.value, one.interval) for one in each]


def _rated_rows(
    amount: str, rated: Sequence[Rated | None]
) -> Iterator[tuple[str, Sequence[str | float | None]]]:
    """Mean sensitivity over false alarms per mm² or per 100 cells, by steps and interpolated."""
    known = [one for one in rated if one is not None]
    if len(known) < len(rated):
        return
    yield f"· FROC per {amount}", [with_interval(one.at.mean, one.mean_ci) for one in known]
    yield "·· interpolated", [one.at.interpolated_mean for one in known]


def _groups_table(groups: Sequence[GroupScores], *, rules: Sequence[Geometry]) -> Table:
    """Each group by itself; of many those that are found worst, by the last matching rule."""
    heads = [f"F1, {RULES[rule]}" for rule in rules]
    last = groups[-1]
    order = np.argsort(np.where(np.isnan(last.f1), np.inf, last.f1), kind="stable")
    rows = np.arange(len(last)) if len(last) <= MOST_GROUPS else order[:MOST_GROUPS]
    caption = (
        f"the {MOST_GROUPS} of lowest F1 of {len(last)}; --json has all" if len(rows) < len(last) else None
    )
    table = terminal_table("group", ("images", "cells", *heads), title="by group", caption=caption)
    table.columns[0].overflow = "fold"
    for row in rows.tolist():
        values = [each.f1[row] for each in groups]
        known = [decimal(None if np.isnan(value) else float(value)) for value in values]
        table.add_row(escape(last.names[row]), count(last.images[row]), count(last.cells[row]), *known)
    return table


def metrics_table(values: Mapping[str, Mapping[str, float | None]]) -> Table:
    """What scorers of other packages say, one row each."""
    from bmbench.metrics.plugin import METRICS

    table = terminal_table("", (RULES[rule] for rule in values), title="metrics of other packages")
    for name in next(iter(values.values()), {}):
        said = [decimal(one[name]) for one in values.values()]
        table.add_row(escape(METRICS.get(name).title), *said)
    return table


def coco_table(summary: Mapping[str, float | None]) -> Table:
    """The twelve numbers of pycocotools: average precision, and recall, by IoU, size and cap."""
    table = terminal_table("", ("IoU", "cells", "value"), title="the twelve numbers of COCO")
    for name, value in summary.items():
        iou = {"AP50": "0.50", "AP75": "0.75"}.get(name, "0.50 to 0.95")
        size = {"s": "below 32² px", "m": "32² to 96² px", "l": "above 96² px"}.get(name[2:], "all")
        table.add_row(name, iou, size, decimal(value))
    return table


def challenge_table(summary: Mapping[str, float | None], protocol: str) -> Table:
    """What the evaluator of a named protocol reports beside, by its own names."""
    table = terminal_table("", ("value",), title=f"what {protocol} reports")
    for name, value in summary.items():
        table.add_row(escape(name), decimal(value))
    return table


def _sweep_table(rule: Geometry, sweep: LimitSweep) -> Table:
    heads = ("AP", "F1", "precision", "recall")
    table = terminal_table("IoU" if rule == "bb" else "px", heads, title=f"{RULES[rule]}, by matching limit")
    table.columns[0].justify = "right"
    for limit, *values in zip(sweep.limits, sweep.ap, sweep.f1, sweep.precision, sweep.recall, strict=True):
        table.add_row(f"{limit:g}", *map(decimal, values))
    return table
