"""Samples as the records of a COCO file."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import numpy as np

from bmbench.core.dataset import Subset
from bmbench.core.geometry import cut_rings, outline_areas, ring_area, rings_area
from bmbench.core.types import Bools, Category, Floats, Rings, Role, Sample, is_artefact_name
from bmbench.datasets.formats.masks import encode_rle
from bmbench.datasets.slides.whole_images import WHOLE_SUFFIXES

_OTHERWISE = (b"0.0000", b"e-", b"e+", b"null", b"\\")
"""Where one of these stands, `msgspec` may have written a text or a number otherwise than `json`."""
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


def annotation_records(sample: Sample, categories: Sequence[Category]) -> Iterator[dict[str, Any]]:
    """The record of each object of an image, but for its numbers.

    Raises
    ------
    ValueError
        If the role of one contradicts its category.
    """
    annotations = sample.annotations
    contours = _rounded_contours(annotations.contour)
    circle, centre, corner, extent = (
        _rounded(values)
        for values in (
            annotations.circle,
            annotations.xy,
            annotations.box[:, :2],
            annotations.box[:, 2:] - annotations.box[:, :2],
        )
    )
    round_one = np.asarray(circle[:, 2] > 0, bool)
    derived = np.where(round_one[:, None], circle[:, :2], corner + extent / 2)
    moved = np.asarray((np.abs(centre - derived) > 10.0**-DIGITS).any(axis=1), bool)
    area = np.where(round_one, np.pi * circle[:, 2] ** 2, extent[:, 0] * extent[:, 1])
    area = _rounded(np.where(_has_rings(contours), outline_areas(contours), area))
    for row in range(len(annotations)):
        category, role = categories[annotations.label[row]], Role(annotations.role[row])
        if role != Role.IGNORE and category.artefact != (role == Role.ARTEFACT):
            raise ValueError(f"object {row} of category {category.name!r} has the role {role.name}")
        record: dict[str, Any] = {
            "category_id": category.id,
            "bbox": _numbers([*corner[row].tolist(), *extent[row].tolist()]),
            "area": _numbers([float(area[row])])[0],
            "iscrowd": int(annotations.region[row]),
            "ignore": int(role == Role.IGNORE),
        }
        if contours[row]:
            record["segmentation"] = _segmentation(contours[row], sample)
        if round_one[row]:
            record["circle"] = _numbers(circle[row].tolist())
        if moved[row]:
            record["center"] = _numbers(centre[row].tolist())
        yield record


def _rounded_contours(contours: Sequence[Rings]) -> list[Rings]:
    """The outlines of an image, rounded all at once."""
    rings = [ring for rings in contours for ring in rings]
    if not rings:
        return [() for _ in contours]
    parts = iter(cut_rings(_rounded(np.concatenate(rings)), [len(ring) for ring in rings]))
    return [tuple(next(parts) for _ in rings) for rings in contours]


def _has_rings(contours: Sequence[Rings]) -> Bools:
    return np.array([bool(rings) for rings in contours], bool)


def _segmentation(contour: Rings, sample: Sample) -> dict[str, Any] | msgspec.Raw | list[list[float]]:
    if has_hole(contour) and (runs := encode_rle(contour, sample.width, sample.height)) is not None:
        return {"size": [sample.height, sample.width], "counts": runs}
    return _polygons(contour)


def _rounded(values: Floats) -> Floats:
    # Without the sign of a negative zero.
    rounded: Floats = np.round(values, DIGITS) + 0.0
    return rounded


def _numbers(values: Sequence[float]) -> list[float]:
    return [int(value) if value.is_integer() else value for value in values]


def _polygons(contour: Rings) -> msgspec.Raw | list[list[float]]:
    """The numbers of all rings, as text where that is the text that `json` would write."""
    text = msgspec.json.encode([ring.ravel().tolist() for ring in contour])
    if any(mark in text for mark in _OTHERWISE):
        return [_numbers(ring.ravel().tolist()) for ring in contour]
    return msgspec.Raw(text.replace(b".0,", b",").replace(b".0]", b"]"))


def dump(record: dict[str, Any]) -> str:
    """A record on one line, as `json` writes it.

    `msgspec` does so in a sixth of the time, but writes a few things in its own way.
    """
    # Half a character, which a file name may hold, it does not write at all.
    with suppress(UnicodeEncodeError):
        text = msgspec.json.encode(record)
        if text.isascii() and not any(mark in text for mark in _OTHERWISE):
            return text.decode()
    plain = {
        key: json.loads(bytes(value)) if isinstance(value, msgspec.Raw) else value
        for key, value in record.items()
    }
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def commas(lines: list[str]) -> list[str]:
    """The lines with a comma after each but the last."""
    return [line + "," for line in lines[:-1]] + lines[-1:]
