"""The study's own numbers: every row of its three tables.

Graebel et al., State of the art cell detection in bone marrow whole slide images, J Pathol Inform 2021;12:36
(doi 10.4103/jpi.jpi_71_20). Its data are private: 101 patches of three patients, 22 of them for testing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

CITATION = (
    "Graebel et al., State of the art cell detection in bone marrow whole slide images, "
    "J Pathol Inform 2021;12:36"
)
MARGIN = 0.02
"""Weak circles count as good as contours if F1 (centres) is at most this much lower."""
ELSEWHERE_AP = 92.3
"""AP by centres of its best U-Net, in per cent, once slides of four more patients with other stains were
added: 8,581 cells in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRow:
    """A row of the study's tables; `scores` are F1 by boxes and centres, AP by boxes and centres, per cent.

    `method` is its counterpart here. The U-Net of Table 3 is the row *shrink + contour class* of Table 2, and
    that of Table 1 is taken for the same.
    """

    table: int
    name: str
    method: str
    scores: tuple[float, float, float, float]


def _rows(table: int, *rows: tuple[str, str, float, float, float, float]) -> tuple[PublishedRow, ...]:
    return tuple(PublishedRow(table=table, name=row[0], method=row[1], scores=row[2:]) for row in rows)


PUBLISHED: tuple[PublishedRow, ...] = (
    *_rows(
        1,
        ("U-Net", "unet_shrink_contour", 93.2, 95.2, 94.2, 96.7),
        ("Mask R-CNN", "mask_rcnn", 94.5, 94.6, 97.5, 97.8),
        ("RetinaNet", "retinanet", 91.9, 92.5, 95.2, 96.6),
        ("YOLO v3", "yolov3", 88.8, 89.0, 96.1, 96.9),
        ("Circular RetinaNet", "circular_retinanet", 92.5, 93.4, 95.6, 97.6),
    ),
    *_rows(
        2,
        ("Shrink + contour class", "unet_shrink_contour", 95.2, 95.8, 96.3, 97.7),
        ("Shrinking", "unet_shrink", 94.9, 95.7, 94.9, 96.7),
        ("Distance transform", "unet_distance", 90.7, 95.4, 88.6, 93.6),
        ("Sigmoid function", "unet_sigmoid", 93.1, 95.5, 92.0, 95.9),
        ("Statistical function", "unet_statistical", 33.3, 49.3, 14.9, 29.9),
        ("Scaled statistical function", "unet_statistical_scaled", 84.1, 90.1, 80.0, 87.0),
        ("Don't care label", "unet_dont_care", 33.9, 91.8, 13.2, 91.7),
    ),
    *_rows(
        3,
        ("U-Net", "unet_shrink_contour", 95.2, 95.8, 96.3, 97.7),
        ("Mask R-CNN", "mask_rcnn", 93.0, 94.0, 97.3, 98.2),
        ("RetinaNet", "retinanet", 93.4, 94.2, 96.3, 97.8),
        ("YOLO v3", "yolov3", 90.4, 90.9, 96.4, 97.1),
        ("Circular RetinaNet", "circular_retinanet", 94.0, 94.3, 96.6, 97.5),
    ),
)


def published(table: int) -> list[PublishedRow]:
    """The rows of one of its tables, in its order."""
    return [row for row in PUBLISHED if row.table == table]


def places(rows: Sequence[PublishedRow]) -> list[tuple[int, ...]]:
    """The place of each row among them, by each score."""
    return [
        tuple(
            1 + sum(other.scores[column] > value for other in rows) for column, value in enumerate(row.scores)
        )
        for row in rows
    ]
