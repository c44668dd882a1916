"""Public sets that a user has to get from their makers: cards, and readers for what comes from there.

Their files are not needed by any test here. No checksum of them could be established, and none is made up:
`bmbench datasets fetch` says where they are and what to do, and takes them with ``--from``.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.types import Role
from bmbench.datasets.dataset import Dataset, DatasetCard, LoadRequest, Split
from bmbench.datasets.own_dataset import own_dataset
from bmbench.datasets.store import stored_folder

if TYPE_CHECKING:
    from bmbench.core.types import Annotations, Bools

LOOK_ALIKES = ("hard negative", "imposter", "look-alike", "non-mitotic")
"""How MIDOG's releases name cells that look like mitotic figures and are none."""


def load(request: LoadRequest, *, card: DatasetCard, artefacts: tuple[str, ...] = ()) -> Split:
    """The images of the folder or file that `request.data` names, in whichever format it is.

    Classes whose name holds one of `artefacts` are classes of artefacts. The split is that of the files,
    else computed from the seed.

    Raises
    ------
    BadInputError
        If the files are not there, or in none of the formats that bmbench reads.
    """
    place = request.data or stored_folder(card.name)
    if place is None:
        raise BadInputError(f"the data set {card.name} needs its files", remedy=card.access)
    split = own_dataset(str(place)).load(LoadRequest(seed=request.seed, options=request.options))
    kinds = tuple(
        dataclasses.replace(c, artefact=c.artefact or any(word in c.name.lower() for word in artefacts))
        for c in split.categories
    )
    artefact = np.array([category.artefact for category in kinds], bool)
    samples = {
        subset: tuple(
            dataclasses.replace(sample, annotations=_with_roles(sample.annotations, artefact))
            for sample in part
        )
        for subset, part in split.samples.items()
    }
    return dataclasses.replace(split, samples=samples, categories=kinds)


def _with_roles(annotations: Annotations, artefact: Bools) -> Annotations:
    role = np.where(artefact[annotations.label], int(Role.ARTEFACT), int(Role.CELL))
    role = np.where(annotations.role == Role.IGNORE, int(Role.IGNORE), role).astype(np.int64)
    return dataclasses.replace(annotations, role=role)


def _dataset(card: DatasetCard, artefacts: tuple[str, ...] = ()) -> Dataset:
    return Dataset(card=card, load=partial(load, card=card, artefacts=artefacts))


BONE_MARROW_WSI = _dataset(
    DatasetCard(
        name="bonemarrow_wsi",
        title="BoneMarrowWSI-PediatricLeukemia: marrow smears with boxes",
        modality="bone-marrow smear slides, Pappenheim stain",
        annotation="boxes",
        licence="as the record at the source states",
        citation="BoneMarrowWSI-PediatricLeukemia, Imaging Data Commons 2025, doi:10.5281/zenodo.14933087",
        radius_px=55.0,
        source="https://doi.org/10.5281/zenodo.14933087",
        images=246,
        cells=40_000,
        size_mb=615_000.0,
        access="get slides and annotations of the collection bonemarrowwsi_pediatricleukemia with idc-index "
        "(Imaging Data Commons), save the regions as images with COCO boxes, and name their folder",
    )
)
NUINSSEG = _dataset(
    DatasetCard(
        name="nuinsseg",
        title="NuInsSeg: nuclei of 31 organs with contours and ambiguous areas",
        modality="tissue sections, H&E, bright field",
        annotation="contours",
        licence="as the page at the source states",
        citation="Mahbod et al., NuInsSeg, Sci Data 11:295, 2024",
        radius_px=7.0,
        source="https://www.kaggle.com/datasets/ipateam/nuinsseg",
        images=665,
        access="download it from the source (login needed) and name the folder of one organ's label images "
        "or ImageJ ROI zips, with its images in a folder images beside them",
    )
)
MIDOG = _dataset(
    DatasetCard(
        name="midog",
        title="MIDOG: mitotic figures, with look-alikes as artefacts",
        modality="tissue sections of several tumours and scanners, H&E",
        annotation="boxes",
        licence="as the page at the source states",
        citation="Aubreville et al., Mitosis domain generalization, Med Image Anal 2023",
        radius_px=25.0,
        source="https://imig.science/midog",
        access="download images and the COCO file from the source, and name the COCO file with --data",
    ),
    artefacts=LOOK_ALIKES,
)
SEGPC = _dataset(
    DatasetCard(
        name="segpc2021",
        title="SegPC-2021: plasma cells with contours; other cells are not marked",
        modality="bone-marrow aspirate smears, Giemsa stain",
        annotation="contours",
        licence="CC BY-NC-SA 4.0, as a mirror states",
        citation="Gupta et al., SegPC-2021, IEEE DataPort, doi:10.21227/7np1-2q42",
        radius_px=55.0,
        source="https://doi.org/10.21227/7np1-2q42",
        images=775,
        access="download it from the source (login needed), join the masks of an image into one label image "
        "(labels/NAME.png, 16 bits), and name the folder with --data",
    )
)
