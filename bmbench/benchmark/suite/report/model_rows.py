"""Rows of models that learned nothing from a set, beside those of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bmbench.benchmark.records.run_records import read_record
from bmbench.benchmark.reproduce.matrix import Cell
from bmbench.benchmark.reproduce.report.runs import Collection, FinishedRun, Key
from bmbench.benchmark.scoring.recorded import RecordedEvaluation, RecordedOtherSet, RecordedRun
from bmbench.benchmark.suite.models import ModelTest
from bmbench.benchmark.suite.suite_file import SuiteSet


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelRows:
    """A collection with the rows of models in it, and tests of models that take no part, with the reason."""

    collection: Collection
    absent: tuple[tuple[str, str], ...]


def with_models(collection: Collection, one: SuiteSet, tests: Sequence[ModelTest]) -> ModelRows:
    """The runs of a set, and its models as rows of one seed; both answered the same images, checked."""
    rows: dict[Key, list[FinishedRun]] = {}
    absent = []
    beside = {run.fold: run for run in collection.runs}
    for test in tests:
        if not test.is_done:
            absent.append((test.name, "not applied, or changed since: `bmbench suite run` applies it"))
        elif test.fold in beside:
            run = _answers(test, one, beside[test.fold])
            if _same_images(run, beside[test.fold]):
                rows.setdefault(Key(run.cell.track, run.cell.artefacts, run.cell.method), []).append(run)
            else:
                absent.append((test.name, "was applied to other images than those of the runs"))
    together = {**collection.rows, **{key: tuple(runs) for key, runs in rows.items()}}
    return ModelRows(collection=replace(collection, rows=together), absent=tuple(absent))


def _answers(test: ModelTest, one: SuiteSet, beside: FinishedRun) -> FinishedRun:
    """Answers of a model in the shape of a run: what belongs to a training is that of the run beside it."""
    there = read_record(test.folder / "metrics.json", RecordedOtherSet)
    plain = {name: getattr(there, name) for name in RecordedEvaluation.__struct_fields__}
    return replace(
        beside,
        cell=Cell(
            track=one.tracks[0],
            artefacts=one.artefacts[0],
            method=test.model,
            seed=beside.cell.seed,
            fold=test.fold,
        ),
        metrics=RecordedRun(**plain, variants={}),
        predictions=test.folder / "predictions.json",
        truth=test.folder / "truth.json",
    )


def _same_images(run: FinishedRun, beside: FinishedRun) -> bool:
    mine, theirs = run.files[0], beside.files[0]
    return mine.image_ids == theirs.image_ids and np.array_equal(mine.xy, theirs.xy)
