"""The folder of a study: everything that `bmbench reproduce` leaves behind.

::

    study.json            what all cells share, and every cell that was ever asked for
    searches/ROW/         the search for the settings of a row, if it is searched (`bmbench.benchmark.search`)
    runs/CELL/            one run directory a cell (see `bmbench.benchmark.records.run_folder`)
    failures/CELL.json    why the last attempt at a cell failed
    locks/                who works on what; nothing in here needs to be kept
    report.md, *.png, results.csv
    manifest.json         SHA-256 of the files beside it, and of the manifests of the finished runs
"""

import dataclasses
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import Struct

from bmbench.benchmark.protocol.other_sets import OtherSet
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.run_records import read_record
from bmbench.benchmark.records.seal import unseal
from bmbench.benchmark.reproduce.matrix import Cell, Matrix, StudyFacts
from bmbench.benchmark.scoring.recorded import RecordedOtherSet
from bmbench.core.errors import BadInputError
from bmbench.core.files import make_folder, write_json
from bmbench.core.gate import plain_name
from bmbench.core.locks import if_free, only_one

ELSEWHERE = "elsewhere"
"""The folder of a run that holds its answers to images of other sets."""
SCHEMA = "bmbench.study/1"
_WAIT_S = 30.0
"""How long to wait for somebody else who changes the study, which takes milliseconds."""


class _Study(Struct, frozen=True, kw_only=True):
    """What ``study.json`` holds."""

    facts: StudyFacts
    cells: tuple[Cell, ...]
    test_on: tuple[str, ...] = ()


class _Failure(Struct, frozen=True):
    """Of the record of a failed cell what is shown."""

    reason: str


@dataclass(frozen=True, slots=True)
class StudyFolder:
    """The paths of a study."""

    path: Path

    def run(self, cell: Cell) -> Path:
        """The run directory of a cell."""
        return self.path / "runs" / cell.name

    def searches(self, cell: Cell) -> Path:
        """Where the search of a cell's row is."""
        return self.path / "searches" / cell.row

    def failure(self, cell: Cell) -> Path:
        """Where the reason of a cell's failure is kept."""
        return self.path / "failures" / f"{cell.name}.json"

    def reason(self, cell: Cell) -> str:
        """Why a cell failed."""
        return read_record(self.failure(cell), _Failure, what="the record of a failure").reason

    def is_finished(self, cell: Cell) -> bool:
        """Whether the run of a cell ended well."""
        return (self.run(cell) / "metrics.json").is_file()

    def change(self, cell: Cell, *names: str) -> str:
        """What was changed of a cell's finished run since it ended, in words; empty where nothing was.

        `names` are patterns of the files that are looked at.
        """
        run = RunDir(self.run(cell))
        try:
            faults = run.check_seal(*names).faults
        except BadInputError as error:
            return f"cannot be read: {error}"
        if faults:
            return f"is not as it was when it ended: {', '.join(map(str, faults[:4]))}"
        # Those of older versions have no manifest to miss it in.
        return "" if run.truth("test").is_file() else "has no truth.json"

    def untested(self, cell: Cell, test_on: Sequence[str]) -> tuple[str, ...]:
        """Those of the other images that the detector of a cell has not been applied to."""
        return tuple(wish for wish in test_on if not self._is_tested(cell, wish))

    def _is_tested(self, cell: Cell, test_on: str) -> bool:
        wish = OtherSet.parse(test_on).settled()
        record = self.run(cell) / ELSEWHERE / wish.name / "metrics.json"
        # Other images may have the same name: a file of another folder, or cells of another stated size.
        return record.is_file() and read_record(record, RecordedOtherSet).about.asked == str(wish)

    def is_complete(self, cell: Cell, test_on: Sequence[str]) -> bool:
        """Whether nothing is left to do for a cell."""
        return self.is_finished(cell) and not self.untested(cell, test_on)

    def working(self, cell: Cell) -> AbstractContextManager[bool]:
        """Whether the cell could be had for this process alone; if so, it is its own inside the block."""
        return if_free(self._lock(cell.name))

    def searching(self, cell: Cell) -> AbstractContextManager[bool]:
        """The same of the search of its row."""
        return if_free(self._lock(f"search-{cell.row}"))

    def read(self) -> Matrix:
        """The study as it stands in the folder.

        Raises
        ------
        BadInputError
            If there is none, or its file is not one.
        """
        file = self.path / "study.json"
        if not self._is_study():
            remedy = "give the folder that `bmbench reproduce --out` made"
            raise BadInputError("is not the folder of a study", where=str(self.path), remedy=remedy)
        study = read_record(file, _Study, schema=SCHEMA, what="a study")
        for cell in study.cells:
            # The name of a folder, of whatever stands in the file.
            if {"/", "\\", "\0"} & set(cell.name) or not plain_name(cell.name):
                raise BadInputError("is not a study", where=f"{file}, cells", got=repr(cell.name)[:60])
        return Matrix(facts=study.facts, cells=study.cells, test_on=study.test_on)

    def join(self, matrix: Matrix) -> Matrix:
        """The study of the folder with these cells in it: new ones are added, none is lost.

        Raises
        ------
        BadInputError
            If the folder holds a study of other data, or one of its methods with other settings.
        """
        with only_one(self._lock("study"), wait_s=_WAIT_S):
            if self._is_study():
                matrix = self._merge(self.read(), matrix)
            # What it says holds no more, until the report is written.
            unseal(self.path)
            self._write(matrix)
        return matrix

    def check(self, matrix: Matrix) -> None:
        """Nothing, or the BadInputError that `join` would raise; writes nothing."""
        # Another command may begin the study meanwhile: what it makes before study.json is not foreign, and
        # what it makes afterwards comes with study.json.
        if self._is_foreign() and not self._is_study():
            raise BadInputError("holds something else", where=str(self.path), remedy="choose a new folder")
        if self._is_study():
            self._merge(self.read(), matrix)

    def _is_study(self) -> bool:
        return (self.path / "study.json").is_file()

    def _is_foreign(self) -> bool:
        if not self.path.is_dir():
            return self.path.exists()
        names = {path.name for path in self.path.iterdir()}
        return any(name != "locks" and not name.startswith(".study.json.") for name in names)

    def _merge(self, before: Matrix, wanted: Matrix) -> Matrix:
        for name in StudyFacts.__dataclass_fields__:
            there, here = getattr(before.facts, name), getattr(wanted.facts, name)
            if there != here:
                word = "other" if name.endswith("s") else "another"
                raise BadInputError(
                    f"the study in this folder has {word} {name.replace('_', ' ')}",
                    where=str(self.path),
                    expected=repr(there),
                    got=repr(here),
                    remedy="choose another --out",
                )
        settings = {cell.method: cell.settings for cell in before.cells}
        for cell in wanted.cells:
            if settings.get(cell.method, cell.settings) != cell.settings:
                raise BadInputError(
                    f"the study in this folder has {cell.method} with other settings",
                    where=str(self.path),
                    expected=_settings_text(settings[cell.method]),
                    got=_settings_text(cell.settings),
                    remedy="choose another --out",
                )
        tested = {OtherSet.parse(text).name: text for text in before.test_on}
        for text in wanted.test_on:
            name = OtherSet.parse(text).name
            if tested.get(name, text) != text:
                raise BadInputError(
                    f"the study in this folder is tested on other images called {name}",
                    where=str(self.path),
                    expected=tested[name],
                    got=text,
                    remedy="rename the file, or choose another --out",
                )
        known = {cell.name for cell in before.cells}
        return Matrix(
            facts=before.facts,
            cells=(*before.cells, *(cell for cell in wanted.cells if cell.name not in known)),
            test_on=tuple(dict.fromkeys((*before.test_on, *wanted.test_on))),
            notes=wanted.notes,
        )

    def _write(self, matrix: Matrix) -> None:
        value: dict[str, Any] = {
            "schema": SCHEMA,
            "facts": dataclasses.asdict(matrix.facts),
            "cells": [dataclasses.asdict(cell) for cell in matrix.cells],
            "test_on": list(matrix.test_on),
        }
        write_json(self.path / "study.json", value)

    def _lock(self, name: str) -> Path:
        folder = self.path / "locks" / name
        make_folder(folder)
        return folder


def _settings_text(settings: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{name}={value}" for name, value in settings) or "none changed"
