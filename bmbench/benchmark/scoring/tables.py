"""The tables of `bmbench score` and `bmbench compare`; each reads well at 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from bmbench.benchmark.run.row import UNDEFINED
from bmbench.benchmark.run.tables import ONE_GROUP, THRESHOLD_SOURCES, scores_table
from bmbench.benchmark.scoring.class_tables import RULES, class_tables
from bmbench.present.words import many

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_RULES = {"bb": "boxes (IoU {limit})", "cd": "centres ({limit} px)"}


def score_tables(scores: Mapping[str, Any], *, title: str) -> Iterator[Table]:
    """The scores; by category where they were asked for so; then what ``--details`` adds."""
    yield scores_table(scores, title=title)
    rules = [rule for rule in _RULES if scores[rule]]
    if any(scores[rule].get("classes") for rule in rules):
        by_class = {rule: scores[rule] for rule in rules}
        yield from class_tables(by_class, one_class=scores["localisation"], confusion=scores["confusion"])
    details = scores.get("details", {})
    if details:
        yield _details_table(details)
        for rule in details:
            yield _sweep_table(rule, details[rule]["sweep"])


def _details_table(details: Mapping[str, Any]) -> Table:
    table = Table(title="in detail", box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("")
    for rule in details:
        table.add_column(RULES[rule], justify="right", no_wrap=True)
    rows = (
        ("hits: mean distance, px", "localisation", "mean_distance_px"),
        ("hits: median distance, px", "localisation", "median_distance_px"),
        ("hits: mean IoU", "localisation", "mean_iou"),
        ("hits: median size / the cell's", "localisation", "median_size_ratio"),
        ("predictions minus cells, an image", "count_error", "mean"),
        ("· without sign", "count_error", "mean_absolute"),
        ("· root mean square", "count_error", "root_mean_square"),
        ("sensitivity, mean of FROC", "froc", "mean"),
    )
    for label, part, name in rows:
        table.add_row(label, *(_number(details[rule][part][name]) for rule in details))
    return table


def _sweep_table(rule: str, sweep: Mapping[str, Any]) -> Table:
    table = Table(title=f"{RULES[rule]}, by matching limit", box=box.SIMPLE_HEAD, title_justify="left")
    for label in ("IoU" if rule == "bb" else "px", "AP", "F1", "precision", "recall"):
        table.add_column(label, justify="right", no_wrap=True)
    for row, limit in enumerate(sweep["limits"]):
        values = (_number(sweep[name][row]) for name in ("ap", "f1", "precision", "recall"))
        table.add_row(f"{limit:g}", *values)
    return table


def comparison_table(report: Mapping[str, Any]) -> Table:
    """AP and F1 of each matching rule: both files, the difference, how often the first is better."""
    table = Table(box=box.SIMPLE_HEAD, caption=_caption(report), caption_justify="left")
    table.add_column("")
    for name in ("first", "second", "first − second", "first better"):
        table.add_column(name, justify="right", no_wrap=True)
    for rule, title in _RULES.items():
        difference = report[rule]
        if difference is None:
            continue
        both = [report["scores"][side][rule] for side in ("first", "second")]
        table.add_row(title.format(limit=both[0]["limit"]), style="bold")
        for label, name in (("AP", "ap"), ("F1", "f1")):
            table.add_row(
                f"  {label}",
                *(_number(scores[name]) for scores in both),
                _signed(difference[name], difference[f"{name}_ci"]),
                UNDEFINED if difference[f"{name}_share"] is None else f"{difference[f'{name}_share']:.0%}",
            )
    return table


def _caption(report: Mapping[str, Any]) -> Text:
    counted = ", ".join(many(report[f"{word}s"], word) for word in ("image", "cell", "group"))
    lines = [f"first: {report['first']}", f"second: {report['second']}", counted]
    sources = {
        side: THRESHOLD_SOURCES[report["scores"][side]["threshold_source"]] for side in report["scores"]
    }
    if sources["first"] == sources["second"]:
        sources = {"both": sources["first"]}
    lines += [f"F1 of {side}: {source}" for side, source in sources.items()]
    if any(report[rule] and report[rule]["ap_ci"] for rule in _RULES):
        lines.append("in brackets: 95 % interval of the difference, on the same draws of groups")
    elif report["groups"] == 1:
        lines.append(ONE_GROUP)
    return Text("\n".join(lines), overflow="fold")


def _number(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.3f}"


def _signed(value: float | None, interval: list[float] | None) -> str:
    if value is None:
        return UNDEFINED
    text = f"{value:+.3f}"
    return f"{text} [{interval[0]:+.3f}, {interval[1]:+.3f}]" if interval else text
