"""CD138-stained marrow trephines with a point on every nucleus, plasma cells apart.

The layout is the published one of training tiles: ``training_tiles/CD138-PPPX_N.png`` (576 × 576) and
``training_labels/CD138-PPPX_N.png``, in which 1 is a pixel on a nucleated cell, 2 one on a plasma cell, and
255 a border of 32 pixels that nobody annotated: an ignored region. PPP is the patient; a letter after it
tells two biopsies of one patient apart.

Images are split by patient. The option ``test_patients`` (``004`` or ``001+004``; default ``004``) chooses
those of the test; of the others the last serves optimisation, the last but one validation, the rest training.
The published test tiles share patients with the training tiles and are not used.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bmbench.core.dataset import Dataset, DatasetCard, LoadRequest, Split
from bmbench.core.errors import BadInputError
from bmbench.core.gate import files_in
from bmbench.core.geometry import circle_box, rectangle
from bmbench.core.objects import with_regions
from bmbench.core.types import Annotations, Category, Floats, Ints, Rings, Sample
from bmbench.datasets.reading.images import image_size, read_raw
from bmbench.datasets.sets.image_samples import image_sample
from bmbench.datasets.sets.kainz import circles_of, split_by_patient
from bmbench.datasets.sets.options import data_folder, known_options, no_image, positive

OTHER_CELL, PLASMA, UNSEEN = 1, 2, 255
"""Values of a label image: a dot on a nucleus of either kind; what nobody annotated."""
NUCLEUS_RADIUS_PX = 9.0
"""Of the circle around each dot; about half the diameter of a nucleus on the tiles."""
CATEGORIES = (Category(id=1, name="other cell"), Category(id=2, name="plasma cell"))
_NAME = re.compile(r"CD138-(\d{3})[A-Z]?_\d+")


def load(request: LoadRequest) -> Split:
    """The samples by subset, each dot as a circle of the option `radius_px` (9) around it.

    Raises
    ------
    BadInputError
        If a file is missing or damaged, or the patients leave no valid split.
    """
    known_options(request, ("radius_px", "test_patients"))
    folder = data_folder(request, CARD.name, "training_tiles", "training_labels")
    radius = positive(request, "radius_px", NUCLEUS_RADIUS_PX)
    tiles = files_in(folder / "training_tiles", within=folder, suffixes=(".png",))
    samples = [_sample(path, folder, radius) for path in tiles]
    if not samples:
        raise no_image(folder / "training_tiles", "CD138-PPP_N.png", CARD)
    groups = {sample.group for sample in samples}
    table = split_by_patient(groups, request.options.get("test_patients", "004"))
    return Split(
        samples={
            subset: tuple(sample for sample in samples if sample.group in patients)
            for subset, patients in table.items()
        },
        radius_px=CARD.radius_px,
        categories=CATEGORIES,
    )


def _sample(path: Path, folder: Path, radius: float) -> Sample:
    match = _NAME.fullmatch(path.stem)
    if match is None:
        raise BadInputError("unexpected image name", where=str(path), expected="CD138-PPP_N.png")
    size = image_size(path, within=folder)
    labels = folder / "training_labels" / path.name
    return image_sample(path, size, _annotations(labels, folder, size, radius), within=folder, group=match[1])


def _annotations(path: Path, folder: Path, size: Sequence[int], radius: float) -> Annotations:
    values = read_raw(path, within=folder)
    if values.shape != (size[1], size[0]) or not np.isin(values, (0, OTHER_CELL, PLASMA, UNSEEN)).all():
        raise BadInputError(
            "not a label image of this set",
            where=str(path),
            expected=f"one channel of {size[0]} × {size[1]} px with 0, 1, 2 and 255",
            got=f"{values.shape}, {str(np.unique(values)[:6].tolist())[1:-1]} …",
        )
    xy, label = _dots(values)
    circle = circles_of(xy, radius)
    marked = Annotations.of(xy=xy, box=circle_box(circle), circle=circle, label=label)
    return with_regions(marked, _border(values))


def _dots(values: Ints) -> tuple[Floats, Ints]:
    """(n, 2) centres of the dots and (n,) rows of their categories, row by row."""
    rows, columns = np.nonzero((values == OTHER_CELL) | (values == PLASMA))
    xy = np.column_stack([columns, rows]) + 0.5
    return xy.astype(np.float64), (values[rows, columns] == PLASMA).astype(np.int64)


def _border(values: Ints) -> list[Rings]:
    """The outlines of what nobody annotated: four strips around what somebody did."""
    height, width = values.shape
    rows, columns = np.nonzero(values != UNSEEN)
    if not len(rows) or len(rows) == values.size:
        return [] if len(rows) else [rectangle(0, 0, width, height)]
    left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    strips = (
        (0, 0, width, top),
        (0, bottom, width, height),
        (0, top, left, bottom),
        (right, top, width, bottom),
    )
    return [rectangle(*strip) for strip in strips if strip[2] > strip[0] and strip[3] > strip[1]]


CARD = DatasetCard(
    name="plasma_cd138",
    title="Marrow trephines stained for CD138: points on nuclei, plasma cells apart",
    modality="bone marrow, CD138 and haematoxylin, bright field",
    annotation="points",
    licence="none stated: use and cite, do not redistribute",
    citation="STTARR plasma-cell detection, J Pathol Inform 2022, S2153353922000116",
    cite_as="J Pathol Inform 2022",
    radius_px=10.0,
    source="https://github.com/STTARR/plasma-cell-detection",
    images=101,
    cells=9400,
    access="clone the repository named as source; training_tiles and training_labels lie in one folder",
)
DATASET = Dataset(card=CARD, load=load)
