"""Columns as files: CSV for everybody, Parquet where pyarrow is installed, JSON for programs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bmbench.core.csv_cells import CsvRows
from bmbench.core.errors import MissingExtraError
from bmbench.core.files import require_ending, write_text, writing

if TYPE_CHECKING:
    from bmbench.benchmark.finished.tables import Columns


def csv_text(columns: Columns) -> str:
    """A head with the names of the columns, one row a line; what is undefined is an empty cell."""
    text = io.StringIO()
    rows = CsvRows(text)
    rows.write(columns)
    for row in zip(*columns.values(), strict=True):
        rows.write("" if cell is None else cell for cell in row)
    return text.getvalue()


def records(columns: Columns) -> list[dict[str, Any]]:
    """One object a row, as ``--json`` prints them; what is undefined is null."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def write_columns(path: Path, columns: Columns) -> None:
    """Write a table as its ending says: ``.csv`` or ``.parquet``, whole or not at all.

    Raises
    ------
    BadInputError
        For another ending.
    MissingExtraError
        If it is Parquet, and pyarrow is not installed.
    """
    require_ending(path, ".csv", ".parquet")
    if path.suffix.lower() == ".csv":
        write_text(path, csv_text(columns))
    else:
        _write_parquet(path, columns)


def _write_parquet(path: Path, columns: Columns) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("pyarrow, which writes Parquet,", extra="parquet") from None
    typed = {name: pyarrow.array(values, _kind(pyarrow, values)) for name, values in columns.items()}
    table = pyarrow.table(typed)
    with writing(path) as aside:
        pyarrow.parquet.write_table(table, aside)


def _kind(pyarrow: Any, values: list[Any]) -> Any:
    """One type for a column, whatever is undefined in it: text, whole numbers, or numbers."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {str}:
        return pyarrow.string()
    return pyarrow.int64() if kinds == {int} else pyarrow.float64()
