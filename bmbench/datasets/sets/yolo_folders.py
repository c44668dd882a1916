"""Published sets of YOLO text: ``PART/images`` and ``PART/labels``, or ``images/PART`` and ``labels/PART``.

The maker's parts (train, valid or val, test) hold; `dealt_out` says what is made of them. A line is a class
and a box in shares of the image, and may have attributes behind, which are left out.
"""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bmbench.core.dataset import DatasetCard, LoadRequest, Split, Subset
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.gate import files_in, is_file
from bmbench.core.numerals import numeral
from bmbench.core.types import Annotations, Category, Sample
from bmbench.datasets.reading.images import SUFFIXES, image_size
from bmbench.datasets.reading.limits import read_text
from bmbench.datasets.sets.image_samples import boxes_of_classes, image_sample
from bmbench.datasets.sets.options import positive
from bmbench.datasets.splits.dealing import dealt_out

PARTS: tuple[tuple[str, Subset], ...] = (
    ("train", "train"), ("valid", "validation"), ("val", "validation"), ("test", "test"),
)  # fmt: skip


def yolo_split(
    request: LoadRequest,
    folder: Path,
    card: DatasetCard,
    categories: Sequence[Category],
    *,
    attributes: int = 0,
    numbers: Sequence[int] | None = None,
) -> Split:
    """The samples of the maker's parts in a folder, as four subsets.

    Parameters
    ----------
    attributes : int
        Numbers that a line may have behind its box.
    numbers : sequence of int, optional
        The class in the files of each category; their order without it.

    Raises
    ------
    BadInputError
        If there is no part, or a label file is damaged; names the line.
    """
    row_of = {number: row for row, number in enumerate(numbers or range(len(categories)))}
    parts: dict[Subset, list[Sample]] = {}
    left: Counter[str] = Counter()
    for part, subset in PARTS:
        for images, labels in _homes(folder, part):
            for file in files_in(images, within=folder, suffixes=SUFFIXES):
                size = image_size(file, within=folder)
                marked = _boxes(
                    labels / f"{file.stem}.txt", size, categories, row_of, attributes=attributes, left=left
                )
                sample = image_sample(file, size, marked, within=folder, folder=f"{part}/")
                parts.setdefault(subset, []).append(sample)
    if not parts:
        raise BadInputError(
            "no images of a part",
            where=str(folder),
            expected="train/images and train/labels, or images/train and labels/train",
            remedy=f"name the folder of {card.name} with --data",
        )
    samples, said = dealt_out(parts, len(categories))
    return Split(
        samples=samples,
        radius_px=positive(request, "radius_px", card.radius_px),
        categories=tuple(categories),
        faults=tuple(f"{text} ({count})" for text, count in left.items()),
        split_from="the maker's" + (f"; {said}" if said else ""),
    )


def chosen_folder(request: LoadRequest, folder: Path, option: str) -> Path:
    """The folder with the parts: this one, the one in it that an option names, or the only one in it.

    Raises
    ------
    UnknownNameError
        If the option names none of them.
    BadInputError
        If there are several and no option says which.
    """
    if any(_homes(folder, part) for part, _ in PARTS):
        return folder
    inside = {
        entry.name: entry
        for entry in sorted(folder.iterdir())
        if entry.is_dir() and not entry.is_symlink() and any(_homes(entry, part) for part, _ in PARTS)
    }
    asked = request.options.get(option)
    if asked is not None:
        if asked not in inside:
            raise UnknownNameError(option, asked, inside)
        return inside[asked]
    if len(inside) > 1:
        raise BadInputError(
            f"{len(inside)} folders with images",
            where=str(folder),
            got=", ".join(inside)[:80],
            remedy=f"choose one, as in --option {option}={next(iter(inside))}",
        )
    return next(iter(inside.values()), folder)


def _homes(folder: Path, part: str) -> list[tuple[Path, Path]]:
    pairs = (
        (folder / part / "images", folder / part / "labels"),
        (folder / "images" / part, folder / "labels" / part),
    )
    return [(images, labels) for images, labels in pairs if images.is_dir() and not images.is_symlink()]


def _boxes(
    path: Path,
    size: tuple[int, int],
    categories: Sequence[Category],
    row_of: dict[int, int],
    *,
    attributes: int,
    left: Counter[str],
) -> Annotations:
    """The objects of a label file; none where there is no file."""
    label, box = [], []
    lines = read_text(path).splitlines() if is_file(path) else []
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words:
            continue
        kind, *place = _numbers(words, f"{path}, line {number}")
        if len(place) not in (4, 4 + attributes) or kind not in row_of:
            raise BadInputError(
                "not an object of this set",
                where=f"{path}, line {number}",
                expected=f"a class ({', '.join(map(str, row_of))}) and a box in shares of the image",
                got=line[:60],
            )
        if len(place) > 4:
            left["left out: attributes of an object"] += 1
        x, y, w, h = place[:4]
        label.append(row_of[int(kind)])
        box.append(
            [(x - w / 2) * size[0], (y - h / 2) * size[1], (x + w / 2) * size[0], (y + h / 2) * size[1]]
        )
    return boxes_of_classes(np.array(box).reshape(-1, 4), np.array(label, np.int64), categories)


def _numbers(words: Sequence[str], where: str) -> list[float]:
    try:
        found = [float(numeral(word)) for word in words]
    except ValueError as error:
        raise BadInputError("not a line of YOLO text", where=where, got=str(error)[:60]) from None
    if not all(math.isfinite(value) and abs(value) < 1e6 for value in found):
        raise BadInputError("numbers of no sensible size", where=where)
    return found
