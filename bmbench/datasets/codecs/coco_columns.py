"""COCO ground truth as flat columns: what scoring reads, at a million objects as at ten.

`bmbench.datasets.codecs.coco` reads the same files into samples, with every outline; this reader keeps
what matching needs and leaves the rest alone.
"""

from __future__ import annotations

import json
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

    from bmbench.core.types import Floats, Ints
    from bmbench.datasets.codecs.json_rows import Columns

ARTEFACT_WORDS = ("artefact", "artifact")


class _File(msgspec.Struct):
    images: msgspec.Raw
    annotations: msgspec.Raw
    categories: msgspec.Raw


class _Image(msgspec.Struct):
    id: int | str
    group: str | int | None = None
    width: int = 0
    height: int = 0


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
    segmentation: msgspec.Raw = msgspec.Raw()


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
    parts = [
        reader.part(columns, first)
        for first, columns in pieces(annotations, _Annotation, path=path, name="annotations")
    ]
    refuse_repeats([part.pop("id") for part in parts], where=f"{path}, annotations")
    columns: dict[str, Any] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return GroundTruth(
        image_ids=tuple(image.id for image in images),
        groups=tuple(str(image.id if image.group is None else image.group) for image in images),
        categories=categories,
        **columns,
    )


class _Reader:
    """Turns records into columns, piece by piece."""

    def __init__(self, path: Path, images: Sequence[_Image], categories: Sequence[Category]) -> None:
        self._path, self._images, self._categories = path, images, categories
        self._rows = RowNumbers([image.id for image in images])
        self._labels = RowNumbers([category.id for category in categories])
        self._artefact = np.array([category.artefact for category in categories], bool)

    def part(self, columns: Columns, first: int) -> dict[str, Any]:
        """The columns of `GroundTruth`, and `id`, of some records; the first of them is number `first`."""
        where = Where(self._path, "annotations", first)
        image = self._rows.find(columns["image_id"], where, "image_id", known="an id listed in 'images'")
        label = self._labels.find(
            columns["category_id"], where, "category_id", known="an id listed in 'categories'"
        )
        corner, size = self._boxes(columns, image, label, where)
        box = np.concatenate([corner, corner + size], axis=1)
        region, ignore = (
            flags(columns["iscrowd"], where, "iscrowd"),
            flags(columns["ignore"], where, "ignore"),
        )
        role = np.where(self._artefact[label], int(Role.ARTEFACT), int(Role.CELL))
        role[region | ignore] = Role.IGNORE
        return {
            "id": id_column(columns["id"]),
            "image": image,
            "label": label,
            "xy": centre_column(
                columns, "center", centre_column(columns, "circle", corner + size / 2, where), where
            ),
            "box": box,
            "size": size,
            "area": _areas(columns["area"], size, where),
            "role": role.astype(np.int64, copy=False),
            "region": region,
        }

    def _boxes(self, columns: Columns, image: Ints, label: Ints, where: Where) -> tuple[Floats, Floats]:
        """Corner and size of every box: `bbox`, else from the segmentation, the circle, the centre."""
        given = columns["bbox"]
        if None in given:
            given = [
                self._derived(columns, row, image[row], label[row], where) if box is None else box
                for row, box in enumerate(given)
            ]
        boxes = number_table(given, 4)
        where.refuse_coordinates(boxes, "bbox")
        where.refuse(
            (boxes[:, 2:] < 0).any(axis=1), "bbox", "box with a negative size", "[x, y, width, height]"
        )
        return boxes[:, :2], boxes[:, 2:].copy()

    def _derived(
        self, columns: Columns, row: int, image: int, label: int, where: Where
    ) -> tuple[float, float, float, float]:
        from bmbench.datasets.codecs.coco_objects import Field, parse_object

        record = {key: columns[key][row] for key in ("circle", "center") if columns[key][row] is not None}
        record = {key: list(values) for key, values in record.items()}
        outline = bytes(columns["segmentation"][row])
        if outline:
            record["segmentation"] = json.loads(outline)
        if set(record) == {"center"}:
            return (*record["center"], 0.0, 0.0)
        size = self._images[image].width, self._images[image].height
        field = Field(record, where.place(row))
        x0, y0, x1, y1 = parse_object(field, size, label, artefact=False).box
        return float(x0), float(y0), float(x1 - x0), float(y1 - y0)


def _outline(text: bytes, path: Path) -> _File:
    """The parts of the file, their insides not read yet."""
    if text.lstrip()[:1] == b"[":
        raise BadInputError(
            "a list, not a COCO data set",
            where=str(path),
            remedy="give the ground truth, not the predictions",
        )
    file: _File = decode_json(text, _File, path=path)
    check_outline(text, _File, path=path)
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


def _images(text: bytes, path: Path) -> list[_Image]:
    records: list[_Image] = decode_json(text, list[_Image], path=path, name="images")
    check_every_key(text, path=path, name="images")
    refuse_repeats([id_column([record.id for record in records])], where=f"{path}, images")
    return records


def _areas(values: list[float | None], size: Floats, where: Where) -> Floats:
    box_area = size[:, 0] * size[:, 1]
    if None in values:
        values = [box_area[row] if value is None else value for row, value in enumerate(values)]
    area = np.fromiter(values, np.float64, len(values))
    where.refuse(area < 0, "area", "negative area", "at least 0")
    return area
