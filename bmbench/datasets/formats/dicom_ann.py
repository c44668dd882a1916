"""DICOM Microscopy Bulk Simple Annotations: rectangles on a whole slide (extra ``wsi``).

DICOM PS3.3, A.87 and C.37.1: groups of graphics, each with a label; the corners of all its rectangles stand
in one array. Coordinates of the type 2D count from the top left corner of the top left pixel of the slide's
full resolution, as bmbench's do. Those of the type 3D are millimetres on the glass, and are refused.
"""

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bmbench.core.errors import BadInputError, MissingExtraError
from bmbench.core.gate import open_file
from bmbench.core.types import Floats

LIMIT_PX = 1e9
_WRONG: tuple[type[Exception], ...] = (
    OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, struct.error,
    NotImplementedError, OverflowError, RecursionError, LookupError, MemoryError,
)  # fmt: skip


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


def read_header(path: Path, tags: tuple[str, ...]) -> dict[str, Any]:
    """The values of some attributes (by keyword) of a DICOM file; those that it lacks are left out.

    Raises
    ------
    BadInputError
        If it is no DICOM file.
    MissingExtraError
        If pydicom is not installed.
    """
    data = _read(path, list(tags))
    with _named_errors(path, "damaged DICOM file"):
        return {tag: data[tag].value for tag in tags if tag in data}


def read_bulk_annotations(path: Path) -> BulkFile:
    """The rectangles of an annotation file.

    Raises
    ------
    BadInputError
        If it is damaged, or holds other graphics or coordinates than rectangles in pixels.
    MissingExtraError
        If pydicom is not installed.
    """
    data = _read(path, None)
    with _named_errors(path, "damaged annotation file"):
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


def _read(path: Path, tags: list[str] | None) -> Any:
    try:
        from pydicom import dcmread
    except ImportError:
        raise MissingExtraError("pydicom, which DICOM files need,", extra="wsi") from None
    with open_file(path, limit=None) as file, _named_errors(path, "not a DICOM file, or a damaged one"):
        return dcmread(file, stop_before_pixels=True, specific_tags=tags)


@contextmanager
def _named_errors(path: Path, what: str) -> Iterator[None]:
    """Values are decoded when they are asked for, so that damage shows then, as an error or a warning."""
    from pydicom.errors import BytesLengthException, InvalidDicomError

    wrong: tuple[type[Exception], ...] = (*_WRONG, InvalidDicomError, BytesLengthException)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except wrong as error:
        raise BadInputError(what, where=str(path), got=str(error)[:80]) from None
