"""COCO ground truth as flat columns: what scoring reads, at a million objects as at ten.

`bmbench.datasets.formats.coco.samples` reads the same files into samples, with every outline; this one keeps
what matching needs and leaves the rest alone.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.files import read_bytes
from bmbench.core.types import Category, GroundTruth, Role
from bmbench.datasets.formats.artefact_words import is_artefact_kind
from bmbench.datasets.reading.json_rows import (
    BOM,
    Layout,
    check_every_key,
    decode_json,
    pieces,
)
from bmbench.datasets.reading.row_columns import (
    RowNumbers,
    Where,
    corners_and_size,
    flags,
    id_column,
    joined,
    number_table,
    numbers_or_none,
    refuse_repeats,
    replaced,
)
from bmbench.datasets.reading.top_level import decode_around, decode_outermost

if TYPE_CHECKING:
    from pathlib import Path

    from bmbench.core.types import Floats, ImageId
    from bmbench.datasets.reading.json_rows import Columns


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


_IMAGES = Layout(
    record=_Image,
    columns={
        "id": lambda rows: [row.id for row in rows],
        "group": lambda rows: [row.group for row in rows],
        "width": lambda rows: [row.width for row in rows],
        "height": lambda rows: [row.height for row in rows],
    },
)
_ANNOTATIONS = Layout(
    record=_Annotation,
    columns={
        "image_id": lambda rows: [row.image_id for row in rows],
        "category_id": lambda rows: [row.category_id for row in rows],
        "id": lambda rows: [row.id for row in rows],
        "bbox": lambda rows: [row.bbox for row in rows],
        "area": lambda rows: [row.area for row in rows],
        "iscrowd": lambda rows: [row.iscrowd for row in rows],
        "ignore": lambda rows: [row.ignore for row in rows],
        "circle": lambda rows: [row.circle for row in rows],
        "center": lambda rows: [row.center for row in rows],
    },
    numbers={
        **dict.fromkeys(("image_id", "category_id", "id", "iscrowd", "ignore"), ("q", 0)),
        "area": ("d", 0),
        "bbox": ("d", 4),
        "circle": ("d", 3),
        "center": ("d", 2),
    },
    needed=frozenset({"bbox"}),
)
_OUTLINED = Layout(
    record=_Outlined,
    columns={**_ANNOTATIONS.columns, "segmentation": lambda rows: [row.segmentation for row in rows]},
)


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
    text = read_bytes(path).removeprefix(BOM)
    if text[:64].lstrip()[:1] == b"[":
        raise BadInputError(
            "a list, not a COCO data set", where=str(path), remedy="give the ground truth here"
        )
    reader, parts = _read(text, path)
    del text
    images, columns = reader.images, reader.table(parts)
    return GroundTruth(image_ids=images.ids, groups=images.groups, categories=reader.categories, **columns)


def _read(text: bytes, path: Path) -> tuple[_Reader, list[dict[str, Any]]]:
    """Arrays of the fields of all annotations, piece by piece, and what makes columns of them."""
    # Where a fault is, and whether there is one, the whole file tells.
    with suppress(BadInputError):
        file = decode_around(text, _File, name="annotations", key="image_id", path=path)
        if file:
            return _read_parts(file, path)
    return _read_parts(decode_outermost(text, _File, path=path), path)


def _read_parts(file: _File, path: Path) -> tuple[_Reader, list[dict[str, Any]]]:
    categories = _categories(bytes(file.categories), path)
    reader = _Reader(path, _images(file.images, path), categories)
    try:
        return reader, reader.parts(memoryview(file.annotations), _ANNOTATIONS)
    except _OutlineNeeded:
        return reader, reader.parts(memoryview(file.annotations), _OUTLINED)


class _Reader:
    """Turns records into columns: plain arrays piece by piece, everything else on whole columns."""

    def __init__(self, path: Path, images: _Images, categories: tuple[Category, ...]) -> None:
        self._path, self.images, self.categories = path, images, categories
        self._rows = RowNumbers(images.ids)
        self._labels = RowNumbers([category.id for category in categories])
        self._artefact = np.array([category.artefact for category in categories], bool)
        self._outlined = False

    def parts(self, text: memoryview, layout: Layout) -> list[dict[str, Any]]:
        """Arrays of the fields of the records, piece by piece of the list of annotations."""
        self._outlined = layout is _OUTLINED
        return [
            self._part(columns, Where(self._path, "annotations", first))
            for first, columns in pieces(text, layout, path=self._path, name="annotations")
        ]

    def _part(self, columns: Columns, where: Where) -> dict[str, Any]:
        n = len(columns["image_id"])
        boxes = columns.get("bbox", [None] * n)
        if not isinstance(boxes, np.ndarray) and None in boxes:
            boxes = [
                self._derived(columns, row, where) if box is None else box for row, box in enumerate(boxes)
            ]
        return {
            "image_id": id_column(columns["image_id"]),
            "category_id": id_column(columns["category_id"]),
            "id": id_column(columns.get("id", [None] * n)),
            "box": number_table(boxes, 4),
            "area": numbers_or_none(columns.get("area"), 1),
            "circle": numbers_or_none(columns.get("circle"), 3),
            "center": numbers_or_none(columns.get("center"), 2),
            "region": flags(columns.get("iscrowd"), n, where, "iscrowd"),
            "ignore": flags(columns.get("ignore"), n, where, "ignore"),
        }

    def table(self, parts: list[dict[str, Any]]) -> dict[str, Any]:
        """The columns of `GroundTruth`; empties `parts`."""
        where = Where(self._path, "annotations", 0)
        columns = joined(parts)
        refuse_repeats(columns["id"], where=f"{self._path}, annotations")
        image = self._rows.find(columns["image_id"], where, "image_id", known="an id listed in 'images'")
        label = self._labels.find(
            columns["category_id"], where, "category_id", known="an id listed in 'categories'"
        )
        box, size = corners_and_size(columns["box"], where)
        region = columns["region"]
        role = np.where(self._artefact[label], int(Role.ARTEFACT), int(Role.CELL))
        role[region | columns["ignore"]] = Role.IGNORE
        xy = replaced(columns["circle"], box[:, :2] + size / 2, where, "circle")
        return {
            "image": image,
            "label": label,
            "xy": replaced(columns["center"], xy, where, "center"),
            "box": box,
            "size": size,
            "area": _areas(columns["area"], size, where),
            "role": role.astype(np.int64, copy=False),
            "region": region,
        }

    def _derived(self, columns: Columns, row: int, where: Where) -> tuple[float, float, float, float]:
        """The box of a record without one: from the segmentation, the circle, the centre."""
        from bmbench.datasets.formats.coco.objects import Field, parse_object

        record = {
            name: values if isinstance(values, dict) else list(values)
            for name in ("segmentation", "circle", "center")
            if (values := columns[name][row] if name in columns else None)
        }
        if set(record) <= {"center"} and not self._outlined:
            raise _OutlineNeeded
        if set(record) == {"center"}:
            return (*record["center"], 0.0, 0.0)
        image = self._rows.find([columns["image_id"][row]], where, "image_id", known="an id in 'images'")[0]
        field = Field(record, where.place(row))
        x0, y0, x1, y1 = parse_object(field, self.images.sizes[image], 0, artefact=False).box.tolist()
        return x0, y0, x1 - x0, y1 - y0


def _categories(text: bytes, path: Path) -> tuple[Category, ...]:
    records: list[_Category] = decode_json(text, list[_Category], path=path, name="categories")
    check_every_key(text, path=path, name="categories")
    refuse_repeats(id_column([record.id for record in records]), where=f"{path}, categories")
    if not records:
        raise BadInputError("no category", where=str(path), remedy="add one to 'categories'")
    return tuple(
        Category(
            id=record.id,
            name=record.name or str(record.id),
            artefact=is_artefact_kind(record.supercategory or ""),
        )
        for record in records
    )


def _images(text: msgspec.Raw, path: Path) -> _Images:
    columns: dict[str, list[Any]] = {name: [] for name in _Image.__struct_fields__}
    for _, part in pieces(memoryview(text), _IMAGES, path=path, name="images"):
        for name, column in columns.items():
            column.extend(part.get(name) or [None] * len(part["id"]))
    refuse_repeats(id_column(columns["id"]), where=f"{path}, images")
    both = zip(columns["id"], columns["group"], strict=True)
    sizes = zip(columns["width"], columns["height"], strict=True)
    return _Images(
        ids=tuple(columns["id"]),
        groups=tuple(str(image_id if group is None else group) for image_id, group in both),
        sizes=tuple((width or 0, height or 0) for width, height in sizes),
    )


def _areas(given: Floats | None, size: Floats, where: Where) -> Floats:
    """(n,) the stated area, that of the box where none is stated."""
    of_box: Floats = size[:, 0] * size[:, 1]
    if given is None:
        return of_box
    area: Floats = np.where(np.isnan(given[:, 0]), of_box, given[:, 0])
    where.refuse(area < 0, "area", "negative area", "at least 0")
    return area
