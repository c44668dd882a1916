"""JSON of HoVer-Net (``nuc``) and CellViT (``cells``): a dictionary for each nucleus.

The outline is OpenCV's, through the middles of the outermost pixels; the box, in rows and columns, takes in
these pixels whole. So the outline is moved by half a pixel, and the box is the stated one. CellViT writes a
folder for each image, with ``cells.json`` (and ``cell_detection.json``, the same without outlines).
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.types import Floats
from bmbench.datasets.formats.annotation_folder import ANNOTATION_FOLDERS, annotation_files, read_folder
from bmbench.datasets.formats.codec import Codec, Content
from bmbench.datasets.formats.marks import UNNAMED, Collector, Marks, ring_of
from bmbench.datasets.formats.web_tools.objects import LARGEST, mapping, numbers
from bmbench.datasets.reading.limits import read_object

OUTLINES, POINTS = "cells.json", "cell_detection.json"
"""CellViT's names of the files of an image."""
LIMIT_PX = 2.0
"""How far an outline may lie outside its box, which rounding explains."""


def read(path: Path, images: Path | None = None) -> Content:
    """The images of a folder of such files, or of one file; see `read_folder`."""
    suffixes: tuple[str, ...] = (".json",)
    if path.is_dir():
        files, _ = annotation_files(path, suffixes, ANNOTATION_FOLDERS)
        if {OUTLINES, POINTS} <= {file.name for file in files}:
            suffixes = (OUTLINES,)
    return read_folder(path, images, suffixes=suffixes, parse=parse)


def parse(path: Path, _size: Callable[[], tuple[int, int]]) -> Marks:
    """The nuclei of one file.

    Raises
    ------
    BadInputError
        If it is none of these programs, or a nucleus has no shape; names the nucleus.
    """
    value = read_object(path)
    types = value.get("type_map") or {}
    collector = Collector(str(path))
    for where, cell in _cells(value, path):
        _add(collector, cell, types if isinstance(types, dict) else {}, where)
    own = path.name in (OUTLINES, POINTS)
    return collector.marks(image=path.parent.name if own else "")


def _cells(value: dict[str, Any], path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    cells, nuclei = value.get("cells"), value.get("nuc")
    if isinstance(cells, list):
        named = ((f"cells[{row}]", cell) for row, cell in enumerate(cells))
    elif isinstance(nuclei, dict):
        named = ((f"nuc[{key[:20]!r}]", cell) for key, cell in nuclei.items())
    else:
        expected = "a list 'cells' (CellViT) or an object 'nuc' (HoVer-Net)"
        raise BadInputError("no nuclei in it", where=str(path), expected=expected)
    for place, cell in named:
        yield f"{path}, {place}", mapping(cell, f"{path}, {place}")


def _add(collector: Collector, cell: dict[str, Any], types: dict[str, Any], where: str) -> None:
    number, sure = cell.get("type"), cell.get("type_prob")
    named = types.get(str(number))
    name = str(named) if named is not None else UNNAMED if number is None else f"type {number}"[:40]
    box = _box(cell.get("bbox"), where)
    contour = cell.get("contour")
    rings: tuple[Floats, ...] = ()
    if isinstance(contour, list) and len(contour) >= 3:
        ring = ring_of([numbers(point, where, 2) for point in contour], where) + 0.5
        rings = (ring,)
        near = box is not None and _holds(box, ring)
        box = box if near else None
    if box is None and not rings:
        raise BadInputError("a nucleus without an outline or a box", where=where)
    collector.add(
        name,
        rings=rings,
        box=() if box is None else tuple(box.tolist()),
        confidence=float(sure) if isinstance(sure, int | float) and abs(sure) < LARGEST else None,
    )


def _box(value: Any, where: str) -> Floats | None:
    """[x0, y0, x1, y1] from [[row, column], [row, column]]; None where none is stated."""
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2:
        raise BadInputError("not a box", where=where, expected="two corners", got=repr(value)[:40])
    (y0, x0), (y1, x1) = (numbers(corner, where, 2) for corner in value)
    return np.array([x0, y0, x1, y1])


def _holds(box: Floats, ring: Floats) -> bool:
    low, high = ring.min(axis=0), ring.max(axis=0)
    return bool((low >= box[:2] - LIMIT_PX).all() and (high <= box[2:] + LIMIT_PX).all())


CODEC = Codec(
    name="hovernet",
    title="JSON of HoVer-Net and CellViT",
    extensions=(".json",),
    layout="image",
    carries=frozenset(),
    read=read,
    belief="type_prob, the program's belief in the class of a nucleus",
)
