"""DICOM Microscopy Bulk Simple Annotations: graphics on a whole slide (extra ``wsi``).

DICOM PS3.3, A.87 and C.37.1: groups of graphics, each with a label; the points of all its graphics stand in
one array, and where each polygon begins in another. Coordinates of the type 2D count from the top left corner
of the top left pixel of the slide's full resolution, as bmbench's do. Those of the type 3D are millimetres on
the glass, and are refused.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.geometry import cut_rings
from bmbench.core.types import Floats
from bmbench.datasets.reading.dicom_header import dicom_errors, read_dicom

LIMIT_PX = 1e9
POINTS_OF = {"POINT": (1, "one point"), "RECTANGLE": (4, "four corners"), "ELLIPSE": (4, "four ends of axes")}
"""How many points each graphic of these types has; polygons and lines have any number."""
LINE, POLYGON = "POLYLINE", "POLYGON"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BulkGroup:
    """One group: its label, the type of its graphics, and (k, 2) points of each, pixels of level 0."""

    label: str
    kind: str
    graphics: tuple[Floats, ...]

    @property
    def box(self) -> Floats:
        """(n, 4) the bounding box of each graphic's points."""
        corners = [[*points.min(axis=0), *points.max(axis=0)] for points in self.graphics]
        return np.array(corners, np.float64).reshape(-1, 4)


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


def read_bulk_annotations(path: Path, kinds: tuple[str, ...] = ("RECTANGLE",)) -> BulkFile:
    """The groups of an annotation file.

    Parameters
    ----------
    kinds : tuple of str
        The types of graphics that may be there.

    Raises
    ------
    BadInputError
        If it is damaged, or holds other graphics, or coordinates that are not in pixels.
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
            groups=tuple(_group(item, path, kinds) for item in data.AnnotationGroupSequence),
        )


def _group(item: Any, path: Path, kinds: tuple[str, ...]) -> BulkGroup:
    label, kind = str(item.AnnotationGroupLabel), str(item.GraphicType)
    where = f"{path}, group {label!r}"
    if kind not in kinds:
        raise BadInputError("another graphic", where=where, expected=", ".join(kinds), got=kind[:40])
    exact = "DoublePointCoordinatesData" in item
    stored = item.DoublePointCoordinatesData if exact else item.PointCoordinatesData
    numbers = np.frombuffer(stored, "<f8" if exact else "<f4").astype(np.float64)
    count = int(item.NumberOfAnnotations)
    if not (np.abs(numbers) <= LIMIT_PX).all():
        raise BadInputError("coordinates of no sensible size", where=where)
    if kind in POINTS_OF:
        corners, word = POINTS_OF[kind]
        if len(numbers) != 2 * corners * count:
            raise BadInputError(
                f"not {word} a {kind.lower()}",
                where=where,
                expected=f"{2 * corners * count} numbers for {count} graphics",
                got=str(len(numbers)),
            )
        return BulkGroup(label=label, kind=kind, graphics=tuple(numbers.reshape(count, corners, 2)))
    # Numbers, not points, are counted, from 1 on.
    starts = np.frombuffer(item.LongPrimitivePointIndexList, "<u4").astype(np.int64) - 1
    lengths = np.diff([*starts.tolist(), len(numbers)])
    if len(starts) != count or (count and starts[0] != 0) or (lengths < 2).any() or (lengths % 2).any():
        raise BadInputError(
            "not the beginnings of its graphics", where=where, got=f"{len(starts)} of {count}"
        )
    parts = cut_rings(numbers.reshape(-1, 2), (lengths // 2).tolist())
    return BulkGroup(label=label, kind=kind, graphics=tuple(parts))
