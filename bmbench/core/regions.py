"""Ignored regions beside the objects of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bmbench.core.geometry import rings_box
from bmbench.core.types import Annotations, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bmbench.core.types import Floats, Rings


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


def rectangle(x0: float, y0: float, x1: float, y1: float) -> Rings:
    """The outline of a rectangle, in pixels."""
    corners: Floats = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64)
    return (corners,)
