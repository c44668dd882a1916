"""What a network shall find in a patch, and of what it learns nothing.

Shapes are boxes (n, 4) or circles (n, 3). A box ends at the patch's edge, as an annotation ends at its
image's; a circle goes on, since a piece of a circle is none. Of a cell of which hardly anything is visible,
and of an ignored object, nothing is learned: neither that it is a cell nor that it is background.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmbench.adapters.detection.labels import labels_of
from bmbench.adapters.detection.merging.overlaps import area, bounding_box
from bmbench.adapters.images.working_scale import TrainingImage
from bmbench.core.geometry import circle_box, rectangle, rings_mask
from bmbench.core.objects import moved, with_regions
from bmbench.core.types import Annotations, Bools, Floats, Ints, Rings, Role

LEAST_VISIBLE = 0.25
"""Share of a box that must be visible to be learned; of a circle, whose centre counts, see `_visible`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Targets:
    """The objects of one patch, in its pixels.

    Attributes
    ----------
    shapes : (n, 4) or (n, 3) float64
    label : (n,) int64
        As `bmbench.adapters.detection.labels.labels_of` has them.
    ignored : (m, 4) or (m, 3) float64
        Objects of which nothing is learned.
    regions : (k, 4) float64
        Boxes of ignored regions: nothing is learned from an anchor whose middle lies in one.
    outlines : tuple of n Rings
    """

    shapes: Floats
    label: Ints
    ignored: Floats
    regions: Floats
    outlines: tuple[Rings, ...]


def shapes_of(annotations: Annotations, *, circles: bool, weak_shrink: float) -> Floats:
    """(n, 4) boxes or (n, 3) circles of all objects.

    An outline, or a box alone, gives its box, or the circle around the box's centre with its mean side; a
    weak circle is made smaller by `weak_shrink` first, and gives itself, or its box.
    """
    weak = (annotations.circle[:, 2] > 0) & np.array([not rings for rings in annotations.contour], bool)
    circle = annotations.circle * (1, 1, 1 - weak_shrink)
    box = np.where(weak[:, None], circle_box(circle), annotations.box)
    if not circles:
        return box
    sides = (box[:, 2:] - box[:, :2]).mean(axis=1) / 2
    round_box = np.column_stack([(box[:, :2] + box[:, 2:]) / 2, sides])
    shapes: Floats = np.where(weak[:, None], circle, round_box)
    return shapes


def are_points(annotated: Sequence[Annotations]) -> bool:
    """Whether all cells of these images are circles of one radius: points that somebody gave a size."""
    cells = [one.take(one.role == Role.CELL) for one in annotated]
    radius = np.concatenate([one.circle[:, 2] for one in cells])
    outlined = any(rings for one in cells for rings in one.contour)
    # Whoever draws several circles by hand draws no two alike.
    alike = len(radius) > 1 and radius.min() > 0 and float(np.ptp(radius)) < 1e-6 * float(radius.max())
    return bool(alike) and not outlined


def targets_of(
    annotations: Annotations, side: int, *, circles: bool, weak_shrink: float, cells: int = 1
) -> Targets:
    """The targets of a (side, side) patch, with that many labels of cells."""
    whole = shapes_of(annotations, circles=circles, weak_shrink=weak_shrink)
    shown = whole if circles else np.clip(whole, 0, side)
    visible = _visible(whole, shown, side)
    inside = area(np.clip(bounding_box(whole), 0, side)) > 0
    learned = visible & inside & (annotations.role != Role.IGNORE) & ~annotations.region
    ignored = inside & ~learned & ~annotations.region
    return Targets(
        shapes=shown[learned],
        label=labels_of(annotations, cells)[learned],
        ignored=shown[ignored],
        regions=annotations.box[annotations.region],
        outlines=tuple(annotations.contour[row] for row in np.flatnonzero(learned)),
    )


def masks_of(outlines: tuple[Rings, ...], side: int) -> NDArray[np.uint8]:
    """(n, side, side) 1 where a pixel's centre lies inside the outline (even-odd), else 0."""
    masks = [
        rings_mask(rings, side, side) if rings else np.zeros((side, side), np.uint8) for rings in outlines
    ]
    return np.array(masks, np.uint8).reshape(-1, side, side)


def cut_patch(whole: TrainingImage, row: int, column: int, side: int) -> TrainingImage:
    """The (side, side) part of an image from a row and a column on; mirrored beyond the image's edge.

    What the mirror shows is an ignored region: its cells are not annotated.
    """
    height, width = whole.image.shape[:2]
    image = whole.image[row : row + side, column : column + side]
    missing = (side - image.shape[0], side - image.shape[1])
    image = np.pad(image, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
    annotations = moved(whole.annotations, np.array([-column, -row], float))
    edge = [rectangle(0, height - row, side, side)] if missing[0] else []
    edge += [rectangle(width - column, 0, side, side)] if missing[1] else []
    return TrainingImage(image=image, annotations=with_regions(annotations, edge))


def _visible(whole: Floats, shown: Floats, side: int) -> Bools:
    """(n,) whether enough of each object lies in the patch: of a circle, its centre."""
    if whole.shape[1] == 3:
        inside: Bools = np.all((whole[:, :2] >= 0) & (whole[:, :2] <= side), axis=1)
        return inside
    enough: Bools = area(shown) >= LEAST_VISIBLE * np.maximum(area(whole), 1e-9)
    return enough
