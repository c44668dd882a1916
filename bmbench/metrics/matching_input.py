"""What takes part in matching, taken out of the tables once: each kind of object by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmbench.core.types import Bools, Floats, GroundTruth, Ints, Predictions, Rings, Role
from bmbench.metrics.tally import by_descending_score


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ObjectColumns:
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
    radius : (n,) float64, pixels, or None
        Matching limit of each object between centres, where it is not one for all.
    outline : tuple of n Rings, or None
        Where outlines are matched; ``()`` of an object without one.
    """

    row: Ints
    image: Ints
    x: Floats
    y: Floats
    box: tuple[Floats, Floats, Floats, Floats]
    size: tuple[Floats, Floats]
    radius: Floats | None = None
    outline: tuple[Rings, ...] | None = None

    def __len__(self) -> int:
        return len(self.row)

    @classmethod
    def of(cls, table: GroundTruth | Predictions, mask: Bools, radius: Floats | None = None) -> ObjectColumns:
        """The objects of a table under a mask; `radius` of every row of the table."""
        index = np.flatnonzero(mask)
        every = len(index) == len(mask)

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
            radius=None if radius is None else column(radius),
            outline=None if table.outline is None else tuple(table.outline[row] for row in index.tolist()),
        )

    def take(self, rows: Ints | Bools) -> ObjectColumns:
        """The objects of these rows (indices or a mask)."""
        return ObjectColumns(
            row=self.row[rows],
            image=self.image[rows],
            x=self.x[rows],
            y=self.y[rows],
            box=(self.box[0][rows], self.box[1][rows], self.box[2][rows], self.box[3][rows]),
            size=(self.size[0][rows], self.size[1][rows]),
            radius=None if self.radius is None else self.radius[rows],
            outline=self._outlines(rows),
        )

    def _outlines(self, rows: Ints | Bools) -> tuple[Rings, ...] | None:
        if self.outline is None:
            return None
        return tuple(self.outline[row] for row in np.arange(len(self))[rows].tolist())

    def position(self, rows: Ints) -> tuple[Floats, ...]:
        """The facts of these objects that settle ties, the weightiest first: centre, then box."""
        return (self.x[rows], self.y[rows], *(side[rows] for side in self.box))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MatchingInput:
    """The objects of a whole set of images that matter when one class is scored.

    Attributes
    ----------
    predictions, score
        The predictions that are scored, and their confidence.
    order
        Their rows by descending confidence, equal ones in the order they have.
    cells
        What they must find.
    all_cells
        The cells of every class.
    ignored, regions, artefacts
        Annotations that are no cells.
    as_artefacts, artefact_score
        The predictions of artefact categories, and their confidence.
    """

    predictions: ObjectColumns
    score: Floats
    order: Ints
    cells: ObjectColumns
    all_cells: ObjectColumns
    ignored: ObjectColumns
    regions: ObjectColumns
    artefacts: ObjectColumns
    as_artefacts: ObjectColumns
    artefact_score: Floats


def matching_input(
    truth: GroundTruth,
    predictions: Predictions,
    *,
    label: int | None = None,
    most: int | None = None,
    radius: Floats | None = None,
) -> MatchingInput:
    """The objects of one category (`label`, a row of the categories), or of all cells as one class (None).

    `most` is how many predictions of one image count, the most confident first; None: all. `radius` is
    that of every annotation (`bmbench.metrics.radii`), where it is not one for all.
    """
    of_artefact = artefact_mask(truth)[predictions.label]
    asked = ~of_artefact if label is None else predictions.label == label
    subjects = ObjectColumns.of(predictions, asked)
    if most is not None:
        kept = _most_confident(subjects, predictions.confidence[subjects.row], most)
        subjects = subjects.take(kept)
    is_cell, ignored = truth.role == Role.CELL, truth.role == Role.IGNORE

    def annotated(mask: Bools) -> ObjectColumns:
        return ObjectColumns.of(truth, mask, radius)

    all_cells, score = annotated(is_cell), predictions.confidence[subjects.row]
    return MatchingInput(
        predictions=subjects,
        score=score,
        order=by_descending_score(score),
        cells=all_cells if label is None else annotated(is_cell & (truth.label == label)),
        all_cells=all_cells,
        ignored=annotated(ignored & ~truth.region),
        regions=ObjectColumns.of(truth, ignored & truth.region),
        artefacts=annotated(truth.role == Role.ARTEFACT),
        as_artefacts=ObjectColumns.of(predictions, of_artefact),
        artefact_score=predictions.confidence[of_artefact],
    )


def artefact_mask(truth: GroundTruth) -> Bools:
    """(c,) mask of the categories that are artefacts."""
    return np.array([category.artefact for category in truth.categories], bool)


def scored_labels(truth: GroundTruth, *, per_class: bool) -> list[int | None]:
    """Rows of the cell categories, by their id; or None alone for all of them as one."""
    rows = [row for row, category in enumerate(truth.categories) if not category.artefact]
    rows.sort(key=lambda row: truth.categories[row].id)
    return list(rows) if per_class and rows else [None]


def _most_confident(predictions: ObjectColumns, score: Floats, most: int) -> Ints:
    """Rows of the `most` best scored predictions of every image; ties by position."""
    everyone = np.arange(len(score))
    keys = (*predictions.position(everyone)[::-1], -score, predictions.image)
    order = np.lexsort(keys)
    image = predictions.image[order]
    place = everyone - np.searchsorted(image, image)
    return np.sort(order[place < most])
