"""COCO JSON, the canonical form on disk: every geometry of every object, both ways.

Beyond plain COCO, an annotation may carry ``circle: [x, y, radius]``, ``center: [x, y]`` and
``ignore: 0 | 1``; an image ``group`` (patient or slide), ``split`` (its subset) and ``um_per_px``; a
category the supercategory ``cell`` or ``artefact``; ``artefact: 0`` says that the name misleads.
``iscrowd: 1`` marks an ignored region.

The polygons of an object are united, which fills its holes. An outline with holes that runs along pixel
edges, as one from a mask does, is therefore written in run lengths. Others are written as one polygon per
ring: bmbench reads them as they were (even-odd), other programs fill them, and `convert` says so.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from bmbench.core.dataset import Subset
from bmbench.core.files import write_text
from bmbench.core.gate import is_file
from bmbench.core.geometry import ring_area, rings_area
from bmbench.core.types import (
    Annotations,
    Category,
    Floats,
    ImageId,
    Ints,
    Rings,
    Role,
    Sample,
    is_artefact_name,
)
from bmbench.datasets.formats.coco.objects import AnnotationRecord, CocoObjects, Flag, read_objects
from bmbench.datasets.formats.folder_words import (
    IMAGE_WORDS,
    LABEL_WORDS,
    folder_subset,
    folders_called,
    subset_word,
)
from bmbench.datasets.formats.masks import encode_rle
from bmbench.datasets.reading.record_checks import FURTHEST_PX, Whole, refuse
from bmbench.datasets.slides.whole_images import WHOLE_SUFFIXES, read_whole

DIGITS = 6
"""Decimal places of written coordinates; rounding makes a second writing give the same bytes."""
_Text = Annotated[str, msgspec.Meta(min_length=1)]


class _SampleImage(msgspec.Struct, gc=False):
    id: Whole | _Text
    file_name: _Text
    width: Whole
    height: Whole
    group: str | int | None = None
    split: Subset | Literal["val"] | None = None
    um_per_px: Annotated[float, msgspec.Meta(gt=0, le=1e12, title="a number above 0")] | None = None


class _SampleCategory(msgspec.Struct, gc=False):
    id: Whole
    name: _Text
    supercategory: str | None = None
    artefact: Flag | None = None


class _SampleFile(msgspec.Struct):
    images: list[_SampleImage]
    annotations: list[AnnotationRecord]
    categories: list[_SampleCategory]


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
    unsure : int
        How many annotations have a confidence, which is left out.
    """

    samples: tuple[Sample, ...]
    categories: tuple[Category, ...]
    subsets: Mapping[ImageId, Subset]
    unsure: int = 0


def read_coco(path: Path, *, images: Path | None = None, within: Path | None = None) -> CocoFile:
    """The images, categories and annotations of a COCO file; no image is opened.

    Parameters
    ----------
    images : Path, optional
        The folder that file names are relative to; without it, the folder of the file or ``images`` in it,
        whichever holds the first image.
    within : Path, optional
        The folder that images must lie in when they are opened: by default `images`, or that of the file.

    Raises
    ------
    BadInputError
        If the file is missing, not COCO, or contradicts itself: names the record.
    """
    objects = read_objects(path, _SampleFile, outlines=True)
    records = objects.images
    sizes = [(int(record.width), int(record.height)) for record in records.values()]
    empty = np.array([min(size) < 1 for size in sizes], bool)
    refuse(empty, "image without pixels", where=f"{path}, images", got=np.array(sizes))
    refuse(np.array([max(s) > FURTHEST_PX for s in sizes], bool), "image too large", where=f"{path}, images")
    ends = np.cumsum(np.bincount(objects.image, minlength=len(records)))
    rows = np.split(np.argsort(objects.image, kind="stable"), ends)[: len(records)]
    folder = _image_folder(path, list(records.values()), images)
    within = within or images or (path.parent if folder.is_relative_to(path.parent) else folder)
    return CocoFile(
        samples=tuple(
            _sample(image_id, record, folder, within, _annotations(objects, some))
            for (image_id, record), some in zip(records.items(), rows, strict=True)
        ),
        categories=objects.categories,
        subsets={
            image_id: "validation" if record.split == "val" else record.split
            for image_id, record in records.items()
            if record.split
        },
        unsure=objects.unsure,
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
    category_lines = [_dump(_category_record(category)) for category in categories]
    parts = {"images": image_lines, "categories": category_lines, "annotations": annotation_lines}
    body = ",\n".join(f'"{name}": [\n{chr(10).join(_commas(lines))}]' for name, lines in parts.items())
    write_text(path, f"{{\n{body}\n}}\n")


def _sample(
    image_id: ImageId, record: _SampleImage, folder: Path, within: Path, annotations: Annotations
) -> Sample:
    size, file = (int(record.width), int(record.height)), folder / record.file_name
    return Sample(
        image_id=image_id,
        name=record.file_name,
        width=size[0],
        height=size[1],
        group=record.file_name if record.group is None else str(record.group),
        annotations=annotations,
        load=partial(read_whole, file, size, within=within),
        um_per_px=record.um_per_px,
        file=file,
        within=within,
    )


def _annotations(objects: CocoObjects, rows: Ints) -> Annotations:
    circle = np.zeros((len(rows), 3))
    if objects.circle is not None:
        circle = np.nan_to_num(objects.circle[rows], nan=0.0)
    return Annotations(
        xy=objects.xy[rows],
        box=objects.box[rows],
        circle=circle,
        contour=tuple(objects.outlines.get(row, ()) for row in rows.tolist()),
        label=objects.label[rows],
        role=objects.role[rows],
        region=objects.region[rows],
    )


def _image_folder(path: Path, records: list[_SampleImage], images: Path | None) -> Path:
    """The folder that names in the file start from."""
    names = [record.file_name for record in records]
    if images is None:
        inner = path.parent / "images"
        if names and not is_file(path.parent / names[0]):
            found = (place for place in _places(path) if is_file(place / names[0]))
            return next(found, inner if inner.is_dir() else path.parent)
        return path.parent
    # Names in a file of `bmbench datasets split` lead from there to another folder of images, the one named.
    outside = [name for name in names if name.startswith("../")]
    return path.parent if outside and is_file(path.parent / outside[0]) else images


def _places(path: Path) -> Iterator[Path]:
    """The folders in which the images of a file without stated folder may lie, the likeliest first.

    ``SET/annotations/instances_train.json`` has its images in ``SET/images``, ``SET/train``,
    ``SET/images/train`` or ``SET``, ``SET/train.json`` in ``SET/images/train`` or ``SET/train``.
    """
    subset = subset_word(path.stem)
    home = path.parent
    for base in (home, home.parent) if home.name.lower() in LABEL_WORDS else (home,):
        for root in (*folders_called(base, IMAGE_WORDS), base):
            yield root
            for entry in sorted(root.iterdir()) if subset else ():
                if folder_subset([entry.name]) == subset and entry.is_dir():
                    yield entry


def _image_record(sample: Sample, subset: Subset | None) -> dict[str, Any]:
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


def _category_record(category: Category) -> dict[str, Any]:
    kind = "artefact" if category.artefact else "cell"
    record: dict[str, Any] = {"id": category.id, "name": category.name, "supercategory": kind}
    if is_artefact_name(category.name) and not category.artefact:
        # A reader who goes by names alone would be wrong.
        record["artefact"] = 0
    return record


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
