"""Label images: every pixel holds the number of the object it belongs to, 0 for none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.geometry import rings_box
from bmbench.core.types import Annotations
from bmbench.datasets.codecs.masks import mask_rings
from bmbench.datasets.images import read_raw

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from bmbench.core.types import Ints


def read_labels(path: Path, size: tuple[int, int] | None = None) -> Ints:
    """(height, width) object numbers of a 16- or 32-bit PNG or TIFF.

    Parameters
    ----------
    size : (width, height), optional
        That of the image; another one is refused.

    Raises
    ------
    BadInputError
        If the file is no such image. Eight bits are refused: more than 255 objects overflow there, and
        the damage is silent.
    """
    raw = read_raw(path)
    if raw.ndim != 2 or raw.dtype.kind not in "iu" or raw.dtype.itemsize < 2:
        channels = 1 if raw.ndim == 2 else raw.shape[2]
        raise BadInputError(
            "not a label image",
            where=str(path),
            expected="one channel of 16 or 32 bits",
            got=f"{channels} of {raw.dtype}",
            remedy="save the labels as 16-bit PNG or TIFF",
        )
    if raw.min(initial=0) < 0:
        raise BadInputError("negative label", where=str(path), got=str(raw.min()))
    if size is not None and (raw.shape[1], raw.shape[0]) != size:
        raise BadInputError(
            "label image of another size than the image",
            where=str(path),
            expected=f"{size[0]} × {size[1]} px",
            got=f"{raw.shape[1]} × {raw.shape[0]} px",
        )
    return raw.astype(np.int64)


def label_annotations(labels: NDArray[Any]) -> Annotations:
    """The objects of a (height, width) label image in the order of their numbers, as plain cells.

    Contours run along pixel edges and are exact in area; an object in several parts or with holes has
    several rings. The box is that of the contour, the centre that of the box.
    """
    from scipy import ndimage

    numbers, dense = np.unique(labels, return_inverse=True)
    first = int(numbers[0] != 0)
    dense = dense.reshape(labels.shape) + first
    contour = []
    for number, place in enumerate(ndimage.find_objects(dense), start=1):
        mask = dense[place] == number
        contour.append(mask_rings(mask, (place[1].start, place[0].start)))
    box = np.array([rings_box(rings) for rings in contour]).reshape(-1, 4)
    return Annotations.of(xy=(box[:, :2] + box[:, 2:]) / 2, box=box, contour=tuple(contour))
