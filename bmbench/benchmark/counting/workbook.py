"""The tables of a count as one workbook for a spreadsheet."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bmbench.core.errors import MissingExtraError
from bmbench.core.files import writing

if TYPE_CHECKING:
    from bmbench.benchmark.counting.tables import Sheet, Value

_MOST_LETTERS = 32_000
"""Letters that a cell of a workbook holds (32,767)."""
_MADE = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC).replace(tzinfo=None)
"""Stated as its date: the same tables are the same bytes."""
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that XML cannot hold."""


def write_workbook(path: Path, sheets: Sequence[Sheet]) -> None:
    """Write the tables as sheets, whole or not at all.

    Texts are written as texts: what begins like a formula is none.

    Raises
    ------
    MissingExtraError
        If XlsxWriter is not installed.
    """
    try:
        import xlsxwriter
    except ImportError:
        raise MissingExtraError("XlsxWriter, which writes .xlsx,", extra="excel") from None
    with writing(path) as aside:
        book = xlsxwriter.Workbook(
            str(aside),
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "in_memory": False,
            },
        )
        book.set_properties({"created": _MADE})
        bold = book.add_format({"bold": True, "bottom": 1})
        for table in sheets:
            sheet = book.add_worksheet(table.name)
            sheet.freeze_panes(1, 0)
            for place, column in enumerate(table.columns):
                sheet.set_column(place, place, min(max(len(column) + 2, 9), 40))
            _write_row(sheet, 0, table.columns, bold)
            for number, row in enumerate(table.rows, start=1):
                _write_row(sheet, number, row, None)
        book.close()


def _write_row(sheet: Any, number: int, cells: Sequence[Value], look: Any) -> None:
    for place, cell in enumerate(cells):
        if isinstance(cell, str):
            sheet.write_string(number, place, _NO_TEXT.sub("?", cell)[:_MOST_LETTERS], look)
        elif cell is not None:
            sheet.write_number(number, place, cell, look)
