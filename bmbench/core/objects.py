"""The objects of one image moved and scaled together, and ignored regions beside them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from bmbench.core.geometry import rings_box
from bmbench.core.types import Annotations, Detections, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bmbench.core.types import Floats, Rings

Objects = TypeVar("Objects", Annotations, Detections)


def moved(objects: Objects, by: Floats) -> Objects:
    """The objects shifted by (x, y) pixels."""
    columns: dict[str, Any] = {
        "xy": objects.xy + by,
        "box": objects.box + np.tile(by, 2),
        "contour": tuple(tuple(ring + by for ring in rings) for rings in objects.contour),
    }
    if isinstance(objects, Annotations):
        given = objects.circle[:, 2:] > 0
        columns["circle"] = np.where(given, objects.circle + np.append(by, 0), objects.circle)
    return dataclasses.replace(objects, **columns)


def scaled(objects: Objects, ratio: Floats) -> Objects:
    """The objects with x and y multiplied by `ratio` (2,), radii by its geometric mean."""
    columns: dict[str, Any] = {
        "xy": objects.xy * ratio,
        "box": objects.box * np.tile(ratio, 2),
        "contour": tuple(tuple(ring * ratio for ring in rings) for rings in objects.contour),
    }
    if isinstance(objects, Annotations):
        columns["circle"] = objects.circle * np.array([*ratio, np.sqrt(ratio[0] * ratio[1])])
    return dataclasses.replace(objects, **columns)


def with_regions(annotations: Annotations, outlines: Sequence[Rings]) -> Annotations:
    """The annotations, and every outline as an ignored region after them."""
    n = len(outlines)
    if n == 0:
        return annotations
    box = np.array([rings_box(rings) for rings in outlines])
    return Annotations(
        xy=np.concatenate([annotations.xy, (box[:, :2] + box[:, 2:]) / 2]),
        box=np.concatenate([annotations.box, box]),
        circle=np.concatenate([annotations.circle, np.zeros((n, 3))]),
        contour=(*annotations.contour, *outlines),
        label=np.append(annotations.label, np.zeros(n, np.int64)),
        role=np.append(annotations.role, np.full(n, int(Role.IGNORE), np.int64)),
        region=np.append(annotations.region, np.ones(n, bool)),
    )
