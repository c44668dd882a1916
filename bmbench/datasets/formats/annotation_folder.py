"""Data set folders with one annotation file an image.

::

    FOLDER/annotations/NAME.xml …   (or labels/, as the format wants)
    FOLDER/images/NAME.png …
    FOLDER/bmbench-images.json      a COCO file without annotations

The last file is bmbench's own: it keeps what such formats have no place for, the id, group, subset and pixel
size of images, and the number and kind of classes. Other programs pass over it, and a folder without it is
read as well: an image is then named by its file, a class by its name.
"""

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from bmbench.core.dataset import Subset
from bmbench.core.errors import BadInputError
from bmbench.core.gate import files_in, open_file, plain_name, plain_text
from bmbench.core.types import (
    CELL,
    Annotations,
    Bools,
    Category,
    ImageId,
    Ints,
    Role,
    Sample,
    is_artefact_name,
)
from bmbench.datasets.formats.coco.samples import write_coco
from bmbench.datasets.formats.codec import Codec, Content, Left
from bmbench.datasets.formats.folder_words import LABEL_WORDS, MASK_FOLDERS, folders_called
from bmbench.datasets.formats.images_beside import MASK_ENDINGS, SIDECAR, Pictures
from bmbench.datasets.formats.marks import UNNAMED, Marks
from bmbench.datasets.formats.yolo_names import is_no_label
from bmbench.datasets.reading.images import SUFFIXES
from bmbench.datasets.slides.whole_images import WHOLE_SUFFIXES

ANNOTATION_FOLDERS = (
    "annotations",
    *(word for word in LABEL_WORDS if word != "annotations"),
    "obj_train_data",
)
_COUNTED = re.compile(r"(.+) \((\d+)\)")
_JSON, _HEAD_BYTES = ".json", 1 << 16
NOTHING = Marks(annotations=Annotations.empty(), classes=())


def read_folder(
    path: Path,
    images: Path | None,
    *,
    suffixes: tuple[str, ...],
    parse: Callable[[Path, Callable[[], tuple[int, int]]], Marks],
    keep_unmarked: bool = False,
    folders: tuple[str, ...] = ANNOTATION_FOLDERS,
) -> Content:
    """The images of a folder with their annotations; `path` may be a single annotation file as well.

    Parameters
    ----------
    suffixes : tuple of str
        Endings of annotation files.
    parse : (file, function that gives the image's size) → Marks
        The size is asked for only where the format does not state it.
    keep_unmarked : bool
        Whether an image without annotation file is one without objects (else it is left out, and named).

    Raises
    ------
    BadInputError
        If there is no annotation file, or one is damaged or belongs to no image.
    """
    base = path if path.is_dir() else path.parent
    files, home = annotation_files(path, suffixes, folders)
    pictures = Pictures(base, home, images, suffixes)
    found: list[tuple[Sample, Marks]] = []
    notes: list[str] = []
    for file in files:
        stem = _stem(file.relative_to(home), suffixes)
        marks = parse(file, partial(pictures.size, stem, file))
        found.append((pictures.sample(stem, marks, file), marks))
    unmarked = pictures.unmarked({sample.name for sample, _ in found})
    if keep_unmarked:
        found += [(sample, NOTHING) for sample in unmarked]
    elif unmarked and path.is_dir():
        notes.append(f"left out: {len(unmarked)} images without annotations ({_some(unmarked)})")
    if _JSON in suffixes and path.is_dir():
        passed = [file.name for file in files_in(home, within=path, suffixes=(_JSON,)) if is_whole_set(file)]
        passed = [name for name in passed if name != SIDECAR]
        notes += [f"passed over: {', '.join(passed)}, which may be named instead"] if passed else []
    sidecar = pictures.sidecar
    order = {sample.image_id: place for place, sample in enumerate(sidecar.samples if sidecar else ())}
    found.sort(key=lambda pair: order.get(pair[0].image_id, len(order)))
    return join_marks(
        found,
        known=sidecar.categories if sidecar else (),
        subsets=sidecar.subsets if sidecar else None,
        notes=notes,
        where=str(path),
    )


def annotation_files(
    path: Path, suffixes: tuple[str, ...], folders: Sequence[str]
) -> tuple[list[Path], Path]:
    """The annotation files of a folder (or the one file) and the folder they lie in; else BadInputError."""
    if not path.is_dir():
        return [path], path.parent
    for home in (*folders_called(path, folders), path):
        inner = files_in(home, within=path, suffixes=suffixes, deep=home != path)
        files = [file for file in inner if file.name != SIDECAR and not is_no_label(file)]
        if _JSON in suffixes:
            files = [file for file in files if not is_whole_set(file)]
        if set(suffixes) & set(SUFFIXES) and home.name.lower() not in (*MASK_FOLDERS, *folders):
            # Label images among the images themselves have a name that says so.
            files = [file for file in files if MASK_ENDINGS.search(file.stem)]
        if files:
            return files, home
    raise BadInputError("no annotation file", where=str(path), expected=f"files *{suffixes[0]}")


def is_whole_set(path: Path) -> bool:
    """Whether a JSON file is COCO, by its first bytes: it may lie beside files for single images."""
    if not path.name.lower().endswith(_JSON):
        return False
    with open_file(path, limit=None) as file:
        head = file.read(_HEAD_BYTES)
    words = (b'"images"', b'"annotations"', b'"categories"')
    return sum(word in head for word in words) > 1 and b'"shapes"' not in head


def write_folder(folder: Path, content: Content, codec: Codec) -> list[Left]:
    """Write a data set folder of a format, without the pixels; the objects that it had to leave out.

    Raises
    ------
    BadInputError
        If an image's name leads out of the folder, or two images would share a file.
    """
    if codec.write is None:
        raise BadInputError(f"{codec.name} is only read", remedy="choose a format that is written")
    if codec.layout == "set":
        return list(codec.write(folder / codec.folder, content))
    left: list[Left] = []
    taken: set[Path] = set()
    for sample in content.samples:
        name = inner_path(sample)
        file = folder / codec.folder / f"{name.with_suffix('')}{codec.extensions[0]}"
        if file in taken:
            raise BadInputError("two images of one name", where=sample.name, remedy="rename one of them")
        taken.add(file)
        left += codec.write(file, dataclasses.replace(content, samples=(sample,)))
    bare = [
        dataclasses.replace(s, annotations=Annotations.empty(), name=str(inner_path(s)))
        for s in content.samples
    ]
    write_coco(folder / SIDECAR, bare, content.categories, subsets=content.subsets)
    if codec.frame is not None:
        codec.frame(folder, content)
    return left


def inner_path(sample: Sample) -> PurePosixPath:
    """An image's name as a path inside a folder, with an ending; BadInputError if it leads out of it."""
    name = sample.name
    if not name.lower().endswith(WHOLE_SUFFIXES):
        name = sample.file.name if sample.file is not None else f"{name}.png"
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name or "\0" in name:
        raise BadInputError("image name leads out of its folder", where=name, expected="a plain file name")
    return PurePosixPath(plain_name(str(path)))


def join_marks(
    found: Sequence[tuple[Sample, Marks]],
    *,
    known: Sequence[Category] = (),
    names: Sequence[str] = (),
    subsets: Mapping[ImageId, Subset] | None = None,
    notes: Sequence[str] = (),
    where: str = "",
) -> Content:
    """One set of images in their order; its classes are those of all marks, in the order of their first use.

    Parameters
    ----------
    known : sequence of Category
        Classes that are there already, with their numbers and kinds.
    names : sequence of str
        The order in which new classes are to stand.

    Raises
    ------
    BadInputError
        If an image is there twice; names `where`.
    """
    table = {category.name: category for category in known}
    classes = [item for _, marks in found for item in marks.classes]
    kinds = dict(reversed(classes))
    # Objects without a class, where there is only one, are of that class; ignored regions are of any.
    named = [name for name, _ in classes if name != UNNAMED]
    alias = {UNNAMED: known[0].name} if len(known) == 1 else {}
    if named and not known and _are_regions([marks for _, marks in found]):
        alias = {UNNAMED: named[0]}
    for name, artefact in [(name, kinds.get(name, is_artefact_name(name))) for name in names] + classes:
        number = max((category.id for category in table.values()), default=0) + 1
        key = alias.get(name, name)
        kind = artefact if key == name else kinds.get(key, is_artefact_name(key))
        table.setdefault(key, Category(id=number, name=key, artefact=kind))
    for category in table.values():
        plain_text(category.name, where=where)
    categories = tuple(table.values()) or (CELL,)
    rows = {category.name: row for row, category in enumerate(categories)}
    artefact_rows = np.array([category.artefact for category in categories], bool)
    samples: dict[ImageId, Sample] = {}
    for sample, marks in found:
        if sample.image_id in samples:
            raise BadInputError("image that is there twice", where=where, got=sample.name[:80])
        own = np.array([rows[alias.get(name, name)] for name, _ in marks.classes], np.int64)
        annotations = relabel(marks.annotations, own, artefact_rows)
        samples[sample.image_id] = dataclasses.replace(sample, annotations=annotations)
    return Content(
        samples=tuple(samples.values()),
        categories=categories,
        subsets=dict(subsets or {}),
        notes=(*_gathered(found), *notes),
        confidence={s.image_id: marks.confidence for s, marks in found if len(marks.confidence)},
        areas={s.image_id: marks.areas for s, marks in found if marks.areas},
    )


def _are_regions(all_marks: Sequence[Marks]) -> bool:
    """Whether there are objects without a class, ignored regions all of them."""
    found: list[bool] = []
    for marks in all_marks:
        unnamed = np.array([name == UNNAMED for name, _ in marks.classes], bool)
        if unnamed.any():
            found += marks.annotations.region[unnamed[marks.annotations.label]].tolist()
    return bool(found) and all(found)


def _gathered(found: Sequence[tuple[Sample, Marks]]) -> list[str]:
    """The notes of all images, one line for those that say the same of several objects or images."""
    images: dict[str, list[Sample]] = {}
    count: Counter[str] = Counter()
    for sample, marks in found:
        for note in marks.notes:
            counted = _COUNTED.fullmatch(note)
            text, number = (counted[1], int(counted[2])) if counted else (note, 1)
            images.setdefault(text, []).append(sample)
            count[text] += number
    lines = []
    for text, samples in images.items():
        there = list({sample.image_id: sample for sample in samples}.values())
        times = f" ({count[text]:,})" if count[text] > 1 else ""
        lines.append(f"{_some(there)}: {text}{times}")
    return lines


def relabel(annotations: Annotations, rows: Ints, artefact: Bools) -> Annotations:
    """The objects with `rows[label]` as their labels, and the roles that these categories give them."""
    label = rows[annotations.label] if len(annotations) else annotations.label
    role = np.where(artefact[label], int(Role.ARTEFACT), int(Role.CELL))
    role = np.where(annotations.role == Role.IGNORE, int(Role.IGNORE), role).astype(np.int64)
    return dataclasses.replace(annotations, label=label, role=role)


def _stem(path: Path, suffixes: tuple[str, ...]) -> str:
    name = path.as_posix()
    ending = max((suffix for suffix in suffixes if name.lower().endswith(suffix)), key=len, default="")
    return name[: len(name) - len(ending)]


def _some(samples: Sequence[Sample]) -> str:
    names = ", ".join(sample.name for sample in samples[:5])
    return names + (f" and {len(samples) - 5} more" if len(samples) > 5 else "")
