"""White blood cells of Visayan warty pigs, photographed through the eyepiece with a telephone.

The layout is the published one: ``train``, ``valid`` and ``test`` with ``images`` and ``labels``. Red cells
fill the fields and are not marked. Where the test images are absent, the valid ones are tested on.
"""

from bmbench.core.dataset import Dataset, DatasetCard, LoadRequest, Split
from bmbench.core.types import Category
from bmbench.datasets.sets.options import data_folder, known_options
from bmbench.datasets.sets.yolo_folders import yolo_split

CATEGORIES = (Category(id=1, name="WBC"),)


def load(request: LoadRequest) -> Split:
    """The photographs by subset; BadInputError if a file is missing or damaged."""
    known_options(request, ("radius_px",))
    return yolo_split(request, data_folder(request, CARD.name, "train/images"), CARD, CATEGORIES)


CARD = DatasetCard(
    name="pig_wbc",
    title="Blood of Visayan warty pigs by telephone: boxes on white cells",
    modality="peripheral blood smear, bright field, photographed through the eyepiece",
    annotation="boxes",
    licence="CC0 1.0",
    citation="Alipo-on, Escobar et al., University of St. La Salle: white blood cells of the juvenile "
    "Visayan warty pig",
    cite_as="Alipo-on et al.",
    radius_px=9.0,
    source="https://github.com/FrancescaIE/WBC-detection-dataset",
    images=655,
    cells=1243,
    size_mb=24.0,
    manifest="pig_wbc",
    access="clone the repository named as source; train, valid and test lie in one folder",
)
DATASET = Dataset(card=CARD, load=load)
