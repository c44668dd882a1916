"""DICOM Microscopy Bulk Simple Annotations: rectangles on a whole slide (extra ``wsi``).

DICOM PS3.3, A.87 and C.37.1: groups of graphics, each with a label; the corners of all its rectangles stand
in one array. Coordinates of the type 2D count from the top left corner of the top left pixel of the slide's
full resolution, as bmbench's do. Those of the type 3D are millimetres on the glass, and are refused.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.types import Floats
from bmbench.datasets.reading.dicom_header import dicom_errors, read_dicom

LIMIT_PX = 1e9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BulkGroup:
    """One group of rectangles: its label, and their (n, 4) boxes in pixels of the full resolution."""

    label: str
    box: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BulkFile:
    """What one annotation file says.

    Attributes
    ----------
    description : str
        Of its series.
    image_uid : str
        The instance of the slide that the coordinates belong to.
    """

    path: Path
    description: str
    image_uid: str
    groups: tuple[BulkGroup, ...]


def read_bulk_annotations(path: Path) -> BulkFile:
    """The rectangles of an annotation file.

    Raises
    ------
    BadInputError
        If it is damaged, or holds other graphics or coordinates than rectangles in pixels.
    MissingExtraError
        If pydicom is not installed.
    """
    data = read_dicom(path)
    with dicom_errors(path, "damaged annotation file"):
        kind = str(data.AnnotationCoordinateType)
        if kind != "2D":
            raise BadInputError(
                "coordinates on the glass, not in pixels", where=str(path), expected="type 2D", got=kind
            )
        return BulkFile(
            path=path,
            description=str(data.get("SeriesDescription", "")),
            image_uid=str(data.ReferencedImageSequence[0].ReferencedSOPInstanceUID),
            groups=tuple(_group(item, path) for item in data.AnnotationGroupSequence),
        )


def _group(item: Any, path: Path) -> BulkGroup:
    label = str(item.AnnotationGroupLabel)
    where = f"{path}, group {label!r}"
    if item.GraphicType != "RECTANGLE":
        raise BadInputError(
            "another graphic", where=where, expected="RECTANGLE", got=str(item.GraphicType)[:40]
        )
    exact = "DoublePointCoordinatesData" in item
    stored = item.DoublePointCoordinatesData if exact else item.PointCoordinatesData
    numbers = np.frombuffer(stored, "<f8" if exact else "<f4").astype(np.float64)
    count = int(item.NumberOfAnnotations)
    if len(numbers) != 8 * count:
        raise BadInputError(
            "not four corners a rectangle",
            where=where,
            expected=f"{8 * count} numbers for {count} rectangles",
            got=str(len(numbers)),
        )
    if not (np.abs(numbers) <= LIMIT_PX).all():
        raise BadInputError("coordinates of no sensible size", where=where)
    corners = numbers.reshape(count, 4, 2)
    return BulkGroup(label=label, box=np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1))
