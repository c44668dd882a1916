"""Finished runs as flat columns: one row a run, an image, or an object, for each way of matching.

What ``bmbench table`` writes. Every row says which run, method, data set and seed it is of, so that tables
of many runs can be analysed elsewhere without reading anything beside.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.run_records import read_record
from bmbench.benchmark.records.seal import warn_unsealed
from bmbench.benchmark.scoring.recorded import RecordedRun, RecordedScores
from bmbench.benchmark.scoring.reports import by_geometry
from bmbench.benchmark.scoring.score_files import read_pair
from bmbench.core.types import Bools, GroundTruth, Ints, Predictions, Role
from bmbench.metrics import Cause, MatchOutcome, Scores, evaluate
from bmbench.present.words import RULES

Level: TypeAlias = Literal["run", "image", "object"]
Columns: TypeAlias = dict[str, list[Any]]

OF_RUN = ("run", "method", "dataset", "track", "profile", "seed", "rule", "limit", "threshold")
"""What stands in every row: whose it is, how centres or boxes are matched, and from which confidence on."""
SCORES = ("ap", "f1", "precision", "recall")
COUNTS = ("tp", "fp", "fn", "fp_artefact", "fp_duplicate", "fp_near", "fp_background")
RUN_COLUMNS = (
    *OF_RUN,
    *(name for score in SCORES for name in (score, f"{score}_low", f"{score}_high")),
    *COUNTS,
    "images",
    "groups",
    "cells",
    "predictions",
)
IMAGE_COLUMNS = (*OF_RUN, "image", "group", "cells", *COUNTS, "precision", "recall", "f1")
OBJECT_COLUMNS = (
    *OF_RUN,
    *("image", "group", "outcome", "cause", "class", "predicted_class"),
    *("x", "y", "xmin", "ymin", "xmax", "ymax", "confidence", "similarity"),
)
SCORED_FROM = ("config.json", "metrics.json", "predictions.json", "truth.json")
"""The files of a run that its tables are made from."""
COLUMNS: dict[Level, tuple[str, ...]] = {
    "run": RUN_COLUMNS,
    "image": IMAGE_COLUMNS,
    "object": OBJECT_COLUMNS,
}
_OUTCOMES = {
    MatchOutcome.HIT: "found",
    MatchOutcome.FALSE_ALARM: "false alarm",
    MatchOutcome.IGNORED: "ignored",
}
_CAUSES = {
    Cause.ARTEFACT: "artefact",
    Cause.DUPLICATE: "duplicate",
    Cause.NEAR: "near",
    Cause.BACKGROUND: "background",
}


def table_of(runs: Sequence[Path], level: Level) -> Columns:
    """The columns of `COLUMNS`, a list each, in the order of the runs.

    Raises
    ------
    BadInputError
        If a folder is no finished run, or its records are damaged.
    """
    columns: Columns = {name: [] for name in COLUMNS[level]}
    for path in runs:
        run = RunDir.open(path)
        warn_unsealed(run.check_seal(*SCORED_FROM))
        for row in _ROWS[level](run):
            for name, values in columns.items():
                values.append(row[name])
    return columns


def scored(run: RunDir) -> Iterator[tuple[str, GroundTruth, Predictions, Scores]]:
    """The test images of a run, matched once more by its rules at its threshold, for each way of matching."""
    truth, predictions = read_pair(run.predictions("test"), run.truth("test"))
    metrics = read_record(run.path / "metrics.json", RecordedRun, within=run.path)
    found = evaluate(truth, predictions, run.config().protocol, threshold=_threshold(metrics))
    for rule, scores in by_geometry(found).items():
        yield rule, truth, predictions, scores


def image_name(truth: GroundTruth, row: int) -> str:
    """What an image is called: its file name, or its id where it has none."""
    return truth.names[row] if truth.names else str(truth.image_ids[row])


def _threshold(metrics: RecordedRun) -> float | None:
    some = metrics.cd or metrics.bb
    return None if some is None else some.threshold


def _whose(run: RunDir, rule: str, scores: Scores | RecordedScores) -> dict[str, Any]:
    config = run.config()
    return {
        "run": run.path.name,
        "method": config.method,
        "dataset": config.dataset,
        "track": config.track.name,
        "profile": config.profile.name,
        "seed": config.seed,
        "rule": RULES[rule],
        "limit": float(scores.limit),
        "threshold": scores.threshold,
    }


def _run_rows(run: RunDir) -> Iterator[dict[str, Any]]:
    metrics = read_record(run.path / "metrics.json", RecordedRun, within=run.path)
    for rule, scores in metrics.rules.items():
        row = _whose(run, rule, scores) | {name: getattr(scores, name) for name in (*SCORES, *COUNTS)}
        for name in SCORES:
            low, high = getattr(scores, f"{name}_ci") or (None, None)
            row |= {f"{name}_low": low, f"{name}_high": high}
        yield row | {name: getattr(metrics, name) for name in ("images", "groups", "cells", "predictions")}


def _image_rows(run: RunDir) -> Iterator[dict[str, Any]]:
    for rule, truth, predictions, scores in scored(run):
        whose, n = _whose(run, rule, scores), len(truth.image_ids)
        matching, images = scores.matching, scores.images
        false = matching.is_false_alarm & _kept(predictions, scores)
        causes = {
            f"fp_{word}": np.bincount(predictions.image[false & (matching.cause == code)], minlength=n)
            for code, word in _CAUSES.items()
        }
        for row in range(n):
            tp, fp, cells = (int(column[row]) for column in (images.tp, images.fp, images.cells))
            yield whose | {
                "image": image_name(truth, row),
                "group": truth.groups[row],
                "cells": cells,
                "tp": tp,
                "fp": fp,
                "fn": cells - tp,
                **{name: int(count[row]) for name, count in causes.items()},
                "precision": tp / (tp + fp) if tp + fp else None,
                "recall": tp / cells if cells else None,
                "f1": 2 * tp / (cells + tp + fp) if cells else None,
            }


def _object_rows(run: RunDir) -> Iterator[dict[str, Any]]:
    """The predictions at or above the threshold that count or are ignored, then the cells that are missed."""
    tells_apart = bool(run.config().classes)
    for rule, truth, predictions, scores in scored(run):
        whose, matching = _whose(run, rule, scores), scores.matching
        shown = _kept(predictions, scores) & (matching.outcome != MatchOutcome.UNUSED)
        for row in np.flatnonzero(shown).tolist():
            similarity, cell = float(matching.similarity[row]), int(matching.annotation[row])
            yield whose | {
                **_placed(truth, predictions, row),
                "outcome": _OUTCOMES[MatchOutcome(int(matching.outcome[row]))],
                "cause": _CAUSES.get(Cause(int(matching.cause[row])), ""),
                "class": class_name(truth, truth, cell) if cell >= 0 else "",
                "predicted_class": class_name(truth, predictions, row) if tells_apart else "",
                "confidence": float(predictions.confidence[row]),
                "similarity": None if np.isnan(similarity) else similarity,
            }
        for row in missed_cells(truth, predictions, scores).tolist():
            nothing = {"cause": "", "predicted_class": "", "confidence": None, "similarity": None}
            what = {"outcome": "missed", "class": class_name(truth, truth, row)}
            yield whose | _placed(truth, truth, row) | nothing | what


def class_name(truth: GroundTruth, table: GroundTruth | Predictions, row: int) -> str:
    """The class of an object; of a prediction it means something only where the run told classes apart."""
    return truth.categories[int(table.label[row])].name


def missed_cells(truth: GroundTruth, predictions: Predictions, scores: Scores) -> Ints:
    """(k,) rows of the cells that no prediction at or above the threshold has found."""
    missed = truth.role == Role.CELL
    missed[scores.matching.annotation[scores.matching.is_hit & _kept(predictions, scores)]] = False
    return np.flatnonzero(missed)


def _kept(predictions: Predictions, scores: Scores) -> Bools:
    kept: Bools = predictions.confidence >= (np.inf if scores.threshold is None else scores.threshold)
    return kept


def _placed(truth: GroundTruth, table: GroundTruth | Predictions, row: int) -> dict[str, Any]:
    image = int(table.image[row])
    x, y = table.xy[row].tolist()
    corners = dict(zip(("xmin", "ymin", "xmax", "ymax"), table.box[row].tolist(), strict=True))
    return {
        "image": image_name(truth, image),
        "group": truth.groups[image],
        "x": x,
        "y": y,
        **corners,
    }


_ROWS = {"run": _run_rows, "image": _image_rows, "object": _object_rows}
