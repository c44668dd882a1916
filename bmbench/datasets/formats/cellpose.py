"""Cellpose ``NAME_seg.npy``: the masks that its window saves, beside the image.

They are pickles, of which nothing but plain arrays is made (see `safe_pickle`). Masks saved as pictures,
``NAME_cp_masks.png``, are label images, and are read as such.
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.datasets.formats.annotation_folder import read_folder
from bmbench.datasets.formats.codec import Codec, Content
from bmbench.datasets.formats.label_image import label_annotations
from bmbench.datasets.formats.marks import UNNAMED, Marks
from bmbench.datasets.reading.safe_pickle import read_saved

SUFFIXES = ("_seg.npy",)


def read(path: Path, images: Path | None = None) -> Content:
    """The images of a folder of ``_seg.npy`` files, or of one file; see `read_folder`."""
    return read_folder(path, images, suffixes=SUFFIXES, parse=parse)


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
    annotations = label_annotations(masks.astype(np.int64))
    named = value.get("filename")
    return Marks(
        annotations=annotations,
        classes=((UNNAMED, False),) if len(annotations) else (),
        image=re.split(r"[/\\]", named)[-1] if isinstance(named, str) else "",
        size=(masks.shape[1], masks.shape[0]),
    )


CODEC = Codec(
    name="cellpose",
    title="Cellpose _seg.npy",
    extensions=SUFFIXES,
    layout="image",
    carries=frozenset(),
    read=read,
)
