"""BoneMarrowWSI-PediatricLeukemia: marrow smears of 246 children, boxes on cells in monolayer regions.

Layout, as the code states that made the DICOM files of the Imaging Data Commons (Höfener et al. 2025,
doi:10.5281/zenodo.14933087; conversion of the CSV files with highdicom, Schacherer): a patient has one slide,
a series of the modality SM, and series of the modality ANN that refer to it, all of them rectangles in pixels
of the slide:

====================================================  ==============================================
description of the series                             groups
====================================================  ==============================================
Monolayer regions of interest for cell classification  ``region_of_interest``
Consensus: cell bounding boxes with cell type labels   one a class: the 49 classes, ``no_consensus_found``
Unlabeled cell bounding boxes                          ``haematological_structure``: cells of no stated class
Session N: cell bounding boxes with cell type labels   what one expert said: not read
====================================================  ==============================================

The folders do not matter (idc-index makes ``PATIENT/STUDY/SM_SERIES`` and ``ANN_SERIES``), only that a slide
has a folder of its own. A sample is one region of interest with a margin around it (``margin_px``): cells at
its edge are seen whole, and what lies in the margin is ignored, since nobody marked the cells there. A box
belongs to the region that holds its centre; the same box in two series counts once, with its class.

`ARTEFACTS` are the classes that are no nucleated cells or no longer whole ones. The other classes, and boxes
without one, are cells. The radius is measured, a third of the mean box (``radius_px=`` sets another).

Split: by patient, see `bmbench.datasets.splits.fixed`.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from bmbench.core.dataset import Dataset, DatasetCard, LoadRequest, Split
from bmbench.core.errors import BadInputError
from bmbench.core.geometry import rectangle
from bmbench.core.objects import measured_radius, with_regions
from bmbench.core.types import Category, Floats, Ints, Sample
from bmbench.datasets.formats.dicom_ann import BulkFile, read_bulk_annotations
from bmbench.datasets.sets.image_samples import boxes_of_classes
from bmbench.datasets.sets.options import known_options, positive, source_place
from bmbench.datasets.slides.dicom_series import SlideSeries, dicom_files
from bmbench.datasets.slides.region_images import MARGIN_PX, outside_region, region_pixels, region_window
from bmbench.datasets.splits.fixed import by_subset, fixed_subsets

ARTEFACTS = (
    "artifact", "damaged_cell", "erythrocyte", "giant_platelet", "neutrophil_extracellular_trap",
    "smudge_cell", "spicule", "technically_unfit", "thrombocyte", "thrombocyte_aggregate",
)  # fmt: skip
CELLS = (
    "basophilic_band", "basophilic_erythroblast", "basophilic_metamyelocyte", "basophilic_myelocyte",
    "degranulated_neutrophilic_metamyelocyte", "degranulated_neutrophilic_myelocyte", "eosinophilic_band",
    "eosinophilic_metamyelocyte", "eosinophilic_myelocyte", "immature_monocyte", "lymphocyte",
    "lymphocytic_blast", "lymphoid_precursor_cell", "lymphoidocyte", "macrophage", "megakaryocyte",
    "micromegakaryocyte", "mitosis", "monocyte", "monocytic_blast", "myelocytic_blast",
    "myeloid_precursor_cell", "neutrophilic_band", "neutrophilic_metamyelocyte", "neutrophilic_myelocyte",
    "orthochromatic_erythroblast", "phagocytosis", "plasma_cell", "polychromatic_erythroblast",
    "proerythroblast", "prolymphocyte", "promegakaryocyte", "promonocyte", "promyelocyte",
    "pseudo_gaucher_cell", "segmented_basophil", "segmented_eosinophil", "segmented_neutrophil",
    "unknown_blast", "no_consensus_found", "haematological_structure",
)  # fmt: skip
CATEGORIES = tuple(
    Category(id=number, name=name, artefact=name in ARTEFACTS)
    for number, name in enumerate((*CELLS, *ARTEFACTS), start=1)
)
_ROW = {category.name: row for row, category in enumerate(CATEGORIES)}
_KINDS = ("monolayer", "consensus", "unlabeled", "session")
"""How the descriptions of the four kinds of series begin."""


class _Marked(NamedTuple):
    """The regions of one slide, and the boxes on it with the rows of their classes."""

    regions: Floats
    box: Floats
    label: Ints


def load(request: LoadRequest) -> Split:
    """The regions of interest of the slides that are there, by subset.

    Parameters
    ----------
    request : LoadRequest
        `data` is the folder of the DICOM files, in any arrangement with a folder a slide.

    Raises
    ------
    BadInputError
        If a file is damaged or of another layout, or there are too few patients.
    MissingExtraError
        If the readers of DICOM are not installed.
    """
    known_options(request, ("margin_px", "radius_px"))
    margin = positive(request, "margin_px", MARGIN_PX)
    place = source_place(request, CARD)
    slides, bulk = dicom_files(place)
    by_image = {uid: slide for slide in slides for uid in slide.instances}
    faults: list[str] = []
    files: dict[str, list[BulkFile]] = {}
    absent = set()
    for path in bulk:
        file = read_bulk_annotations(path)
        slide = by_image.get(file.image_uid)
        if slide is None:
            absent.add(file.image_uid)
        else:
            files.setdefault(slide.uid, []).append(file)
    if absent:
        faults.append(f"annotations of {len(absent)} slides that are not here are left out")
    samples: list[Sample] = []
    for slide in slides:
        marked = _marked(files.get(slide.uid, []), slide)
        samples += _samples(slide, marked, margin, faults)
    if not samples:
        raise BadInputError(
            "no slide with regions of interest",
            where=str(place),
            expected="DICOM files of slides (SM) and of annotations (ANN)",
            remedy="get both for each patient",
        )
    table = fixed_subsets((sample.group for sample in samples), CARD.name)
    return Split(
        samples=by_subset(samples, table),
        radius_px=positive(request, "radius_px", measured_radius(samples, CARD.radius_px)),
        categories=CATEGORIES,
        faults=tuple(faults),
    )


def _marked(files: Sequence[BulkFile], slide: SlideSeries) -> _Marked:
    """Regions and boxes of a slide; the consensus comes first, so that its class is the one that stays."""
    kinds: dict[str, list[BulkFile]] = {kind: [] for kind in _KINDS}
    for file in files:
        kind = next((kind for kind in _KINDS if file.description.lower().startswith(kind)), None)
        if kind is None:
            raise BadInputError(
                "an annotation series of another kind",
                where=str(file.path),
                expected="Monolayer regions …, Consensus: …, Unlabeled …, Session …",
                got=repr(file.description[:60]),
            )
        kinds[kind].append(file)
    empty = np.zeros((0, 4))
    regions = np.concatenate([empty, *(group.box for file in kinds["monolayer"] for group in file.groups)])
    size = np.array([slide.width, slide.height])
    if ((regions[:, :2] >= np.minimum(regions[:, 2:], size)) | (regions[:, 2:] <= 0)).any():
        raise BadInputError(
            "a region of interest outside the slide",
            where=str(slide.folder),
            expected=f"inside {slide.width} × {slide.height} px",
        )
    groups = [
        (_row(group.label, file), group.box)
        for file in (*kinds["consensus"], *kinds["unlabeled"])
        for group in file.groups
    ]
    box = np.concatenate([empty, *(part for _, part in groups)])
    label = np.repeat([row for row, _ in groups], [len(part) for _, part in groups]).astype(np.int64)
    first = np.sort(np.unique(box, axis=0, return_index=True)[1])
    return _Marked(regions, box[first], label[first])


def _row(label: str, file: BulkFile) -> int:
    if label not in _ROW:
        raise BadInputError(
            "unknown class", where=f"{file.path}, group {label!r}", expected="one of the 49 published ones"
        )
    return _ROW[label]


def _samples(slide: SlideSeries, marked: _Marked, margin: float, faults: list[str]) -> list[Sample]:
    samples = []
    xy = (marked.box[:, :2] + marked.box[:, 2:]) / 2
    owned = np.zeros(len(xy), bool)
    order = np.lexsort((marked.regions[:, 0], marked.regions[:, 1]))
    for number, region in enumerate(marked.regions[order], start=1):
        inside = ((xy >= region[:2]) & (xy < region[2:])).all(axis=1)
        owned |= inside
        samples.append(_sample(slide, number, region, (marked.box[inside], marked.label[inside]), margin))
    if len(marked.regions) == 0 and len(xy):
        faults.append(f"patient {slide.patient}: {len(xy)} boxes but no region of interest, left out")
    elif not owned.all():
        count = int((~owned).sum())
        faults.append(f"patient {slide.patient}: {count} boxes outside all regions of interest are left out")
    return samples


def _sample(
    slide: SlideSeries, number: int, region: Floats, cells: tuple[Floats, Ints], margin: float
) -> Sample:
    name = f"{slide.patient}_{slide.uid[-8:]}_{number:02d}"
    outline, size = rectangle(*region.tolist()), (slide.width, slide.height)
    window = region_window(outline, size, margin, where=name)
    box, label = cells[0] - np.tile(window[:2], 2), cells[1]
    marks = boxes_of_classes(box, label, CATEGORIES)
    return Sample(
        image_id=name,
        name=name,
        width=window[2] - window[0],
        height=window[3] - window[1],
        group=slide.patient,
        annotations=with_regions(marks, outside_region(outline, window)),
        load=partial(region_pixels, slide.folder, size, window),
        um_per_px=slide.um_per_px,
    )


CARD = DatasetCard(
    name="bonemarrow_wsi",
    title="BoneMarrowWSI-PediatricLeukemia: marrow smears, boxes of 49 classes",
    modality="bone-marrow smear slides, Pappenheim stain",
    annotation="boxes",
    licence="as its record states",
    citation="Höfener et al., BoneMarrowWSI-PediatricLeukemia, Imaging Data Commons 2025, "
    "doi:10.5281/zenodo.14933087",
    cite_as="Höfener et al. 2025",
    radius_px=55.0,
    source="https://doi.org/10.5281/zenodo.14933087",
    images=246,
    cells=40_000,
    size_mb=615_000.0,
    access="pip install idc-index; idc download bonemarrowwsi_pediatricleukemia --download-dir FOLDER "
    "(615 GB; or only the SM and ANN series of some patients), and name the folder",
)
DATASET = Dataset(card=CARD, load=load)
