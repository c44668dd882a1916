"""The tables of scores and of comparisons; each reads well at 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.text import Text

from bmbench.benchmark.scoring.reports import (
    ComparisonReport,
    Details,
    RecordedConfusion,
    RecordedEvaluation,
    RecordedScores,
    ScoreReport,
    by_geometry,
    recorded,
    recorded_confusion,
)
from bmbench.metrics import Geometry, LimitSweep
from bmbench.present.terminal import terminal_table
from bmbench.present.words import FALSE_ALARMS, RULES, UNDEFINED, count, decimal, many, signed, with_interval

if TYPE_CHECKING:
    from rich.table import Table

THRESHOLD_SOURCES = {
    "optimisation": "threshold from the optimisation images",
    "given": "threshold as given",
    "oracle": "best threshold of these very images (oracle)",
}
ONE_GROUP = "no interval: all images are of one group (patient or slide)"


def score_tables(report: ScoreReport, *, title: str) -> Iterator[Table]:
    """The scores; by category where they were asked for so; then what ``--details`` adds."""
    scores = recorded(report.evaluation)
    yield scores_table(scores, title=title)
    if report.classes is not None:
        tables = report.classes.confusion
        confusion = {str(rule): recorded_confusion(table) for rule, table in tables.items()}
        one_class = recorded(report.classes.one_class)
        yield from class_tables(scores.rules, one_class=one_class.rules, confusion=confusion)
    if report.details:
        yield _details_table(report.details)
        for rule, details in report.details.items():
            yield _sweep_table(rule, details.sweep)


def scores_table(scores: RecordedEvaluation, *, title: str) -> Table:
    """One column a matching rule, one row a score; the caption says what was counted and how."""
    rules = scores.rules
    heads = [_rule_title(rule, one.limit) for rule, one in rules.items()]
    table = terminal_table("", heads, title=title, caption=_caption(scores))
    every = rules.values()
    table.add_row("AP", *(with_interval(one.ap, one.ap_ci) for one in every), style="bold")
    table.add_row("F1", *(with_interval(one.f1, one.f1_ci) for one in every), style="bold")
    table.add_row("precision", *(decimal(one.precision) for one in every))
    table.add_row("recall", *(decimal(one.recall) for one in every))
    table.add_row("at confidence ≥", *(decimal(one.threshold) for one in every))
    table.add_row("cells found", *(count(one.tp) for one in every))
    table.add_row("cells missed", *(count(one.fn) for one in every))
    table.add_row("false alarms", *(count(one.fp) for one in every))
    for cause, words in FALSE_ALARMS.items():
        table.add_row(f"· {words}", *(count(getattr(one, cause)) for one in every))
    return table


def comparison_table(report: ComparisonReport) -> Table:
    """AP and F1 of each matching rule: both files, the difference, how often the first is better."""
    heads = ("first", "second", "first − second", "first better")
    table = terminal_table("", heads)
    table.caption, table.caption_justify = _comparison_caption(report), "left"
    first, second = map(by_geometry, report.evaluations)
    for rule, found in report.differences.items():
        if found is None:
            continue
        one, other = first[rule], second[rule]
        table.add_row(_rule_title(rule, one.limit), style="bold")
        ap, f1 = signed(found.ap, found.ap_ci), signed(found.f1, found.f1_ci)
        table.add_row("  AP", decimal(one.ap), decimal(other.ap), ap, _whole_percent(found.ap_share))
        table.add_row("  F1", decimal(one.f1), decimal(other.f1), f1, _whole_percent(found.f1_share))
    return table


def _details_table(details: Mapping[Geometry, Details]) -> Table:
    table = terminal_table("", (RULES[rule] for rule in details), title="in detail")
    hits = [one.localisation for one in details.values()]
    counts = [one.count_error for one in details.values()]
    for label, values in (
        ("hits: mean distance, px", [one.mean_distance_px for one in hits]),
        ("hits: median distance, px", [one.median_distance_px for one in hits]),
        ("hits: mean IoU", [one.mean_iou for one in hits]),
        ("hits: median size / the cell's", [one.median_size_ratio for one in hits]),
        ("predictions minus cells, an image", [one.mean for one in counts]),
        ("· without sign", [one.mean_absolute for one in counts]),
        ("· root mean square", [one.root_mean_square for one in counts]),
        ("sensitivity, mean of FROC", [one.froc.mean for one in details.values()]),
    ):
        table.add_row(label, *map(decimal, values))
    return table


def _sweep_table(rule: Geometry, sweep: LimitSweep) -> Table:
    heads = ("AP", "F1", "precision", "recall")
    table = terminal_table("IoU" if rule == "bb" else "px", heads, title=f"{RULES[rule]}, by matching limit")
    table.columns[0].justify = "right"
    for limit, *values in zip(sweep.limits, sweep.ap, sweep.f1, sweep.precision, sweep.recall, strict=True):
        table.add_row(f"{limit:g}", *map(decimal, values))
    return table


def _rule_title(rule: str, limit: float) -> str:
    return f"{RULES[rule]} (IoU {limit})" if rule == "bb" else f"{RULES[rule]} ({limit} px)"


def _whole_percent(share: float | None) -> str:
    return UNDEFINED if share is None else f"{share:.0%}"


def _caption(scores: RecordedEvaluation) -> str:
    images, cells = many(scores.images, "image"), many(scores.cells, "cell")
    counted = f"{images}, {cells}, {many(scores.predictions, 'prediction')}"
    lines = [counted, THRESHOLD_SOURCES.get(scores.threshold_source, ""), _interval_note(scores)]
    return "\n".join(line for line in lines if line)


def _interval_note(scores: RecordedEvaluation) -> str:
    """What the brackets mean; why there are none where the images cannot give any."""
    if any(one.ap_ci for one in scores.rules.values()):
        return f"in brackets: 95 % interval over {scores.groups} groups (patients, slides or images)"
    return ONE_GROUP if scores.groups == 1 else ""


def _comparison_caption(report: ComparisonReport) -> Text:
    first, second = report.evaluations
    counted = [many(first.n_images, "image"), many(first.n_cells, "cell"), many(first.n_groups, "group")]
    lines = [f"first: {report.names[0]}", f"second: {report.names[1]}", ", ".join(counted)]
    sources = {
        "first": THRESHOLD_SOURCES[first.threshold_source],
        "second": THRESHOLD_SOURCES[second.threshold_source],
    }
    if sources["first"] == sources["second"]:
        sources = {"both": sources["first"]}
    lines += [f"F1 of {side}: {source}" for side, source in sources.items()]
    if any(found is not None and found.ap_ci for found in report.differences.values()):
        lines.append("in brackets: 95 % interval of the difference, on the same draws of groups")
    elif first.n_groups == 1:
        lines.append(ONE_GROUP)
    return Text("\n".join(lines), overflow="fold")


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
