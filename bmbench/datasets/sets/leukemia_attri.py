"""LeukemiaAttri: blood smears of leukaemia through two microscopes, three magnifications and several cameras.

*Unverified*: read by the layout that its makers publish (``images/train|val|test``, ``labels/…``, lines with
six attributes behind the box), which nobody has tried on the files here. A folder is one microscope,
magnification and camera (``H_100x_C1`` …); of several, the option ``domain`` chooses one. The class *None*,
which is not one of the 13 types, stands for artefacts.
"""

from bmbench.core.dataset import Dataset, DatasetCard, LoadRequest, Split
from bmbench.core.types import Category
from bmbench.datasets.sets.options import data_folder, known_options
from bmbench.datasets.sets.yolo_folders import chosen_folder, yolo_split

NAMES = (
    "None", "Myeloblast", "Lymphoblast", "Neutrophil", "Atypical lymphocyte", "Promonocyte", "Monoblast",
    "Lymphocyte", "Myelocyte", "Abnormal promyelocyte", "Monocyte", "Metamyelocyte", "Eosinophil", "Basophil",
)  # fmt: skip
CATEGORIES = tuple(
    Category(id=number, name=name, artefact=name == "None") for number, name in enumerate(NAMES, start=1)
)
ATTRIBUTES = 6
"""Cell size, chromatin, shape of the nucleus, nucleolus, cytoplasm, basophilia, vacuoles: numbers of each."""


def load(request: LoadRequest) -> Split:
    """The smears of one domain by subset; BadInputError if a file is missing or damaged."""
    known_options(request, ("domain", "radius_px"))
    folder = chosen_folder(request, data_folder(request, CARD.name), "domain")
    return yolo_split(request, folder, CARD, CATEGORIES, attributes=ATTRIBUTES)


CARD = DatasetCard(
    name="leukemia_attri",
    title="LeukemiaAttri: white cells of leukaemia through two microscopes, artefacts apart (unverified)",
    modality="peripheral blood smear, bright field, two microscopes, 10 to 100 times",
    annotation="boxes",
    licence="none stated: use and cite, do not redistribute",
    citation="Rehman et al., MICCAI 2024, arXiv:2405.10803",
    cite_as="Rehman et al. 2024",
    radius_px=30.0,
    source="https://github.com/intelligentMachines-ITU/Blood-Cancer-Dataset-Lukemia-Attri-MICCAI-2024",
    images=2400,
    cells=10300,
    access="ask as the repository named as source says; one folder a domain, with images and labels",
)
DATASET = Dataset(card=CARD, load=load)
