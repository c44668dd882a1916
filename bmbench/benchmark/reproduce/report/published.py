"""The study's own numbers, as far as they are known here.

Graebel et al., State of the art cell detection in bone marrow whole slide images, J Pathol Inform 2021;12:36
(doi 10.4103/jpi.jpi_71_20). Its data are private: 101 patches of three patients, 22 of them for testing. Of
its tables only the rows below are at hand; the others are left out, not guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

CITATION = (
    "Graebel et al., State of the art cell detection in bone marrow whole slide images, "
    "J Pathol Inform 2021;12:36"
)
MARGIN = 0.02
"""Weak circles count as good as contours if F1 (centres) is at most this much lower."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRow:
    """A row of the study's tables, in per cent: F1 by boxes and centres, AP by boxes and centres."""

    table: str
    method: str
    f1_bb: float
    f1_cd: float
    ap_bb: float
    ap_cd: float


PUBLISHED: Mapping[str, tuple[PublishedRow, ...]] = MappingProxyType(
    {
        "precise": (
            PublishedRow(table="Table 1", method="U-Net", f1_bb=93.2, f1_cd=95.2, ap_bb=94.2, ap_cd=96.7),
            PublishedRow(
                table="Table 1", method="Mask R-CNN", f1_bb=94.5, f1_cd=94.6, ap_bb=97.5, ap_cd=97.8
            ),
        ),
        "weak": (
            PublishedRow(
                table="Tables 2 and 3",
                method="U-Net, shrink + contour",
                f1_bb=95.2,
                f1_cd=95.8,
                ap_bb=96.3,
                ap_cd=97.7,
            ),
            PublishedRow(
                table="Tables 2 and 3", method="Mask R-CNN", f1_bb=93.0, f1_cd=94.0, ap_bb=97.3, ap_cd=98.2
            ),
        ),
    }
)
PLACES: Mapping[str, tuple[int, int, int, int]] = MappingProxyType(
    {
        "U-Net": (2, 1, 5, 4),
        "Mask R-CNN": (1, 2, 1, 1),
        "RetinaNet": (4, 4, 4, 5),
        "YOLO v3": (5, 5, 2, 3),
        "Circular RetinaNet": (3, 3, 3, 2),
    }
)
"""Places in the study's Table 1 by F1 (boxes), F1 (centres), AP (boxes), AP (centres)."""
