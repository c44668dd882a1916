"""COCO JSON, the canonical form on disk: every geometry of every object, both ways.

Beyond plain COCO, an annotation may carry ``circle: [x, y, radius]``, ``center: [x, y]`` and
``ignore: 0 | 1``; an image ``group`` (patient or slide), ``split`` (its subset) and ``um_per_px``; a
category the supercategory ``cell`` or ``artefact``; ``artefact: 0`` says that the name misleads.
``iscrowd: 1`` marks an ignored region.

The polygons of an object are united, which fills its holes. An outline with holes that runs along pixel
edges, as one from a mask does, is therefore written in run lengths. Others are written as one polygon per
ring: bmbench reads them as they were (even-odd), other programs fill them, and `convert` says so.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from bmbench.core.dataset import SUBSETS, Subset
from bmbench.core.files import write_text
from bmbench.core.gate import is_file
from bmbench.core.types import (
    Annotations,
    Category,
    ImageId,
    Ints,
    Sample,
)
from bmbench.datasets.formats.coco.objects import AnnotationRecord, CocoObjects, Flag, own_ids, read_objects
from bmbench.datasets.formats.coco.records import (
    annotation_records,
    category_record,
    commas,
    dump,
    image_record,
)
from bmbench.datasets.formats.folder_words import (
    IMAGE_WORDS,
    LABEL_WORDS,
    SUBSET_WORDS,
    folder_subset,
    folders_called,
    subset_word,
)
from bmbench.datasets.reading.image_names import last_part, spellings
from bmbench.datasets.reading.record_checks import Side, Whole, refuse
from bmbench.datasets.slides.whole_images import read_whole

_ODD = re.compile(r"[\\%?:]|[^\x00-\x7f]|^/|^\.\./")
"""What stands in names that other systems may write otherwise."""
_ELSEWHERE = re.compile(r"/|\w+:[\\/]|(\.\.[\\/])+")
"""How whole paths, web addresses and ways out of a folder begin."""
_Text = Annotated[str, msgspec.Meta(min_length=1)]


class _SampleImage(msgspec.Struct, gc=False):
    id: Whole | _Text
    file_name: _Text
    width: Side
    height: Side
    source_id: Whole | _Text | None = None
    group: str | int | None = None
    split: str | None = None
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
    notes : tuple of str
        What was assumed in reading.
    numbers : tuple of ImageId
        What the file itself calls the images, in the order of `samples`; their own ids may stand beside.
    """

    samples: tuple[Sample, ...]
    categories: tuple[Category, ...]
    subsets: Mapping[ImageId, Subset]
    unsure: int = 0
    notes: tuple[str, ...] = ()
    numbers: tuple[ImageId, ...] = ()


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
    ends = np.cumsum(np.bincount(objects.image, minlength=len(records)))
    rows = np.split(np.argsort(objects.image, kind="stable"), ends)[: len(records)]
    folder = _image_folder(path, list(records.values()), images)
    within = within or images or (path.parent if folder.is_relative_to(path.parent) else folder)
    own = own_ids(records, where=f"{path}, images")
    names = _names_there([record.file_name for record in records.values()], folder)
    return CocoFile(
        samples=tuple(
            _sample(
                image_id,
                msgspec.structs.replace(record, file_name=name),
                folder,
                within,
                _annotations(objects, some),
            )
            for image_id, record, name, some in zip(own, records.values(), names, rows, strict=True)
        ),
        categories=objects.categories,
        subsets=_subsets(own, [record.split for record in records.values()], where=f"{path}, images"),
        unsure=objects.unsure,
        notes=objects.notes,
        numbers=tuple(records),
    )


def write_coco(
    path: Path,
    samples: Sequence[Sample],
    categories: Sequence[Category],
    *,
    subsets: Mapping[ImageId, Subset] | None = None,
    numbered: bool = True,
) -> None:
    """Write a COCO file, whole or not at all: one record a line, the same bytes for the same samples.

    Ids of images are whole numbers, as many programs take for granted: if one is a text, images are numbered
    from 1 on and their own ids kept beside as ``source_id``. Without `numbered`, texts stay what they are.

    Coordinates are rounded to a millionth of a pixel. `center` is written only where it is not what a
    reader would derive (the circle's centre, else that of the box).

    Raises
    ------
    ValueError
        If an object's role contradicts its category (an artefact in a category of cells).
    """
    image_lines: list[str] = []
    annotation_lines: list[str] = []
    texts = numbered and any(isinstance(sample.image_id, str) for sample in samples)
    for number, sample in enumerate(samples, start=1):
        image = image_record(sample, (subsets or {}).get(sample.image_id))
        image_lines.append(dump(image | {"id": number, "source_id": sample.image_id} if texts else image))
        image_id = number if texts else sample.image_id
        for record in annotation_records(sample, categories):
            head = {"id": len(annotation_lines) + 1, "image_id": image_id}
            annotation_lines.append(dump(head | record))
    category_lines = [dump(category_record(category)) for category in categories]
    parts = {"images": image_lines, "categories": category_lines, "annotations": annotation_lines}
    body = ",\n".join(f'"{name}": [\n{chr(10).join(commas(lines))}]' for name, lines in parts.items())
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
        if names and not _spelled(names[0], path.parent):
            found = (place for place in _places(path) if _spelled(names[0], place))
            return next(found, inner if inner.is_dir() else path.parent)
        return path.parent
    # Names in a file of `bmbench datasets split` lead from there to another folder of images, the one named.
    outside = [name for name in names if name.startswith("../")]
    return path.parent if outside and is_file(path.parent / outside[0]) else images


def _subsets(ids: Sequence[ImageId], words: Sequence[str | None], *, where: str) -> dict[ImageId, Subset]:
    """The subsets that image records state, in whatever case; another word is refused."""
    known = [(word or "").lower() for word in words]
    wrong = np.array([bool(word) and word not in SUBSET_WORDS for word in known], bool)
    expected = " or ".join((*SUBSETS, "val"))
    refuse(wrong, "unknown value", where=where, field="split", expected=expected, got=np.array(words, object))
    return {number: SUBSET_WORDS[word] for number, word in zip(ids, known, strict=True) if word}


def _names_there(names: Sequence[str], folder: Path) -> list[str]:
    """What the images are called in their folder, where a file calls them otherwise; else the names.

    Of a web address or a path of another machine the last part counts, where no two images share it.
    """
    if not any(map(_ODD.search, names)):
        return list(names)
    count = Counter(map(last_part, names))
    found = []
    for name in names:
        there = _spelled(name, folder) if _ODD.search(name) else name
        if not there and _ELSEWHERE.match(name) and count[last_part(name)] == 1:
            there = _spelled(last_part(name), folder)
        found.append(there or name)
    return found


def _spelled(name: str, folder: Path) -> str:
    """The name in the spelling in which a folder has it; an empty text where it has none."""
    return next((one for one in spellings(name) if is_file(folder / one)), "")


def _places(path: Path) -> Iterator[Path]:
    """The folders in which the images of a file without stated folder may lie, the likeliest first.

    ``SET/annotations/instances_train.json`` has its images in ``SET/images``, ``SET/train``,
    ``SET/images/train`` or ``SET``, ``SET/train.json`` in ``SET/images/train`` or ``SET/train``; those of
    ``instances_default.json``, which CVAT and datumaro write, in ``SET/images/default``.
    """
    subset, own = subset_word(path.stem), path.stem.removeprefix("instances_")
    home = path.parent
    for base in (home, home.parent) if home.name.lower() in LABEL_WORDS else (home,):
        for root in (*folders_called(base, IMAGE_WORDS), base):
            yield root
            for entry in sorted(root.iterdir()):
                like = entry.name == own or (subset and folder_subset([entry.name]) == subset)
                if like and entry.is_dir():
                    yield entry
