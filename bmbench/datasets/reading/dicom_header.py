"""DICOM files opened without their pixels, and single values of their headers (extra ``wsi``)."""

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bmbench.core.errors import BadInputError, MissingExtraError
from bmbench.core.gate import LIMIT_BYTES, open_file

_WRONG: tuple[type[Exception], ...] = (
    OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, struct.error,
    RuntimeError, OverflowError, RecursionError, LookupError, MemoryError,
)  # fmt: skip


def read_header(path: Path, tags: tuple[str, ...]) -> dict[str, Any]:
    """The values of some attributes (by keyword) of a DICOM file; those that it lacks are left out.

    Raises
    ------
    BadInputError
        If it is no DICOM file.
    MissingExtraError
        If pydicom is not installed.
    """
    data = read_dicom(path, list(tags))
    with dicom_errors(path, "damaged DICOM file"):
        return {tag: data[tag].value for tag in tags if tag in data}


def read_dicom(path: Path, tags: list[str] | None = None, *, pixels: bool = False) -> Any:
    """The record of a file, with its `pixels` if asked for, of all attributes or of some.

    Errors are those of `read_header`.
    """
    try:
        from pydicom import dcmread
    except ImportError:
        raise MissingExtraError("pydicom, which DICOM files need,", extra="wsi") from None
    limit = LIMIT_BYTES if pixels else None
    with open_file(path, limit=limit) as file, dicom_errors(path, "not a DICOM file, or a damaged one"):
        return dcmread(file, stop_before_pixels=not pixels, specific_tags=tags)


@contextmanager
def dicom_errors(path: Path, what: str) -> Iterator[None]:
    """Values are decoded when they are asked for, so that damage shows then, as an error or a warning."""
    from pydicom.errors import BytesLengthException, InvalidDicomError

    wrong: tuple[type[Exception], ...] = (*_WRONG, InvalidDicomError, BytesLengthException)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except wrong as error:
        raise BadInputError(what, where=str(path), got=str(error)[:80]) from None
