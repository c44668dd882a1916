"""Finished run directories, read back: what the report is a function of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.run_records import RunConfig, read_record
from bmbench.benchmark.reproduce.folder import ELSEWHERE, StudyFolder
from bmbench.benchmark.reproduce.matrix import Cell, StudyFacts
from bmbench.benchmark.scoring.recorded import RecordedOtherSet, RecordedRun
from bmbench.core.types import GroundTruth, Ints, Predictions
from bmbench.metrics.protocol import Geometry, Protocol, resolve_protocol
from bmbench.metrics.scores import Evaluation, Scores


class Key(NamedTuple):
    """What is compared: a method under one supervision."""

    track: str
    artefacts: str
    method: str


@dataclass(frozen=True, kw_only=True, eq=False)
class FinishedRun:
    """A run and some answers of it, scored again from their files.

    Attributes
    ----------
    config, metrics : the run's `config.json` and `metrics.json`
    predictions, truth : Path
        The answers that are looked at: those to its test images, unless a `View` says otherwise.
    protocol : Protocol
        What they are scored by.
    data : str
        SHA-256 of the data set that the images are from.
    fold : str
        The fold whose test images these are; empty where all folds answer the same images.
    """

    cell: Cell
    config: RunConfig
    metrics: RecordedRun
    predictions: Path
    truth: Path
    protocol: Protocol
    data: str
    fold: str

    @property
    def repeat(self) -> tuple[int, str]:
        """The seed, and the fold where it is no more than another training set."""
        return self.cell.seed, "" if self.fold else self.cell.fold

    @property
    def threshold(self) -> float | None:
        """The confidence chosen on the optimisation images; None where there are none."""
        if self.metrics.threshold_source == "oracle":
            return None
        scores = self.metrics.cd or self.metrics.bb
        return None if scores is None else scores.threshold

    @cached_property
    def files(self) -> tuple[GroundTruth, Predictions]:
        """The images' annotations and the answers to them."""
        from bmbench.benchmark.scoring.score_files import read_pair

        return read_pair(self.predictions, self.truth)

    @property
    def units(self) -> tuple[str, ...]:
        """The group of each image; folds have groups of their own."""
        return tuple(f"{self.fold} {name}".strip() for name in self.files[0].groups)

    @cached_property
    def evaluation(self) -> Evaluation:
        """The scores, with everything that a resampling needs."""
        from bmbench.metrics.evaluation import evaluate

        return evaluate(*self.files, self.protocol, threshold=self.threshold)

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
    """

    facts: StudyFacts
    cells: Sequence[Cell]
    rows: Mapping[Key, tuple[FinishedRun, ...]]
    failures: Mapping[Cell, str]
    missing: tuple[Cell, ...]
    odd: Mapping[Cell, str] = field(default_factory=dict)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The groups of test images (patients, slides, fields), of all folds together: what varies."""
        return tuple(sorted({name for run in self.runs for name in run.units}))

    @cached_property
    def n_folds(self) -> int:
        """Test sets that are scored as one, by seed."""
        return max(len({run.fold for run in runs}) for runs in self.rows.values()) if self.rows else 1

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


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Which answers of the runs are looked at.

    `variant` names other annotations of the test images, `elsewhere` other images that the detectors were
    applied to unchanged; neither: the test images as they are.
    """

    variant: str = ""
    elsewhere: str = ""


def collect(folder: StudyFolder, view: View = View()) -> Collection:
    """The study in a folder: finished runs, failures, and what is missing.

    Runs of which a file was changed since they ended, runs of another protocol than the first one's, or of
    other data than the first one's of that fold, take no part and are named in `odd`; runs without such a
    view are left out.
    """
    study = folder.read()
    cells = sorted(study.cells, key=lambda cell: (cell.track, cell.artefacts, cell.method, cell.repeat))
    rows: dict[Key, list[FinishedRun]] = {}
    failures, missing, odd = {}, [], {}
    first: dict[str, FinishedRun] = {}
    for cell in cells:
        if folder.is_finished(cell):
            reason = _change(folder, cell, view)
            if reason:
                odd[cell] = reason
                continue
            run = _read(folder.run(cell), cell, view)
            if run is None:
                continue
            reason = _differs(run, first)
            if reason:
                odd[cell] = reason
            else:
                rows.setdefault(Key(cell.track, cell.artefacts, cell.method), []).append(run)
        elif folder.failure(cell).is_file():
            failures[cell] = folder.reason(cell)
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


def views(collection: Collection, folder: StudyFolder) -> list[View]:
    """What else the runs of a collection were scored on: annotations first, then images, by name."""
    variants, places = set(), set()
    for run in collection.runs:
        variants |= set(run.metrics.variants)
        places |= {path.parent.name for path in (folder.run(run.cell) / ELSEWHERE).glob("*/metrics.json")}
    found = [View(variant=name) for name in sorted(variants)]
    return found + [View(elsewhere=name) for name in sorted(places)]


def _read(path: Path, cell: Cell, view: View) -> FinishedRun | None:
    config, metrics = RunDir(path).config(), read_record(path / "metrics.json", RecordedRun)
    protocol, data, place, truth = config.protocol, config.data_hash, path, "truth.json"
    if view.variant:
        truth = f"truth_{view.variant}.json"
    elif view.elsewhere:
        place = path / ELSEWHERE / view.elsewhere
        if not (place / "metrics.json").is_file():
            return None
        there = read_record(place / "metrics.json", RecordedOtherSet)
        limit = None if there.cd is None else there.cd.limit
        protocol = replace(resolve_protocol(there.protocol), radius_px=limit)
        data = there.about.data_hash
    if not (place / truth).is_file():
        return None
    return FinishedRun(
        cell=cell,
        config=config,
        metrics=metrics,
        predictions=place / "predictions.json",
        truth=place / truth,
        protocol=protocol,
        data=data,
        fold="" if view.elsewhere else cell.fold,
    )


def _change(folder: StudyFolder, cell: Cell, view: View) -> str:
    """Why the files of a finished run that are read for a view are not to be believed; empty if they are."""
    change = folder.change(cell, *(("config.json", "metrics.json") if view.elsewhere else ("*.json",)))
    place = folder.run(cell) / ELSEWHERE / view.elsewhere
    if change or not view.elsewhere or not place.is_dir():
        return change
    faults = ", ".join(map(str, RunDir(folder.run(cell)).check_other_set(place).faults[:4]))
    return f"has other answers to {view.elsewhere} than it gave: {faults}" if faults else ""


def _order(run: FinishedRun) -> tuple[int, str]:
    return run.cell.seed, run.cell.fold


def _differs(run: FinishedRun, first: dict[str, FinishedRun]) -> str:
    """Why a run cannot stand beside those before it; empty if it can."""
    before = first.setdefault("", run)
    if run.protocol != before.protocol:
        return f"was run with another protocol than `{before.cell.name}`"
    before = first.setdefault(f"fold {run.fold}", run)
    if run.data != before.data:
        return f"was run with other data than `{before.cell.name}`"
    return ""


def unit_rows(run: FinishedRun, units: Sequence[str]) -> Ints:
    """(images,) row of each image's group among those of the study."""
    place = {name: row for row, name in enumerate(units)}
    return np.array([place[name] for name in run.units], np.int64)
