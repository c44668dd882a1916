"""Finished run directories, read back: what the report is a function of."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bmbench.core.files import read_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from bmbench.benchmark.reproduce.folder import StudyFolder
    from bmbench.benchmark.reproduce.matrix import Cell, Facts
    from bmbench.core.types import GroundTruth, Ints, Predictions
    from bmbench.metrics import Evaluation, Geometry, Scores


class Key(NamedTuple):
    """What is compared: a method under one supervision."""

    track: str
    artefacts: str
    method: str


@dataclass(frozen=True, kw_only=True, eq=False)
class FinishedRun:
    """A run and its answers to the test images, scored again from its files; nothing is drawn from yet."""

    cell: Cell
    folder: Path
    config: Mapping[str, Any]
    metrics: Mapping[str, Any]

    @property
    def threshold(self) -> float | None:
        """The confidence chosen on the optimisation images; None where there are none."""
        if self.metrics["threshold_source"] == "oracle":
            return None
        chosen: float | None = (self.metrics["cd"] or self.metrics["bb"])["threshold"]
        return chosen

    @cached_property
    def files(self) -> tuple[GroundTruth, Predictions]:
        """The test images' annotations and the answers to them."""
        from bmbench.benchmark.scoring import read_pair

        return read_pair(self.folder / "predictions.json", self.folder / "truth.json")

    @property
    def groups(self) -> tuple[str, ...]:
        """The group of each test image; folds have groups of their own."""
        return tuple(f"{self.cell.fold} {name}".strip() for name in self.files[0].groups)

    @cached_property
    def evaluation(self) -> Evaluation:
        """The scores, with everything that a resampling needs."""
        from bmbench.metrics import Protocol, evaluate

        return evaluate(*self.files, Protocol(**self.config["protocol"]), threshold=self.threshold)

    def scores(self, geometry: Geometry) -> Scores | None:
        """The scores of one matching rule; None where it is not scored."""
        scores: Scores | None = getattr(self.evaluation, geometry)
        return scores


@dataclass(frozen=True, kw_only=True, eq=False)
class Collection:
    """A study as it stands on disk.

    Attributes
    ----------
    rows : Key → its finished runs, by seed and fold
    failures : cell → why its last attempt failed
    missing : cells that nobody has finished or failed at
    odd : cell → why its finished run takes no part
    groups : names of all groups of test images
    """

    facts: Facts
    cells: Sequence[Cell]
    rows: Mapping[Key, tuple[FinishedRun, ...]]
    failures: Mapping[Cell, str]
    missing: tuple[Cell, ...]
    odd: Mapping[Cell, str] = field(default_factory=dict)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The groups that intervals are drawn from, of all folds together."""
        return tuple(sorted({name for run in self.runs for name in run.groups}))

    @property
    def runs(self) -> Iterable[FinishedRun]:
        """Every run that takes part."""
        return (run for runs in self.rows.values() for run in runs)

    @property
    def first(self) -> FinishedRun | None:
        """Any run: what all of them share can be read from it."""
        return next(iter(self.runs), None)

    def of(self, track: str, *, artefacts: str | None = None) -> dict[Key, tuple[FinishedRun, ...]]:
        """The rows of one track, of one artefact mode or all."""
        return {
            key: runs
            for key, runs in self.rows.items()
            if key.track == track and artefacts in (None, key.artefacts)
        }


def collect(folder: StudyFolder) -> Collection:
    """The study in a folder: finished runs, failures, and what is missing.

    Runs of another protocol than the first one's, or of other data than the first one's of that fold, take
    no part and are named in `odd`.
    """
    study = folder.read()
    cells = sorted(study.cells, key=lambda cell: (cell.track, cell.artefacts, cell.method, cell.repeat))
    rows: dict[Key, list[FinishedRun]] = {}
    failures, missing, odd = {}, [], {}
    first: dict[tuple[str, str], FinishedRun] = {}
    for cell in cells:
        if folder.is_finished(cell):
            run = _read(folder.run(cell), cell)
            reason = _differs(run, first)
            if reason:
                odd[cell] = reason
            else:
                rows.setdefault(Key(cell.track, cell.artefacts, cell.method), []).append(run)
        elif folder.failure(cell).is_file():
            failures[cell] = str(read_json(folder.failure(cell))["reason"])
        else:
            missing.append(cell)
    return Collection(
        facts=study.facts,
        cells=cells,
        rows={key: tuple(sorted(runs, key=_order)) for key, runs in rows.items()},
        failures=failures,
        missing=tuple(missing),
        odd=odd,
    )


def _read(path: Path, cell: Cell) -> FinishedRun:
    return FinishedRun(
        cell=cell,
        folder=path,
        config=read_json(path / "config.json"),
        metrics=read_json(path / "metrics.json"),
    )


def _order(run: FinishedRun) -> tuple[int, str]:
    return run.cell.seed, run.cell.fold


def _differs(run: FinishedRun, first: dict[tuple[str, str], FinishedRun]) -> str:
    """Why a run cannot stand beside those before it; empty if it can."""
    for name, title, scope in (
        ("protocol", "another protocol", ""),
        ("data_hash", "other data", run.cell.fold),
    ):
        before = first.setdefault((name, scope), run)
        if run.config[name] != before.config[name]:
            return f"was run with {title} than `{before.cell.name}`"
    return ""


def group_rows(run: FinishedRun, groups: Sequence[str]) -> Ints:
    """(images,) row of each test image's group among those of the study."""
    place = {name: row for row, name in enumerate(groups)}
    return np.array([place[name] for name in run.groups], np.int64)
