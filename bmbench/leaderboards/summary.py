"""Tables for a terminal; each reads well at 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.markup import escape
from rich.table import Table

from bmbench.leaderboards.rows import UNDEFINED, with_interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bmbench.benchmark.rundir import RunDir
    from bmbench.datasets.dataset import DatasetCard
    from bmbench.datasets.info import DatasetInfo

_SOURCES = {
    "optimisation": "threshold from the optimisation images",
    "given": "threshold as given",
    "oracle": "best threshold of these very images (oracle)",
}


def run_tables(folder: RunDir) -> Iterator[Table]:
    """The scores of a finished run: the headline table, then one for each other set of annotations."""
    config, metrics = folder.read("config.json"), folder.read("metrics.json")
    yield scores_table(
        metrics, title=f"{config['method']} on {config['dataset']} ({config['track']['name']})"
    )
    for name, scores in metrics["variants"].items():
        threshold_source = {"threshold_source": metrics["threshold_source"]}
        yield scores_table(scores | threshold_source, title=f"the same predictions on {name}")


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
    from bmbench.benchmark.options import is_installed

    table = Table(box=box.SIMPLE_HEAD)
    for column in ("method", "family", "what it is", "needs", "here"):
        table.add_column(column)
    for name in METHODS:
        method = METHODS.get(name)
        needs = escape(f"bmbench[{method.extra}]") if method.extra else "–"
        table.add_row(name, method.family, method.title, needs, "yes" if is_installed(method) else "no")
    return table


def datasets_table() -> Table:
    """Every data set that bmbench knows."""
    from bmbench.datasets import DATASETS

    table = Table(box=box.SIMPLE_HEAD)
    for column in ("data set", "what it is", "annotation", "licence"):
        table.add_column(column)
    for name in DATASETS:
        card = DATASETS.get(name).card
        table.add_row(name, card.title, card.annotation, card.licence)
    return table


def dataset_tables(dataset: str, *, data: Path | None, options: Mapping[str, str]) -> Iterator[Table]:
    """The card of a data set, its objects by class and subset, and the faults found in it."""
    from bmbench.datasets import open_dataset
    from bmbench.datasets.dataset import LoadRequest
    from bmbench.datasets.info import describe

    chosen = open_dataset(dataset)
    info = describe(chosen.load(LoadRequest(data=data, options=options)))
    yield _card_table(chosen.card, info)
    yield _subsets_table(info)
    for title, lines in (("left out of the published files", info.faults), ("in two subsets", info.leaks)):
        if lines:
            table = Table(title=title, box=box.SIMPLE, show_header=False, title_justify="left")
            table.add_column(overflow="fold")
            for line in lines:
                table.add_row(line)
            yield table


def _card_table(card: DatasetCard, info: DatasetInfo) -> Table:
    sizes = ", ".join(f"{n} of {width} × {height} px" for width, height, n in info.image_sizes[:3])
    more = f" and {len(info.image_sizes) - 3} other sizes" if len(info.image_sizes) > 3 else ""
    rows = (
        ("what it is", card.title),
        ("modality", card.modality),
        ("annotation", card.annotation),
        ("licence", card.licence),
        ("citation", card.citation or UNDEFINED),
        ("source", card.source or "embedded"),
        ("images", sizes + more),
        (
            "mean cell diameter",
            UNDEFINED if info.mean_diameter_px is None else f"{info.mean_diameter_px:.1f} px",
        ),
        ("matching radius", f"{info.radius_px:g} px"),
        ("protocol", card.protocol),
        ("hash", info.hash[:16]),
    )
    table = Table(title=card.name, box=box.SIMPLE, show_header=False, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _subsets_table(info: DatasetInfo) -> Table:
    """Rows: images, groups, then a class each; columns: subsets."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    for subset in info.subsets:
        table.add_column(subset.subset, justify="right")
    table.add_row("images", *(f"{subset.images:,}" for subset in info.subsets))
    table.add_row("groups", *(f"{subset.groups:,}" for subset in info.subsets))
    for row, category in enumerate(info.categories):
        name = f"{category.name} (artefact)" if category.artefact else category.name
        table.add_row(name, *(f"{subset.objects[row]:,}" for subset in info.subsets))
    return table


def _rule_title(rule: str, scores: Mapping[str, Any]) -> str:
    return {"bb": f"boxes (IoU {scores['limit']})", "cd": f"centres ({scores['limit']} px)"}[rule]


def _caption(scores: Mapping[str, Any]) -> str:
    counted = f"{scores['images']} images, {scores['cells']} cells, {scores['predictions']} predictions"
    lines = [counted, _SOURCES.get(scores["threshold_source"], ""), _interval_note(scores)]
    return "\n".join(line for line in lines if line)


def _interval_note(scores: Mapping[str, Any]) -> str:
    """What the brackets mean; why there are none where the images cannot give any."""
    groups = scores["groups"]
    if any(scores[rule] and scores[rule]["ap_ci"] for rule in ("bb", "cd")):
        return f"in brackets: 95 % interval over {groups} groups (patients, slides or images)"
    return "no interval: all images are of one group (patient or slide)" if groups == 1 else ""


def _decimal(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.3f}"


def _count(value: int | None) -> str:
    return UNDEFINED if value is None else f"{value:,}"
