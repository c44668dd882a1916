"""Tables as programs and spreadsheets write them: commas, semicolons or tabs; decimal points or commas.

A German Excel saves ``a.png;12,5;7`` in the characters of Windows, an English one ``a.png,12.5,7``. What
stands between the cells is told by the line of names alone; a comma in a number is a decimal comma where it
does not stand between cells.
"""

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path

from bmbench.core.errors import BadInputError
from bmbench.core.numerals import numeral
from bmbench.datasets.reading.limits import MARK, read_limited, stray_byte

_SEPARATORS = ("\t", ";", ",")
_LARGEST = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTable:
    """A table of texts.

    Attributes
    ----------
    columns : tuple of str
        Their names as written.
    rows : tuple of (place, cells)
        The place is for errors; an absent cell is an empty text.
    separator : str
        What stands between the cells.
    notes : tuple of str
        What was assumed.
    wide : str
        The first row with more cells than columns, and how many; empty without one.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    separator: str
    notes: tuple[str, ...] = ()
    wide: str = ""

    def require_narrow(self) -> None:
        """Nothing, or a BadInputError if a row has more cells than there are columns."""
        if self.wide:
            where, _, got = self.wide.rpartition(": ")
            raise BadInputError("more cells than columns", where=where, got=got)

    def number(self, cell: str, where: str) -> float:
        """The number in a cell; BadInputError, naming the place, if there is none of a sensible size."""
        value = math.nan if self.separator == "," and "," in cell else decimal_number(cell)
        if not abs(value) < _LARGEST:
            raise BadInputError("not a number of sensible size", where=where, got=repr(cell)[:40])
        return value


def decimal_number(text: str) -> float:
    """The number in a text, with a point or a comma before its fraction; NaN where there is none.

    >>> decimal_number("12,5"), decimal_number("1.234,5")
    (12.5, nan)
    """
    try:
        return float(numeral(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text))
    except ValueError:
        return math.nan


def read_table(path: Path, *, separator: str | None = None) -> TextTable:
    """The table in a text file; its first line names the columns.

    Parameters
    ----------
    separator : str, optional
        What stands between the cells, where it is none of those that the first line tells.

    Raises
    ------
    BadInputError
        If the file cannot be read, or is no table.
    """
    text, notes = _text(path)
    lines = text.splitlines()
    # Excel's own word for what stands between the cells.
    if lines and lines[0].lower().startswith("sep=") and len(lines[0]) <= 5:
        separator, text = lines[0][4:] or separator, "\n".join(["", *lines[1:]])
    head = next((line for line in text.splitlines() if line.strip()), "")
    chosen = separator or next((mark for mark in _SEPARATORS if mark in head), ",")
    reader = csv.reader(io.StringIO(text), delimiter=chosen, strict=True)
    try:
        table = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise BadInputError("not a table", where=f"{path}, line {reader.line_num}", got=str(error)) from None
    header = tuple(name.strip() for name in table[0][1]) if table else ()
    rows, wide = [], ""
    for line, cells in table[1:]:
        where = f"{path}, line {line}"
        # Programs end their lines with a separator.
        if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
            wide = wide or f"{where}: {len(cells)} cells"
        rows.append((where, tuple(cell.strip() for cell in (*cells, *[""] * len(header))[: len(header)])))
    return TextTable(path=path, columns=header, rows=tuple(rows), separator=chosen, notes=notes, wide=wide)


def _text(path: Path) -> tuple[str, tuple[str, ...]]:
    data = read_limited(path)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return data.decode("utf-16"), ()
        except UnicodeDecodeError as error:
            raise BadInputError("not UTF-16 text", where=str(path), got=str(error)[:80]) from None
    if stray_byte(data) is None:
        return data.removeprefix(MARK).decode(), ()
    try:
        return data.decode("cp1252"), (f"{path.name} is no UTF-8: read as text of Windows (cp1252)",)
    except UnicodeDecodeError as error:
        raise BadInputError(
            "neither UTF-8 nor text of Windows",
            where=f"{path}, byte {error.start}",
            remedy="save it as UTF-8",
        ) from None
