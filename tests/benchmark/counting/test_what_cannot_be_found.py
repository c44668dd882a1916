"""Of artefacts, smudge and unidentified cells a count says nothing where its detector has no such class."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import pytest

from bmbench.benchmark.counting.count import NO_ARTEFACTS, count
from bmbench.benchmark.counting.options import CountOptions, CountReport
from bmbench.benchmark.counting.report_facts import row_texts
from bmbench.benchmark.counting.tables import DIFFERENTIAL_COLUMNS, report_lines, report_tables
from bmbench.benchmark.prediction.options import PredictOptions
from bmbench.benchmark.protocol.classes import CLASSES as CELL_AND_ARTEFACT
from bmbench.benchmark.records.trained_run import TrainedRun
from bmbench.core.progress import Silent
from bmbench.core.types import Category
from tests.benchmark.counting.coloured import CLASSES, picture, trained

ARTEFACT = CELL_AND_ARTEFACT[1]
WORDS = ("artefact", "smudge", "unidentified")


def counted(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    classes: tuple[Category, ...],
    discs: tuple[int, ...],
    *,
    learned: bool = False,
) -> CountReport:
    """The count of one picture with such discs, by a detector of these classes."""

    def load(path: Path) -> TrainedRun:
        return dataclasses.replace(trained(path), classes=classes, artefact_class=learned)

    monkeypatch.setattr("bmbench.benchmark.prediction.finished.load_trained", load)
    picture(folder / "in" / "Pat A.png", discs)
    asked = PredictOptions(run=Path("run"), images=(folder / "in",))
    choices = {"group_from": r"(Pat \w)"}
    return count(CountOptions(predict=asked, out=folder / "out", group_choices=choices), Silent())


def texts(folder: Path) -> dict[str, str]:
    """The tables and the report, without the sentence that says what is left out."""
    paths = [*folder.glob("*.csv"), folder / "report.html"]
    return {path.name: path.read_text("utf-8").replace(NO_ARTEFACTS, "") for path in paths}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("classes", "discs"),
    [(CELL_AND_ARTEFACT, (7, 0, 0, 0, 0)), ((*CLASSES[:2], ARTEFACT), (7, 5, 0, 0, 0))],
)
def test_a_detector_that_never_learned_artefacts_says_nothing_of_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, classes: tuple[Category, ...], discs: tuple[int, ...]
) -> None:
    report = counted(monkeypatch, tmp_path, classes, discs)
    for name, text in texts(tmp_path / "out").items():
        assert not any(word in text for word in WORDS), name
    heads = [str(column.header) for table in report_tables(report) for column in table.columns]
    assert not any(word in head for head in heads for word in WORDS)
    assert list(report_lines(report)) == []
    assert NO_ARTEFACTS in report.notes
    said = json.loads(json.dumps(report.to_json()))["differentials"][0]
    assert (said["artefacts"], said["smudge"], said["artefact_share"], said["per_100"]) == (
        None, None, None, {}
    )  # fmt: skip
    assert int(rows(tmp_path / "out" / "counts.csv")[0]["cells"]) == sum(discs)


def test_one_class_alone_has_no_share_of_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    report = counted(monkeypatch, tmp_path, CELL_AND_ARTEFACT, (7, 0, 0, 0, 0))
    for row in rows(tmp_path / "out" / "differential.csv"):
        assert (row["name"], row["n"], row["cells"]) == ("cell", "7", "7")
        assert not any(row[name] for name in DIFFERENTIAL_COLUMNS[6:])
    assert row_texts(report.differentials[0]) == [["7", "", "", "", ""]]


def test_the_workbook_has_no_column_of_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("xlsxwriter", reason="xlsxwriter (bmbench[excel]) is not installed")
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl, which reads workbooks, is not installed")
    counted(monkeypatch, tmp_path, CELL_AND_ARTEFACT, (7, 0, 0, 0, 0))
    book = openpyxl.load_workbook(tmp_path / "out" / "counts.xlsx")
    cells = [str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row]
    assert "cells" in cells
    assert not any(word in cell for cell in cells for word in WORDS)


def test_a_detector_that_learned_them_and_found_none_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    report = counted(monkeypatch, tmp_path, CELL_AND_ARTEFACT, (7, 0, 0, 0, 0), learned=True)
    (row,) = rows(tmp_path / "out" / "counts.csv")
    assert (row["artefact"], row["artefacts_percent"]) == ("0", "0.0")
    assert report.differentials[0].per_100 == {"artefacts": 0}
    assert report.differentials[0].smudge is None
    assert NO_ARTEFACTS not in report.notes


def test_artefacts_that_are_said_all_the_same_are_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    counted(monkeypatch, tmp_path, CELL_AND_ARTEFACT, (6, 2, 0, 0, 0))
    (row,) = rows(tmp_path / "out" / "counts.csv")
    assert (row["cells"], row["artefact"], row["artefacts_percent"]) == ("6", "2", "25.0")


def test_each_kind_by_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    smudge = Category(id=3, name="smudge cell")
    report = counted(monkeypatch, tmp_path, (*CLASSES[:2], smudge, ARTEFACT), (5, 4, 1, 0, 0))
    assert report.differentials[0].per_100 == {"smudge": pytest.approx(100 / 9)}
    assert report.differentials[0].artefact_share == pytest.approx(0.1)
    names = [row["name"] for row in rows(tmp_path / "out" / "differential.csv")]
    assert "smudge" in names
    assert not {"artefacts", "unidentified"} & set(names)
