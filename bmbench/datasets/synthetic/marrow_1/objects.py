"""The objects of `marrow_1`: cells, artefacts that look like them, and the tiers of difficulty.

Every object of a tier is of a category of its own, so that what is missed, or taken for a cell, can be
counted by tier. Shares are those of all objects that are placed; a test holds them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from bmbench.core.types import Category
from bmbench.datasets.synthetic.kinds import (
    ARTEFACT_KINDS,
    CATEGORIES,
    CELL_KINDS,
    CLUMP,
    DAMAGED,
    ERYTHROBLAST,
    LYMPHOCYTE,
    PRECURSOR,
    SMUDGE,
    Granules,
    Kind,
)

MEGAKARYOCYTE = Category(id=12, name="megakaryocyte")
MITOSIS = Category(id=13, name="mitosis")
BARE_NUCLEUS = Category(id=14, name="bare nucleus", artefact=True)
PRECIPITATE = Category(id=15, name="precipitate", artefact=True)
CLASSES = (*CATEGORIES, MEGAKARYOCYTE, MITOSIS, BARE_NUCLEUS, PRECIPITATE)

CELLS = CELL_KINDS
MEGAKARYOCYTES = (
    Kind(category=MEGAKARYOCYTE, weight=1.0, um=31.0, um_sd=3.5, cytoplasm={"pink": 0.45, "grey": 0.35},
         nucleus=("lobulated",), fill=(0.6, 0.75), off=0.4, chromatin=0.95, clump=0.26, oblong=0.1,
         rough=0.14, granules=(Granules(dye="azure", density=0.35, radius_um=0.2, per_um2=0.8),)),
)  # fmt: skip
MITOSES = (
    Kind(category=MITOSIS, weight=0.6, um=14.5, um_sd=1.4, cytoplasm={"grey": 0.3, "blue": 0.2},
         nucleus=("plate",), fill=(0.6, 0.72), off=0.15, chromatin=1.35, clump=0.2, oblong=0.08),
    Kind(category=MITOSIS, weight=0.4, um=16.5, um_sd=1.4, cytoplasm={"grey": 0.3, "blue": 0.2},
         nucleus=("plates",), fill=(0.66, 0.76), off=0.1, chromatin=1.3, clump=0.2, oblong=0.16),
)  # fmt: skip
BARE_NUCLEI = (
    Kind(category=BARE_NUCLEUS, weight=0.6, um=10.5, um_sd=1.1, nucleus=("round", "oval"), fill=(0.97, 1.0),
         off=0.0, chromatin=0.56, clump=0.34, clump_scale="coarse", rough=0.14),
    Kind(category=BARE_NUCLEUS, weight=0.4, um=13.0, um_sd=1.3, nucleus=("round", "dented"), fill=(0.97, 1.0),
         off=0.0, chromatin=0.44, clump=0.24, rough=0.12),
)  # fmt: skip
CUT_CELLS = tuple(dataclasses.replace(kind, category=DAMAGED) for kind in CELL_KINDS)
"""A damaged cell is a cell of any kind with a small cut: without it, nothing tells the two apart."""
PRECIPITATES = (
    Kind(category=PRECIPITATE, weight=1.0, um=7.5, um_sd=2.0, oblong=0.15, rough=0.25),
)  # fmt: skip
SMUDGES = tuple(kind for kind in ARTEFACT_KINDS if kind.category == SMUDGE)
GRANULES = tuple(kind for kind in ARTEFACT_KINDS if kind.category == CLUMP)

PLACED: Mapping[str, tuple[float, tuple[Kind, ...]]] = MappingProxyType(
    {
        "cells": (0.44, CELLS),
        "megakaryocytes": (0.02, MEGAKARYOCYTES),
        "mitoses": (0.03, MITOSES),
        "cut cells": (0.05, CUT_CELLS),
        "bare nuclei": (0.06, BARE_NUCLEI),
        "smudge cells": (0.07, SMUDGES),
        "precipitate": (0.29, PRECIPITATES),
        "granules": (0.04, GRANULES),
    }
)
"""Name → its share of the objects that are placed, and what it may be."""

TAKEN_FOR: Mapping[Category, Category] = MappingProxyType(
    {DAMAGED: PRECURSOR, BARE_NUCLEUS: LYMPHOCYTE, SMUDGE: PRECURSOR, CLUMP: ERYTHROBLAST,
     PRECIPITATE: ERYTHROBLAST}
)  # fmt: skip
"""What a rater who takes an artefact for a cell writes down."""
