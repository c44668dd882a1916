"""Two predictions files, finished runs, or methods of several runs, on the same images: `bmbench compare`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from bmbench.benchmark.scoring.notes import (
    answer_notes,
    by_class_notes,
    class_notes,
    outline_notes,
    rule_notes,
)
from bmbench.benchmark.scoring.reports import ComparisonReport
from bmbench.core.artefacts import Declared
from bmbench.core.errors import BadInputError
from bmbench.core.files import sha256
from bmbench.datasets.formats.read_ahead import is_folder_of_answers
from bmbench.metrics.protocol import Protocol, changed_protocol, resolve_protocol
from bmbench.metrics.scores import Evaluation, ThresholdSource
from bmbench.statistics.units import UnitName


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRequest:
    """What is compared, and how; None where the runs say it.

    `first` and `second` are the trainings (seeds) of two methods, one at least: predictions files or run
    directories. `protocol` is the name of one and `changes` its fields that are other than there; `unit` and
    `independent` are those of `bmbench.statistics.units.choose_units`; `declared` is what the user says of
    the truth's classes.
    """

    first: Sequence[Path]
    second: Sequence[Path]
    truth: Path | None = None
    protocol: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    threshold: float | None = None
    declared: Declared | None = None
    unit: UnitName | None = None
    independent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """A predictions file; what its run says of ground truth, threshold and protocol, if it is of one.

    `source` is how the run came by its threshold.
    """

    path: Path
    predictions: Path
    truth: Path | None = None
    threshold: float | None = None
    source: ThresholdSource | None = None
    protocol: Protocol | None = None


def compare_predictions(asked: ComparisonRequest) -> ComparisonReport:
    """First minus second by geometry, with intervals and tests; and the scores of both.

    The predictions of a run count from its own threshold up, those of a file from the best one of these very
    images (an oracle), unless a threshold is given.

    Raises
    ------
    BadInputError
        If there is no ground truth, or the runs are not of the same images, or a file cannot be read.
    """
    from bmbench.datasets.formats.coco.columns import read_ground_truth
    from bmbench.datasets.formats.other_predictions import read_answers
    from bmbench.metrics.evaluation import evaluate
    from bmbench.statistics.differences import differences
    from bmbench.statistics.intervals import interval_rule, with_intervals
    from bmbench.statistics.units import choose_units

    first, second = ([_side(path) for path in paths] for paths in (asked.first, asked.second))
    truth, protocol = _truth(asked, [*first, *second]), _protocol(asked, [*first, *second])
    annotations = (asked.declared or Declared()).truth(
        read_ground_truth(truth, outlines=protocol.outlines), where=str(truth)
    )

    notes: dict[str, None] = {}

    def scored(side: _Side) -> Evaluation:
        threshold = side.threshold if asked.threshold is None else asked.threshold
        found = read_answers(side.predictions, truth, annotations, outlines=protocol.outlines)
        few = [f"{side.path}: {note}" for note in answer_notes(annotations, found)]
        of_classes = by_class_notes(annotations, found, protocol)
        own = (*found.notes, *few, *of_classes, *outline_notes(annotations, found, protocol))
        notes.update(dict.fromkeys(own))
        evaluation = evaluate(annotations, found, protocol, threshold=threshold)
        if asked.threshold is None and threshold is not None and side.source is not None:
            evaluation = replace(evaluation, threshold_source=side.source)
        return evaluation

    def finished(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
        return [with_intervals(evaluation, units) for evaluation in evaluations]

    one, other = ([scored(side) for side in sides] for sides in (first, second))
    units = choose_units(one[0], asked.unit, independent=asked.independent)
    return ComparisonReport(
        names=(_names(asked.first), _names(asked.second)),
        evaluations=(finished(one), finished(other)),
        rule=interval_rule(units),
        differences=differences(one, other, units),
        notes=(*notes, *class_notes(annotations), *rule_notes(annotations, protocol)),
    )


def _names(paths: Sequence[Path]) -> str:
    return ", ".join(map(str, paths))


def _side(path: Path) -> _Side:
    if not path.is_dir() or is_folder_of_answers(path):
        return _Side(path=path, predictions=path)
    from bmbench.benchmark.records.run_folder import RunDir
    from bmbench.benchmark.records.run_records import read_record
    from bmbench.benchmark.records.seal import warn_unsealed
    from bmbench.benchmark.scoring.recorded import RecordedRun

    folder = RunDir.open(path)
    warn_unsealed(folder.check_seal("predictions.json", "truth.json", "config.json", "metrics.json"))
    metrics = read_record(path / "metrics.json", RecordedRun)
    scores = metrics.cd or metrics.bb
    return _Side(
        path=path,
        predictions=path / "predictions.json",
        truth=path / "truth.json",
        threshold=None if scores is None else scores.threshold,
        source=next((one for one in get_args(ThresholdSource) if one == metrics.threshold_source), None),
        protocol=folder.config().protocol,
    )


def _truth(asked: ComparisonRequest, sides: Sequence[_Side]) -> Path:
    if asked.truth is not None:
        return asked.truth
    known = [side for side in sides if side.truth is not None]
    if not known:
        raise BadInputError(
            "no ground truth is given", where=str(sides[0].path), remedy="add --truth GT.json"
        )
    for side in known[1:]:
        if sha256(side.path / "truth.json") != sha256(known[0].path / "truth.json"):
            raise BadInputError(
                f"is not of the same test images as {known[0].path}",
                where=str(side.path),
                remedy="compare runs of one data set and split, or give --truth",
            )
    return known[0].path / "truth.json"


def _protocol(asked: ComparisonRequest, sides: Sequence[_Side]) -> Protocol:
    own = [(side.path, side.protocol) for side in sides if side.protocol is not None]
    if asked.protocol is not None or not own:
        return resolve_protocol(asked.protocol or "paper", **asked.changes)
    first, rules = own[0]
    for path, others in own[1:]:
        if others != rules:
            raise BadInputError(
                f"was scored by other rules than {first}", where=str(path), remedy="give --protocol"
            )
    return changed_protocol(rules, **asked.changes)
