"""What people have in memory, as checked columns; each refusal is one sentence that names the argument."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bmbench.core.errors import BadInputError
from bmbench.core.numerals import numeral
from bmbench.core.types import Category, Floats, ImageId, Rings
from bmbench.datasets.reading.record_checks import FURTHEST_PX

Array: TypeAlias = Any
"""What `numpy.asarray` takes: lists, tuples, arrays of any type of number, tensors, columns of a frame."""


def numbers(values: Array, name: str, width: int = 1) -> Floats:
    """(n, width) or, for a width of 1, (n,) float64.

    Raises
    ------
    BadInputError
        If they are no finite numbers of a sensible size, or not of that shape.
    """
    expected = "one number each" if width == 1 else f"{width} numbers each"
    try:
        plain = _plain(values)
        held = np.asarray(plain)
        if held.dtype.kind in "OU":
            for value in held.ravel().tolist():
                numeral(value)
        array = np.asarray(plain, np.float64)
    except (TypeError, ValueError) as error:
        got = str(error).partition(". ")[0]
        raise BadInputError("not a column of numbers", where=name, expected=expected, got=got) from None
    if array.size == 0:
        array = np.zeros((0, width))
    if width == 1 and array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if width > 1 and array.shape == (width,):
        raise BadInputError(
            "one object instead of a list of them", where=name, expected=f"shape (n, {width})",
            got=f"{array.shape}", remedy="put it into a list",
        )  # fmt: skip
    shape = (len(array),) if width == 1 else (len(array), width)
    if width == 1 and array.shape == (0, 1):
        array = array[:, 0]
    if array.shape != shape:
        words = "(n,)" if width == 1 else f"(n, {width})"
        raise BadInputError("another shape", where=name, expected=f"shape {words}", got=f"{array.shape}")
    wrong = ~(np.abs(array) <= FURTHEST_PX)
    if wrong.any():
        row = int(np.argmax(wrong.reshape(len(array), -1).any(axis=1)))
        raise BadInputError(
            "not a finite number of sensible size", where=f"{name}[{row}]", got=str(array[row].tolist()),
            remedy="leave that object out",
        )  # fmt: skip
    return array


def rows(values: Array, name: str) -> Floats:
    """(n, k) float64 of any width; (0, 2) where there are none."""
    array = _plain(values)
    if isinstance(array, str) or not hasattr(array, "__len__"):
        expected, got = "numbers, a row an object", type(values).__name__
        raise BadInputError("not an array of one image", where=name, expected=expected, got=got)
    if len(array) == 0:
        return np.zeros((0, 2))
    return numbers(array, name, len(array[0]) if np.ndim(array[0]) else 1).reshape(len(array), -1)


def confidences(values: Array, name: str) -> Floats:
    """(n,) float64, each from 0 to 1."""
    found = numbers(values, name)
    wrong = ~((found >= 0) & (found <= 1))
    if wrong.any():
        row = int(np.argmax(wrong))
        got, per_cent = f"{found[row]:g}", found.max() > 1 and found.max() <= 100
        remedy = "divide per cent by 100" if per_cent else "bring scores to the range from 0 to 1 first"
        expected = "a number from 0 to 1"
        raise BadInputError(
            "not a confidence", where=f"{name}[{row}]", expected=expected, got=got, remedy=remedy
        )
    return found


def boxes(values: Array, name: str) -> Floats:
    """(n, 4) float64, x0 y0 x1 y1."""
    found = numbers(values, name, 4)
    wrong = (found[:, 2:] < found[:, :2]).any(axis=1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise BadInputError(
            "a box that ends before it starts",
            where=f"{name}[{row}]",
            expected="x0 y0 x1 y1, in pixels",
            got=str(found[row].tolist()),
            remedy="turn x y width height into x0 y0 x1 y1",
        )
    return found


def identities(values: Any, name: str) -> tuple[ImageId, ...]:
    """Ids or names of images, of classes: whole numbers and texts; a path stands for its name."""
    if isinstance(values, str | Path) or not isinstance(values, Iterable):
        raise BadInputError("one value instead of one for each object", where=name, got=repr(values))
    return tuple(identity(value, f"{name}[{row}]") for row, value in enumerate(_plain(values)))


def identity(value: Any, where: str) -> ImageId:
    """One id: a whole number or a text."""
    if isinstance(value, str):
        return value
    if isinstance(value, Path):
        return value.name
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
        raise BadInputError("not an id", where=where, expected="a whole number or a text", got=repr(value))
    if value != int(value):
        raise BadInputError("not an id", where=where, expected="a whole number or a text", got=repr(value))
    return int(value)


def same_length(name: str, n: int, **columns: Any) -> None:
    """Nothing, or a BadInputError that names the column that is not as long as the one called `name`."""
    for other, column in columns.items():
        if len(column) != n:
            raise BadInputError(
                "another number of values", where=other, expected=f"{n}, as many as in {name}",
                got=str(len(column)),
            )  # fmt: skip


def by_object(
    columns: Mapping[str, Any], image: Any, *, base: str
) -> tuple[dict[str, Any], tuple[ImageId, ...], tuple[ImageId, ...]]:
    """The columns with one value an object; the image of each object; all images that are named.

    Parameters
    ----------
    columns : name → column or None
        Arrays of all objects, or lists with one array for each image; a single value holds for all.
    image : ids, or None
        One for each object, or where the columns are by image one for each of those; None: 0, 1, 2 …
    base : str
        The column that says which of the two it is, and how many objects there are.
    """
    values = _plain(columns[base])
    # Outlines may have several rings, which looks the same as several outlines of one image.
    if base == "contour" or not is_by_image(values):
        n = len(values)
        single = image is None or isinstance(image, str | Path | int)
        named = (identity(image or 0, "image"),) * n if single else identities(image, "image")
        same_length(base, n, image=named, **_long(columns))
        return dict(columns), named, tuple(dict.fromkeys(named))
    counts = [len(_plain(part)) for part in values]
    images = tuple(range(len(counts))) if image is None else identities(image, "image")
    same_length(base, len(counts), image=images, **_long(columns))
    flat = dict(columns)
    for name, column in _long(columns).items():
        for row, (part, count) in enumerate(zip(column, counts, strict=True)):
            if np.ndim(_plain(part)) == 0 and not isinstance(part, Sequence):
                expected = f"one list for each image, as in {base}"
                raise BadInputError("a single value", where=f"{name}[{row}]", expected=expected)
            same_length(f"{base}[{row}]", count, **{f"{name}[{row}]": _plain(part)})
        flat[name] = [value for part in column for value in _plain(part)]
    return flat, tuple(images[row] for row, count in enumerate(counts) for _ in range(count)), images


def is_by_image(values: Any) -> bool:
    """Whether a column is a list with one array for each image, instead of one array for all of them."""
    if not isinstance(values, list | tuple) or not values:
        return False
    parts = [_plain(part) for part in values]
    if any(np.ndim(part) == 0 and not isinstance(part, Sequence) for part in parts):
        return False
    return all(len(part) == 0 or np.ndim(_plain(part[0])) > 0 for part in parts)


def _long(columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that hold one value for each object or image, not one for all."""
    return {
        name: column
        for name, column in columns.items()
        if column is not None and not isinstance(column, str | Path | int | float)
    }


def outlines(values: Any, name: str) -> tuple[Rings, ...]:
    """One outline an object: (k, 2) corners, or a list of such rings; None where it has none."""
    return tuple(_rings(value, f"{name}[{row}]") for row, value in enumerate(values))


def _rings(value: Any, where: str) -> Rings:
    if value is None or not len(value):
        return ()
    parts = value if np.ndim(value[0]) == 2 else [value]
    rings = tuple(numbers(ring, where, 2) for ring in parts)
    if min(map(len, rings)) < 3:
        raise BadInputError("not an outline", where=where, expected="three corners or more")
    return rings


def _plain(values: Any) -> Any:
    """A tensor on any device, or a column of a frame, as an array; everything else as it is."""
    if isinstance(values, Mapping):
        raise BadInputError("a mapping instead of a list", got=type(values).__name__)
    if hasattr(values, "detach"):
        return values.detach().cpu().numpy()
    return values.to_numpy() if hasattr(values, "to_numpy") else values


def places(xy: Any, box: Any) -> tuple[Floats, Floats]:
    """(n, 2) centres and (n, 4) boxes from either: the middle of a box, or a box without extent."""
    corners = None if box is None else boxes(box, "box")
    if xy is None and corners is not None:
        return (corners[:, :2] + corners[:, 2:]) / 2, corners
    centre = numbers(xy, "xy", 2)
    return centre, np.tile(centre, 2) if corners is None else corners


def category_ids(named: NDArray[Any], categories: Sequence[Category]) -> list[int]:
    """The id of each class that is given by id, by name, or (None) as the first class of cells.

    Raises
    ------
    BadInputError
        For a name that no category has.
    """
    by_name = {category.name: category.id for category in categories}
    cells = [category.id for category in categories if not category.artefact] or [1]
    known, kinds = {category.id for category in categories}, set(named.tolist())
    # One class on both sides: whatever number or name the detector's library has for it.
    alone = cells[0] if len(cells) == 1 and len(kinds) == 1 else None
    table: dict[Any, int] = {None: cells[0]}
    for kind in kinds - {None}:
        found = by_name.get(kind) if isinstance(kind, str) else kind
        if found not in known and known and alone is not None:
            found = alone
        if found is None:
            raise BadInputError(
                f"no class {kind!r} in the ground truth", where="category", expected=", ".join(by_name),
                remedy="name the classes as the ground truth does",
            )  # fmt: skip
        table[kind] = found
    return [table[kind] for kind in named.tolist()]
