"""No spreadsheet computes a cell of ours, and what was written is read."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bmbench
from bmbench.core.csv_cells import CsvRows, read_cell, written_cell

TEXTS = st.text(max_size=6) | st.text(alphabet="'=+-@\t\r ,\"\n1.e", max_size=6)


@given(TEXTS)
def test_every_text_comes_back(text):
    assert read_cell(written_cell(text)) == text


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_no_cell_of_a_row_is_a_formula_and_all_come_back(cells):
    file = io.StringIO(newline="")
    CsvRows(file).write(["image", *cells])
    ((_, *found),) = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert [read_cell(cell) for cell in found] == cells
    for cell in found:
        if cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")):
            float(cell)


@pytest.mark.parametrize(
    "text", ["=HYPERLINK(0)", "+1.png", "-1.png", "@SUM(A1)", "\tx", "\rx", "-1+1", "-", "--1"]
)
def test_formulas_begin_with_an_apostrophe(text):
    assert written_cell(text) == f"'{text}"


@pytest.mark.parametrize("number", [0, -1, -1.5, 1e-7, -1e300, "-1.25", "+3", "1.", "-.5", "-2e-05", ""])
def test_numbers_stay_numbers(number):
    file = io.StringIO()
    CsvRows(file).write_all([("x", number)])
    assert file.getvalue() == f"x,{number}\n"


def test_nothing_else_writes_csv():
    """A new table goes through `CsvRows`."""
    house = Path(bmbench.__file__).parent
    found = [
        path.name
        for path in house.rglob("*.py")
        if any(word in path.read_text("utf-8") for word in ("csv.writer", "DictWriter", "to_csv", "savetxt"))
    ]
    assert found == ["csv_cells.py"]
