"""What is shown of a finished run: tables on a terminal, and its Markdown row."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from rich.markup import escape
from rich.table import Table

from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.run_records import read_record
from bmbench.benchmark.scoring.recorded import (
    RecordedEvaluation,
    RecordedOtherSet,
    RecordedRun,
    RecordedScores,
)
from bmbench.benchmark.scoring.tables import class_tables, scores_table
from bmbench.core.files import read_json, write_text
from bmbench.present import markdown
from bmbench.present.terminal import terminal_table
from bmbench.present.words import UNDEFINED, decimal, with_interval

_ROW = ("method", "data set", "track", "seed", "AP (CD)", "F1 (CD)", "AP (BB)", "F1 (BB)", "images", "cells")
LEAKS = "subsets not apart"
"""What stands beside the scores of a split whose subsets share pictures or groups."""


def write_row(folder: RunDir) -> str:
    """The run's Markdown row, which is also written (with its header) to `row.md`."""
    text = row_text(folder)
    write_text(folder.path / "row.md", text)
    return text.splitlines()[-1]


def row_text(folder: RunDir) -> str:
    """The text of `row.md`: the header, and the run's Markdown row."""
    config, metrics = folder.config(), _metrics(folder)
    cells = [
        config.method,
        config.dataset,
        config.track.name + (f" ({LEAKS})" if config.leaks else ""),
        str(config.seed),
        *(text for scores in (metrics.cd, metrics.bb) for text in (_ap(scores), _f1(scores))),
        str(metrics.images),
        str(metrics.cells),
    ]
    return f"{markdown.row(_ROW)}\n|{'---|' * len(_ROW)}\n{markdown.row(cells)}\n"


def run_tables(folder: RunDir) -> Iterator[Table]:
    """The scores of a finished run: the headline table, then one for each other set of annotations."""
    config, metrics = folder.config(), _metrics(folder)
    leaks = f"; {LEAKS}" if config.leaks else ""
    yield scores_table(metrics, title=f"{config.method} on {config.dataset} ({config.track.name}{leaks})")
    for name, scores in metrics.variants.items():
        as_there = replace(scores, threshold_source=metrics.threshold_source)
        yield scores_table(as_there, title=f"the same predictions on {name}")
    if metrics.per_class is not None:
        by_class = metrics.per_class
        yield from class_tables(by_class.rules, one_class=metrics.rules, confusion=by_class.confusion)
    if config.test_on:
        yield other_sets_table(folder.elsewhere, folder)


def other_sets_table(elsewhere: Path, own: RunDir | None = None) -> Table:
    """One row for the own test images of a run, one for each other set that it or a model was applied to."""
    others = {
        path.parent.name: read_record(path, RecordedOtherSet)
        for path in sorted(elsewhere.glob("*/metrics.json"))
    }
    notes = sorted({record.scale.reason for record in others.values()})
    caption = f"threshold of the run; scale from: {'; '.join(notes)}" if notes else ""
    heads = ("scale", "F1, centres", "AP", "best F1", "F1, boxes")
    table = terminal_table("tested on", heads, title="applied unchanged", caption=caption)
    if own is not None:
        name = f"{own.config().dataset} (own)"
        table.add_row(*_other_set(name, _metrics(own), factor=1.0, best=None))
    for name, record in others.items():
        table.add_row(*_other_set(name, record, factor=record.scale.factor, best=record.best_f1["cd"]))
    return table


def other_sets_record(elsewhere: Path, own: RunDir | None = None) -> dict[str, Any]:
    """What ``bmbench test --json`` prints: the scores on the run's own test images, and on each other set."""
    record = {
        "folder": str(elsewhere if own is None else own.path),
        "others": {
            path.parent.name: read_json(path, within=elsewhere)
            for path in sorted(elsewhere.glob("*/metrics.json"))
        },
    }
    return record if own is None else record | {"own": own.read("metrics.json")}


def _metrics(folder: RunDir) -> RecordedRun:
    return read_record(folder.path / "metrics.json", RecordedRun)


def _other_set(name: str, scores: RecordedEvaluation, *, factor: float, best: float | None) -> list[str]:
    bb, cd = scores.bb, scores.cd
    ap, boxes = None if cd is None else cd.ap, None if bb is None else bb.f1
    return [escape(name), f"× {factor:.2f}", _f1(cd), decimal(ap), decimal(best), decimal(boxes)]


def _ap(scores: RecordedScores | None) -> str:
    return UNDEFINED if scores is None else with_interval(scores.ap, scores.ap_ci)


def _f1(scores: RecordedScores | None) -> str:
    return UNDEFINED if scores is None else with_interval(scores.f1, scores.f1_ci)
