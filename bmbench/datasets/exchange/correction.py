"""Predictions that were corrected in QuPath, LabelMe or another program, taken in as annotations.

QuPath keeps the id of an object through a correction; what was drawn anew has another one. So the corrected
file, beside the one that was predicted, tells what was kept, moved, renamed, deleted and added.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np

from bmbench.core.artefacts import Declared
from bmbench.core.dataset import Subset
from bmbench.core.errors import BadInputError
from bmbench.core.geometry import box_iou, circle_box
from bmbench.core.objects import shape_circles
from bmbench.core.spatial_index import iou_reach, near_boxes
from bmbench.core.types import Annotations, Category, ImageId, Ints
from bmbench.datasets.describe.faults import outside
from bmbench.datasets.formats.annotation_folder import ANNOTATION_FOLDERS, annotation_files, relabel
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.formats.qupath.codec import SUFFIXES, cells_of
from bmbench.datasets.formats.qupath.geojson import read_qupath
from bmbench.datasets.formats.recognise import read_any, sniff
from bmbench.datasets.reading.image_names import nearest, nested
from bmbench.datasets.slides.whole_images import is_image_there

MOVED_PX = 0.05
"""QuPath rounds to a hundredth: below this, a shape was not touched."""
SAME_IOU = 0.5
"""An object with a new id is an old one if it overlaps it more."""
Shape = Literal["as-drawn", "circles"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What became of the predicted objects; `added` are new ones."""

    kept: int = 0
    moved: int = 0
    renamed: int = 0
    deleted: int = 0
    added: int = 0


def import_corrected(
    corrected: Path,
    *,
    images: Path | None = None,
    shape: Shape = "as-drawn",
    declared: Declared | None = None,
    into: Content | None = None,
) -> Content:
    """The corrected objects of a file, or of a folder with one file an image, as a training set.

    They may be in any format: GeoJSON of QuPath, JSON of LabelMe …

    Parameters
    ----------
    images : Path, optional
        Where the images lie, if not beside the files.
    shape : "as-drawn" or "circles"
        Keep outlines where somebody drew some, or turn every shape into the smallest circle around it.
    declared : Declared, optional
        What the user says of the classes.
    into : Content, optional
        A set to add the images to: an image that is in both has the corrected annotations, a new one is
        for training where the set is split.

    Raises
    ------
    BadInputError
        If a file is no GeoJSON, an image is missing, or its name is that of several images of the set.
    """
    said = declared or Declared()
    choices = {"artefact": "\n".join(said.artefacts), "cell": "\n".join(said.cells)}
    content = read_any(corrected, images, choices={name: text for name, text in choices.items() if text})
    fault = outside(content.samples, content.categories)
    if fault:
        notes = (*content.notes, f"{fault.kind} ({fault.count}): {fault.text}")
        content = dataclasses.replace(content, notes=notes)
    if shape == "circles":
        content = dataclasses.replace(
            content,
            samples=tuple(
                dataclasses.replace(s, annotations=_rounded(s.annotations)) for s in content.samples
            ),
        )
    return _merged(into, content) if into is not None else content


def first_set(path: Path, images: Path | None) -> Content:
    """The set that corrected images are added to, with its own images, else with those in `images`."""
    try:
        content = read_any(path)
    except BadInputError:
        if images is None:
            raise
        return read_any(path, images)
    there = all(sample.file is None or is_image_there(sample.file) for sample in content.samples)
    return content if there or images is None else read_any(path, images)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Objects:
    """The objects of one image, their classes, and their ids where a format keeps them."""

    annotations: Annotations
    classes: tuple[tuple[str, bool], ...]
    ids: tuple[str, ...] = ()


def changes(predicted: Path, corrected: Path) -> Changes:
    """What a correction did, over all images that were corrected.

    An object is known again by its id, where both are files of QuPath, else by its overlap. Images that were
    predicted and not corrected do not count.

    Raises
    ------
    BadInputError
        If one of them cannot be read, or no predicted image was corrected.
    """
    old, new = _objects(predicted), _objects(corrected)
    if len(old) == len(new) == 1:
        # One file each is one image, whatever they are called.
        new = dict(zip(old, new.values(), strict=True))
    rows = _rows(list(new), list(old))
    names = list(old)
    total = Changes()
    for name, row in zip(new, rows, strict=True):
        if row is not None:
            found = _changes(old[names[row]], new[name])
            total = Changes(
                **{f.name: getattr(total, f.name) + getattr(found, f.name) for f in fields(Changes)}
            )
    if all(row is None for row in rows):
        raise BadInputError(
            "none of the corrected images was predicted",
            where=str(corrected),
            expected=f"one of {', '.join(names[:3])}",
            got=", ".join(list(new)[:3]),
            remedy="name the folder of what was predicted",
        )
    return total


def _objects(path: Path) -> dict[str, _Objects]:
    """Image → its objects, of QuPath's files with their ids."""
    if sniff(path) != "qupath":
        content = read_any(path)
        kinds = tuple((category.name, category.artefact) for category in content.categories)
        return {
            sample.name: _Objects(annotations=sample.annotations, classes=kinds) for sample in content.samples
        }
    files, home = annotation_files(path, SUFFIXES, ANNOTATION_FOLDERS)
    found = cells_of([read_qupath(file) for file in files])
    return {
        file.relative_to(home).as_posix().removesuffix(".gz"): _Objects(
            annotations=one.annotations, classes=one.classes, ids=one.ids
        )
        for file, one in zip(files, found, strict=True)
    }


def _changes(old: _Objects, new: _Objects) -> Changes:
    pairs = _pairs(old, new)
    kept = moved = renamed = 0
    for row, other in pairs:
        same_class = old.classes[old.annotations.label[row]] == new.classes[new.annotations.label[other]]
        same_role = old.annotations.role[row] == new.annotations.role[other]
        close = np.abs(old.annotations.box[row] - new.annotations.box[other]).max() <= MOVED_PX
        moved += int(not close)
        renamed += int(close and not (same_class and same_role))
        kept += int(close and same_class and same_role)
    return Changes(
        kept=kept,
        moved=moved,
        renamed=renamed,
        deleted=len(old.annotations) - len(pairs),
        added=len(new.annotations) - len(pairs),
    )


def _pairs(old: _Objects, new: _Objects) -> list[tuple[int, int]]:
    """Rows of the same object before and after: by id, else by overlap (a script may give new ids)."""
    there = {identity: row for row, identity in enumerate(new.ids) if identity}
    pairs = [(row, there.pop(identity)) for row, identity in enumerate(old.ids) if identity in there]
    old_rows = np.setdiff1d(np.arange(len(old.annotations)), [row for row, _ in pairs])
    new_rows = np.setdiff1d(np.arange(len(new.annotations)), [row for _, row in pairs])
    return pairs + _overlapping(old.annotations, new.annotations, (old_rows, new_rows))


def _overlapping(old: Annotations, new: Annotations, rows: tuple[Ints, Ints]) -> list[tuple[int, int]]:
    """Pairs whose boxes overlap by more than half, each object in one pair, the closest pairs first."""
    before, after = old.box[rows[0]], new.box[rows[1]]
    near = near_boxes(before, after, partial(iou_reach, iou=SAME_IOU))
    iou = box_iou(before[near[:, 0]], after[near[:, 1]])
    near, iou = near[iou > SAME_IOU], iou[iou > SAME_IOU]
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for a, b in near[np.lexsort((near[:, 1], near[:, 0], -iou))].tolist():
        if a not in pairs and b not in taken:
            pairs[a] = b
            taken.add(b)
    return [(int(rows[0][a]), int(rows[1][b])) for a, b in pairs.items()]


def _rounded(annotations: Annotations) -> Annotations:
    """Every object with extent as the smallest circle around it; regions as they are."""
    circle = shape_circles(annotations)
    change = (circle[:, 2] > 0) & ~annotations.region
    new = np.where(change[:, None], circle, annotations.circle)
    return dataclasses.replace(
        annotations,
        circle=new,
        xy=np.where(change[:, None], new[:, :2], annotations.xy),
        box=np.where(change[:, None], circle_box(new), annotations.box),
        contour=tuple(
            () if round_one else rings for rings, round_one in zip(annotations.contour, change, strict=True)
        ),
    )


def _merged(into: Content, content: Content) -> Content:
    table = {category.name: category for category in into.categories}
    for category in content.categories:
        number = max(c.id for c in table.values()) + 1
        table.setdefault(category.name, Category(id=number, name=category.name, artefact=category.artefact))
    categories = tuple(table.values())
    old, new = _with_categories(into, categories), _with_categories(content, categories)
    # A corrected image is the old one with other annotations: its group and subset stay.
    rows = _rows([sample.name for sample in new.samples], [sample.name for sample in old.samples])
    corrected = {row: sample.annotations for row, sample in zip(rows, new.samples, strict=True)}
    samples = [
        dataclasses.replace(sample, annotations=corrected.get(row, sample.annotations))
        for row, sample in enumerate(old.samples)
    ]
    unknown = [sample for row, sample in zip(rows, new.samples, strict=True) if row is None]
    # Where the set is split already, what was corrected by hand is for training.
    fresh: dict[ImageId, Subset] = {s.image_id: "train" for s in unknown} if into.subsets else {}
    return dataclasses.replace(
        into,
        samples=(*samples, *unknown),
        categories=categories,
        subsets={**into.subsets, **fresh},
        notes=(*into.notes, *content.notes),
    )


def _with_categories(content: Content, categories: tuple[Category, ...]) -> Content:
    rows = {category.name: row for row, category in enumerate(categories)}
    own = np.array([rows[category.name] for category in content.categories], np.int64)
    artefact = np.array([category.artefact for category in categories], bool)
    samples = tuple(
        dataclasses.replace(s, annotations=relabel(s.annotations, own, artefact)) for s in content.samples
    )
    return dataclasses.replace(content, samples=samples, categories=categories)


def _rows(names: Sequence[str], known: Sequence[str]) -> list[int | None]:
    """Which known image each corrected one is, by its name in more folders or fewer; None for a new one."""
    stems, known_stems = [_stem(name) for name in names], [_stem(name) for name in known]
    rows: list[int | None] = []
    for name, stem, near in zip(names, stems, nearest(stems, known_stems), strict=True):
        # One of that file name in another folder is another image.
        own = [row for row in near if nested(stem, known_stems[row])]
        fits = [row for row in own if known[row] == name] or own
        if len(fits) > 1:
            raise BadInputError(
                "a corrected image that several of the set may be",
                where=name,
                got=", ".join(known[row] for row in fits[:3]),
                remedy="put its file into the folder that the set names",
            )
        if fits and fits[0] in rows:
            raise BadInputError("an image that is corrected twice", where=known[fits[0]], got=name)
        rows.append(fits[0] if fits else None)
    return rows


def _stem(name: str) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    return str(path.parent / path.stem)
