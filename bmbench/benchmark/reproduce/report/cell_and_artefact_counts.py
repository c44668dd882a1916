"""False positives and false negatives of cells and of artefacts: the study's Figure 8, whole.

Counts are absolute, by centres, at each run's own threshold; means over seeds, sums over folds.

* Cells: what was taken for a cell and is neither a cell nor an artefact; cells that were missed.
* Artefacts: those that were taken for cells, and what was taken for an artefact and is none (nor a cell);
  artefacts of which nobody said anything, be it as a cell or as an artefact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bmbench.benchmark.drawing.figures import save_figure
from bmbench.benchmark.reproduce.report.runs import Collection, FinishedRun, Key
from bmbench.benchmark.reproduce.report.seed_means import Table, by_seed, ratio_by_seed
from bmbench.benchmark.reproduce.report.tables import ordered
from bmbench.core.types import CELL, Bools, GroundTruth, Ints, Predictions, Role
from bmbench.metrics.evaluation import evaluate
from bmbench.metrics.matching_input import artefact_mask
from bmbench.metrics.scores import Scores
from bmbench.present.markdown import table
from bmbench.present.palette import BLUE, ORANGE
from bmbench.present.words import decimal, percent, span
from bmbench.statistics.seeds import seed_variance

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COUNTS = {
    "cell_fp": "cells: false positives",
    "cell_fn": "cells: missed",
    "artefact_fp": "artefacts: false positives",
    "artefact_fn": "artefacts: missed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FourCounts:
    """The four numbers of one row, each a mean over its seeds, by the names in `COUNTS`."""

    key: Key
    counts: Mapping[str, float]


def four_counts(collection: Collection) -> list[FourCounts]:
    """Those of every row that is scored by centres and has artefacts to be wrong about."""
    found = []
    for key in ordered(list(collection.rows)):
        repeats = [[_counts(run) for run in runs] for runs in by_seed(collection.rows[key]).values()]
        if any(one is None for runs in repeats for one in runs):
            continue
        totals = [
            {name: sum(one[name] for one in runs if one is not None) for name in COUNTS} for runs in repeats
        ]
        means = {name: float(np.mean([total[name] for total in totals])) for name in COUNTS}
        found.append(FourCounts(key=key, counts=means))
    return found


def four_counts_table(rows: Sequence[FourCounts]) -> str:
    """A row a method and artefact mode."""
    lines = [
        [
            f"{row.key.track} `{row.key.method}`: {row.key.artefacts}",
            *(decimal(row.counts[name], 1) for name in COUNTS),
        ]
        for row in rows
    ]
    return table(
        ["track, method: artefacts as", *(title.replace(": ", ", ") for title in COUNTS.values())], lines
    )


def artefact_shares(scores: Table) -> list[str]:
    """Of each row that learned artefacts as a class: their share of what was found, and of the annotated."""
    texts = []
    for key in ordered([key for key in scores.collection.rows if key.artefacts == "class"]):
        said = ratio_by_seed(scores, key, _said, scale="share")
        truths = [run.files[0] for run in scores.collection.rows[key]]
        artefacts = sum(int((truth.role == Role.ARTEFACT).sum()) for truth in truths)
        cells = sum(int((truth.role == Role.CELL).sum()) for truth in truths)
        found = said.mean(seed_variance([said]))
        if found.value is None or not artefacts:
            continue
        limits = f" [{span(found.interval)}]" if found.interval else ""
        found_text = f"{percent(found.value)} %{limits} of what was found are artefacts"
        true_text = f"{percent(artefacts / (artefacts + cells))} % of what is annotated"
        texts.append(f"`{key.method}` ({key.track}): {found_text}, {true_text}.")
    return texts


def _said(run: FinishedRun, scores: Scores) -> tuple[Ints, Ints]:
    """Artefacts, and all that was found at the threshold, by image."""
    truth, predictions = run.files
    least = np.inf if scores.threshold is None else scores.threshold
    found, n = predictions.confidence >= least, len(truth.image_ids)
    artefact = found & artefact_mask(truth)[predictions.label]
    return (
        np.bincount(predictions.image[artefact], minlength=n),
        np.bincount(predictions.image[found], minlength=n),
    )


def draw_four_counts(path: Path, rows: Sequence[FourCounts]) -> None:
    """Write a panel for cells and one for artefacts, a bar each for what is too much and too little."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 1.5 + 0.5 * len(rows)), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, kind in zip(panels, ("cell", "artefact"), strict=True):
        _draw(axes, rows, kind)
    several = len({row.key.track for row in rows}) > 1
    names = [f"{row.key.track}, " * several + f"{row.key.method}: {row.key.artefacts}" for row in rows]
    panels[0].set_yticks(range(len(rows)), names, fontsize=8)
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    save_figure(path, figure)


def _draw(axes: Axes, rows: Sequence[FourCounts], kind: str) -> None:
    for shift, name, label, colour in (
        (-0.19, "fp", "false positives", ORANGE),
        (0.19, "fn", "false negatives", BLUE),
    ):
        values = [row.counts[f"{kind}_{name}"] for row in rows]
        places = [place + shift for place in range(len(rows))]
        bars = axes.barh(places, values, height=0.36, color=colour, label=label)
        axes.bar_label(bars, [decimal(value, 1) for value in values], padding=3, fontsize=7)
    axes.set(title=f"{kind}s", xlabel="number on the test images")
    axes.margins(x=0.15)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _counts(run: FinishedRun) -> dict[str, int] | None:
    """The four numbers of one run; None without a score by centres, or without any artefact."""
    scores, (truth, predictions) = run.scores("cd"), run.files
    if scores is None or not (truth.role == Role.ARTEFACT).any():
        return None
    threshold = scores.threshold
    said = artefact_mask(truth)[predictions.label]
    everything = _on_artefacts(run, truth, predictions, np.ones(len(predictions), bool), threshold)
    as_artefacts = _on_artefacts(run, truth, predictions, said, threshold)
    return {
        "cell_fp": scores.fp - scores.fp_artefact,
        "cell_fn": scores.fn,
        "artefact_fp": scores.fp_artefact + as_artefacts[0],
        "artefact_fn": everything[1],
    }


def _on_artefacts(
    run: FinishedRun,
    truth: GroundTruth,
    predictions: Predictions,
    which: Bools,
    threshold: float | None,
) -> tuple[int, int]:
    """What these predictions make up, and which artefacts they miss, if artefacts are what is looked for.

    Then cells are what counts neither way.
    """
    role = truth.role
    swapped = np.where(role == Role.ARTEFACT, Role.CELL, np.where(role == Role.CELL, Role.IGNORE, role))
    sought = replace(
        truth, role=swapped.astype(role.dtype), label=np.zeros_like(truth.label), categories=(CELL,)
    )
    answers = replace(
        predictions,
        image=predictions.image[which],
        xy=predictions.xy[which],
        box=predictions.box[which],
        confidence=predictions.confidence[which],
        label=np.zeros_like(predictions.label[which]),
        size=None if predictions.size is None else predictions.size[which],
    )
    found = evaluate(sought, answers, run.protocol, threshold=0.0 if threshold is None else threshold).cd
    assert found is not None
    return found.fp, found.fn
