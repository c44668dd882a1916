"""Which class a pixel's cell is, beside the map of cells: codes, targets, and what each class weighs.

A class is the same at any depth of a cell and in any mirror, so it is one map for all encodings. It is taught
in the whole of a cell's shape, and nowhere else: the map beside it says where cells are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from bmbench.adapters.detection.labels import labels_of
from bmbench.adapters.unet.encodings.depth_map import DepthMap, Reals
from bmbench.core.errors import BadInputError
from bmbench.core.objects import object_circles
from bmbench.core.types import Annotations, Pixels, Role

MOST = 254
"""Classes that eight bits a pixel can tell apart, with none."""


def class_codes(depths: DepthMap, annotations: Annotations, cells: int) -> Pixels:
    """(h, w) 1 + the class of the cell that owns each pixel, 0 where none does or an artefact or ignored."""
    code = np.where(annotations.role == Role.CELL, 1 + labels_of(annotations, cells), 0)
    codes: Pixels = np.append(0, code).astype(np.uint8)[depths.owner]
    # Depth may go on outside of an object that owns the pixel there.
    codes[depths.depth <= 0] = 0
    return codes


def class_planes(codes: Pixels, cells: int) -> Reals:
    """(cells, h, w) 1 in the cells of each class, from their (h, w) codes."""
    planes: Reals = (codes == np.arange(1, cells + 1, dtype=np.uint8)[:, None, None]).astype(np.float32)
    return planes


def weights_of_classes(images: Iterable[Annotations], cells: int, rare: float) -> tuple[float, ...]:
    """What a pixel of each of several classes of cells weighs; () of one, which has nothing beside it.

    That power of how rare a class is, by the area of its cells; 1 in the mean over the pixels of all cells. A
    class without any cell has no weight.

    Raises
    ------
    BadInputError
        If there are more classes than can be told apart.
    """
    if cells < 2:
        return ()
    if cells > MOST:
        raise BadInputError(
            f"a U-Net tells at most {MOST} classes of cells apart",
            got=f"{cells} classes",
            remedy="name those that matter: --classes a,b",
        )
    area = np.zeros(cells)
    for one in images:
        mine = one.role == Role.CELL
        np.add.at(area, one.label[mine], object_circles(one)[mine, 2] ** 2)
    there = area > 0
    share = area[there] / area.sum() if there.any() else area[there]
    weight = np.zeros(cells)
    weight[there] = share**-rare / (share ** (1 - rare)).sum()
    return tuple(weight.tolist())


def read_weights(values: Any) -> tuple[float, ...]:
    """The weights of a saved encoding; ValueError or TypeError for what is none."""
    weights = tuple(float(value) for value in values)
    if len(weights) == 1 or len(weights) > MOST or not all(0 <= one < np.inf for one in weights):
        raise ValueError(f"cell_weights is {values!r}, expected 2 to {MOST} numbers, or none")
    return weights
