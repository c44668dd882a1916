"""The pixels of separate objects as lists, and objects laid under each other in one small map.

Of a map of four million pixels most belong to no object, and what NumPy is asked for one object after the
other costs more than the numbers themselves.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, starmap
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bmbench.core.types import Bools, Floats, Ints

V = TypeVar("V", bound=np.generic)
MOST_PX = 1600
"""Up to here `edge_distance` is exact; a map's height and width together."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledPixels:
    """The pixels of n objects, one object after the other in the order of their labels, each row by row.

    Attributes
    ----------
    place : (m,) int64
        Of each pixel, counted along the rows of the image.
    ends : (n + 1,) int64
        Object i has the pixels from ``ends[i]`` to before ``ends[i + 1]``.
    shape : (height, width)
        Of the image.
    """

    place: Ints
    ends: Ints
    shape: tuple[int, int]

    @classmethod
    def of(cls, labels: NDArray[np.integer]) -> "LabelledPixels":
        """Of (h, w) labels from 1; labels that no pixel has are left out."""
        place = np.flatnonzero(labels > 0)
        return cls.at(place, labels.ravel()[place], labels.shape)

    @classmethod
    def at(cls, place: Ints, label: NDArray[np.integer], shape: tuple[int, ...]) -> "LabelledPixels":
        """Of (m,) rising places and their labels, from 1."""
        # NumPy sorts numbers as short as that by counting.
        short = label.astype(np.uint16) if label.max(initial=0) < 1 << 16 else label
        order = np.argsort(short, kind="stable")
        firsts = np.flatnonzero(np.diff(label[order].astype(np.int64), prepend=0))
        height, width = shape
        return cls(place=place[order], ends=np.append(firsts, len(place)), shape=(height, width))

    def __len__(self) -> int:
        return len(self.ends) - 1

    @property
    def slices(self) -> list[slice]:
        """The pixels of each object."""
        return list(starmap(slice, pairwise(self.ends.tolist())))

    @property
    def counts(self) -> Ints:
        """(n,) pixels of each object."""
        return np.diff(self.ends)

    def pixels(self, part: slice) -> slice:
        """The pixels of some objects that follow each other."""
        return slice(int(self.ends[part.start]), int(self.ends[part.stop]))

    def owner(self, part: slice = slice(None)) -> Ints:
        """The number of the object of each pixel, of some objects that follow each other, from 0."""
        counts = self.counts[part]
        return np.repeat(np.arange(len(counts)), counts)

    def take(self, kept: Sequence[int]) -> "LabelledPixels":
        """Some of the objects."""
        slices = self.slices
        parts = [self.place[slices[i]] for i in kept]
        ends = np.cumsum([0, *map(len, parts)])
        return LabelledPixels(
            place=np.concatenate([*parts, np.zeros(0, np.int64)]), ends=ends, shape=self.shape
        )

    def by_side(self, axis: int) -> tuple["LabelledPixels", Ints, Ints]:
        """The objects, low ones (axis 0) or narrow ones (1) first, their boxes, and (n,) where each stood.

        Laid in a row in this order they leave little empty ground.
        """
        boxes = self.boxes()
        order = np.argsort(boxes[:, axis + 2] - boxes[:, axis], kind="stable")
        return self.take(order.tolist()), boxes[order], order

    def of_map(self, values: NDArray[V]) -> NDArray[V]:
        """(m, …) what an (h, w, …) map says of each pixel."""
        return values[np.divmod(self.place, self.shape[1])]

    def largest(self, values: NDArray[V]) -> NDArray[V]:
        """(n,) the largest of (m,) values in each object."""
        return np.maximum.reduceat(values, self.ends[:-1]) if len(self) else values[:0]

    def sums(self, values: NDArray[np.floating]) -> Floats:
        """(n,) the sums of (m,) values, each added up as `mean` does."""
        return np.array([np.add.reduce(values[pixels], dtype=np.float64) for pixels in self.slices])

    def centres(self) -> Floats:
        """(n, 2) x, y of the centroids."""
        down, right = np.divmod(self.place, self.shape[1])
        sums = [np.bincount(self.owner(), at, minlength=len(self)) for at in (right, down)]
        centres: Floats = np.stack(sums, axis=1) / self.counts[:, None] + 0.5
        return centres

    def boxes(self) -> Ints:
        """(n, 4) the first row and column of each object, and those after its last."""
        if not len(self):
            return np.zeros((0, 4), np.int64)
        down, right = np.divmod(self.place, self.shape[1])
        firsts = self.ends[:-1]
        low = [np.minimum.reduceat(at, firsts) for at in (down, right)]
        return np.stack([*low, *(np.maximum.reduceat(at, firsts) + 1 for at in (down, right))], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stack:
    """Some objects that follow each other, laid under each other with a margin around each.

    Attributes
    ----------
    part : slice
        Which of the objects.
    row : (k + 1,) int64
        Where the rows of each begin, its margin's first.
    before : (2,) int64
        Rows above and columns left of each, of its margin.
    place : (p,) int64
        Of each of their pixels, counted along the rows of the map.
    shape : (rows, columns)
        Of the map.
    """

    part: slice
    row: Ints
    before: Ints
    place: Ints
    shape: tuple[int, int]


def stacks(objects: LabelledPixels, boxes: Ints, margin: Ints, *, beyond: int) -> Iterator[Stack]:
    """All objects with these boxes, with margins of (n,) px and more, in maps up to `MOST_PX` if they fit.

    The margin of one that has a map for itself ends `beyond` pixels outside of the image.
    """
    for part in exact_parts(boxes[:, 2:] - boxes[:, :2], margin):
        before = after = np.full(2, margin[part].max())
        if part.stop - part.start == 1:
            before = np.minimum(before, boxes[part.start, :2] + beyond)
            after = np.minimum(after, objects.shape - boxes[part.start, 2:] + beyond)
        yield _stack(objects, boxes, part, before, after)


def exact_parts(sides: Ints, margin: Ints) -> Iterator[slice]:
    """Of objects with these (n, 2) heights and widths those that fit into one map of `MOST_PX`."""

    def fit(some: slice) -> Bools:
        around = 2 * np.maximum.accumulate(margin[some])
        rows = np.cumsum(sides[some, 0]) + np.arange(1, len(around) + 1) * around
        fits: Bools = rows + np.maximum.accumulate(sides[some, 1]) + around <= MOST_PX
        return fits

    return parts_that(fit, len(sides))


def parts_that(fit: Callable[[slice], Bools], n: int) -> Iterator[slice]:
    """Slices of n objects that fit, one at least each; `fit` says of some whether the first 1, 2, … do."""
    first = 0
    while first < n:
        fits = fit(slice(first, first + MOST_PX))
        end = first + max(1, len(fits) if fits.all() else int(np.argmin(fits)))
        yield slice(first, end)
        first = end


def _stack(objects: LabelledPixels, boxes: Ints, part: slice, before: Ints, after: Ints) -> Stack:
    top, left, bottom, right = boxes[part].T
    row = np.append(0, np.cumsum(bottom - top + before[0] + after[0]))
    columns = int((right - left).max() + before[1] + after[1])
    y, x = np.divmod(objects.place[objects.pixels(part)], objects.shape[1])
    moved = (row[:-1] + before[0] - top) * columns + before[1] - left
    place = y * columns + x + moved[objects.owner(part)]
    return Stack(part=part, row=row, before=before, place=place, shape=(int(row[-1]), columns))
