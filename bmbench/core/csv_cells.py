"""CSV that no spreadsheet computes: how every cell is written, and read back as it was.

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a return for a formula, which
may start programs or send what stands in other cells to somebody else, and names of images and classes are a
stranger's. Such a text gets an apostrophe in front, which spreadsheets show as text (OWASP, "CSV Injection").
Numbers are no formulas and stay as they are.
"""

import csv
import re
from collections.abc import Iterable
from typing import Any, Protocol, TypeAlias

Cell: TypeAlias = str | int | float

_FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")
"""How a text begins that some spreadsheet would compute (the last four: in East Asian editions), and how one
begins that would be taken for such a text with its apostrophe."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class _Writable(Protocol):
    def write(self, text: str, /) -> Any: ...


class _LineFeeds:
    """A file that gets a line feed where a row ends with a return and a line feed."""

    def __init__(self, file: _Writable) -> None:
        self._file = file

    def write(self, row: str) -> None:
        self._file.write(row[:-2] + "\n")


class CsvRows:
    """Writes rows to an open text file; lines end with a line feed."""

    def __init__(self, file: _Writable) -> None:
        # The writer puts quotes around the letters of its own end of line only: a return alone would end one.
        self._rows = csv.writer(_LineFeeds(file), lineterminator="\r\n")

    def write(self, cells: Iterable[Cell]) -> None:
        """One row."""
        self._rows.writerow([written_cell(cell) if isinstance(cell, str) else cell for cell in cells])

    def write_all(self, rows: Iterable[Iterable[Cell]]) -> None:
        """Several rows."""
        for cells in rows:
            self.write(cells)


def written_cell(text: str) -> str:
    """A text as it stands in a file.

    >>> [written_cell(text) for text in ("=1+1", "-1.png", "-1.5", "WBC", "'=1")]
    ["'=1+1", "'-1.png", '-1.5', 'WBC', "''=1"]
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def read_cell(text: str) -> str:
    """The text that `written_cell` wrote so; any other as it is.

    >>> [read_cell(text) for text in ("'=1+1", "-1.5", "'tis", "''=1", "=1+1")]
    ['=1+1', '-1.5', "'tis", "'=1", '=1+1']
    """
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
