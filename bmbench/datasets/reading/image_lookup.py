"""Which image of a set a prediction means: the one look-up of every command that reads answers.

An answer names its image by the set's id or, as Ultralytics does, by the file's name or its stem (as a
number, where it is one). Which of these a file means is decided for all of it together: a number that is the
id of one image and the name of another must not be taken for either without a word.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmbench.core.types import Bools, ImageId, Ints
from bmbench.datasets.reading.image_names import composed, nearest, spellings
from bmbench.datasets.reading.near_misses import how_meant, shown
from bmbench.datasets.reading.record_checks import RowNumbers, refuse

UNKNOWN, SEVERAL = -1, -2


class ImageLookup:
    """The images of a set, found by what answers call them.

    Parameters
    ----------
    ids : sequence of ImageId
    names : sequence of str, optional
        Their file names.
    numbers : sequence of ImageId, optional
        Further ids, those of a COCO file that keeps others as ``source_id``.
    """

    def __init__(
        self, ids: Sequence[ImageId], *, names: Sequence[str] = (), numbers: Sequence[ImageId] = ()
    ) -> None:
        self._ids, self._names = tuple(ids), tuple(names)
        self._by_id: dict[Any, int] = {number: row for row, number in enumerate(numbers)}
        self._by_id |= {value: row for row, value in enumerate(ids)}
        self._rows = None if numbers else RowNumbers(self._ids)

    @cached_property
    def _by_name(self) -> dict[Any, set[int]]:
        """The rows of what names may be called, made where ids do not say it all."""
        rows: dict[Any, set[int]] = defaultdict(set)
        for row, name in enumerate(self._names):
            for key in _keys(name):
                rows[key].add(row)
        return rows

    def find(
        self,
        values: NDArray[Any],
        files: NDArray[Any] | None = None,
        *,
        where: str,
        field: str = "image_id",
        certain: bool = False,
    ) -> Ints:
        """(n,) row of the image that each answer means.

        Parameters
        ----------
        values : (n,) int64 or objects
            What answers call their images.
        files : (n,) objects, optional
            The ``file_name`` beside, None where there is none.
        certain : bool
            Whether the form of the file says that they are ids, as long as all are.

        Raises
        ------
        BadInputError
            If one means no image of the set, or several; if all of them are ids and names of other images
            too; if an id and a file name contradict each other.
        """
        if self._rows is not None and values.dtype == np.int64:
            rows = self._rows.rows(values)
        else:
            rows = np.fromiter((self._by_id.get(value, UNKNOWN) for value in values.tolist()), np.int64)
        if (rows < 0).any():
            rows = self._by_names(values, rows, where, field)
        elif not certain and files is None:
            self._refuse_two_meanings(values, where, field)
        if files is not None:
            rows = self._with_files(rows, values, files, where, field)
        remedy = "write the truth's ids, or names with their folders"
        refuse(rows == SEVERAL, f"{field} that several images may be", where=where, got=values, remedy=remedy)
        self._refuse_unknown(rows < 0, values, where, field)
        return rows

    def of_files(self, paths: Sequence[str]) -> list[list[int]]:
        """The rows of the images whose names fit each path best; see `nearest`."""
        return nearest(paths, self._names)

    def _of_name(self, value: Any) -> int:
        found = self._by_name.get(value, set())
        if not found and isinstance(value, int):
            found = self._by_name.get(str(value), set())
        if not found and isinstance(value, str):
            found = next((self._by_name[one] for one in spellings(value) if one in self._by_name), set())
        if not found and isinstance(value, str):
            found = set(nearest([value], self._names)[0])
        if not found:
            return UNKNOWN
        return min(found) if len(found) == 1 else SEVERAL

    def _by_names(self, values: NDArray[Any], rows: Ints, where: str, field: str) -> Ints:
        """The rows where not all are ids: all by name, or those that are no ids, if nothing is both."""
        known = {value: self._of_name(value) for value in dict.fromkeys(values.tolist())}
        named = np.fromiter((known[value] for value in values.tolist()), np.int64, len(values))
        if (named >= 0).all():
            return named
        both = (rows >= 0) & (named >= 0) & (rows != named)
        refuse(
            both & (rows != named).any(),
            f"{field} that is the id of one image and the name of another",
            where=where,
            got=values,
            remedy="call all images by id, or all by name",
        )
        return np.where(rows >= 0, rows, named)

    def _with_files(
        self, rows: Ints, values: NDArray[Any], files: NDArray[Any], where: str, field: str
    ) -> Ints:
        """The rows, with those of the file names where the id says nothing; a contradiction is refused."""
        known = {name: self._of_name(name) for name in dict.fromkeys(files.tolist()) if name is not None}
        by_file = np.fromiter((known.get(name, UNKNOWN) for name in files.tolist()), np.int64, len(files))
        apart = (rows >= 0) & (by_file >= 0) & (rows != by_file)
        if apart.any():
            first = int(np.argmax(apart))
            own, name = values[first : first + 1].tolist()[0], self._names[rows[first]]
            refuse(
                apart,
                "an image id and a file name that contradict each other",
                where=where,
                field=field,
                got=f"{own!r}, which is {name!r} there, and {files[first]!r}",
                remedy="write the truth's ids, or the file names alone, as image_id",
            )
        return np.where(rows >= 0, rows, by_file)

    def _refuse_unknown(self, unknown: Bools, values: NDArray[Any], where: str, field: str) -> None:
        """Nothing, unless one means no image; says what all would fit, and takes them for nothing."""
        if not unknown.any():
            return
        every = list(dict.fromkeys(values.tolist()))
        named = [name for name in self._names if name not in self._by_id]
        expected = f"an image of the ground truth: an id, as {shown(self._ids)}"
        expected += f", a file name or stem, as {shown(named, 1)}" if named else ", a file name or stem"
        got = repr(values[unknown].tolist()[0])
        refuse(
            unknown,
            f"unknown {field}",
            where=where,
            expected=expected,
            got=f"{got} among {shown(every)}" if len(every) > 1 else got,
            remedy=how_meant(every, self._ids, self._names, owner="the truth")
            or "check that the two files belong together",
        )

    def _refuse_two_meanings(self, values: NDArray[Any], where: str, field: str) -> None:
        """Nothing, unless all values are ids of images and names too, and of other ones."""
        whole = values.dtype == np.int64
        if whole and all(self._by_id.get(number, row) == row for number, row in self._numbered()):
            return
        both = {
            value: (self._by_id[value], min(rows))
            for value, rows in self._by_name.items()
            if value in self._by_id and len(rows) == 1
        }
        if all(row == other for row, other in both.values()):
            return
        there = np.unique(values).tolist() if whole else list(dict.fromkeys(values.tolist()))
        apart = [value for value in there if value in both and both[value][0] != both[value][1]]
        if not apart or not all(value in both for value in there):
            return
        row, other = both[apart[0]]
        refuse(
            np.asarray(values == apart[0], bool),
            f"{field} that is the id of {self._names[row]!r} and the name of {self._names[other]!r}",
            where=where,
            got=values,
            remedy='say which: add "file_name" to each detection, or wrap the list of ids with "images"',
        )

    def _numbered(self) -> Iterator[tuple[int, int]]:
        """The numbers that names are, with the rows of their images."""
        for row, name in enumerate(self._names):
            stem = _stem(composed(name))[0]
            if stem.isascii() and stem.isdecimal():
                yield int(stem), row


def _keys(name: str) -> set[Any]:
    """What an answer may call the image of this file: its name, with folders or not, its stem, a number."""
    name = composed(name)
    stem, path = _stem(name)
    keys: set[Any] = {name, stem}
    if path is not None:
        keys |= {str(path), path.name, str(path.with_suffix(""))}
    if stem.isascii() and stem.isdecimal():
        keys.add(int(stem))
    return keys


def _stem(name: str) -> tuple[str, PurePosixPath | None]:
    """A file's name without folders and ending; and its path, where that is more than a plain name."""
    stem, dot, ending = name.rpartition(".")
    if "/" in name or "\\" in name or name[:1] == "." or (dot and not ending):
        path = PurePosixPath(name.replace("\\", "/"))
        return path.stem, path
    # Most names are plain; splitting a thousand of them as paths takes longer than matching their cells.
    return stem if dot else name, None
