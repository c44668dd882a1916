"""The columns that matching reads, taken out of the flat tables once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bmbench.core.types import Role

if TYPE_CHECKING:
    from bmbench.core.types import Bools, Floats, GroundTruth, Ints, Predictions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Objects:
    """Some objects of a set of images, one contiguous column a fact; row i of each is object i.

    Attributes
    ----------
    row : (n,) int64
        Row in the table that they come from.
    image : (n,) int64
        Row of the set's `image_ids`.
    x, y : (n,) float64, pixels
        Centre.
    box : four (n,) float64 columns x0, y0, x1, y1, pixels
    size : two (n,) float64 columns, width and height, pixels
    """

    row: Ints
    image: Ints
    x: Floats
    y: Floats
    box: tuple[Floats, Floats, Floats, Floats]
    size: tuple[Floats, Floats]

    def __len__(self) -> int:
        return len(self.row)

    @classmethod
    def of(cls, table: GroundTruth | Predictions, rows: Ints | Bools) -> Objects:
        """The objects of these rows (indices or a mask) of a table."""
        index = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64, copy=False)
        every = len(index) == len(table.image) and bool((index == np.arange(len(index))).all())

        def column(values: Floats) -> Floats:
            return np.ascontiguousarray(values if every else values[index])

        box = tuple(column(table.box[:, side]) for side in range(4))
        if table.size is None:
            size = (box[2] - box[0], box[3] - box[1])
        else:
            size = (column(table.size[:, 0]), column(table.size[:, 1]))
        return cls(
            row=index,
            image=table.image if every else table.image[index],
            x=column(table.xy[:, 0]),
            y=column(table.xy[:, 1]),
            box=(box[0], box[1], box[2], box[3]),
            size=size,
        )

    def take(self, rows: Ints | Bools | slice) -> Objects:
        """The objects of these rows (indices, a mask, or a part of the record as it stands)."""
        return Objects(
            row=self.row[rows],
            image=self.image[rows],
            x=self.x[rows],
            y=self.y[rows],
            box=(self.box[0][rows], self.box[1][rows], self.box[2][rows], self.box[3][rows]),
            size=(self.size[0][rows], self.size[1][rows]),
        )

    def position(self, rows: Ints) -> tuple[Floats, ...]:
        """The facts of these objects that settle ties, the weightiest first: centre, then box."""
        return (self.x[rows], self.y[rows], *(side[rows] for side in self.box))


def cell_rows(truth: GroundTruth) -> Bools:
    """(n,) mask of the annotations that must be found."""
    mask: Bools = truth.role == Role.CELL
    return mask


def artefact_labels(truth: GroundTruth) -> Bools:
    """(c,) mask of the categories that are artefacts."""
    return np.array([category.artefact for category in truth.categories], bool)
