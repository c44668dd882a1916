"""The way in: any file or folder in any format, found, read and put together as one set."""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path

import numpy as np

from bmbench.core.dataset import SUBSETS, Subset
from bmbench.core.errors import UnknownNameError
from bmbench.core.types import Category, Floats, ImageId, Sample
from bmbench.datasets.formats import FORMATS
from bmbench.datasets.formats.annotation_folder import relabel
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.formats.folder_words import plain_place
from bmbench.datasets.formats.groups import CHOICES as GROUP_CHOICES
from bmbench.datasets.formats.groups import with_groups
from bmbench.datasets.formats.layout import Layout, find_layout
from bmbench.datasets.formats.maker_split import with_maker_split
from bmbench.datasets.formats.marks import Area
from bmbench.datasets.formats.settle import CHOICES, settled
from bmbench.datasets.formats.slide_regions import CHOICES as REGION_CHOICES
from bmbench.datasets.formats.slide_regions import with_regions


def read_any(
    name: str | Path, images: Path | None = None, *, choices: Mapping[str, str] | None = None
) -> Content:
    """The images of a file or folder of any format; ``FORMAT:PATH`` names the format.

    Parameters
    ----------
    images : Path, optional
        The folder of the images, where they do not lie beside the annotations.
    choices : name → text, optional
        What the user says about the files: the `Codec.choices` of their format, and those of any set.

    Raises
    ------
    UnknownNameError
        If there is no such format, or it has no such choice.
    BadInputError
        If the format cannot be told, or the files are damaged.
    """
    layout = find_layout(name)
    codec = FORMATS.get(layout.format)
    general = {**CHOICES, **GROUP_CHOICES, **REGION_CHOICES}
    own = {choice: text for choice, text in (choices or {}).items() if choice not in general}
    for choice in own:
        if choice not in codec.choices:
            raise UnknownNameError("data set option", choice, (*codec.choices, *general))
    if codec.agree is not None:
        own = {**codec.agree([part.path for part in layout.parts]), **own}
    read = partial(codec.read, **own)
    if len(layout.parts) == 1:
        content = read(layout.parts[0].path, images)
    else:
        content = _joined(layout, [read(part.path, images) for part in layout.parts])
    folder = layout.root if layout.root.is_dir() else layout.root.parent
    content = with_groups(with_maker_split(content, folder), choices or {}, folder)
    content = settled(content, codec, choices or {}, where=str(layout.root))
    return with_regions(content, choices or {}, where=str(layout.root))


def sniff(path: Path) -> str:
    """The name of the format of a file or folder; see `find_layout` for the errors."""
    return find_layout(path).format


def _joined(layout: Layout, contents: Sequence[Content]) -> Content:
    """The parts of a set as one: images named by where they lie, classes joined by name."""
    categories = _all_categories(contents)
    row_of = {category.name: row for row, category in enumerate(categories)}
    artefact = np.array([category.artefact for category in categories], bool)
    samples: dict[ImageId, Sample] = {}
    subsets: dict[ImageId, Subset] = {}
    confidence: dict[ImageId, Floats] = {}
    areas: dict[ImageId, tuple[Area, ...]] = {}
    notes: list[str] = []
    everywhere = set.intersection(*(set(content.notes) for content in contents))
    numbers = [sample.image_id for content in contents for sample in content.samples]
    for part, content in zip(layout.parts, contents, strict=True):
        rows = np.array([row_of[category.name] for category in content.categories], np.int64)
        for sample in content.samples:
            place = _place(sample, layout.root, part.path)
            keep = isinstance(sample.image_id, int) and len(set(numbers)) == len(numbers)
            image_id = sample.image_id if keep else str(Path(place).with_suffix(""))
            while image_id in samples:
                image_id = f"{image_id}'"
            samples[image_id] = dataclasses.replace(
                sample,
                image_id=image_id,
                name=place,
                group=place if sample.group == sample.name else sample.group,
                annotations=relabel(sample.annotations, rows, artefact),
            )
            stated = content.subsets.get(sample.image_id, part.subset)
            if stated is not None:
                subsets[image_id] = stated
            if sample.image_id in content.confidence:
                confidence[image_id] = content.confidence[sample.image_id]
            if sample.image_id in content.areas:
                areas[image_id] = content.areas[sample.image_id]
        head = part.path.relative_to(layout.root).as_posix()
        notes += [note if note in everywhere else f"{head}: {note}" for note in content.notes]
    named = [(SUBSETS.index(part.subset), part) for part in layout.parts if part.subset is not None]
    places = [part.path.relative_to(layout.root) for _, part in sorted(named, key=itemgetter(0))]
    folders = dict.fromkeys(
        str(place.parent if place.suffix and place.parent.name else place) for place in places
    )
    return Content(
        samples=tuple(samples.values()),
        categories=categories,
        subsets=subsets,
        notes=tuple(dict.fromkeys(notes)),
        split_from=", ".join(folders) if subsets else "",
        confidence=confidence,
        areas=areas,
    )


def _all_categories(contents: Sequence[Content]) -> tuple[Category, ...]:
    """The classes of all parts, one of each name, with their numbers where those are free."""
    found: dict[str, Category] = {}
    for category in (category for content in contents for category in content.categories):
        if category.name not in found:
            taken = {other.id for other in found.values()}
            number = category.id if category.id not in taken else max(taken) + 1
            found[category.name] = dataclasses.replace(category, id=number)
    return tuple(found.values())


def _place(sample: Sample, root: Path, part: Path) -> str:
    """The image's name in the whole set: where it lies, but for folders called ``images`` and the like."""
    if sample.file is not None and sample.file.is_relative_to(root):
        return plain_place(sample.file.relative_to(root))
    folder = part if part.is_dir() else part.parent
    return plain_place(folder.relative_to(root) / sample.name)
