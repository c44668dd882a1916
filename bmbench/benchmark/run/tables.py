"""Tables for a terminal; each reads well at 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.markup import escape
from rich.table import Table

from bmbench.benchmark.run.row import UNDEFINED, with_interval
from bmbench.benchmark.scoring.class_tables import class_tables
from bmbench.core.files import read_json
from bmbench.present.words import many

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bmbench.adapters.method import Method
    from bmbench.benchmark.records.run_folder import RunDir

THRESHOLD_SOURCES = {
    "optimisation": "threshold from the optimisation images",
    "given": "threshold as given",
    "oracle": "best threshold of these very images (oracle)",
}
ONE_GROUP = "no interval: all images are of one group (patient or slide)"


def run_tables(folder: RunDir) -> Iterator[Table]:
    """The scores of a finished run: the headline table, then one for each other set of annotations."""
    config, metrics = folder.read("config.json"), folder.read("metrics.json")
    yield scores_table(
        metrics, title=f"{config['method']} on {config['dataset']} ({config['track']['name']})"
    )
    for name, scores in metrics["variants"].items():
        threshold_source = {"threshold_source": metrics["threshold_source"]}
        yield scores_table(scores | threshold_source, title=f"the same predictions on {name}")
    if by_class := metrics.get("per_class"):
        yield from class_tables(by_class, one_class=metrics, confusion=by_class["confusion"])
    if config.get("test_on"):
        yield elsewhere_table(folder)


def elsewhere_table(folder: RunDir) -> Table:
    """One row for the run's own test images, one for each other set that it was applied to unchanged."""
    own, config = folder.read("metrics.json"), folder.read("config.json")
    others = [(path.parent.name, read_json(path)) for path in sorted(folder.elsewhere.glob("*/metrics.json"))]
    scale = {"factor": 1.0, "from": ""}
    rows = [(f"{config['dataset']} (own)", own | {"scale": scale, "best_f1": {"cd": None}}), *others]
    notes = sorted({record["scale"]["from"] for _, record in others})
    caption = f"threshold of the run; scale from: {'; '.join(notes)}" if notes else ""
    table = Table(title="applied unchanged", caption=caption, box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("tested on", overflow="fold")
    for title in ("scale", "F1, centres", "AP", "best F1", "F1, boxes"):
        table.add_column(title, justify="right", no_wrap=True)
    for name, record in rows:
        bb, cd = record["bb"] or {}, record["cd"] or {}
        table.add_row(
            escape(name),
            f"× {record['scale']['factor']:.2f}",
            with_interval(cd, "f1") if cd else UNDEFINED,
            _decimal(cd.get("ap")),
            _decimal(record["best_f1"]["cd"]),
            _decimal(bb.get("f1")),
        )
    return table


def scores_table(scores: Mapping[str, Any], *, title: str) -> Table:
    """One column a matching rule, one row a score; the caption says what was counted and how."""
    rules = [rule for rule in ("bb", "cd") if scores.get(rule)]
    table = Table(title=title, caption=_caption(scores), box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("")
    for rule in rules:
        table.add_column(_rule_title(rule, scores[rule]), justify="right", no_wrap=True)
    for label, name in (("AP", "ap"), ("F1", "f1")):
        table.add_row(label, *(with_interval(scores[rule], name) for rule in rules), style="bold")
    for label, name in (("precision", "precision"), ("recall", "recall"), ("at confidence ≥", "threshold")):
        table.add_row(label, *(_decimal(scores[rule][name]) for rule in rules))
    counts = (
        ("cells found", "tp"),
        ("cells missed", "fn"),
        ("false alarms", "fp"),
        ("· on an artefact", "fp_artefact"),
        ("· second on a cell", "fp_duplicate"),
        ("· near a cell", "fp_near"),
        ("· on background", "fp_background"),
    )
    for label, name in counts:
        table.add_row(label, *(_count(scores[rule][name]) for rule in rules))
    return table


def methods_table() -> Table:
    """Every method, its family, what it needs, whether it is installed."""
    from bmbench.adapters import METHODS
    from bmbench.adapters.installed import is_installed

    table = Table(box=box.SIMPLE_HEAD)
    for column in ("method", "family", "what it is", "needs", "here"):
        table.add_column(column, no_wrap=column != "what it is")
    absent: list[str] = []
    for name in METHODS:
        method = METHODS.get(name)
        needs = _needs(method)
        table.add_row(name, method.family, method.title, needs, "yes" if is_installed(method) else "no")
        if not is_installed(method):
            absent.append(_installer(method))
    table.caption = "\n".join(f"for more: {command}" for command in dict.fromkeys(absent)) or None
    table.caption_justify = "left"
    return table


def _installer(method: Method) -> str:
    """What installs all that a method needs."""
    own = f"pip install 'bmbench[{method.extra}]'"
    return escape(f"{own} && {method.beside.command}" if method.beside else own)


def _needs(method: Method) -> str:
    if method.beside is not None:
        return method.beside.module
    return escape(f"bmbench[{method.extra}]") if method.extra else "–"


def _rule_title(rule: str, scores: Mapping[str, Any]) -> str:
    return {"bb": f"boxes (IoU {scores['limit']})", "cd": f"centres ({scores['limit']} px)"}[rule]


def _caption(scores: Mapping[str, Any]) -> str:
    counted = ", ".join(many(scores[f"{word}s"], word) for word in ("image", "cell", "prediction"))
    lines = [counted, THRESHOLD_SOURCES.get(scores["threshold_source"], ""), _interval_note(scores)]
    return "\n".join(line for line in lines if line)


def _interval_note(scores: Mapping[str, Any]) -> str:
    """What the brackets mean; why there are none where the images cannot give any."""
    groups = scores["groups"]
    if any(scores[rule] and scores[rule]["ap_ci"] for rule in ("bb", "cd")):
        return f"in brackets: 95 % interval over {groups} groups (patients, slides or images)"
    return ONE_GROUP if groups == 1 else ""


def _decimal(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.3f}"


def _count(value: int | None) -> str:
    return UNDEFINED if value is None else f"{value:,}"
