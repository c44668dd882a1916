"""CytologIA: white blood cells of 23 classes from 20 laboratories, a box a cell.

*Unverified*: read by the layout of the challenge (``train.csv`` with NAME, x1, y1, x2, y2 and class, images
in ``images_cytologia``), which nobody has tried on the files here. Where the table has a column of
laboratories, these stay whole; otherwise images are dealt out one by one, and one line says so. Test boxes
are not published: the split is ours, by digest. A class whose name says artefact is one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bmbench.core.dataset import Dataset, DatasetCard, LoadRequest, Split
from bmbench.core.errors import BadInputError
from bmbench.core.types import Category, Sample, is_artefact_name
from bmbench.datasets.reading.images import image_size
from bmbench.datasets.reading.tables import TextTable, read_table
from bmbench.datasets.sets.image_samples import boxes_of_classes, image_sample
from bmbench.datasets.sets.options import data_folder, known_options, positive
from bmbench.datasets.splits.fixed import by_subset, fixed_subsets

COLUMNS = ("name", "x1", "y1", "x2", "y2", "class")
LABORATORIES = ("laboratory", "lab", "centre", "center", "site")
IMAGES = ("images_cytologia", "images")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """The set's table, where each of `COLUMNS` stands in it, and the classes."""

    table: TextTable
    place: Mapping[str, int]
    categories: Sequence[Category]


def load(request: LoadRequest) -> Split:
    """The images by subset; BadInputError if the table or an image is missing or damaged."""
    known_options(request, ("radius_px",))
    folder = data_folder(request, CARD.name)
    home = next((folder / name for name in IMAGES if (folder / name).is_dir()), None)
    if home is None:
        raise BadInputError("folder not found", where=str(folder / IMAGES[0]), remedy=CARD.access)
    table = read_table(folder / "train.csv")
    place = _columns(table, folder / "train.csv")
    rows: dict[str, list[tuple[str, list[str]]]] = {}
    for where, cells in table.rows:
        rows.setdefault(cells[place["name"]], []).append((where, list(cells)))
    names = sorted({cells[place["class"]] for own in rows.values() for _, cells in own})
    categories = tuple(
        Category(id=number, name=name, artefact=is_artefact_name(name))
        for number, name in enumerate(names, start=1)
    )
    read = _Table(table=table, place=place, categories=categories)
    samples = [_sample(home, name, own, read) for name, own in rows.items()]
    by_laboratory = "laboratory" in place
    alone = () if by_laboratory else ("the table names no laboratories: images are dealt out one by one",)
    return Split(
        samples=by_subset(samples, fixed_subsets((s.group for s in samples), CARD.name)),
        radius_px=positive(request, "radius_px", CARD.radius_px),
        categories=categories,
        faults=alone,
    )


def _columns(table: TextTable, path: Path) -> Mapping[str, int]:
    lower = [name.lower() for name in table.columns]
    missing = [name for name in COLUMNS if name not in lower]
    if missing:
        raise BadInputError(
            f"no column {', '.join(missing)}", where=f"{path}, line 1", got=", ".join(table.columns)[:80]
        )
    table.require_narrow()
    place = {name: lower.index(name) for name in COLUMNS}
    own = next((lower.index(name) for name in LABORATORIES if name in lower), None)
    return place if own is None else {**place, "laboratory": own}


def _sample(home: Path, name: str, rows: Sequence[tuple[str, list[str]]], read: _Table) -> Sample:
    table, place, categories = read.table, read.place, read.categories
    number = {category.name: row for row, category in enumerate(categories)}
    box = [[table.number(cells[place[side]], where) for side in COLUMNS[1:5]] for where, cells in rows]
    label = [number[cells[place["class"]]] for _, cells in rows]
    corners = np.array(box, np.float64)
    if (corners[:, 2:] < corners[:, :2]).any():
        raise BadInputError("a box whose corners are exchanged", where=rows[0][0])
    marked = boxes_of_classes(corners, np.array(label, np.int64), categories)
    file = home / name
    group = rows[0][1][place["laboratory"]] if "laboratory" in place else None
    return image_sample(file, image_size(file, within=home), marked, within=home, group=group)


CARD = DatasetCard(
    name="cytologia",
    title="CytologIA: white cells of 23 classes from 20 laboratories (unverified)",
    modality="peripheral blood smear, bright field",
    annotation="boxes",
    licence="Etalab 2.0 / CC BY 3.0",
    citation="CytologIA data challenge, 2025, data.gouv.fr",
    cite_as="CytologIA 2025",
    radius_px=40.0,
    source="https://app.trustii.io/datasets/1533",
    images=69168,
    access="download the set from the source; train.csv and the folder images_cytologia lie in one folder",
)
DATASET = Dataset(card=CARD, load=load)
