"""NuInsSeg: nuclei of 31 organs with contours, and areas too ambiguous to judge (Mahbod et al. 2024).

Layout, as the makers' README and code (github.com/masih4/NuInsSeg) and the loaders of others state it: a
folder an organ (``human bladder`` …) with ``tissue images/*.png``, ``label masks modify/*.tif`` (16-bit
object numbers, the ones that the makers evaluate on), ``Imagj_zips/*.zip`` (so spelt; the ROIs as drawn in
ImageJ) and ``vague areas``, whose binary masks of ambiguous areas lie in ``mask binary`` (in another release
``mask binary_vague``), one an image, white where nobody can tell.

Every connected part of an ambiguous area is an ignored region. The option ``outlines=rois`` takes the drawn
outlines, which may overlap, in place of the masks (extra ``imagej``).

Split: each organ is one slide, so whole organs are dealt out: see `bmbench.datasets.splits.fixed`. The makers
recommend five random folds, which tear slides apart. Radius: a third of a nucleus of 21 px.
"""

import dataclasses
from pathlib import Path

import numpy as np

from bmbench.core.dataset import Dataset, DatasetCard, LoadRequest, Split
from bmbench.core.errors import BadInputError
from bmbench.core.gate import files_in, folders_named, require_inside
from bmbench.core.objects import with_regions
from bmbench.core.types import Annotations, Ints, Rings, Role, Sample
from bmbench.datasets.formats.label_image import label_annotations, read_labels
from bmbench.datasets.formats.masks import mask_rings
from bmbench.datasets.reading.images import image_size, read_mask
from bmbench.datasets.sets.image_samples import image_sample
from bmbench.datasets.sets.options import choice, known_options, source_place
from bmbench.datasets.splits.fixed import by_subset, fixed_subsets

IMAGES, MASKS, VAGUE = "tissue images", "label masks modify", "vague areas"
ROIS = ("Imagj_zips", "Imagej_zips")
VAGUE_MASKS = ("mask binary", "mask binary_vague")


def load(request: LoadRequest) -> Split:
    """The fields by subset, whole organs together.

    Parameters
    ----------
    request : LoadRequest
        `data` is the folder that holds one folder an organ.

    Raises
    ------
    BadInputError
        If a file is missing or damaged, or there are too few organs.
    MissingExtraError
        If ROIs are asked for and roifile is not installed.
    """
    known_options(request, ("outlines",))
    drawn = choice(request, "outlines", "masks", ("masks", "rois")) == "rois"
    place = source_place(request, CARD)
    organs = [path.parent for path in folders_named(IMAGES, place)]
    if not organs:
        raise BadInputError(
            "no organ", where=str(place), expected=f"folders of organs, each with a folder {IMAGES!r}"
        )
    samples = [
        _sample(image, organ, place, drawn=drawn)
        for organ in organs
        for image in files_in(organ / IMAGES, within=place, suffixes=(".png",))
    ]
    unjudged = sum(not (organ / VAGUE).is_dir() for organ in organs)
    faults = [f"{unjudged} organs come without their ambiguous areas"] if unjudged else []
    table = fixed_subsets((sample.group for sample in samples), CARD.name)
    return Split(samples=by_subset(samples, table), radius_px=CARD.radius_px, faults=tuple(faults))


def _sample(image: Path, organ: Path, place: Path, *, drawn: bool) -> Sample:
    size = image_size(image, within=place)
    nuclei = _drawn(image, organ) if drawn else label_annotations(_labels(image, organ, size))
    marked = with_regions(nuclei, _vague(image, organ, size))
    return image_sample(image, size, marked, within=place, folder=f"{organ.name}/", group=organ.name)


def _labels(image: Path, organ: Path, size: tuple[int, int]) -> Ints:
    file = organ / MASKS / f"{image.stem}.tif"
    require_inside(file, organ)
    return read_labels(file, size)


def _drawn(image: Path, organ: Path) -> Annotations:
    from bmbench.datasets.formats.imagej import parse

    files = [organ / folder / f"{image.stem}.zip" for folder in ROIS]
    file = next((path for path in files if path.is_file()), files[0])
    require_inside(file, organ)
    marked = parse(file, lambda: image_size(image)).annotations
    # Groups and colours in ImageJ are no classes here.
    plain = np.zeros(len(marked), np.int64)
    return dataclasses.replace(marked, label=plain, role=plain + int(Role.CELL), region=plain > 0)


def _vague(image: Path, organ: Path, size: tuple[int, int]) -> list[Rings]:
    """The outlines of the ambiguous areas; none where the image has no mask of them."""
    from scipy import ndimage

    files = [organ / VAGUE / folder / f"{image.stem}.png" for folder in VAGUE_MASKS]
    file = next((path for path in files if path.is_file()), None)
    if file is None:
        return []
    # Pixels that touch at a corner are one area.
    parts, _ = ndimage.label(read_mask(file, size, within=organ) > 0, np.ones((3, 3), int))
    return [
        mask_rings(parts[place] == number, (place[1].start, place[0].start))
        for number, place in enumerate(ndimage.find_objects(parts), start=1)
    ]


CARD = DatasetCard(
    name="nuinsseg",
    title="NuInsSeg: nuclei of 31 organs, contours and ambiguous areas",
    modality="tissue sections, H&E, bright field",
    annotation="contours",
    licence="as its page states (repository: MIT)",
    citation="Mahbod et al., NuInsSeg, Sci Data 11:295, 2024",
    cite_as="Mahbod et al. 2024",
    radius_px=7.0,
    source="https://www.kaggle.com/datasets/ipateam/nuinsseg",
    images=665,
    access="download it from the source (login needed), unpack it and name the folder with its 31 organs",
)
DATASET = Dataset(card=CARD, load=load)
