"""Classes of cells that differ in size: a working scale and levels at which the smallest can be found.

Images are resized until the mean cell has a stated width. Where white cells lie beside platelets a quarter as
wide, the platelets then have the width of one place of the network, no anchor fits them, and none is found.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from bmbench.adapters.detection.merging.overlaps import area, bounding_box
from bmbench.adapters.detection.settings.common import AnchorSettings, CommonSettings
from bmbench.adapters.detection.settings.pyramid import RetinaNetSettings
from bmbench.core.objects import diameters
from bmbench.core.types import Annotations, Category, Floats, Ints, Role

_DIFFER = 2.0
"""Classes differ in size if the mean cell of one is so many times as wide as that of another."""
_STRIDES = 4
"""The smallest class is at least so many strides of the finest level wide."""
_FINEST = 2
_ANCHORS = 9
"""Anchors for each cell, so that a platelet is taught as much as a cell of twenty times its area."""
_ROWS = 256
"""How many shapes stand for each class where anchors are chosen."""
Settings = TypeVar("Settings", bound=CommonSettings)


def mean_by_class(annotated: Sequence[Annotations], classes: Sequence[Category]) -> dict[str, float]:
    """Name and mean diameter in pixels of each of these classes that has a cell, as annotated."""
    cells = [one.take(one.role == Role.CELL) for one in annotated]
    diameter = np.concatenate([np.zeros(0), *(diameters(one) for one in cells)])
    label = np.concatenate([np.zeros(0, np.int64), *(one.label for one in cells)])
    return {
        category.name: float(diameter[label == row].mean())
        for row, category in enumerate(classes)
        if (label == row).any()
    }


def differ(means: dict[str, float]) -> bool:
    """Whether classes of these mean diameters differ in size."""
    return bool(means) and max(means.values()) >= _DIFFER * min(means.values())


def suited(settings: Settings, means: dict[str, float], *, mean_px: float) -> Settings:
    """The settings, with cells enlarged and levels added until the smallest class can be found.

    Parameters
    ----------
    means : name → mean diameter of a class in original pixels
    mean_px : float
        Mean diameter of all cells in original pixels.
    """
    if not differ(means) or not settings.least_class_px:
        return settings
    smallest = min(means.values()) / mean_px * settings.cell_px
    growth = max(1.0, settings.least_class_px / smallest)
    changes: dict[str, Any] = {"cell_px": settings.cell_px * growth}
    if isinstance(settings, AnchorSettings):
        level = math.floor(math.log2(smallest * growth / _STRIDES))
        changes["finest"] = max(_FINEST, min(settings.finest, level))
    if isinstance(settings, RetinaNetSettings):
        changes["most_anchors"] = settings.most_anchors or _ANCHORS
    return dataclasses.replace(settings, **changes)


def what_changed(before: CommonSettings, after: CommonSettings, means: dict[str, float]) -> str:
    """The changes in a sentence for the log; empty if there is none."""
    if before == after:
        return ""
    sizes = ", ".join(f"{name} {mean:.0f} px" for name, mean in means.items())
    text = f"classes differ in size ({sizes}): the mean cell is resized to {after.cell_px:.0f} px"
    text += f" instead of {before.cell_px:.0f}"
    if isinstance(before, AnchorSettings) and isinstance(after, AnchorSettings):
        text += f", the finest level is {after.finest} instead of {before.finest}"
    return f"{text}; --set least_class_px=0 leaves all as set"


def balanced(shapes: Floats, label: Ints) -> Floats:
    """As many shapes of each class, from its smallest to its largest, so that anchors fit rare ones too."""
    size = area(bounding_box(shapes))
    rows = []
    for one in np.unique(label):
        mine = np.flatnonzero(label == one)
        by_size = mine[np.argsort(size[mine], kind="stable")]
        rows.append(by_size[np.round(np.linspace(0, len(by_size) - 1, _ROWS)).astype(int)])
    even: Floats = shapes[np.concatenate(rows)]
    return even
