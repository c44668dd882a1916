"""Samples as the records of a COCO file."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from bmbench.core.dataset import Subset
from bmbench.core.geometry import ring_area, rings_area
from bmbench.core.types import Category, Floats, Rings, Role, Sample, is_artefact_name
from bmbench.datasets.formats.masks import encode_rle
from bmbench.datasets.slides.whole_images import WHOLE_SUFFIXES

DIGITS = 6
"""Decimal places of written coordinates; rounding makes a second writing give the same bytes."""


def image_record(sample: Sample, subset: Subset | None) -> dict[str, Any]:
    """The record of an image, with what is beyond plain COCO where it is there."""
    name = sample.name
    if sample.file is not None and not name.lower().endswith(WHOLE_SUFFIXES):
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


def category_record(category: Category) -> dict[str, Any]:
    """The record of a class."""
    kind = "artefact" if category.artefact else "cell"
    record: dict[str, Any] = {"id": category.id, "name": category.name, "supercategory": kind}
    if is_artefact_name(category.name) and not category.artefact:
        # A reader who goes by names alone would be wrong.
        record["artefact"] = 0
    return record


def has_hole(rings: Rings) -> bool:
    """Whether a ring of the outline lies inside another one."""
    return len(rings) > 1 and rings_area(rings) < sum(map(ring_area, rings)) * (1 - 1e-9)


def annotation_record(sample: Sample, row: int, categories: Sequence[Category]) -> dict[str, Any]:
    """The record of an object, but for its numbers.

    Raises
    ------
    ValueError
        If its role contradicts its category.
    """
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


def dump(record: dict[str, Any]) -> str:
    """A record on one line."""
    return json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def commas(lines: list[str]) -> list[str]:
    """The lines with a comma after each but the last."""
    return [line + "," for line in lines[:-1]] + lines[-1:]
