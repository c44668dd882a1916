"""Every column of a CSV file that bmbench writes, or reads by its name, is told in docs/files.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bmbench.benchmark.finished.tables import COLUMNS as OF_TABLES
from bmbench.benchmark.prediction.crops import COLUMNS as OF_CROPS
from bmbench.benchmark.prediction.outputs import COLUMNS as OF_CELLS
from bmbench.benchmark.prediction.outputs import ORIGIN_COLUMNS
from bmbench.benchmark.records.history import COLUMNS as OF_HISTORY
from bmbench.datasets.formats.csv_columns import NAMES

TEXT = (Path(__file__).parents[1] / "docs" / "files.md").read_text("utf-8")
SECTION = TEXT.partition("## Columns of CSV files\n")[2].partition("\n## ")[0]
TOLD = {
    line.split(" | ")[0].strip("| "): set(re.findall(r"`([a-z_0-9]+)`", line))
    for line in SECTION.splitlines()
}
CELLS = "`bmbench predict -o cells.csv`"


def test_columns_of_tables_are_told_level_by_level():
    every = TOLD["`bmbench table`, every level"]
    counts = {name for name in TOLD["… `--level run`"] if name.startswith(("tp", "fp", "fn"))}
    for level, columns in OF_TABLES.items():
        told = every | TOLD[f"… `--level {level}`"] | (counts if level == "image" else set())
        assert told == set(columns), level


@pytest.mark.parametrize(
    ("file", "columns"),
    [
        ("`history.csv` of a run", OF_HISTORY),
        (CELLS, (*OF_CELLS, *ORIGIN_COLUMNS)),
        ("`bmbench predict --crops`", OF_CROPS),
        ("annotations, predictions", tuple(NAMES)),
    ],
)
def test_columns_of_other_files_are_told(file, columns):
    assert TOLD[file] == set(columns)
