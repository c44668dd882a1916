"""The tables of scores and of comparisons; each reads well at 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.text import Text

from bmbench.benchmark.scoring.recorded import (
    RecordedConfusion,
    RecordedEvaluation,
    RecordedScores,
    recorded,
    recorded_confusion,
)
from bmbench.benchmark.scoring.reports import ComparisonReport, ScoreReport, by_geometry
from bmbench.present.terminal import terminal_table
from bmbench.present.words import (
    FALSE_ALARMS,
    RULES,
    count,
    decimal,
    many,
    signed,
    units,
    why_no_interval,
    with_interval,
)
from bmbench.statistics.units import FEWEST_FOR_INTERVAL, FEWEST_UNITS

if TYPE_CHECKING:
    from rich.table import Table

    from bmbench.metrics.scores import Evaluation, Scores

THRESHOLD_SOURCES = {
    "optimisation": "threshold from the optimisation images",
    "given": "threshold as given",
    "oracle": "best threshold of these very images (oracle)",
}
_COMPARED_AT = {
    "optimisation": "chosen by its run on its optimisation images",
    "given": "as given",
    "oracle": THRESHOLD_SOURCES["oracle"],
}
"""The same of a side of a comparison, whose threshold may be that of a run."""
METRICS = {"ap": "AP", "f1": "F1", "precision": "precision", "recall": "recall"}
"""What has an interval, by its names in files and in tables."""


def score_tables(report: ScoreReport, *, title: str) -> Iterator[Table]:
    """The scores; by category where they were asked for so; then what ``--details`` adds."""
    scores = recorded(report.evaluation)
    yield scores_table(scores, title=title, source="" if report.point is None else report.point.source_line)
    if report.classes is not None:
        tables = report.classes.confusion
        confusion = {str(rule): recorded_confusion(table) for rule, table in tables.items()}
        one_class = recorded(report.classes.one_class)
        yield from class_tables(scores.rules, one_class=one_class.rules, confusion=confusion)
    if report.class_points is not None and report.point is not None:
        from bmbench.benchmark.scoring.class_points import class_points_table

        yield class_points_table(report.class_points, source=report.point.source_line)
    yield from _further_tables(report)


def _further_tables(report: ScoreReport) -> Iterator[Table]:
    if not (report.coco_summary or report.challenge or report.details or report.metrics or report.raters):
        # Loading what draws them takes a while.
        return
    from bmbench.benchmark.scoring.details_tables import (
        challenge_table,
        coco_table,
        details_tables,
        metrics_table,
    )
    from bmbench.benchmark.scoring.raters_table import raters_table

    if report.coco_summary is not None:
        yield coco_table(report.coco_summary)
    if report.challenge is not None:
        yield challenge_table(report.challenge, report.evaluation.protocol.name)
    if report.details:
        yield from details_tables(report.details)
    if report.metrics:
        yield metrics_table(report.metrics)
    if report.raters is not None:
        yield raters_table(report.raters)


def scores_table(scores: RecordedEvaluation, *, title: str, source: str = "") -> Table:
    """One column a matching rule, one row a score; the caption says what was counted and how.

    `source` says where the threshold comes from, where its one word in a record is not all.
    """
    rules = scores.rules
    heads = [rule_title(rule, one) for rule, one in rules.items()]
    table = terminal_table("", heads, title=title, caption=_caption(scores, source))
    every = rules.values()
    table.add_row("AP", *(with_interval(one.ap, one.ap_ci) for one in every), style="bold")
    table.add_row("F1", *(with_interval(one.f1, one.f1_ci) for one in every), style="bold")
    table.add_row("precision", *(with_interval(one.precision, one.precision_ci) for one in every))
    table.add_row("recall", *(with_interval(one.recall, one.recall_ci) for one in every))
    table.add_row("at confidence ≥", *(decimal(one.threshold) for one in every))
    table.add_row("cells found", *(count(one.tp) for one in every))
    table.add_row("cells missed", *(count(one.fn) for one in every))
    table.add_row("false alarms", *(count(one.fp) for one in every))
    for cause, words in FALSE_ALARMS.items():
        table.add_row(f"· {words}", *(count(getattr(one, cause)) for one in every))
    return table


def comparison_table(report: ComparisonReport) -> Table:
    """AP and F1 of each matching rule: both methods, the difference, and what the corrected test says."""
    table = terminal_table("", ("first", "second", "first − second", "verdict"))
    table.caption, table.caption_justify = _comparison_caption(report), "left"
    for rule, found in report.differences.items():
        if found is None:
            continue
        sides = [[by_geometry(one)[rule] for one in some] for some in report.evaluations]
        table.add_row(rule_title(rule, sides[0][0]), style="bold")
        for title, metric, values in (
            ("  AP", found.ap, [[one.ap for one in side] for side in sides]),
            ("  F1", found.f1, [[one.f1 for one in side] for side in sides]),
        ):
            means = [decimal(_mean(some)) for some in values]
            table.add_row(title, *means, signed(metric.value, metric.interval), metric.verdict)
    return table


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return sum(defined) / len(defined) if len(defined) == len(values) else None


def rule_title(rule: str, scores: RecordedScores | Scores) -> str:
    """A matching rule with its limit, "centres (8 px)"."""
    limit = f"IoU {scores.limit}" if rule == "bb" else f"{scores.limit:g} px"
    return f"{RULES[rule]} ({scores.matched_by or limit})"


def _caption(scores: RecordedEvaluation, source: str) -> str:
    images, cells = many(scores.images, "image"), many(scores.cells, "cell")
    counted = f"{images}, {cells}, {many(scores.predictions, 'prediction')}"
    source = source or THRESHOLD_SOURCES.get(scores.threshold_source, "")
    return "\n".join(line for line in [counted, source, *_interval_notes(scores)] if line)


def _interval_notes(scores: RecordedEvaluation) -> Iterator[str]:
    """What the brackets mean, what they rest on, and why some are missing."""
    rule = scores.interval
    if rule is None:
        return
    shown = units(rule.units, rule.unit, independent=rule.independent)
    if any(getattr(one, f"{name}_ci") for one in scores.rules.values() for name in METRICS):
        few = " only" if rule.units < FEWEST_UNITS else ""
        yield f"in brackets: 95 % interval; it rests on {shown}{few}"
    missing: dict[str, dict[str, list[str]]] = {}
    for geometry, one in scores.rules.items():
        for name, why in one.no_interval.items():
            if why != "undefined" and name in METRICS:
                missing.setdefault(why, {}).setdefault(RULES[geometry], []).append(METRICS[name])
    for why, names in missing.items():
        each = [f"{', '.join(some)} ({rule})" for rule, some in names.items()]
        all_of_them = sum(map(len, names.values())) == len(METRICS) * len(scores.rules)
        of = "" if all_of_them else f" of {'; '.join(each)}"
        yield f"no interval{of}: {why_no_interval(why, rule.units, rule.unit)}"


def _comparison_caption(report: ComparisonReport) -> Text:
    first = report.evaluations[0][0]
    rule = report.rule
    counted = [many(first.n_images, "image"), many(first.n_cells, "cell")]
    lines = [f"first: {report.names[0]}", f"second: {report.names[1]}", ", ".join(counted)]
    one, other = map(_at_thresholds, report.evaluations)
    sources = {"both": one} if one == other else {"first": one, "second": other}
    lines += [f"F1 of {side} at confidence ≥ {source}" for side, source in sources.items()]
    lines += _comparison_notes(report, units(rule.units, rule.unit, independent=rule.groups is not None))
    return Text("\n".join(lines), overflow="fold")


def _at_thresholds(evaluations: Sequence[Evaluation]) -> str:
    """The thresholds of a method's trainings, each once, and where they come from."""
    every = [decimal(one.threshold) for some in evaluations for one in by_geometry(some).values()]
    sources = dict.fromkeys(_COMPARED_AT[one.threshold_source] for one in evaluations)
    return f"{', '.join(dict.fromkeys(every))}: {'; '.join(sources)}"


def _comparison_notes(report: ComparisonReport, shown: str) -> Iterator[str]:
    """What brackets and verdicts mean, and of what they speak."""
    found = [one for one in report.differences.values() if one is not None]
    metrics = [metric for one in found for metric in (one.ap, one.f1)]
    tested = sum(metric.p is not None for metric in metrics)
    if all(metric.verdict == "the same" for metric in metrics):
        yield "The two are the same in every unit."
        return
    few = " only" if report.rule.units < FEWEST_UNITS else ""
    if not tested:
        n = many(report.rule.units, report.rule.unit)
        why = f"{n} cannot show how a difference varies"
        if report.rule.units >= FEWEST_FOR_INTERVAL:
            why = f"all of {n} show the same difference"
        yield f"No interval and no test: {why}."
        return
    yield f"In brackets: 95 % interval of that one difference; it rests on {shown}{few}."
    if tested > 1:
        yield (
            f"The verdict is corrected for {tested} comparisons (Holm: 5 % for any false one), so an "
            "interval may exclude 0 where the verdict does not speak. Not told apart is not equal."
        )
    unseen = [metric.not_seen_below for metric in metrics if metric.not_seen_below is not None]
    yield f"A difference below {min(unseen):.3f} to {max(unseen):.3f} cannot be told from chance here."
    if any(one.seeds for one in found):
        one, other = map(len, report.evaluations)
        yield f"Means over {one} and {many(other, 'training')}; the intervals hold how trainings vary."
    else:
        yield "One training of each: this speaks of these two networks, not of their methods."


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
    macros = [(rule, with_interval(one.macro_f1, one.macro_f1_ci)) for rule, one in by_class.items()]
    table.caption = "\n".join(f"macro-F1, {RULES[rule]}: {text}" for rule, text in macros)
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
