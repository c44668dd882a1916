"""One annotation record of a COCO file, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.geometry import rings_box
from bmbench.core.types import Role
from bmbench.datasets.formats.masks import decode_rle, mask_rings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bmbench.core.types import Floats, ImageId, Rings

T = TypeVar("T")
_LIMIT = 1e12
"""No coordinate is so large; beyond it, sums and squares lose their sense before they become infinite."""


@dataclass(frozen=True, slots=True)
class Field:
    """A JSON object of the file and where it stands, for errors that name the place."""

    value: dict[str, Any]
    where: str

    def __contains__(self, name: str) -> bool:
        return name in self.value

    def wrong(self, what: str, *, name: str = "", expected: str = "", got: str = "") -> BadInputError:
        """The error to raise about this record, or its member `name`."""
        return BadInputError(
            what, where=f"{self.where}.{name}" if name else self.where, expected=expected, got=got
        )

    def records(self, name: str) -> list[Field]:
        """The objects of the list `name`."""
        items = self.value[name]
        if not isinstance(items, list):
            raise self.wrong(f"{name!r} is not a list")
        fields = [Field(item, f"{self.where}, {name}[{number}]") for number, item in enumerate(items)]
        for field in fields:
            if not isinstance(field.value, dict):
                raise field.wrong("not an object", got=_short(field.value))
        return fields

    def whole(self, name: str) -> int:
        """The whole number `name`."""
        value = self.value.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong("not a whole number", name=name, got=_short(value))
        return value

    def text(self, name: str) -> str:
        """The text `name`, not empty."""
        value = self.value.get(name)
        if not isinstance(value, str) or not value:
            raise self.wrong("not a text", name=name, got=_short(value))
        return value

    def image_id(self, name: str) -> ImageId:
        """The image id `name`: a whole number or a text."""
        value = self.value.get(name)
        if isinstance(value, str) and value:
            return value
        return self.whole(name)

    def word(self, name: str, words: Mapping[str, T]) -> T:
        """What the text `name` stands for."""
        value = self.value[name]
        if not isinstance(value, str) or value not in words:
            raise self.wrong("unknown value", name=name, expected=" or ".join(words), got=_short(value))
        return words[value]

    def above_zero(self, name: str) -> float:
        """The number `name`, above 0."""
        value = self.numbers(name, self.value[name], 1)[0] if _number(self.value[name]) else 0.0
        if value <= 0:
            raise self.wrong("not a number above 0", name=name, got=_short(self.value[name]))
        return value

    def flag(self, name: str) -> bool:
        """The member `name`, 0 or 1 (false or true); False where it is absent."""
        value = self.value.get(name, 0)
        if value not in (0, 1):
            raise self.wrong("not 0 or 1", name=name, got=_short(value))
        return bool(value)

    def numbers(self, name: str, value: Any, count: int = 0) -> Floats:
        """(n,) a list of finite numbers, `count` of them if that is not 0."""
        items = value if isinstance(value, list) else [value]
        for item in items:
            if not _number(item):
                raise self.wrong("not a finite number of sensible size", name=name, got=_short(item))
        if count and len(items) != count:
            raise self.wrong("wrong length", name=name, expected=f"{count} numbers", got=f"{len(items)}")
        return np.array(items, np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Object:
    """One annotated object, as a row of `Annotations`."""

    xy: Floats
    box: Floats
    circle: Floats
    contour: Rings
    label: int
    role: Role
    region: bool


def parse_object(record: Field, size: tuple[int, int], label: int, *, artefact: bool) -> Object:
    """The object of an annotation record on an image of `size` (width, height).

    The box is `bbox`, else that of the segmentation, else that of the circle, else the point `center`; the
    centre is `center`, else the circle's, else that of the box. An object is an artefact if its category is
    one, and to be ignored if `ignore` or `iscrowd` says so.

    Raises
    ------
    BadInputError
        If a geometry is not one, or there is none.
    """
    circle = _circle(record)
    contour = _contour(record, size)
    centre = None
    if record.value.get("center") is not None:
        centre = record.numbers("center", record.value["center"], 2)
    box = _box(record, circle, contour, centre)
    region = record.flag("iscrowd")
    xy = circle[:2] if circle[2] > 0 else (box[:2] + box[2:]) / 2
    if centre is not None:
        xy = centre
    role = Role.ARTEFACT if artefact else Role.CELL
    if region or record.flag("ignore"):
        role = Role.IGNORE
    return Object(xy=xy, box=box, circle=circle, contour=contour, label=label, role=role, region=region)


def _circle(record: Field) -> Floats:
    if record.value.get("circle") is None:
        return np.zeros(3)
    circle = record.numbers("circle", record.value["circle"], 3)
    if circle[2] <= 0:
        raise record.wrong("circle without extent", name="circle", got=f"radius {circle[2]:g}")
    return circle


def _box(record: Field, circle: Floats, contour: Rings, centre: Floats | None) -> Floats:
    if record.value.get("bbox") is not None:
        box = record.numbers("bbox", record.value["bbox"], 4)
        if (box[2:] < 0).any():
            raise record.wrong(
                "box with a negative size", name="bbox", got=f"width {box[2]:g}, height {box[3]:g}"
            )
        return np.concatenate([box[:2], box[:2] + box[2:]])
    if contour:
        return rings_box(contour)
    if circle[2] > 0:
        return np.concatenate([circle[:2] - circle[2], circle[:2] + circle[2]])
    if centre is not None:
        return np.tile(centre, 2)
    expected = "a bbox, a segmentation, a circle [x, y, radius] or a center [x, y]"
    raise record.wrong("object without a place", expected=expected)


def _contour(record: Field, size: tuple[int, int]) -> Rings:
    value = record.value.get("segmentation")
    if not value:
        return ()
    if isinstance(value, dict):
        return _run_lengths(record, value, size)
    if not isinstance(value, list) or not all(isinstance(part, list) for part in value):
        raise record.wrong(
            "not a segmentation", name="segmentation", expected="a list of polygons or run lengths"
        )
    rings = []
    for part in value:
        numbers = record.numbers("segmentation", part)
        if len(numbers) < 6 or len(numbers) % 2:
            raise record.wrong(
                "not a polygon",
                name="segmentation",
                expected="x, y of three corners or more",
                got=_short(part),
            )
        rings.append(numbers.reshape(-1, 2))
    return tuple(rings)


def _run_lengths(record: Field, value: dict[str, Any], size: tuple[int, int]) -> Rings:
    if value.get("size") != [size[1], size[0]]:
        raise record.wrong(
            "mask of another size than the image",
            name="segmentation.size",
            expected=f"[{size[1]}, {size[0]}]",
            got=_short(value.get("size")),
        )
    counts = value.get("counts")
    if not isinstance(counts, str):
        counts = [int(number) for number in record.numbers("segmentation.counts", counts)]
    try:
        mask, origin = decode_rle(counts, size[1], size[0])
    except ValueError as error:
        raise record.wrong("not a run-length mask", name="segmentation.counts", got=str(error)) from None
    return mask_rings(mask, origin)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LIMIT < value < _LIMIT


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
