"""BM_GRAZ: eleven fields of human bone marrow (H&E) with a point on every nucleus (Kainz et al. 2015).

Two data sets share the pixels. `kainz` holds the published points. `kainz_mbm` adds, as objects to be
ignored, the nuclei that a later annotation of the same pixels found beside them (MBM, Cohen et al. 2017):
about a quarter of all visible nuclei is missing from the published points, and without that correction a
detector is punished for finding them.

Images are split by patient (the four digits in ``BM_GRAZ_HE_PPPP_FF``), never inside one:

=============  ================  ==========  ============  ====================
copy           train             validation  optimisation  test
=============  ================  ==========  ============  ====================
all 11 images  0001, 0002, 0003  0004        0006          0007, 0008, 0020
8 images       0001, 0002        0004        0006          0003
=============  ================  ==========  ============  ====================

The test patients of the first row are those of the authors' published split; the second row is for copies
without them. The option ``test_patients`` (``0001`` or ``0001+0002``) chooses others; then, as in the
table, the last of the remaining patients serves optimisation, the last but one validation, the rest
training.

Known faults, kept as published: five pairs of points lie less than 4 px apart.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from bmbench.core.dataset import Dataset, DatasetCard, LoadRequest, Split, Subset
from bmbench.core.errors import BadInputError
from bmbench.core.gate import files_in, require_inside
from bmbench.core.geometry import circle_box
from bmbench.core.types import Annotations, Floats, Role, Sample
from bmbench.datasets.formats.kainz_points import read_mbm_additions, read_mbm_dots, read_points
from bmbench.datasets.reading.images import image_size
from bmbench.datasets.sets.image_samples import image_sample
from bmbench.datasets.sets.options import data_folder, known_options, no_image, positive

CELL_RADIUS_PX = 19.5
"""Half the mean cell diameter that the authors state (39 px)."""
OFFICIAL_TEST = ("0007", "0008", "0020")
SPLITS: tuple[Mapping[Subset, tuple[str, ...]], ...] = (
    {
        "train": ("0001", "0002", "0003"),
        "validation": ("0004",),
        "optimisation": ("0006",),
        "test": OFFICIAL_TEST,
    },
    {
        "train": ("0001", "0002"),
        "validation": ("0004",),
        "optimisation": ("0006",),
        "test": ("0003",),
    },
)
_NAME = re.compile(r"BM_GRAZ_HE_(\d{4})_\d{2}")


def load(request: LoadRequest, *, mbm: bool = False) -> Split:
    """The samples by subset, each point as a circle of the option `radius_px` (19.5) around it.

    Parameters
    ----------
    request : LoadRequest
        `data` is the folder with ``images/NAME.png``, ``annotations_txt/NAME.txt`` and, for `mbm`,
        ``annotations_mbm/NAME.csv`` or, as published, ``mbm_dots/NAME_dots_000.png`` to ``003``.
    mbm : bool
        Whether to add the nuclei of MBM alone, as objects to be ignored.

    Raises
    ------
    BadInputError
        If a file is missing or damaged, or the patients leave no valid split.
    """
    known_options(request, ("radius_px", "test_patients"))
    folder = data_folder(request, CARD_MBM.name if mbm else CARD.name, "images", "annotations_txt")
    radius = positive(request, "radius_px", CELL_RADIUS_PX)
    samples = [
        _sample(path, folder, radius, mbm=mbm)
        for path in files_in(folder / "images", within=folder, suffixes=(".png",))
    ]
    if not samples:
        raise no_image(folder / "images", "BM_GRAZ_HE_PPPP_FF.png", CARD)
    table = split_by_patient({sample.group for sample in samples}, request.options.get("test_patients", ""))
    return Split(
        samples={
            subset: tuple(sample for sample in samples if sample.group in patients)
            for subset, patients in table.items()
        },
        radius_px=CARD.radius_px,
    )


def split_by_patient(present: set[str], test_patients: str = "") -> Mapping[Subset, tuple[str, ...]]:
    """Patients of each subset, for the patients that are there; the rule is in the module's text.

    Raises
    ------
    BadInputError
        If a chosen test patient is absent, or fewer than three patients remain beside the test patients.
    """
    chosen = tuple(test_patients.split("+")) if test_patients else ()
    for patient in chosen:
        if patient not in present:
            raise BadInputError(
                f"no image of patient {patient}",
                where="option test_patients",
                expected=f"one or more of {', '.join(sorted(present))}, joined by '+'",
            )
    if not chosen:
        for table in SPLITS:
            if present == {patient for patients in table.values() for patient in patients}:
                return table
        chosen = tuple(p for p in OFFICIAL_TEST if p in present) or SPLITS[1]["test"]
    test = tuple(sorted(present & set(chosen)))
    rest = tuple(sorted(present - set(test)))
    if len(rest) < 3:
        raise BadInputError(
            f"{len(rest)} patients remain beside the test patients {', '.join(test)}",
            expected="at least 3, for training, validation and optimisation",
        )
    return {"train": rest[:-2], "validation": rest[-2:-1], "optimisation": rest[-1:], "test": test}


def circles_of(points: Floats, radius: float) -> Floats:
    """(n, 3) circles of one radius around (n, 2) points, in pixels."""
    return np.column_stack([points, np.full(len(points), radius)])


def _sample(path: Path, folder: Path, radius: float, *, mbm: bool) -> Sample:
    match = _NAME.fullmatch(path.stem)
    if match is None:
        raise BadInputError("unexpected image name", where=str(path), expected="BM_GRAZ_HE_PPPP_FF.png")
    size = image_size(path, within=folder)
    nuclei = folder / "annotations_txt" / f"{path.stem}.txt"
    require_inside(nuclei, folder)
    points = [read_points(nuclei)]
    _check_inside(points[0], size, nuclei)
    if mbm:
        file, more = _additions(folder, path.stem, points[0])
        _check_inside(more, size, file)
        points.append(more)
    count = [len(part) for part in points]
    roles = np.repeat([int(Role.CELL), int(Role.IGNORE)][: len(count)], count)
    circle = circles_of(np.concatenate(points), radius)
    marked = Annotations.of(
        xy=circle[:, :2], box=circle_box(circle), circle=circle, role=roles.astype(np.int64)
    )
    return image_sample(path, size, marked, within=folder, group=match[1])


def _additions(folder: Path, stem: str, known: Floats) -> tuple[Path, Floats]:
    """The nuclei of MBM alone, and the file that says so: the table, else the published pictures."""
    table, dots = folder / "annotations_mbm" / f"{stem}.csv", folder / "mbm_dots"
    if not (table.parent.is_dir() or dots.is_dir()):
        raise BadInputError(
            "no points of MBM",
            where=str(folder),
            expected="a folder annotations_mbm, or mbm_dots with the published pictures",
        )
    if table.is_file() or not dots.is_dir():
        require_inside(table, folder)
        return table, read_mbm_additions(table)
    require_inside(dots, folder)
    return dots, read_mbm_dots(dots, stem, known)


def _check_inside(points: Floats, size: Sequence[int], file: Path) -> None:
    outside = ((points < 0) | (points > np.array(size))).any(axis=1)
    if outside.any():
        x, y = points[outside][0] - 0.5
        raise BadInputError(
            "point outside the image",
            where=str(file),
            got=f"{x:g} {y:g}",
            expected=f"{size[0]} × {size[1]} px",
        )


CARD = DatasetCard(
    name="kainz",
    title="BM_GRAZ: human bone marrow, points on nuclei",
    modality="bone marrow, H&E, bright field",
    annotation="points",
    licence="research use with citation",
    citation="Kainz et al., You should use regression to detect cells, MICCAI 2015, 276-283",
    cite_as="Kainz et al. 2015",
    radius_px=10.0,
    protocol="kainz",
    source="https://github.com/pkainz/MICCAI2015",
    also_scored_as=("kainz_mbm",),
    images=11,
    cells=4205,
    size_mb=27.6,
    manifest="kainz",
    access="clone the repository named as source; data/BM_GRAZ/source as images, annotations as "
    "annotations_txt",
)
CARD_MBM = DatasetCard(
    name="kainz_mbm",
    title="BM_GRAZ with the nuclei left out of it, from MBM, as objects to be ignored",
    modality=CARD.modality,
    annotation="points",
    licence=f"{CARD.licence}; MBM points: none stated",
    citation=f"{CARD.citation}; Cohen et al., Count-ception, ICCV workshops 2017",
    cite_as="Kainz et al. 2015; Cohen et al. 2017",
    radius_px=CARD.radius_px,
    protocol=CARD.protocol,
    source="https://github.com/ieee8023/countception",
    images=11,
    cells=5553,
    size_mb=CARD.size_mb,
    manifest=CARD.manifest,
    access=CARD.access,
)
DATASET = Dataset(card=CARD, load=load)
DATASET_MBM = Dataset(card=CARD_MBM, load=partial(load, mbm=True))
