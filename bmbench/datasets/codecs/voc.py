"""Pascal VOC boxes: whole pixels, counted from 1, the last one included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.files import read_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from bmbench.core.types import Floats

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VocFile:
    """What a VOC file says; row i of every column is object i.

    Attributes
    ----------
    width, height : int, pixels
    names : tuple of n str
        Class of each object.
    box : (n, 4) float64, pixels
        In continuous coordinates: pixel 1 to pixel 3 is 0 to 3.
    """

    width: int
    height: int
    names: tuple[str, ...]
    box: Floats


def read_voc(path: Path) -> VocFile:
    """The objects of a VOC file, as they stand: a box may be of one pixel, a click without a drag.

    Raises
    ------
    BadInputError
        If the file is not VOC, or a number in it is not one.
    """
    data = read_bytes(path)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        # An entity can expand to gigabytes, and no annotation tool writes one.
        raise BadInputError("holds a document type definition", where=str(path), expected="plain VOC XML")
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise BadInputError("not valid XML", where=str(path), got=str(error)) from None
    if root.tag != "annotation":
        raise BadInputError("not a VOC file", where=str(path), expected="<annotation>", got=f"<{root.tag}>")
    names, rows = [], []
    for number, item in enumerate(root.iter("object"), start=1):
        place = f"{path}, object {number}"
        names.append((item.findtext("name") or "").strip())
        if not names[-1]:
            raise BadInputError("object without a name", where=place)
        rows.append([_number(item.find("bndbox"), corner, place) for corner in _CORNERS])
    box = np.array(rows, np.float64).reshape(-1, 4)
    box[:, :2] -= 1
    size = root.find("size")
    return VocFile(
        width=int(_number(size, "width", str(path))),
        height=int(_number(size, "height", str(path))),
        names=tuple(names),
        box=box,
    )


def _number(parent: ElementTree.Element | None, name: str, place: str) -> float:
    text = None if parent is None else parent.findtext(name)
    try:
        value = float(text or "nan")
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise BadInputError(f"no number <{name}>", where=place, got=repr(text))
    return value
