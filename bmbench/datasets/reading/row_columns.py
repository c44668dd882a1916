"""Lists of values from JSON records as checked arrays."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.core.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bmbench.core.types import Bools, Floats, ImageId, Ints

FURTHEST_PX = 1e9
"""No coordinate is so large: beyond it, a billionth of a pixel is lost in rounding."""


@dataclass(frozen=True, slots=True)
class Where:
    """The records that are being read: the list `name` of the file `path`, from record `first` on."""

    path: Path
    name: str
    first: int

    def place(self, row: int) -> str:
        """The place of the record in this row, for an error text."""
        return f"{self.path}, {self.name}[{self.first + row}]"

    def refuse(
        self, wrong: Bools, field: str, what: str, expected: str, *, values: Floats | None = None
    ) -> None:
        """Raise BadInputError for the first record of an (n,) mask that is wrong; `values` are shown."""
        if wrong.any():
            row = int(np.argmax(wrong))
            got = "" if values is None else ", ".join(f"{value:.12g}" for value in np.ravel(values[row]))
            raise BadInputError(
                what,
                where=f"{self.place(row)}.{field}",
                expected=expected,
                got=got,
                remedy="correct the value or leave the record out",
            )

    def refuse_coordinates(self, values: Floats, field: str) -> None:
        """Raise BadInputError for the first record with a coordinate that no image has."""
        if not values.size or (values.min() >= -FURTHEST_PX and values.max() <= FURTHEST_PX):
            return
        wrong: Bools = np.any(np.abs(values) > FURTHEST_PX, axis=1)
        expected = f"at most {FURTHEST_PX:.0e} pixels"
        self.refuse(wrong, field, "coordinate out of range", expected, values=values)

    def refuse_negative(self, size: Floats, field: str) -> None:
        """Raise BadInputError for the first record whose (n, 2) width or height is negative."""
        if not size.size or size.min() >= 0:
            return
        wrong: Bools = np.any(size < 0, axis=1)
        expected = "[x, y, width, height], width and height not below 0"
        self.refuse(wrong, field, "box with a negative size", expected, values=size)


class RowNumbers:
    """Finds the row of each id among the known ones."""

    def __init__(self, ids: Sequence[ImageId]) -> None:
        self._row = {value: row for row, value in enumerate(ids)}
        numbers = id_column(list(ids))
        self._order = np.argsort(numbers) if numbers.dtype == np.int64 else None
        self._sorted = numbers[self._order] if self._order is not None else numbers

    def find(self, values: Sequence[ImageId] | Ints, where: Where, field: str, *, known: str) -> Ints:
        """(n,) row of each id; BadInputError for the first that is not known."""
        column = values if isinstance(values, np.ndarray) else id_column(values)
        if self._order is None or column.dtype != np.int64 or not len(self._sorted):
            rows = np.fromiter((self._row.get(value, -1) for value in column.tolist()), np.int64, len(column))
        else:
            place = np.minimum(np.searchsorted(self._sorted, column), len(self._sorted) - 1)
            rows = np.where(self._sorted[place] == column, self._order[place], -1)
        if (rows < 0).any():
            row = int(np.argmax(rows < 0))
            raise BadInputError(
                f"unknown {field}",
                where=where.place(row),
                expected=known,
                got=repr(column[row : row + 1].tolist()[0]),
                remedy="check that the two files belong together",
            )
        return rows


def id_column(values: Sequence[Any] | Ints) -> NDArray[Any]:
    """(n,) ids: int64 if all are whole numbers, else objects."""
    if isinstance(values, np.ndarray):
        return values
    try:
        # NumPy would read "12" as 12, which is another id.
        if str not in set(map(type, values)):
            return np.fromiter(values, np.int64, len(values))
    except (TypeError, OverflowError):
        pass
    column = np.empty(len(values), object)
    column[:] = values
    return column


def refuse_repeats(column: NDArray[Any], *, where: str) -> None:
    """Raise BadInputError if an id stands twice; None stands for no id."""
    if column.dtype == np.int64:
        if (column[1:] > column[:-1]).all():
            return
        ordered = np.sort(column)
        repeated = ordered[1:][ordered[1:] == ordered[:-1]]
        if not len(repeated):
            return
        row = int(np.flatnonzero(column == repeated[0])[1])
    else:
        seen: set[Any] = set()
        for row, value in enumerate(column):  # noqa: B007 - the row that ends the loop is reported
            if value is not None and value in seen:
                break
            seen.add(value)
        else:
            return
    raise BadInputError(
        "duplicate id", where=f"{where}[{row}]", got=repr(column.tolist()[row]), remedy="give each its own id"
    )


def number_table(values: Sequence[Sequence[float]] | Floats, width: int) -> Floats:
    """(n, width) float64 from n sequences of that width."""
    if isinstance(values, np.ndarray):
        return values
    flat = np.fromiter(chain.from_iterable(values), np.float64, width * len(values))
    return flat.reshape(-1, width)


def flags(values: Sequence[int | bool | None] | Ints | None, n: int, where: Where, field: str) -> Bools:
    """(n,) bool from 0 and 1 (false and true); None is 0."""
    if values is None:
        return np.zeros(n, bool)
    if isinstance(values, np.ndarray):
        numbers = values
        if not numbers.any():
            return np.zeros(n, bool)
    elif values.count(0) + values.count(None) == len(values):
        return np.zeros(len(values), bool)
    else:
        numbers = np.array([0 if value is None else int(value) for value in values], np.int64)
    where.refuse((numbers != 0) & (numbers != 1), field, "not a flag", "0 or 1")
    is_set: Bools = numbers == 1
    return is_set


def numbers_or_none(values: Sequence[Any] | Floats | None, width: int) -> Floats | None:
    """(n, width) float64, NaN in the rows where nothing is given; None if nothing is given at all."""
    if isinstance(values, np.ndarray):
        return values.reshape(-1, width)
    if values is None or values.count(None) == len(values):
        return None
    nothing = (float("nan"),) * width
    if width == 1:
        return np.array([value if value is not None else nothing[0] for value in values]).reshape(-1, 1)
    return number_table([nothing if value is None else value for value in values], width)


def joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The columns of several parts as one, in their order; None where no part has the column.

    The first column is there in every part. A column that some parts lack is NaN there. Empties `parts`.
    """
    lengths = [len(next(iter(part.values()))) for part in parts]
    columns: dict[str, Any] = {}
    for name in list(parts[0]):
        pieces = [part.pop(name) for part in parts]
        width = max((piece.shape[1] for piece in pieces if piece is not None and piece.ndim > 1), default=0)
        if all(piece is None for piece in pieces):
            columns[name] = None
            continue
        filled = [
            np.full((n, width), np.nan) if piece is None else piece
            for piece, n in zip(pieces, lengths, strict=True)
        ]
        # Matching reads one side of all boxes after the other.
        room = np.empty((sum(lengths), width), order="F") if width else None
        columns[name] = np.concatenate(filled, out=room)
    return columns


def corners_and_size(boxes: Floats, where: Where) -> tuple[Floats, Floats]:
    """(n, 4) x0 y0 x1 y1 and (n, 2) width and height of (n, 4) x y width height, checked; reuses `boxes`."""
    where.refuse_coordinates(boxes, "bbox")
    where.refuse_negative(boxes[:, 2:], "bbox")
    size = boxes[:, 2:].copy(order="K")
    boxes[:, 2:] += boxes[:, :2]
    return boxes, size


def replaced(given: Floats | None, otherwise: Floats, where: Where, field: str) -> Floats:
    """(n, 2) the first two numbers of `given` where they are no NaN, else those of `otherwise`."""
    if given is None:
        return otherwise
    where.refuse_coordinates(given, field)
    return np.where(np.isnan(given[:, :1]), otherwise, given[:, :2])
