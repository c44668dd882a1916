"""COCO ground truth as flat columns: what scoring reads, at a million objects as at ten.

`bmbench.datasets.codecs.coco` reads the same files into samples, with every outline; this reader keeps
what matching needs and leaves the rest alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.files import read_bytes
from bmbench.core.types import Category, GroundTruth, Role
from bmbench.datasets.codecs.columns_of_rows import (
    RowNumbers,
    Where,
    centre_column,
    flags,
    id_column,
    number_table,
    refuse_repeats,
)
from bmbench.datasets.codecs.json_rows import check_every_key, check_outline, decode_json, pieces

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bmbench.core.types import Floats, ImageId, Ints
    from bmbench.datasets.codecs.json_rows import Columns

ARTEFACT_WORDS = ("artefact", "artifact")


class _File(msgspec.Struct):
    images: msgspec.Raw
    annotations: msgspec.Raw
    categories: msgspec.Raw


class _Image(msgspec.Struct):
    id: int | str
    group: str | int | None = None
    width: int | None = None
    height: int | None = None


class _Category(msgspec.Struct):
    id: int
    name: str = ""
    supercategory: str | None = None


class _Annotation(msgspec.Struct, gc=False):
    image_id: int | str
    category_id: int
    id: int | str | None = None
    bbox: tuple[float, float, float, float] | None = None
    area: float | None = None
    iscrowd: int | bool | None = None
    ignore: int | bool | None = None
    circle: tuple[float, float, float] | None = None
    center: tuple[float, float] | None = None


class _Outlined(_Annotation, gc=False):
    """For files in which the outline must serve as box."""

    segmentation: list[Any] | dict[str, Any] | None = None


class _OutlineNeeded(Exception):  # noqa: N818 - a signal between two functions here, no error
    pass


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Images:
    """The images of the file; width and height are 0 where they are not given."""

    ids: tuple[ImageId, ...]
    groups: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]


def read_ground_truth(path: Path) -> GroundTruth:
    """The annotations of a COCO file as flat columns, in the order of the file.

    `bbox` may be absent where a `segmentation`, a `circle` or (for matching by centres alone) a `center` is
    there; `iscrowd`, `ignore`, `area` and `id` may be absent.

    Raises
    ------
    BadInputError
        If the file is missing, is not such a file, or holds a value that cannot be one: with the file, the
        index and the remedy.
    """
    file = _outline(read_bytes(path), path)
    categories, images = _categories(bytes(file.categories), path), _images(bytes(file.images), path)
    annotations = bytes(file.annotations)
    del file
    reader = _Reader(path, images, categories)
    try:
        parts = reader.parts(annotations, _Annotation)
    except _OutlineNeeded:
        parts = reader.parts(annotations, _Outlined)
    refuse_repeats([part.pop("id") for part in parts], where=f"{path}, annotations")
    columns: dict[str, Any] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return GroundTruth(image_ids=images.ids, groups=images.groups, categories=categories, **columns)


class _Reader:
    """Turns records into columns, piece by piece."""

    def __init__(self, path: Path, images: _Images, categories: Sequence[Category]) -> None:
        self._path, self._images = path, images
        self._rows = RowNumbers(images.ids)
        self._labels = RowNumbers([category.id for category in categories])
        self._artefact = np.array([category.artefact for category in categories], bool)

    def parts(self, text: bytes, record: type[msgspec.Struct]) -> list[dict[str, Any]]:
        """The columns of `GroundTruth`, and `id`, piece by piece of the list of annotations."""
        return [
            self._part(columns, Where(self._path, "annotations", first))
            for first, columns in pieces(text, record, path=self._path, name="annotations")
        ]

    def _part(self, columns: Columns, where: Where) -> dict[str, Any]:
        n = len(columns["image_id"])
        image = self._rows.find(columns["image_id"], where, "image_id", known="an id listed in 'images'")
        label = self._labels.find(
            columns["category_id"], where, "category_id", known="an id listed in 'categories'"
        )
        corner, size = self._boxes(columns, image, where)
        box = np.concatenate([corner, corner + size], axis=1)
        region = flags(columns.get("iscrowd"), n, where, "iscrowd")
        ignore = flags(columns.get("ignore"), n, where, "ignore")
        role = np.where(self._artefact[label], int(Role.ARTEFACT), int(Role.CELL))
        role[region | ignore] = Role.IGNORE
        return {
            "id": id_column(columns.get("id") or [None] * n),
            "image": image,
            "label": label,
            "xy": centre_column(
                columns, "center", centre_column(columns, "circle", corner + size / 2, where), where
            ),
            "box": box,
            "size": size,
            "area": _areas(columns.get("area"), size, where),
            "role": role.astype(np.int64, copy=False),
            "region": region,
        }

    def _boxes(self, columns: Columns, image: Ints, where: Where) -> tuple[Floats, Floats]:
        """Corner and size of every box: `bbox`, else from the segmentation, the circle, the centre."""
        n = len(image)
        given = columns.get("bbox") or [None] * n
        if None in given:
            given = [
                self._derived(columns, row, int(image[row]), where) if box is None else box
                for row, box in enumerate(given)
            ]
        boxes = number_table(given, 4)
        where.refuse_coordinates(boxes, "bbox")
        where.refuse_negative(boxes[:, 2:], "bbox")
        return boxes[:, :2], boxes[:, 2:].copy()

    def _derived(
        self, columns: Columns, row: int, image: int, where: Where
    ) -> tuple[float, float, float, float]:
        from bmbench.datasets.codecs.coco_objects import Field, parse_object

        record = {
            name: values if isinstance(values, dict) else list(values)
            for name in ("segmentation", "circle", "center")
            if (values := columns[name][row] if name in columns else None)
        }
        if set(record) <= {"center"} and "segmentation" not in columns:
            raise _OutlineNeeded
        if set(record) == {"center"}:
            return (*record["center"], 0.0, 0.0)
        x0, y0, x1, y1 = parse_object(
            Field(record, where.place(row)), self._images.sizes[image], 0, artefact=False
        ).box.tolist()
        return x0, y0, x1 - x0, y1 - y0


def _outline(text: bytes, path: Path) -> _File:
    """The parts of the file, their insides not read yet."""
    if text.lstrip()[:1] == b"[":
        raise BadInputError(
            "a list, not a COCO data set",
            where=str(path),
            remedy="give the ground truth here",
        )
    file: _File = decode_json(text, _File, path=path)
    check_outline(text, file, path=path)
    return file


def _categories(text: bytes, path: Path) -> tuple[Category, ...]:
    records: list[_Category] = decode_json(text, list[_Category], path=path, name="categories")
    check_every_key(text, path=path, name="categories")
    refuse_repeats([id_column([record.id for record in records])], where=f"{path}, categories")
    if not records:
        raise BadInputError("no category", where=str(path), remedy="add one to 'categories'")
    return tuple(
        Category(
            id=record.id,
            name=record.name or str(record.id),
            artefact=(record.supercategory or "").lower() in ARTEFACT_WORDS,
        )
        for record in records
    )


def _images(text: bytes, path: Path) -> _Images:
    columns: dict[str, list[Any]] = {name: [] for name in _Image.__struct_fields__}
    for _, part in pieces(text, _Image, path=path, name="images"):
        for name, column in columns.items():
            column.extend(part.get(name) or [None] * len(part["id"]))
    refuse_repeats([id_column(columns["id"])], where=f"{path}, images")
    both = zip(columns["id"], columns["group"], strict=True)
    sizes = zip(columns["width"], columns["height"], strict=True)
    return _Images(
        ids=tuple(columns["id"]),
        groups=tuple(str(image_id if group is None else group) for image_id, group in both),
        sizes=tuple((width or 0, height or 0) for width, height in sizes),
    )


def _areas(values: list[float | None] | None, size: Floats, where: Where) -> Floats:
    box_area: Floats = size[:, 0] * size[:, 1]
    if values is None:
        return box_area
    if None in values:
        values = [box_area[row] if value is None else value for row, value in enumerate(values)]
    area = np.fromiter(values, np.float64, len(values))
    where.refuse(area < 0, "area", "negative area", "at least 0")
    return area
