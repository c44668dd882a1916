"""Myeloma set of UFBA: marrow smears by smartphone, boxes on plasma cells, in ten folds.

*Unverified*: read by the layout of its makers' scripts (``fold_1`` … ``fold_10``, each with ``train``,
``val`` and ``test`` of ``images`` and ``labels``), which nobody has tried on the files here. The option
``fold`` chooses one where several are there.
"""

from bmbench.core.dataset import Dataset, DatasetCard, LoadRequest, Split
from bmbench.core.types import Category
from bmbench.datasets.sets.options import data_folder, known_options
from bmbench.datasets.sets.yolo_folders import chosen_folder, yolo_split

CATEGORIES = (Category(id=1, name="plasma cell"),)


def load(request: LoadRequest) -> Split:
    """The photographs of one fold by subset; BadInputError if a file is missing or damaged."""
    known_options(request, ("fold", "radius_px"))
    folder = chosen_folder(request, data_folder(request, CARD.name), "fold")
    return yolo_split(request, folder, CARD, CATEGORIES)


CARD = DatasetCard(
    name="myeloma_ufba",
    title="Myeloma set of UFBA: marrow smears by smartphone, boxes on plasma cells (unverified)",
    modality="bone-marrow aspirate smear, Wright-Giemsa, photographed through the eyepiece",
    annotation="boxes",
    licence="GPL-3.0",
    citation="LabIA-UFBA, Scientific Reports 14:11176, 2024",
    cite_as="Sci Rep 2024",
    radius_px=30.0,
    source="https://github.com/LabIA-UFBA/Multiple-Myeloma-Dataset",
    access="get myeloma_dataset as the repository named as source says, and name the folder of the folds",
)
DATASET = Dataset(card=CARD, load=load)
