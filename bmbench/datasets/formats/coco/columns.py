"""COCO ground truth as flat columns: what scoring reads, at a million objects as at ten.

`bmbench.datasets.formats.coco.samples` reads the same files into samples, with every outline; this one keeps
what matching needs and leaves the rest alone.
"""

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.types import Floats, GroundTruth
from bmbench.datasets.formats.coco.objects import AnnotationRecord, Flag, Id, own_ids, read_objects
from bmbench.datasets.reading.record_checks import Side, Whole


class _ScoredImage(msgspec.Struct, gc=False):
    id: Id
    file_name: str | None = None
    source_id: Id | None = None
    group: str | int | None = None
    width: Side | None = None
    height: Side | None = None
    um_per_px: Annotated[float, msgspec.Meta(gt=0, le=1e12, title="a number above 0")] | None = None


class _ScoredCategory(msgspec.Struct, gc=False):
    id: Whole
    name: str = ""
    supercategory: str | None = None
    artefact: Flag | None = None


class _ScoredFile(msgspec.Struct):
    images: list[_ScoredImage]
    annotations: list[AnnotationRecord]
    categories: list[_ScoredCategory]


def read_ground_truth(path: Path, *, outlines: bool = False) -> GroundTruth:
    """The annotations of a COCO file as flat columns, in the order of the file.

    `bbox` may be absent where a `segmentation`, a `circle` or (for matching by centres alone) a `center` is
    there; `iscrowd`, `ignore`, `area` and `id` may be absent. `outlines`: those of all objects, too.

    Raises
    ------
    BadInputError
        If the file is missing, is not such a file, or holds a value that cannot be one: with the file, the
        index and the remedy.
    """
    # What is at fault, if anything is, the whole file tells.
    with suppress(BadInputError):
        return _read(path, outlines=outlines, guess=True)
    return _read(path, outlines=outlines, guess=False)


def _read(path: Path, *, guess: bool, outlines: bool = False) -> GroundTruth:
    objects = read_objects(path, _ScoredFile, outlines=outlines, guess=guess)
    records = objects.images
    own = own_ids(records, where=f"{path}, images")
    names = [one.file_name for one in records.values()]
    um_per_px = _scales(records.values())
    return GroundTruth(
        image_ids=own,
        groups=tuple(
            str(image_id if one.group is None else one.group)
            for image_id, one in zip(own, records.values(), strict=True)
        ),
        names=tuple(names) if all(names) else None,
        numbers=tuple(records) if any(one.source_id is not None for one in records.values()) else None,
        categories=objects.categories,
        image=objects.image,
        label=objects.label,
        xy=objects.xy,
        box=objects.box,
        size=objects.size,
        area=objects.area,
        role=objects.role,
        region=objects.region,
        image_mm2=None if um_per_px is None else _areas(records.values(), um_per_px),
        um_per_px=um_per_px,
        outline=tuple(objects.outlines.get(row, ()) for row in range(len(objects.image)))
        if outlines
        else None,
    )


def _scales(images: Collection[_ScoredImage]) -> Floats | None:
    """(m,) µm a pixel of each image, NaN where it is not known; None where no image says it."""
    scales = [one.um_per_px or np.nan for one in images]
    return np.array(scales, np.float64) if np.isfinite(scales).any() else None


def _areas(images: Collection[_ScoredImage], um_per_px: Floats) -> Floats:
    """(m,) mm² of each image, NaN where it is not known."""
    sides = [(one.width or np.nan, one.height or np.nan) for one in images]
    width, height = np.array(sides, np.float64).T
    area: Floats = width * height * (um_per_px / 1000) ** 2
    return area
