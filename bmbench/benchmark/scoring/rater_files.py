"""Several raters' files of the same images, brought onto the images and classes of the first."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.types import Bools, Category, GroundTruth, Ints, Predictions
from bmbench.datasets.formats.coco.columns import read_ground_truth
from bmbench.datasets.reading.image_names import nearest
from bmbench.datasets.reading.near_misses import how_meant, shown

if TYPE_CHECKING:
    from bmbench.core.artefacts import Declared
    from bmbench.metrics.protocol import Protocol

_Table = TypeVar("_Table", GroundTruth, Predictions)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rater:
    """One rater's annotations on the images and categories of the first one; `has`: which images they saw."""

    name: str
    truth: GroundTruth
    has: Bools


def read_raters(
    first: GroundTruth, truth: Path, others: Sequence[Path], *, protocol: Protocol, declared: Declared | None
) -> tuple[Rater, ...]:
    """The rater of the ground truth, and those of the other files on its images and categories.

    Images are the same by their file names where both files have them, else by their ids; classes by name.

    Raises
    ------
    BadInputError
        If a file is given twice, shares no image with the first, means several images by one name, or has
        other classes where classes are scored by themselves.
    """
    paths = [truth, *others]
    for path in others:
        if sum(path.resolve() == other.resolve() for other in paths) > 1:
            raise BadInputError("a rater is given twice", where=str(path), remedy="give each file once")
    short = [path.name for path in paths]
    names = short if len(set(short)) == len(short) else [str(path) for path in paths]
    raters = [Rater(name=names[0], truth=first, has=np.ones(len(first.image_ids), bool))]
    categories = list(first.categories)
    for name, path in zip(names[1:], others, strict=True):
        own = read_ground_truth(path, outlines=protocol.outlines)
        own = own if declared is None else declared.truth(own, where=str(path))
        label = _classes(own, categories, where=str(path), per_class=protocol.per_class)
        raters.append(_as_of_first(name, own, first, label, where=str(path)))
    every = tuple(categories)
    return tuple(
        dataclasses.replace(one, truth=dataclasses.replace(one.truth, categories=every)) for one in raters
    )


def _as_of_first(name: str, own: GroundTruth, first: GroundTruth, label: Ints, *, where: str) -> Rater:
    """The rater on the images of the first; `label`: the new row of each of their own classes."""
    row = _rows_in_first(own, first, where=where)
    known = row >= 0
    if not known.any():
        raise BadInputError(
            "a rater without any image of the ground truth",
            where=where,
            expected=f"the same images, by file name or id, as {shown(first.names or first.image_ids)}",
            got=shown(own.names or own.image_ids),
            remedy=how_meant(
                own.names or own.image_ids, first.image_ids, first.names or (), owner="the truth"
            )
            or "check that the two files belong together",
        )
    has = np.zeros(len(first.image_ids), bool)
    has[row[known]] = True
    kept = known[own.image]
    columns: dict[str, Any] = {
        name: None if (value := getattr(own, name)) is None else value[kept]
        for name in ("xy", "box", "role", "region", "size", "area")
    }
    outline = None if own.outline is None else tuple(own.outline[row] for row in np.flatnonzero(kept))
    columns["outline"] = outline
    truth = dataclasses.replace(
        first, **columns, image=row[own.image[kept]], label=label[own.label[kept]], categories=own.categories
    )
    return Rater(name=name, truth=truth, has=has)


def _rows_in_first(own: GroundTruth, first: GroundTruth, *, where: str) -> Ints:
    """(images of `own`,) row of the same image in the first file; -1 where it has none."""
    if own.names is None or first.names is None:
        place = {image_id: row for row, image_id in enumerate(first.image_ids)}
        return np.array([place.get(image_id, -1) for image_id in own.image_ids], np.int64)
    found = nearest(own.names, first.names)
    for name, rows in zip(own.names, found, strict=True):
        if len(rows) > 1:
            raise BadInputError(
                "a file name that several images may be",
                where=where,
                got=name,
                remedy="write names with their folders",
            )
    rows = [some[0] if some else -1 for some in found]
    taken = [row for row in rows if row >= 0]
    if len(set(taken)) < len(taken):
        raise BadInputError("two images that are one image of the ground truth", where=where)
    return np.array(rows, np.int64)


def _classes(own: GroundTruth, categories: list[Category], *, where: str, per_class: bool) -> Ints:
    """The row of each of the rater's classes among those known so far, to which new ones are added."""
    rows, first = [], tuple(categories)
    for number, one in enumerate(own.categories):
        same = [row for row, other in enumerate(categories) if other.name == one.name]
        if same and categories[same[0]].artefact != one.artefact:
            raise BadInputError(
                f"class {one.name!r} is of artefacts to one rater and of cells to another",
                where=where,
                remedy="say which: --artefact NAME or --cell NAME",
            )
        if not same and per_class and not one.artefact and np.any(own.label == number):
            raise BadInputError(
                f"class {one.name!r} is unknown to the raters before",
                where=where,
                expected=", ".join(category.name for category in first),
                remedy="give all raters the same classes, or leave --per-class out",
            )
        if not same:
            categories.append(one)
        rows.append(same[0] if same else len(categories) - 1)
    return np.array(rows, np.int64)


_OF_IMAGES = ("image_ids", "groups", "names", "numbers")
_OF_OBJECTS = ("image", "xy", "box", "label", "role", "region", "size", "area", "confidence")


def on_images(table: _Table, images: Bools) -> _Table:
    """What lies on these images alone, (m,) bool; they are numbered anew."""
    if images.all():
        return table
    rows, kept = np.flatnonzero(images).tolist(), images[table.image]
    changed: dict[str, Any] = {
        name: value[kept] for name in _OF_OBJECTS if (value := getattr(table, name, None)) is not None
    }
    if table.outline is not None:
        changed["outline"] = tuple(table.outline[row] for row in np.flatnonzero(kept))
    changed["image"] = (np.cumsum(images) - 1)[table.image[kept]]
    if isinstance(table, GroundTruth):
        for name in _OF_IMAGES:
            value = getattr(table, name)
            changed[name] = None if value is None else tuple(value[row] for row in rows)
        for name in ("image_mm2", "um_per_px"):
            value = getattr(table, name)
            changed[name] = None if value is None else value[images]
    return dataclasses.replace(table, **changed)
