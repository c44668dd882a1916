"""Geometry of boxes, circles and polygons, in pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bmbench.core.types import Floats, Rings


def box_centre(box: Floats) -> Floats:
    """(n, 2) centres of (n, 4) boxes."""
    return (box[:, :2] + box[:, 2:]) / 2


def circle_box(circle: Floats) -> Floats:
    """(n, 4) bounding boxes of (n, 3) circles x, y, radius."""
    return np.concatenate([circle[:, :2] - circle[:, 2:], circle[:, :2] + circle[:, 2:]], axis=1)


def box_iou(a: Floats, b: Floats) -> Floats:
    """(n,) intersection over union of box i of `a` with box i of `b`, both (n, 4); 0 for two empty boxes."""
    extent = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    shared = np.prod(np.clip(extent, 0.0, None), axis=1)
    union = np.prod(a[:, 2:] - a[:, :2], axis=1) + np.prod(b[:, 2:] - b[:, :2], axis=1) - shared
    iou: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return iou


def rings_box(rings: Rings) -> Floats:
    """(4,) bounding box of an outline with at least one point."""
    points = np.concatenate(rings)
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def ring_area(ring: Floats) -> float:
    """Area of one closed polygon (k, 2), whichever way it turns (shoelace formula)."""
    x, y = (ring - ring[0]).T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
