"""COCO JSON, the canonical form on disk: every geometry of every object, both ways.

Beyond plain COCO, an annotation may carry ``circle: [x, y, radius]``, ``center: [x, y]`` and
``ignore: 0 | 1``; an image ``group`` (patient or slide), ``split`` (its subset) and ``um_per_px``; a
category the supercategory ``cell`` or ``artefact``. ``iscrowd: 1`` marks an ignored region.

The polygons of an object are united, which fills its holes. An outline with holes that runs along pixel
edges, as one from a mask does, is therefore written in run lengths. Others are written as one polygon per
ring: bmbench reads them as they were (even-odd), other programs fill them, and `convert` says so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.core.dataset import SUBSETS, Subset
from bmbench.core.errors import BadInputError
from bmbench.core.files import read_json, write_text
from bmbench.core.geometry import ring_area, rings_area
from bmbench.core.types import Annotations, Category, ImageId, Role, Sample
from bmbench.datasets.formats.artefact_words import is_artefact_kind
from bmbench.datasets.formats.coco.objects import Field, parse_object
from bmbench.datasets.formats.masks import encode_rle
from bmbench.datasets.reading.images import SUFFIXES, read_rgb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bmbench.core.types import Floats, Rings
    from bmbench.datasets.formats.coco.objects import Object

DIGITS = 6
"""Decimal places of written coordinates; rounding makes a second writing give the same bytes."""
_SUBSET_WORDS: dict[str, Subset] = {**{subset: subset for subset in SUBSETS}, "val": "validation"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CocoFile:
    """What a COCO file says.

    Attributes
    ----------
    samples : tuple of Sample
        In the order of the file's image records; their pixels are read on `load`.
    categories : tuple of Category
        In the order of the file; what `label` points into.
    subsets : image id → Subset
        For the images whose record names their subset.
    """

    samples: tuple[Sample, ...]
    categories: tuple[Category, ...]
    subsets: Mapping[ImageId, Subset]


def read_coco(path: Path, *, images: Path | None = None) -> CocoFile:
    """The images, categories and annotations of a COCO file; no image is opened.

    Parameters
    ----------
    images : Path, optional
        The folder that file names are relative to; without it, the folder of the file or ``images`` in it,
        whichever holds the first image.

    Raises
    ------
    BadInputError
        If the file is missing, not COCO, or contradicts itself: names the record.
    """
    value = read_json(path)
    if not isinstance(value, dict) or not {"images", "annotations", "categories"} <= set(value):
        raise BadInputError(
            "not a COCO data set",
            where=str(path),
            expected="an object with images, annotations and categories",
            got=_describe(value),
        )
    root = Field(value, str(path))
    categories = _read_categories(root)
    records = root.records("images")
    objects = _read_objects(root, records, categories)
    folder = images or _image_folder(path, records)
    return CocoFile(
        samples=tuple(_sample(record, folder, objects[record.image_id("id")]) for record in records),
        categories=categories,
        subsets={
            record.image_id("id"): record.word("split", _SUBSET_WORDS)
            for record in records
            if record.value.get("split") is not None
        },
    )


def write_coco(
    path: Path,
    samples: Sequence[Sample],
    categories: Sequence[Category],
    *,
    subsets: Mapping[ImageId, Subset] | None = None,
) -> None:
    """Write a COCO file, whole or not at all: one record a line, the same bytes for the same samples.

    Coordinates are rounded to a millionth of a pixel. `center` is written only where it is not what a
    reader would derive (the circle's centre, else that of the box).

    Raises
    ------
    ValueError
        If an object's role contradicts its category (an artefact in a category of cells).
    """
    image_lines: list[str] = []
    annotation_lines: list[str] = []
    for sample in samples:
        image_lines.append(_dump(_image_record(sample, (subsets or {}).get(sample.image_id))))
        for row in range(len(sample.annotations)):
            record = _annotation_record(sample, row, categories)
            head = {"id": len(annotation_lines) + 1, "image_id": sample.image_id}
            annotation_lines.append(_dump(head | record))
    category_lines = [
        _dump({"id": c.id, "name": c.name, "supercategory": "artefact" if c.artefact else "cell"})
        for c in categories
    ]
    parts = {"images": image_lines, "categories": category_lines, "annotations": annotation_lines}
    body = ",\n".join(f'"{name}": [\n{chr(10).join(_commas(lines))}]' for name, lines in parts.items())
    write_text(path, f"{{\n{body}\n}}\n")


def _read_categories(root: Field) -> tuple[Category, ...]:
    categories = []
    for record in root.records("categories"):
        artefact = is_artefact_kind(str(record.value.get("supercategory", "cell")))
        categories.append(Category(id=record.whole("id"), name=record.text("name"), artefact=artefact))
    _check_unique([c.id for c in categories], root, "categories")
    if not categories:
        raise BadInputError("no category", where=root.where, remedy="add one to 'categories'")
    return tuple(categories)


def _read_objects(
    root: Field, images: list[Field], categories: tuple[Category, ...]
) -> dict[ImageId, list[Object]]:
    sizes = {record.image_id("id"): (record.whole("width"), record.whole("height")) for record in images}
    _check_unique([record.image_id("id") for record in images], root, "images")
    rows = {category.id: row for row, category in enumerate(categories)}
    objects: dict[ImageId, list[Object]] = {image_id: [] for image_id in sizes}
    annotations = root.records("annotations")
    _check_unique([record.value["id"] for record in annotations if "id" in record], root, "annotations")
    for record in annotations:
        image_id = record.image_id("image_id")
        if image_id not in sizes:
            raise record.wrong("annotation of an unknown image", got=f"image_id {image_id!r}")
        category_id = record.whole("category_id")
        if category_id not in rows:
            raise record.wrong("unknown category", got=f"category_id {category_id}")
        label = rows[category_id]
        objects[image_id].append(
            parse_object(record, sizes[image_id], label, artefact=categories[label].artefact)
        )
    return objects


def _sample(record: Field, folder: Path, objects: list[Object]) -> Sample:
    name, size = record.text("file_name"), (record.whole("width"), record.whole("height"))
    if min(size) < 1:
        raise record.wrong("image without pixels", got=f"{size[0]} × {size[1]} px")
    file = folder / name
    return Sample(
        image_id=record.image_id("id"),
        name=name,
        width=size[0],
        height=size[1],
        group=str(record.value.get("group", name)),
        annotations=_annotations(objects),
        load=partial(read_rgb, file, size),
        um_per_px=record.above_zero("um_per_px") if record.value.get("um_per_px") is not None else None,
        file=file,
    )


def _annotations(objects: list[Object]) -> Annotations:
    if not objects:
        return Annotations.empty()
    return Annotations(
        xy=np.array([o.xy for o in objects], np.float64),
        box=np.array([o.box for o in objects], np.float64),
        circle=np.array([o.circle for o in objects], np.float64),
        contour=tuple(o.contour for o in objects),
        label=np.array([o.label for o in objects], np.int64),
        role=np.array([o.role for o in objects], np.int64),
        region=np.array([o.region for o in objects], np.bool_),
    )


def _image_folder(path: Path, records: list[Field]) -> Path:
    inner = path.parent / "images"
    if records and not (path.parent / records[0].text("file_name")).is_file() and inner.is_dir():
        return inner
    return path.parent


def _check_unique(ids: list[Any], root: Field, part: str) -> None:
    seen: set[Any] = set()
    for number, value in enumerate(ids):
        key = repr(value)
        if key in seen:
            raise BadInputError("duplicate id", where=f"{root.where}, {part}[{number}]", got=key)
        seen.add(key)


def _image_record(sample: Sample, subset: Subset | None) -> dict[str, Any]:
    name = sample.name
    if sample.file is not None and not name.lower().endswith(SUFFIXES):
        name = sample.file.name
    record: dict[str, Any] = {
        "id": sample.image_id,
        "file_name": name,
        "width": sample.width,
        "height": sample.height,
    }
    extras = {
        "group": sample.group if sample.group != name else None,
        "split": subset,
        "um_per_px": sample.um_per_px,
    }
    return record | {key: value for key, value in extras.items() if value is not None}


def has_hole(rings: Rings) -> bool:
    """Whether a ring of the outline lies inside another one."""
    return len(rings) > 1 and rings_area(rings) < sum(map(ring_area, rings)) * (1 - 1e-9)


def _annotation_record(sample: Sample, row: int, categories: Sequence[Category]) -> dict[str, Any]:
    annotations = sample.annotations
    category, role = categories[annotations.label[row]], Role(annotations.role[row])
    if role != Role.IGNORE and category.artefact != (role == Role.ARTEFACT):
        raise ValueError(f"object {row} of category {category.name!r} has the role {role.name}")
    contour: Rings = tuple(_rounded(ring) for ring in annotations.contour[row])
    circle, centre = _rounded(annotations.circle[row]), _rounded(annotations.xy[row])
    corner = _rounded(annotations.box[row, :2])
    extent = _rounded(annotations.box[row, 2:] - annotations.box[row, :2])
    round_one = circle[2] > 0
    record: dict[str, Any] = {
        "category_id": category.id,
        "bbox": _numbers([*corner, *extent]),
        "area": _numbers(_rounded(np.array([_area(contour, circle, extent)])))[0],
        "iscrowd": int(annotations.region[row]),
        "ignore": int(role == Role.IGNORE),
    }
    if contour:
        record["segmentation"] = _segmentation(contour, sample)
    if round_one:
        record["circle"] = _numbers(circle)
    derived = circle[:2] if round_one else corner + extent / 2
    if (np.abs(centre - derived) > 10.0**-DIGITS).any():
        record["center"] = _numbers(centre)
    return record


def _segmentation(contour: Rings, sample: Sample) -> dict[str, Any] | list[list[float]]:
    if has_hole(contour) and (runs := encode_rle(contour, sample.width, sample.height)) is not None:
        return {"size": [sample.height, sample.width], "counts": runs}
    return [_numbers(ring.ravel()) for ring in contour]


def _area(contour: Rings, circle: Floats, extent: Floats) -> float:
    if contour:
        return rings_area(contour)
    return float(np.pi * circle[2] ** 2 if circle[2] > 0 else extent[0] * extent[1])


def _rounded(values: Floats) -> Floats:
    rounded: Floats = np.round(values, DIGITS)
    return rounded


def _numbers(values: Sequence[float] | Floats) -> list[float]:
    return [int(value) if float(value).is_integer() else float(value) for value in values]


def _dump(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _commas(lines: list[str]) -> list[str]:
    return [line + "," for line in lines[:-1]] + lines[-1:]


def _describe(value: Any) -> str:
    if isinstance(value, dict):
        return "an object with " + (", ".join(map(str, list(value)[:5])) or "nothing")
    return {list: "a list (predictions?)"}.get(type(value), type(value).__name__)
