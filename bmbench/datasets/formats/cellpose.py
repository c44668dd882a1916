"""Cellpose: ``NAME_seg.npy``, the masks that its window saves beside the image, or ``NAME_cp_outlines.txt``.

The former are pickles, of which nothing but plain arrays is made (see `safe_pickle`). Their confidence is
that of Cellpose's own map: the mean over a cell's pixels of the logistic of what the network says of them.
Outlines run through the middles of the outermost pixels, a line a cell. Masks saved as pictures,
``NAME_cp_masks.png``, are label images, and are read as such.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmbench.core.errors import BadInputError
from bmbench.core.numerals import numeral
from bmbench.core.types import Floats
from bmbench.datasets.formats.annotation_folder import ANNOTATION_FOLDERS, annotation_files, read_folder
from bmbench.datasets.formats.codec import Codec, Content
from bmbench.datasets.formats.label_image import label_annotations
from bmbench.datasets.formats.marks import UNNAMED, UNSURE, Collector, Marks, ring_of
from bmbench.datasets.reading.limits import read_text
from bmbench.datasets.reading.safe_pickle import read_saved

SUFFIXES = ("_seg.npy",)
OUTLINES = ("_cp_outlines.txt",)
_PROBABILITY = 4
"""Where in the list of flows the flow field is, whose last plane is the map of cell probability."""


def read(path: Path, images: Path | None = None) -> Content:
    """The images of a folder of Cellpose's files, or of one file; see `read_folder`.

    Outlines are read where there are no ``_seg.npy``.
    """
    suffixes = SUFFIXES if path.name.lower().endswith(SUFFIXES) else OUTLINES
    if path.is_dir():
        try:
            annotation_files(path, SUFFIXES, ANNOTATION_FOLDERS)
            suffixes = SUFFIXES
        except BadInputError:
            suffixes = OUTLINES
    return read_folder(
        path, images, suffixes=suffixes, parse=parse if suffixes == SUFFIXES else parse_outlines
    )


def parse(path: Path, _size: Callable[[], tuple[int, int]]) -> Marks:
    """The objects of one file, cells all of them.

    Raises
    ------
    BadInputError
        If the file is none of Cellpose, or its masks are no label image.
    """
    value = read_saved(path)
    masks = value.get("masks") if isinstance(value, dict) else None
    if not isinstance(masks, np.ndarray):
        raise BadInputError("not a file of Cellpose", where=str(path), expected="a dictionary with 'masks'")
    if masks.ndim == 3 and masks.shape[0] == 1:
        masks = masks[0]
    if masks.ndim != 2 or masks.dtype.kind not in "iu" or not masks.size or masks.min() < 0:
        got = f"{masks.dtype} of the shape {masks.shape}"
        raise BadInputError("masks of no single image", where=str(path), expected="one plane", got=got[:80])
    masks = masks.astype(np.int64)
    annotations = label_annotations(masks)
    named = value.get("filename")
    sure = _confidence(value.get("flows"), masks)
    return Marks(
        annotations=annotations,
        classes=((UNNAMED, False),) if len(annotations) else (),
        image=re.split(r"[/\\]", named)[-1] if isinstance(named, str) else "",
        size=(masks.shape[1], masks.shape[0]),
        notes=(f"{UNSURE} ({len(sure)})",) if len(sure) else (),
        confidence=sure,
    )


def parse_outlines(path: Path, _size: Callable[[], tuple[int, int]]) -> Marks:
    """The objects of a file of outlines: a line a cell, x and y by turns; BadInputError for anything else."""
    collector = Collector(str(path))
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        where = f"{path}, line {number}"
        if not line.strip():
            continue
        try:
            corners = np.array([float(word) for word in numeral(line).split(",")]).reshape(-1, 2)
        except ValueError as error:
            raise BadInputError("not an outline", where=where, got=str(error)[:60]) from None
        ring = ring_of(corners.tolist(), where)
        # The pixels that the outline goes through are the cell's own.
        box = (*ring.min(axis=0), *(ring.max(axis=0) + 1))
        collector.add(UNNAMED, rings=(ring + 0.5,), box=box)
    return collector.marks()


def _confidence(flows: Any, masks: NDArray[np.int64]) -> Floats:
    """(n,) mean cell probability of each object by its number; (0,) where there is no map."""
    field = flows[_PROBABILITY] if isinstance(flows, list) and len(flows) > _PROBABILITY else None
    if not isinstance(field, np.ndarray) or field.dtype.kind != "f" or field.ndim < 3:
        return np.zeros(0)
    said = field[-1].squeeze()
    if said.shape != masks.shape or not masks.any():
        return np.zeros(0)
    numbers, inverse = np.unique(masks, return_inverse=True)
    inverse = inverse.reshape(-1)
    # What the network says of a pixel lies within ±20 or so; beyond, the logistic is 0 or 1 anyway.
    sure = 1 / (1 + np.exp(-np.clip(np.nan_to_num(said.astype(np.float64)), -50, 50)))
    mean: Floats = np.bincount(inverse, sure.reshape(-1)) / np.bincount(inverse)
    return mean[numbers > 0]


CODEC = Codec(
    name="cellpose",
    title="Cellpose _seg.npy, _cp_outlines.txt",
    extensions=(*SUFFIXES, *OUTLINES),
    layout="image",
    carries=frozenset(),
    read=read,
    belief="the mean of Cellpose's cell probability over a cell",
)
