"""BCCD: blood smears with a box on every white cell, red cell and platelet.

White cells (WBC) are the cells to be found. Red cells are often left unmarked although they fill the
field, so that finding them cannot be scored; they and platelets are kept as categories of artefacts:
cell-like objects that must not be counted. The option ``classes=all`` makes cells of all three.

Split: the published image lists. With all three of them, train is `train`, test is `test`, and `val` is
dealt out in turn to validation and optimisation. Where the test images are absent, `val` is the test set,
and of every eight images of `train` the fourth serves validation and the eighth optimisation.

Known faults, named in `Split.faults`: boxes of a single pixel (in 00338 and 00343) are left out; 00037 and
00038 are nearly the same picture, and one of them is left out of training where the lists put them on two
sides. Near-duplicate boxes are kept as published.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bmbench.core.dataset import Dataset, DatasetCard, LoadRequest, Split, Subset
from bmbench.core.errors import BadInputError
from bmbench.core.gate import read_bytes, require_inside
from bmbench.core.types import Category, Sample
from bmbench.datasets.formats.voc import read_voc
from bmbench.datasets.reading.images import check_size
from bmbench.datasets.sets.image_samples import boxes_of_classes, image_sample
from bmbench.datasets.sets.options import choice, data_folder, known_options

NAMES = ("WBC", "RBC", "Platelets")
RADIUS_PX = 62.0
"""A third of the mean diameter of the white cells (187 px)."""
_TWINS = {"BloodImage_00038": "BloodImage_00037"}
_EVERY = 8


def load(request: LoadRequest) -> Split:
    """The smears by subset.

    Parameters
    ----------
    request : LoadRequest
        `data` is the folder with ``JPEGImages``, ``Annotations`` and ``ImageSets/Main``.

    Raises
    ------
    BadInputError
        If a file is missing or damaged.
    """
    known_options(request, ("classes",))
    every_class = choice(request, "classes", "WBC", ("WBC", "all")) == "all"
    categories = tuple(
        Category(id=number, name=name, artefact=not (every_class or name == "WBC"))
        for number, name in enumerate(NAMES, start=1)
    )
    folder = data_folder(request, CARD.name, "JPEGImages", "Annotations", "ImageSets/Main")
    faults: list[str] = []
    subsets = _without_copies(_subsets(folder / "ImageSets" / "Main"), faults)
    samples = {
        subset: tuple(_sample(folder, name, categories, faults) for name in names)
        for subset, names in subsets.items()
    }
    return Split(samples=samples, radius_px=CARD.radius_px, categories=categories, faults=tuple(faults))


def _subsets(folder: Path) -> Mapping[Subset, tuple[str, ...]]:
    train, val = (_names(folder / f"{part}.txt") for part in ("train", "val"))
    if (folder / "test.txt").is_file():
        return {
            "train": train,
            "validation": _in_turn(val, 2, (0,)),
            "optimisation": _in_turn(val, 2, (1,)),
            "test": _names(folder / "test.txt"),
        }
    middle, last = _EVERY // 2 - 1, _EVERY - 1
    return {
        "train": _in_turn(train, _EVERY, tuple(set(range(_EVERY)) - {middle, last})),
        "validation": _in_turn(train, _EVERY, (middle,)),
        "optimisation": _in_turn(train, _EVERY, (last,)),
        "test": val,
    }


def _in_turn(names: tuple[str, ...], every: int, turns: tuple[int, ...]) -> tuple[str, ...]:
    """The names whose group, in sorted order, is at one of these turns."""
    groups = sorted({_TWINS.get(name, name) for name in names})
    turn = {group: number % every for number, group in enumerate(groups)}
    return tuple(name for name in names if turn[_TWINS.get(name, name)] in turns)


def _without_copies(
    subsets: Mapping[Subset, tuple[str, ...]], faults: list[str]
) -> Mapping[Subset, tuple[str, ...]]:
    """The subsets without the training images that another subset holds a near copy of."""
    elsewhere = {
        _TWINS.get(name, name) for subset, names in subsets.items() if subset != "train" for name in names
    }
    copies = [name for name in subsets["train"] if _TWINS.get(name, name) in elsewhere]
    faults += [
        f"{name} is left out of train: another subset holds nearly the same picture" for name in copies
    ]
    return {**subsets, "train": tuple(name for name in subsets["train"] if name not in copies)}


def _names(path: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(read_bytes(path).decode().split()))
    except UnicodeDecodeError as error:
        raise BadInputError("not UTF-8 text", where=f"{path}, byte {error.start}") from None


def _sample(folder: Path, name: str, categories: tuple[Category, ...], faults: list[str]) -> Sample:
    path, file = folder / "Annotations" / f"{name}.xml", folder / "JPEGImages" / f"{name}.jpg"
    require_inside(path, folder)
    voc = read_voc(path)
    size = (voc.width, voc.height)
    check_size(file, size, within=folder)
    rows = {category.name: row for row, category in enumerate(categories)}
    for kind in voc.names:
        if kind not in rows:
            raise BadInputError("unknown class", where=str(path), expected=" or ".join(rows), got=repr(kind))
    label = np.array([rows[kind] for kind in voc.names], np.int64)
    empty = np.any(voc.box[:, 2:] - voc.box[:, :2] <= 1, axis=1)
    for row in np.flatnonzero(empty):
        x, y = voc.box[row, :2]
        faults.append(f"{path.name}: the {voc.names[row]} box of one pixel at ({x:g}, {y:g}) is left out")
    marked = boxes_of_classes(voc.box, label, categories).take(np.flatnonzero(~empty))
    return image_sample(file, size, marked, within=folder, group=_TWINS.get(name, name))


CARD = DatasetCard(
    name="bccd",
    title="BCCD: blood smears, boxes on white cells",
    modality="peripheral blood smear, bright field",
    annotation="boxes",
    licence="MIT",
    citation="BCCD data set, Shenggan, 2017",
    cite_as="Shenggan 2017",
    radius_px=RADIUS_PX,
    source="https://github.com/Shenggan/BCCD_Dataset",
    images=364,
    cells=4888,
    size_mb=8.8,
    manifest="bccd",
    access="clone the repository named as source; JPEGImages, Annotations and ImageSets in one folder",
)
DATASET = Dataset(card=CARD, load=load)
