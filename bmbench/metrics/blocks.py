"""Some images at a time: what is in work then fits the processor's cache, and memory is used again."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bmbench.metrics.order import by_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bmbench.core.types import Ints
    from bmbench.metrics.objects import Objects

Rows: TypeAlias = "slice | Ints"

_BLOCK = 1 << 16
"""Objects in a block; an image is never divided."""


def image_blocks(a: Objects, b: Objects) -> Iterator[tuple[Rows, Rows]]:
    """Rows of `a` and of `b` that lie on the same images, some images at a time; all images in the end."""
    if len(a) + len(b) <= _BLOCK:
        yield slice(0, len(a)), slice(0, len(b))
        return
    last = max(int(objects.image.max(initial=-1)) for objects in (a, b))
    objects_so_far = np.cumsum(sum(np.bincount(objects.image, minlength=last + 1) for objects in (a, b)))
    cuts = 1 + np.flatnonzero(np.diff((objects_so_far - 1) // _BLOCK))
    yield from zip(_cut(a, cuts), _cut(b, cuts), strict=True)


def _cut(objects: Objects, cuts: Ints) -> Iterator[Rows]:
    """Rows of the objects on the images before the first cut, and so on from cut to cut."""
    image, order = objects.image, None
    if (image[1:] < image[:-1]).any():
        order = by_key(image.astype(np.uint32))
        image = image[order]
    ends = [0, *np.searchsorted(image, cuts).tolist(), len(image)]
    for start, end in pairwise(ends):
        yield slice(start, end) if order is None else order[start:end]


def located(rows: Rows, here: Ints) -> Ints:
    """(m,) the rows of all objects that these rows of a block are."""
    return here + rows.start if isinstance(rows, slice) else rows[here]
