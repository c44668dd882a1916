"""MIDOG: mitotic figures, with look-alikes as artefacts (Aubreville et al. 2021 to 2023).

Layout, as the makers' repositories hold it (github.com/DeepMicroscopy/MIDOG and …/MIDOGpp): one file
``databases/MIDOG.json`` or ``databases/MIDOG++.json``, images ``images/001.tiff`` … It looks like COCO and is
not: ``bbox`` holds two corners, x0 y0 x1 y1, always 50 × 50 px around the figure. Read as COCO's corner and
size, every box would reach to the far side of the image. Boxes that are no corners are refused.

A mitotic figure is a cell; ``not mitotic figure`` (``hard negative`` in other releases), the look-alike that
the experts discarded, is an artefact. Images without any annotation are the unlabelled ones of the challenge
(151 to 200, the fourth scanner), not images without mitoses: they are left out, and named.

Split: the 111 test cases of MIDOG++ (``datasets_xvalidation.csv`` there) are test; its file numbers are those
of MIDOG 2021. The others are dealt out by case: see `bmbench.datasets.splits.fixed`. The radius is half the
side of a box.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bmbench.core.dataset import Dataset, DatasetCard, LoadRequest, Split
from bmbench.core.errors import BadInputError
from bmbench.core.gate import is_file
from bmbench.core.types import Annotations, Category, Sample
from bmbench.datasets.reading.images import check_size
from bmbench.datasets.reading.limits import read_object
from bmbench.datasets.sets.image_samples import boxes_of_classes, image_sample
from bmbench.datasets.sets.options import known_options, source_place
from bmbench.datasets.splits.fixed import by_subset, fixed_subsets

FIGURE = "mitotic figure"
LOOK_ALIKES = ("not mitotic", "non-mitotic", "hard negative", "imposter", "look-alike")
"""How the releases name cells that look like mitotic figures and are none."""
FILES = ("MIDOG++.json", "MIDOG.json", "MIDOG2022_training.json")
TEST = frozenset(
    f"{number:03}"
    for number in (
        6, 7, 14, 15, 18, 26, 29, 31, 32, 35, 50, 52, 57, 58, 59, 64, 66, 74, 88, 93, 95, 100, 102, 104, 107,
        109, 115, 116, 123, 124, 128, 147, 150, 203, 212, 218, 220, 230, 232, 234, 236, 239, 241, 249, 251,
        252, 253, 256, 257, 268, 269, 276, 291, 292, 295, 305, 310, 311, 315, 329, 336, 338, 339, 344, 345,
        346, 353, 354, 366, 368, 370, 373, 375, 383, 386, 389, 390, 398, 413, 414, 419, 422, 425, 426, 427,
        439, 442, 456, 458, 463, 472, 476, 477, 481, 484, 485, 487, 491, 497, 504, 510, 512, 528, 531, 533,
        534, 537, 538, 539, 541, 552,
    )
)  # fmt: skip


def load(request: LoadRequest) -> Split:
    """The labelled cases whose images are there, by subset.

    Parameters
    ----------
    request : LoadRequest
        `data` is the JSON file, or the folder that holds it (or holds ``databases``).

    Raises
    ------
    BadInputError
        If the file is missing, damaged or of another layout, or too few of its images are there.
    """
    known_options(request, ())
    place = source_place(request, CARD)
    file = _file(place)
    content = read_object(file)
    categories = _categories(content, file)
    objects = _objects(content, categories, file)
    faults, samples = [], []
    missing = unlabelled = 0
    for record in _records(content, "images", ("id", "file_name", "width", "height"), file):
        rows = objects.get(_whole(record["id"], str(file)))
        image = _image(file, str(record["file_name"]))
        unlabelled += rows is None
        missing += rows is not None and image is None
        if rows is not None and image is not None:
            samples.append(_sample(image, place, record, _annotations(rows, categories)))
    if unlabelled:
        faults.append(f"{unlabelled} images of {file.name} have no annotation at all and are left out")
    if missing:
        faults.append(f"{missing} labelled images of {file.name} are not here")
    if not samples:
        raise BadInputError(
            "none of its labelled images is there",
            where=str(file),
            expected="001.tiff … beside it, in images/ or in images/ beside its folder",
        )
    table = fixed_subsets((sample.group for sample in samples), CARD.name, TEST)
    return Split(
        samples=by_subset(samples, table),
        radius_px=CARD.radius_px,
        categories=categories,
        faults=tuple(faults),
    )


def _file(place: Path) -> Path:
    if place.is_file():
        return place
    for folder in (place, place / "databases"):
        for name in FILES:
            if (folder / name).is_file():
                return folder / name
    raise BadInputError("no annotation file", where=str(place), expected=" or ".join(FILES))


def _image(file: Path, name: str) -> Path | None:
    short = Path(name.replace("\\", "/")).name
    roots = (file.parent, file.parent / "images", file.parent.parent / "images")
    return next((root / short for root in roots if short and is_file(root / short)), None)


def _records(
    content: Mapping[str, Any], key: str, fields: Sequence[str], file: Path
) -> list[Mapping[str, Any]]:
    records = content.get(key)
    if not isinstance(records, list):
        raise BadInputError(f"no list {key!r}", where=str(file), remedy="name a file of the MIDOG releases")
    for number, record in enumerate(records):
        absent = [name for name in fields if not isinstance(record, dict) or name not in record]
        if absent:
            raise BadInputError(f"no {absent[0]!r}", where=f"{file}, {key}[{number}]")
    return records


def _categories(content: Mapping[str, Any], file: Path) -> tuple[Category, ...]:
    found = []
    for record in _records(content, "categories", ("id", "name"), file):
        name = str(record["name"])
        artefact = any(word in name.lower() for word in LOOK_ALIKES)
        if not artefact and name.lower() != FIGURE:
            raise BadInputError(
                "unknown class", where=str(file), expected=f"{FIGURE} or a look-alike", got=repr(name)
            )
        found.append(
            Category(id=_whole(record["id"], f"{file}, category {name}"), name=name, artefact=artefact)
        )
    return tuple(found)


def _objects(
    content: Mapping[str, Any], categories: Sequence[Category], file: Path
) -> Mapping[int, list[tuple[list[float], int]]]:
    """Corners and row of the class of every object, by image id."""
    rows = {category.id: row for row, category in enumerate(categories)}
    objects: dict[int, list[tuple[list[float], int]]] = {}
    fields = ("image_id", "category_id", "bbox")
    for number, record in enumerate(_records(content, "annotations", fields, file)):
        where = f"{file}, annotations[{number}]"
        box = record["bbox"]
        numbers = isinstance(box, list) and all(type(value) in (int, float) for value in box)
        if not (numbers and len(box) == 4 and box[2] > box[0] and box[3] > box[1]):
            raise BadInputError(
                "bbox is not two corners, as in MIDOG's own files",
                where=where,
                expected="x0 y0 x1 y1",
                got=str(box)[:60],
                remedy="a COCO file is read with --dataset FILE",
            )
        kind = _whole(record["category_id"], where)
        if kind not in rows:
            raise BadInputError("unknown category_id", where=where, got=str(kind))
        objects.setdefault(_whole(record["image_id"], where), []).append((box, rows[kind]))
    return objects


def _whole(value: object, where: str) -> int:
    if type(value) is not int:
        raise BadInputError("not a whole number", where=where, got=repr(value)[:40])
    return value


def _annotations(rows: list[tuple[list[float], int]], categories: Sequence[Category]) -> Annotations:
    box = np.array([corners for corners, _ in rows], np.float64)
    return boxes_of_classes(box, np.array([row for _, row in rows], np.int64), categories)


def _sample(image: Path, place: Path, record: Mapping[str, Any], annotations: Annotations) -> Sample:
    within = place if image.is_relative_to(place) else image.parent
    size = (_whole(record["width"], str(image)), _whole(record["height"], str(image)))
    check_size(image, size, within=within)
    outside = (annotations.xy < 0) | (annotations.xy > np.array(size))
    if outside.any():
        x, y = annotations.xy[outside.any(axis=1)][0]
        raise BadInputError(
            "the middle of a box lies outside the image",
            where=str(image),
            got=f"({x:g}, {y:g})",
            expected=f"{size[0]} × {size[1]} px",
            remedy="a COCO file is read with --dataset FILE",
        )
    return image_sample(image, size, annotations, within=within)


CARD = DatasetCard(
    name="midog",
    title="MIDOG: mitotic figures, with look-alikes as artefacts",
    modality="tissue sections of several tumours, species and scanners, H&E",
    annotation="boxes",
    licence="CC0 (MIDOG++), CC BY-NC-ND (MIDOG 2021), as their files state",
    citation="Aubreville et al., A comprehensive multi-domain dataset for mitotic figure detection, "
    "Sci Data 10:484, 2023",
    cite_as="Aubreville et al. 2023",
    radius_px=25.0,
    source="https://github.com/DeepMicroscopy/MIDOGpp",
    images=503,
    cells=11_937,
    size_mb=65_000.0,
    access="clone the repository named as source and run its Setup.ipynb, which gets the images (65 GB)",
)
DATASET = Dataset(card=CARD, load=load)
