"""PCMMD: marrow smears of multiple myeloma by smartphone, boxes on plasma cells and others.

*Unverified*: read by the layout of its archive (``data/detection`` with ``train``, ``test`` … of ``images``
and ``labels``), which nobody has tried on the files here. Which number is the plasma cell is not written
beside the labels: 0 is assumed, said, and changed by the option ``plasma``.
"""

import dataclasses

from bmbench.core.dataset import Dataset, DatasetCard, LoadRequest, Split
from bmbench.core.types import Category
from bmbench.datasets.sets.options import choice, data_folder, known_options
from bmbench.datasets.sets.yolo_folders import yolo_split

CATEGORIES = (Category(id=1, name="plasma cell"), Category(id=2, name="other cell"))


def load(request: LoadRequest) -> Split:
    """The photographs by subset; BadInputError if a file is missing or damaged."""
    known_options(request, ("plasma", "radius_px"))
    plasma = int(choice(request, "plasma", "0", ("0", "1")))
    folder = data_folder(request, CARD.name)
    inner = next(
        (one for one in (folder / "data" / "detection", folder / "detection") if one.is_dir()), folder
    )
    split = yolo_split(request, inner, CARD, CATEGORIES, numbers=(plasma, 1 - plasma))
    said = f"class {plasma} is taken for plasma cells (--option plasma={1 - plasma} says otherwise)"
    return dataclasses.replace(split, faults=(*split.faults, said))


CARD = DatasetCard(
    name="pcmmd",
    title="PCMMD: marrow smears by smartphone, boxes on plasma cells and others (unverified)",
    modality="bone-marrow aspirate smear, photographed through the eyepiece",
    annotation="boxes",
    licence="CC BY 4.0",
    citation="PCMMD, Scientific Data 2025, s41597-025-04459-1",
    cite_as="Sci Data 2025",
    radius_px=30.0,
    source="https://doi.org/10.17632/3v2nrxpr9s.1",
    cells=5000,
    access="download the archive from the source, unpack it, and name its folder",
)
DATASET = Dataset(card=CARD, load=load)
