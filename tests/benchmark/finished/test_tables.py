"""Runs, images and objects as tables: their sums are the numbers of the run."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter

import pytest

from bmbench.benchmark.finished.table_files import csv_text, write_columns
from bmbench.benchmark.finished.tables import COLUMNS, table_of
from bmbench.core.errors import BadInputError

RULES = {"boxes": "bb", "centres": "cd"}
CAUSES = {word: f"fp_{word}" for word in ("artefact", "duplicate", "near", "background")}


def rows_of(folder, level):
    columns = table_of([folder], level)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


@pytest.fixture(name="metrics")
def _metrics(whole_run):
    return json.loads((whole_run / "metrics.json").read_text())


def test_a_row_of_a_run_holds_the_numbers_of_its_metrics(whole_run, metrics):
    for row in rows_of(whole_run, "run"):
        scores = metrics[RULES[row["rule"]]]
        assert {name: row[name] for name in ("ap", "f1", "recall", "tp", "fp_near", "threshold")} == {
            name: scores[name] for name in ("ap", "f1", "recall", "tp", "fp_near", "threshold")
        }
        assert [row["f1_low"], row["f1_high"]] == (scores["f1_ci"] or [None, None])


def test_the_images_add_up_to_the_run(whole_run, metrics):
    for words, rule in RULES.items():
        images = [row for row in rows_of(whole_run, "image") if row["rule"] == words]
        assert len(images) == metrics["images"]
        for name in ("tp", "fp", "fn", *CAUSES.values()):
            assert sum(row[name] for row in images) == metrics[rule][name], name
        assert sum(row["cells"] for row in images) == metrics["cells"]


def test_the_objects_add_up_to_the_run(whole_run, metrics):
    objects = rows_of(whole_run, "object")
    for words, rule in RULES.items():
        own = [row for row in objects if row["rule"] == words]
        outcomes = Counter(row["outcome"] for row in own)
        scores = metrics[rule]
        assert (outcomes["found"], outcomes["false alarm"], outcomes["missed"], outcomes["ignored"]) == (
            scores["tp"], scores["fp"], scores["fn"], scores["ignored"],
        )  # fmt: skip
        causes = Counter(row["cause"] for row in own if row["outcome"] == "false alarm")
        assert causes == {word: scores[name] for word, name in CAUSES.items() if scores[name]}
        assert all(row["xmin"] <= row["x"] <= row["xmax"] for row in own)
    assert all(row["predicted_class"] == "" for row in objects), "the run told no classes apart"
    assert all(row["class"] for row in objects if row["outcome"] in ("found", "missed"))


@pytest.mark.parametrize("level", COLUMNS)
def test_a_table_is_read_back_as_it_was(whole_run, level, tmp_path):
    columns = table_of([whole_run, whole_run], level)
    lines = list(csv.DictReader(io.StringIO(csv_text(columns))))
    assert list(lines[0]) == list(COLUMNS[level])
    assert [row["run"] for row in lines] == columns["run"]
    for name, values in columns.items():
        found = [row[name] for row in lines]
        assert found == ["" if value is None else str(value) for value in values], name
    write_columns(tmp_path / "a.csv", columns)
    assert (tmp_path / "a.csv").read_text("utf-8") == csv_text(columns)


def test_parquet_holds_the_same_with_one_type_a_column(whole_run, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    columns = table_of([whole_run], "object")
    write_columns(tmp_path / "a.parquet", columns)
    table = parquet.read_table(tmp_path / "a.parquet")
    assert {name: table[name].to_pylist() for name in table.column_names} == columns


def test_another_ending_is_refused_and_nothing_written(whole_run, tmp_path):
    with pytest.raises(BadInputError, match=r"unknown kind of file \(expected .csv or .parquet, got .xlsx\)"):
        write_columns(tmp_path / "a.xlsx", table_of([whole_run], "run"))
    assert not list(tmp_path.iterdir())


def test_the_command_prints_a_table_or_writes_it(bmbench, whole_run, tmp_path):
    printed = bmbench("table", whole_run, "--level", "image")
    assert bmbench("table", whole_run, "--level", "image", "-o", tmp_path / "a.csv").out.startswith(
        "Written:"
    )
    assert (tmp_path / "a.csv").read_text("utf-8") == printed.out
    said = json.loads(bmbench("table", whole_run, whole_run, "--json").out)
    assert [list(row) for row in said] == [list(COLUMNS["run"])] * 4
    none = bmbench("table", tmp_path)
    assert (none.code, none.err.count("\n")) == (2, 1)
