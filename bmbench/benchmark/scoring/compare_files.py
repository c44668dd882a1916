"""Two predictions files, or two finished runs, on the same images: what `bmbench compare` prints."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bmbench.benchmark.scoring.reports import ComparisonReport
from bmbench.benchmark.scoring.score_files import class_notes, rule_notes
from bmbench.core.artefacts import Declared
from bmbench.core.errors import BadInputError
from bmbench.core.files import sha256
from bmbench.metrics import Protocol
from bmbench.metrics.protocol import GEOMETRIES, resolve_protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRequest:
    """What is compared, and how; None where the runs say it.

    `first` and `second` are predictions files or run directories, `protocol` the name of one and `changes`
    its fields that are other than there; `declared` is what the user says of the truth's classes.
    """

    first: Path
    second: Path
    truth: Path | None = None
    protocol: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    threshold: float | None = None
    declared: Declared | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """A predictions file; what its run says of ground truth, threshold and protocol, if it is of one."""

    predictions: Path
    truth: Path | None = None
    threshold: float | None = None
    protocol: Mapping[str, Any] | None = None


def compare_predictions(asked: ComparisonRequest, *, n: int = 10_000, seed: int = 0) -> ComparisonReport:
    """First minus second, with paired intervals from n replicates, by geometry; and the scores of both.

    The predictions of a run count from its own threshold up, those of a file from the best one of these very
    images (an oracle), unless a threshold is given.

    Raises
    ------
    BadInputError
        If there is no ground truth, or the two runs are not of the same images, or a file cannot be read.
    """
    sides = _side(asked.first), _side(asked.second)
    thresholds = [side.threshold if asked.threshold is None else asked.threshold for side in sides]
    report = compare_files(
        sides[0].predictions,
        sides[1].predictions,
        _truth(asked, sides),
        _protocol(asked, sides),
        thresholds=(thresholds[0], thresholds[1]),
        n=n,
        seed=seed,
        declared=asked.declared,
    )
    return replace(report, names=(str(asked.first), str(asked.second)))


def compare_files(
    first: Path,
    second: Path,
    truth: Path,
    protocol: Protocol,
    *,
    thresholds: tuple[float | None, float | None] = (None, None),
    n: int = 10_000,
    seed: int = 0,
    declared: Declared | None = None,
) -> ComparisonReport:
    """First minus second predictions file on the same ground truth, with paired intervals, by geometry.

    A threshold that is None is the best one of these very images.
    """
    from bmbench.datasets.formats.coco.columns import read_ground_truth
    from bmbench.datasets.formats.predictions import read_predictions
    from bmbench.metrics import evaluate
    from bmbench.statistics.differences import paired_difference

    annotations = (declared or Declared()).truth(read_ground_truth(truth), where=str(truth))
    one, other = (
        evaluate(annotations, read_predictions(path, annotations), protocol, threshold=threshold)
        for path, threshold in zip((first, second), thresholds, strict=True)
    )
    return ComparisonReport(
        names=(str(first), str(second)),
        evaluations=(one, other),
        differences={name: paired_difference(one, other, name, n=n, seed=seed) for name in GEOMETRIES},
        notes=(*class_notes(annotations), *rule_notes(annotations, protocol)),
    )


def _side(path: Path) -> _Side:
    if not path.is_dir():
        return _Side(predictions=path)
    from bmbench.benchmark.records.run_folder import RunDir

    folder = RunDir.open(path)
    metrics = folder.read("metrics.json")
    scores = metrics["cd"] or metrics["bb"]
    return _Side(
        predictions=path / "predictions.json",
        truth=path / "truth.json",
        threshold=scores["threshold"],
        protocol=folder.read("config.json")["protocol"],
    )


def _truth(asked: ComparisonRequest, sides: tuple[_Side, _Side]) -> Path:
    if asked.truth is not None:
        return asked.truth
    truths = [side.truth for side in sides if side.truth is not None]
    if not truths:
        raise BadInputError("no ground truth is given", where=str(asked.first), remedy="add --truth GT.json")
    if len(truths) > 1 and sha256(truths[0]) != sha256(truths[1]):
        raise BadInputError(
            f"is not of the same test images as {asked.first}",
            where=str(asked.second),
            remedy="compare runs of one data set and seed, or give --truth",
        )
    return truths[0]


def _protocol(asked: ComparisonRequest, sides: tuple[_Side, _Side]) -> Protocol:
    own = [side.protocol for side in sides if side.protocol is not None]
    if asked.protocol is not None or not own:
        return resolve_protocol(asked.protocol or "paper", **asked.changes)
    if own[0] != own[-1]:
        raise BadInputError(
            f"was scored by other rules than {asked.first}", where=str(asked.second), remedy="give --protocol"
        )
    rules = dict(own[0])
    changed = {name: value for name, value in asked.changes.items() if value is not None}
    return resolve_protocol(rules.pop("name"), **rules | changed)
