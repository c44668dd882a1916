"""Detections of other libraries, as the columns that `Predictions.from_arrays` takes.

Nothing of them is imported: an object that has their attributes will do.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.gate import files_in
from bmbench.core.types import ImageId
from bmbench.datasets.formats.masks import mask_rings
from bmbench.datasets.formats.qupath.codec import SUFFIXES
from bmbench.datasets.formats.qupath.geojson import read_qupath


def is_supervision(value: Any) -> bool:
    """Whether it looks like `sv.Detections`."""
    return all(hasattr(value, name) for name in ("xyxy", "confidence", "class_id"))


def of_supervision(detections: Any, image: Any) -> dict[str, Any]:
    """Columns of `sv.Detections`, of a list of them, or of a mapping from image to them."""
    images, parts = images_of(detections, image), parts_of(detections)
    if len(images) != len(parts):
        raise BadInputError(
            "another number of images", where="image", expected=str(len(parts)), got=str(len(images))
        )
    for row, part in enumerate(parts):
        if not is_supervision(part):
            raise BadInputError(
                "not supervision's Detections", where=f"detections[{row}]", got=type(part).__name__
            )
    return _by_image(images, [_supervised(part) for part in parts])


def parts_of(detections: Any) -> list[Any]:
    """The detections of each image."""
    if is_supervision(detections):
        return [detections]
    return list(detections.values() if isinstance(detections, Mapping) else detections)


def images_of(detections: Any, image: Any) -> list[ImageId]:
    """The id of each image, those without any detection too."""
    if isinstance(detections, Mapping):
        return list(detections)
    if image is None:
        return list(range(len(parts_of(detections))))
    return [image] if isinstance(image, str | int) else list(image)


def of_ultralytics(results: Any) -> dict[str, Any]:
    """Columns of Ultralytics' `Results`, of one image or a list of images."""
    parts = [results] if hasattr(results, "boxes") else list(results)
    for row, part in enumerate(parts):
        if getattr(part, "boxes", None) is None:
            raise BadInputError(
                "not the boxes of Ultralytics", where=f"results[{row}]", got=type(part).__name__,
                remedy="give what model(images) answers, of a detector",
            )  # fmt: skip
    return _by_image([Path(part.path).name for part in parts], [_ultralytic(part) for part in parts])


def of_qupath(path: Any) -> dict[str, Any]:
    """Columns of GeoJSON files: the image of each is called as the file is, without its ending."""
    paths = [Path(path)] if isinstance(path, str | Path) else [Path(one) for one in path]
    folder = paths[0] if len(paths) == 1 and paths[0].is_dir() else None
    files = paths if folder is None else list(files_in(folder, within=folder, suffixes=SUFFIXES))
    if not files:
        raise BadInputError("no GeoJSON file", where=str(path), expected=f"files *{SUFFIXES[0]}")
    found = [read_qupath(file) for file in files]
    parts = [
        {
            "xy": one.annotations.xy,
            "box": one.annotations.box,
            "confidence": np.where(np.isnan(one.confidence), 1.0, one.confidence),
            "category": [one.classes[label][0] for label in one.annotations.label],
            "contour": list(one.annotations.contour),
        }
        for one in found
    ]
    return _by_image([_stem(file) for file in files], parts)


def _supervised(found: Any) -> dict[str, Any]:
    names = (getattr(found, "data", None) or {}).get("class_name")
    kinds = found.class_id if names is None else [str(name) for name in names]
    masks = found.mask
    return {
        "box": np.asarray(found.xyxy, np.float64).reshape(-1, 4),
        "confidence": found.confidence,
        "category": kinds,
        "contour": None if masks is None else [mask_rings(np.asarray(mask, bool)) for mask in masks],
    }


def _ultralytic(result: Any) -> dict[str, Any]:
    boxes = result.boxes
    xyxy, confidence, kinds = (_array(getattr(boxes, name)) for name in ("xyxy", "conf", "cls"))
    masks = getattr(result, "masks", None)
    return {
        "box": xyxy.reshape(-1, 4),
        "confidence": confidence,
        "category": [result.names[int(kind)] for kind in kinds],
        "contour": None if masks is None else [ring if len(ring) > 2 else None for ring in masks.xy],
    }


def _array(values: Any) -> Any:
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)


def _by_image(images: Sequence[ImageId], parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One flat array a column, None where no image has it, and the image of each detection."""
    counts = [len(part["box"]) for part in parts]
    columns: dict[str, Any] = {}
    for name in dict.fromkeys(name for part in parts for name in part):
        own = [part[name] for part, count in zip(parts, counts, strict=True) if count]
        columns[name] = _joined(own, name)
    columns["image"] = [name for name, count in zip(images, counts, strict=True) for _ in range(count)]
    if not sum(counts):
        columns = {"box": np.zeros((0, 4)), "image": []}
    return columns


def _joined(parts: Sequence[Iterable[Any] | None], name: str) -> list[Any] | None:
    if all(part is None for part in parts):
        return None
    if any(part is None for part in parts):
        raise BadInputError(f"some images have no {name}", expected="all of them or none")
    return [value for part in parts if part is not None for value in part]


def _stem(file: Path) -> str:
    name = file.name
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        name = name.removesuffix(suffix)
    return name
