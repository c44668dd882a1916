"""Checks of columns of records that no type of a single value can make."""

import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bmbench.core.errors import BadInputError
from bmbench.core.types import Bools, Floats, ImageId, Ints

FURTHEST_PX = 1e9
"""No coordinate is so large: beyond it, a billionth of a pixel is lost in rounding."""
Coordinate = Annotated[
    float, msgspec.Meta(ge=-FURTHEST_PX, le=FURTHEST_PX, title="a finite number of sensible size")
]

Whole = int | Annotated[float, msgspec.Meta(multiple_of=1, title="a whole number")]
"""Some programs write 3 as 3.0."""
Side = (
    Annotated[int, msgspec.Meta(le=int(FURTHEST_PX), title="a whole number of sensible size")]
    | Annotated[float, msgspec.Meta(multiple_of=1, le=FURTHEST_PX, title="a whole number of sensible size")]
)
"""Pixels along an image."""


def refuse(wrong: Bools, what: str, *, where: str, field: str = "", **words: Any) -> None:
    """Raise BadInputError for the first record of a list that is wrong.

    Parameters
    ----------
    wrong : (n,) bool
    where : str
        The file and the list.
    **words
        As `BadInputError` takes them; `got` may be the (n,) values, of which that of the record is shown.
    """
    if not wrong.any():
        return
    row = int(np.argmax(wrong))
    got = words.pop("got", "")
    if not isinstance(got, str):
        got = repr(got[row : row + 1].tolist()[0])
    words = {"remedy": "correct the value or leave the record out"} | words
    raise BadInputError(what, where=f"{where}[{row}]{field and f'.{field}'}", got=got, **words)


def id_column(ids: Sequence[Any]) -> NDArray[Any]:
    """(n,) int64 if all ids are whole numbers, else objects; None stands for no id."""
    whole = [int(value) if isinstance(value, float) else value for value in ids]
    with suppress(struct.error):
        # NumPy would take "3" for 3, which is another id.
        return np.frombuffer(struct.pack(f"={len(whole)}q", *whole), np.int64)
    return np.fromiter(whole, object, len(whole))


class RowNumbers:
    """Finds the row of each id among the known ones."""

    def __init__(self, ids: Sequence[ImageId]) -> None:
        self._row = {value: row for row, value in enumerate(ids)}
        numbers = id_column(ids)
        self._order = np.argsort(numbers) if numbers.dtype == np.int64 else None
        self._sorted = numbers[self._order] if self._order is not None else numbers

    def find(self, ids: NDArray[Any], *, where: str, field: str, **words: Any) -> Ints:
        """(n,) row of each id; BadInputError for the first that is not known."""
        rows = self.rows(ids)
        refuse(rows < 0, f"unknown {field}", where=where, got=ids, **words)
        return rows

    def rows(self, ids: NDArray[Any]) -> Ints:
        """(n,) row of each id, -1 of one that is not known."""
        if self._order is None or ids.dtype != np.int64 or not len(self._sorted):
            rows = np.fromiter((self._row.get(value, -1) for value in ids.tolist()), np.int64, len(ids))
        else:
            rows = self._numbered(ids) if self._dense(len(ids)) else self._sought(ids)
        return rows

    def _dense(self, asked: int) -> bool:
        """Whether a table of all numbers from the first id to the last is not much longer than the ids."""
        return int(self._sorted[-1]) - int(self._sorted[0]) <= 2 * (asked + len(self._sorted))

    def _numbered(self, ids: Ints) -> Ints:
        """(n,) rows from such a table: a tenth of the time of a search."""
        assert self._order is not None
        first, last = self._sorted[0], self._sorted[-1]
        table: Ints = np.full(int(last) - int(first) + 2, -1)
        table[self._sorted - first] = self._order
        # What lies outside finds the last entry, which is nobody's.
        place = np.where((ids >= first) & (ids <= last), ids - first, -1)
        rows: Ints = table[place]
        return rows

    def _sought(self, ids: Ints) -> Ints:
        assert self._order is not None
        place = np.minimum(np.searchsorted(self._sorted, ids), len(self._sorted) - 1)
        rows: Ints = np.where(self._sorted[place] == ids, self._order[place], -1)
        return rows


def refuse_repeats(ids: NDArray[Any], *, where: str) -> None:
    """Raise BadInputError if an id stands twice; None stands for no id."""
    again = np.zeros(len(ids), bool)
    if ids.dtype == np.int64:
        if (ids[1:] > ids[:-1]).all():
            return
        order = np.argsort(ids, kind="stable")
        again[order[1:]] = ids[order[1:]] == ids[order[:-1]]
    else:
        seen: set[Any] = {None}
        for row, value in enumerate(ids.tolist()):
            again[row] = value in seen and value is not None
            seen.add(value)
    refuse(again, "duplicate id", where=where, got=ids, remedy="give each its own id")


def boxes_of(columns: Mapping[str, Any], n: int) -> Floats:
    """(n, 4) the `bbox`, else the box of the `circle`, else the `center` without extent, else NaN."""
    boxes, circle, centre = columns["bbox"], columns.get("circle"), columns["center"]
    given: Floats = np.full((n, 4), np.nan) if boxes is None else boxes
    bare: Bools = np.isnan(given[:, 0])
    if centre is not None and bare.any():
        given[bare] = np.pad(centre[bare], ((0, 0), (0, 2)))
    if circle is not None:
        bare &= ~np.isnan(circle[:, 0])
        low, high = circle[bare, :2] - circle[bare, 2:], circle[bare, :2] + circle[bare, 2:]
        given[bare] = np.concatenate([low, high - low], axis=1)
    return given


def corners_and_size(boxes: Floats, *, where: str) -> tuple[Floats, Floats]:
    """(n, 4) x0 y0 x1 y1 and (n, 2) width and height of (n, 4) x y width height, checked; reuses `boxes`."""
    negative: Bools = (boxes[:, 2] < 0) | (boxes[:, 3] < 0)
    expected = "[x, y, width, height], width and height not below 0"
    refuse(negative, "box with a negative size", where=where, field="bbox", expected=expected, got=boxes)
    size = boxes[:, 2:].copy(order="K")
    boxes[:, 2:] += boxes[:, :2]
    if len(boxes) > 1 and (boxes[0] <= 1).all() and are_shares(boxes) and (size > 0).all():
        raise shares_error(where)
    return boxes, size


def are_shares(corners: Floats) -> bool:
    """Whether all of (n, 4) corners lie between 0 and 1, and not all on 0 and 1."""
    return bool((corners >= 0).all() and (corners <= 1).all() and (corners % 1 != 0).any())


def shares_error(where: str) -> BadInputError:
    """The error for coordinates that are shares of the images' sides."""
    return BadInputError(
        "all coordinates lie between 0 and 1",
        where=where,
        expected="pixels, not shares of the image's sides",
        remedy="multiply by the images' width and height, or write YOLO text",
    )


def replaced(given: Floats | None, otherwise: Floats) -> Floats:
    """(n, 2) the first two numbers of `given` where they are no NaN, else those of `otherwise`."""
    if given is None:
        return otherwise
    return np.where(np.isnan(given[:, :1]), otherwise, given[:, :2])
