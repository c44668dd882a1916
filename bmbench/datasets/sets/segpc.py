"""SegPC-2021: plasma cells in marrow smears, nucleus and cytoplasm outlined (Gupta et al. 2021).

Layout, as the loaders of others state it for the archive ``TCIA_SegPC_dataset`` (torch_em, ``segpc.py``):
``train``, ``validation`` and ``test`` (some copies repeat the folder: ``train/train``), each with images
``x/N.bmp``; the first two with masks ``y/N_K.bmp``, one a cell, in which 40 is nucleus, 20 cytoplasm and 0
neither.

Only plasma cells are marked. Other nucleated cells are cells too, but nobody marked them: a detection on one
of them is a false alarm here. Scores on this set answer "does it find the plasma cells, and only them?"; of a
detector of all nucleated cells, only the recall says something.

The radius is measured, a third of the mean diameter of the plasma cells that are there (``radius_px=`` sets
another); two cameras took the images, at two sizes.

A cell's contour is that of nucleus and cytoplasm together; the option ``part=nucleus`` takes the nucleus.

Split: the published validation images are test (the published test images have no masks), and the training
images are dealt out one by one: see `bmbench.datasets.splits.fixed`. Which patient an image shows was not
published, so images of one patient may lie in train and in test.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bmbench.core.dataset import Dataset, DatasetCard, LoadRequest, Split
from bmbench.core.errors import BadInputError
from bmbench.core.gate import files_in, folders_named
from bmbench.core.geometry import box_centre, rings_box
from bmbench.core.objects import measured_radius
from bmbench.core.types import Annotations, Bools, Category, Rings, Sample
from bmbench.datasets.formats.masks import mask_rings
from bmbench.datasets.reading.images import image_size, read_mask
from bmbench.datasets.sets.image_samples import image_sample
from bmbench.datasets.sets.options import choice, known_options, positive, source_place
from bmbench.datasets.splits.fixed import by_subset, fixed_subsets

NUCLEUS = 40
_MASK = re.compile(r"(.+)_\d+")
_HELD_OUT = ("validation", "valid", "val")
_NOTE = "only plasma cells are marked: a detection on any other cell counts as a false alarm"


def load(request: LoadRequest) -> Split:
    """The images that have masks, by subset.

    Parameters
    ----------
    request : LoadRequest
        `data` is the unpacked archive: any folder above ``train`` and ``validation``.

    Raises
    ------
    BadInputError
        If a file is missing or damaged, or there are too few images.
    """
    known_options(request, ("part", "radius_px"))
    part = choice(request, "part", "cell", ("cell", "nucleus"))
    place = source_place(request, CARD)
    folders = [path.parent for path in folders_named("x", place) if (path.parent / "y").is_dir()]
    if not folders:
        raise BadInputError(
            "no images with masks",
            where=str(place),
            expected="train and validation, each with folders x and y",
            remedy=f"name the folder of {CARD.name} with --data",
        )
    faults, samples, held = [_NOTE], [], set()
    for folder in folders:
        masks = _masks(folder / "y", place)
        for image in files_in(folder / "x", within=place, suffixes=(".bmp",)):
            samples.append(_sample(image, place, masks.pop(image.stem, []), part=part, faults=faults))
            if folder.name in _HELD_OUT:
                held.add(image.stem)
        if masks:
            orphan = sorted(masks)[0]
            raise BadInputError(
                "masks of an image that is not there", where=str(folder), expected=f"x/{orphan}.bmp"
            )
    table = fixed_subsets((sample.group for sample in samples), CARD.name, held)
    return Split(
        samples=by_subset(samples, table),
        radius_px=positive(request, "radius_px", measured_radius(samples, CARD.radius_px)),
        categories=(Category(id=1, name="plasma cell"),),
        faults=tuple(faults),
    )


def _masks(folder: Path, place: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in files_in(folder, within=place, suffixes=(".bmp",)):
        match = _MASK.fullmatch(path.stem)
        if match is None:
            raise BadInputError("unexpected name of a mask", where=str(path), expected="IMAGE_NUMBER.bmp")
        found.setdefault(match[1], []).append(path)
    return found


def _sample(image: Path, place: Path, masks: Sequence[Path], *, part: str, faults: list[str]) -> Sample:
    size = image_size(image, within=place)
    contour = []
    for path in masks:
        values = read_mask(path, size)
        rings = _outline(values == NUCLEUS if part == "nucleus" else values > 0)
        contour += [rings] if rings else []
        if not rings:
            faults.append(f"{path.name}: no pixel of a {part}, left out")
    box = np.array([rings_box(rings) for rings in contour]).reshape(-1, 4)
    marked = Annotations.of(xy=box_centre(box), box=box, contour=tuple(contour))
    return image_sample(image, size, marked, within=place)


def _outline(mask: Bools) -> Rings:
    """Along pixel edges; () for an empty mask. Only the part that holds the cell is followed."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        return ()
    x, y = int(columns[0]), int(rows[0])
    return mask_rings(mask[y : rows[-1] + 1, x : columns[-1] + 1], (x, y))


CARD = DatasetCard(
    name="segpc2021",
    title="SegPC-2021: plasma cells with contours; other cells are not marked",
    modality="bone-marrow aspirate smears, Jenner-Giemsa stain",
    annotation="contours",
    licence="CC BY-NC-SA 4.0, as a mirror states",
    citation="Gupta et al., SegPC-2021, IEEE DataPort, doi:10.21227/7np1-2q42",
    cite_as="Gupta et al. 2021",
    radius_px=55.0,
    source="https://doi.org/10.21227/7np1-2q42",
    images=498,
    access="download TCIA_SegPC_dataset.zip from the source (login needed), unpack it and the archives in "
    "it, and name the folder",
)
DATASET = Dataset(card=CARD, load=load)
