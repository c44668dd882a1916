"""The kinds of objects on the smear: their sizes, nuclei and stains.

Sizes follow the usual textbook diameters in µm on a smear (red cell 7.2 µm); looks follow the textbook
descriptions of the Pappenheim stain.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bmbench.core.types import Category

MEAN_CELL_UM = 13.0
"""Mean diameter of the nucleated cells below, weighted by their frequency."""
RED_CELL_UM = 7.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Granules:
    """Granules: which dye, how dense, how large, how many per µm² of cytoplasm, how many over the nucleus."""

    dye: str
    density: float
    radius_um: float
    per_um2: float
    over_nucleus: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of annotated object.

    Attributes
    ----------
    weight : float
        Frequency among the kinds of its role.
    um, um_sd : float
        Mean and standard deviation of the diameter.
    cytoplasm : dye → density
    nucleus : tuple of str
        Forms that its nucleus takes, one drawn at random.
    fill : (low, high)
        Nucleus diameter relative to the cell's.
    off : float
        How far the nucleus lies from the middle, relative to the free room.
    chromatin : float
        Density of the nucleus.
    clump, clump_um : float
        Contrast and size of the chromatin clumps.
    nucleoli : (low, high)
    halo : float
        Paleness of the Golgi zone beside the nucleus.
    rim : float
        Extra density of the cytoplasm at its border.
    vacuoles : float
        Mean number.
    """

    category: Category
    weight: float
    um: float
    um_sd: float
    cytoplasm: Mapping[str, float] = field(default_factory=dict)
    nucleus: tuple[str, ...] = ("round",)
    fill: tuple[float, float] = (0.6, 0.7)
    off: float = 0.4
    chromatin: float = 1.0
    clump: float = 0.3
    clump_scale: str = "mid"
    nucleoli: tuple[int, int] = (0, 0)
    halo: float = 0.0
    rim: float = 0.1
    vacuoles: float = 0.0
    oblong: float = 0.05
    rough: float = 0.05
    granules: tuple[Granules, ...] = ()


BLAST = Category(id=1, name="blast")
PRECURSOR = Category(id=2, name="granulocyte precursor")
NEUTROPHIL = Category(id=3, name="neutrophil")
EOSINOPHIL = Category(id=4, name="eosinophil")
LYMPHOCYTE = Category(id=5, name="lymphocyte")
ERYTHROBLAST = Category(id=6, name="erythroblast")
MONOCYTE = Category(id=7, name="monocyte")
PLASMA_CELL = Category(id=8, name="plasma cell")
SMUDGE = Category(id=9, name="smudge cell", artefact=True)
DAMAGED = Category(id=10, name="damaged cell", artefact=True)
CLUMP = Category(id=11, name="granules", artefact=True)

CATEGORIES = (
    BLAST, PRECURSOR, NEUTROPHIL, EOSINOPHIL, LYMPHOCYTE, ERYTHROBLAST, MONOCYTE, PLASMA_CELL,
    SMUDGE, DAMAGED, CLUMP,
)  # fmt: skip

_AZUROPHIL = Granules(dye="azure", density=0.75, radius_um=0.24, per_um2=0.55, over_nucleus=0.35)
_NEUTROPHIL_DUST = Granules(dye="azure", density=0.23, radius_um=0.16, per_um2=1.3)
_EOSINOPHIL = Granules(dye="eosin", density=0.95, radius_um=0.42, per_um2=1.1, over_nucleus=0.15)

CELL_KINDS = (
    Kind(category=BLAST, weight=0.08, um=16.0, um_sd=1.6, cytoplasm={"blue": 0.65, "grey": 0.2},
         nucleus=("round", "oval"), fill=(0.76, 0.86), chromatin=0.72, clump=0.16, clump_scale="fine",
         nucleoli=(1, 3), rim=0.35),
    Kind(category=PRECURSOR, weight=0.08, um=17.5, um_sd=1.7, cytoplasm={"blue": 0.5, "pink": 0.15},
         fill=(0.6, 0.68), off=0.75, chromatin=0.74, clump=0.2, clump_scale="fine", nucleoli=(0, 2),
         nucleus=("round", "oval"), halo=0.5, granules=(_AZUROPHIL,)),
    Kind(category=PRECURSOR, weight=0.10, um=15.5, um_sd=1.4, cytoplasm={"grey": 0.45, "pink": 0.5},
         fill=(0.56, 0.66), off=0.8, chromatin=0.86, clump=0.26, nucleus=("oval", "kidney"), halo=0.25,
         granules=(Granules(dye="azure", density=0.4, radius_um=0.22, per_um2=0.5),)),
    Kind(category=NEUTROPHIL, weight=0.30, um=12.6, um_sd=1.0, cytoplasm={"pink": 0.62, "grey": 0.16},
         fill=(0.62, 0.72), off=0.3, chromatin=0.98, clump=0.28, nucleus=("band", "segmented", "segmented"),
         granules=(_NEUTROPHIL_DUST,)),
    Kind(category=EOSINOPHIL, weight=0.04, um=13.2, um_sd=1.0, cytoplasm={"pink": 0.5}, fill=(0.6, 0.68),
         off=0.6, chromatin=1.0, clump=0.25, nucleus=("bilobed", "band"), granules=(_EOSINOPHIL,)),
    Kind(category=LYMPHOCYTE, weight=0.13, um=10.0, um_sd=1.1, cytoplasm={"blue": 0.42}, fill=(0.76, 0.88),
         off=0.6, chromatin=1.08, clump=0.26, clump_scale="coarse", nucleus=("round", "oval", "dented"),
         rim=0.15),
    Kind(category=ERYTHROBLAST, weight=0.09, um=9.6, um_sd=0.8, cytoplasm={"haem": 0.75, "grey": 0.3},
         fill=(0.5, 0.6), off=0.55, chromatin=1.35, clump=0.16, clump_scale="coarse"),
    Kind(category=ERYTHROBLAST, weight=0.09, um=10.8, um_sd=0.9,
         cytoplasm={"grey": 0.6, "blue": 0.3, "haem": 0.3}, fill=(0.6, 0.68), off=0.4, chromatin=1.2,
         clump=0.34, clump_scale="coarse", halo=0.12),
    Kind(category=ERYTHROBLAST, weight=0.04, um=13.5, um_sd=1.2, cytoplasm={"blue": 1.0, "grey": 0.25},
         fill=(0.7, 0.78), off=0.3, chromatin=0.95, clump=0.26, nucleoli=(0, 1), halo=0.3, rim=0.25),
    Kind(category=MONOCYTE, weight=0.05, um=16.0, um_sd=1.4, cytoplasm={"grey": 0.75, "blue": 0.18},
         fill=(0.62, 0.7), off=0.35, chromatin=0.76, clump=0.2, nucleus=("kidney", "folded"), vacuoles=2.5,
         oblong=0.07, rough=0.1,
         granules=(Granules(dye="azure", density=0.3, radius_um=0.18, per_um2=0.3),)),
    Kind(category=PLASMA_CELL, weight=0.05, um=14.0, um_sd=1.3, cytoplasm={"blue": 0.95, "grey": 0.3},
         fill=(0.48, 0.56), off=0.95, chromatin=1.08, clump=0.36, clump_scale="coarse", halo=0.6,
         vacuoles=0.5, oblong=0.14, rim=0.2),
)  # fmt: skip

ARTEFACT_KINDS = (
    Kind(category=SMUDGE, weight=0.38, um=16.0, um_sd=2.6, oblong=0.22, rough=0.28, chromatin=0.84),
    Kind(category=DAMAGED, weight=0.42, um=14.4, um_sd=2.2, oblong=0.1, rough=0.17, chromatin=1.08),
    Kind(category=CLUMP, weight=0.14, um=11.0, um_sd=2.6, oblong=0.15, rough=0.25),
)
