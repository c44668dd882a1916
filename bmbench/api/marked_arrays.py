"""Annotations in memory, as the records of a COCO file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bmbench.api import columns as given
from bmbench.core.errors import BadInputError
from bmbench.core.geometry import circle_box, rings_box
from bmbench.core.types import Category, Floats, ImageId, Rings, is_artefact_name


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarkedPlaces:
    """Where objects are, as a COCO file says it; None where nothing was given."""

    xy: Floats | None
    box: Floats | None
    radius: Floats | None
    contour: tuple[Rings, ...] | None

    @classmethod
    def of(cls, found: Mapping[str, Any], n: int) -> MarkedPlaces:
        """From columns of n objects, checked; BadInputError for an object without a place or a radius."""
        radius, contour = found["radius"], found["contour"]
        if isinstance(radius, int | float):
            radius = np.full(n, float(radius))
        if radius is not None:
            radius = given.numbers(radius, "radius")
            if (radius <= 0).any():
                row = int(np.argmax(radius <= 0))
                got = f"{radius[row]:g}"
                raise BadInputError("no radius", where=f"radius[{row}]", expected="more than 0 px", got=got)
        rings = None if contour is None else given.outlines(contour, "contour")
        if rings is not None and found["xy"] is None and found["box"] is None and not all(rings):
            row = [bool(one) for one in rings].index(False)
            raise BadInputError("an object without a place", where=f"contour[{row}]", remedy="give xy or box")
        return cls(
            xy=None if found["xy"] is None else given.numbers(found["xy"], "xy", 2),
            box=None if found["box"] is None else given.boxes(found["box"], "box"),
            radius=radius,
            contour=rings,
        )

    def records(self, ignore: Any) -> list[dict[str, Any]]:
        """One annotation an object, without id, image and class."""
        n = len(next(part for part in (self.xy, self.box, self.contour) if part is not None))
        ignored = [False] * n if ignore is None else [bool(value) for value in np.asarray(ignore).tolist()]
        return [self._record(row) | ({"ignore": 1} if ignored[row] else {}) for row in range(n)]

    def _record(self, row: int) -> dict[str, Any]:
        record: dict[str, Any] = {}
        rings = () if self.contour is None else self.contour[row]
        box = None if self.box is None else self.box[row]
        centre = None if self.xy is None else self.xy[row]
        if rings:
            record["segmentation"] = [ring.ravel().tolist() for ring in rings]
            box = rings_box(rings) if box is None else box
        middle = centre if box is None or centre is not None else (box[:2] + box[2:]) / 2
        if self.radius is not None and middle is not None:
            circle = np.append(middle, self.radius[row])
            record["circle"] = circle.tolist()
            box = circle_box(circle[None])[0] if box is None else box
        if box is not None:
            record["bbox"] = [*box[:2].tolist(), *(box[2:] - box[:2]).tolist()]
        if centre is not None:
            record["center"] = centre.tolist()
        return record


def classes_of(named: Any, n: int) -> tuple[list[Category], list[int]]:
    """The classes in the order of their first use, and the id of that of each object."""
    single = named is None or isinstance(named, str | int)
    texts = [str(named or "cell")] * n
    if not single:
        texts = [str(one) for one in given.identities(named, "category")]
    names = list(dict.fromkeys(texts)) or ["cell"]
    categories = [
        Category(id=number, name=name, artefact=is_artefact_name(name))
        for number, name in enumerate(names, start=1)
    ]
    number = {category.name: category.id for category in categories}
    return categories, [number[text] for text in texts]


def groups_of(group: Any, images: Sequence[ImageId]) -> dict[ImageId, str]:
    """The group of each image that has one."""
    if group is None:
        return {}
    if isinstance(group, Mapping):
        unknown = [image for image in group if image not in images]
        if unknown:
            raise BadInputError("a group of an unknown image", where="group", got=repr(unknown[0]))
        return {image: str(name) for image, name in group.items()}
    given.same_length("images", len(images), group=group)
    return {image: str(name) for image, name in zip(images, group, strict=True)}
