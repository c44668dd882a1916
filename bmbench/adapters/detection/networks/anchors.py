"""Anchors for the cells at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bmbench.adapters.detection.merging.overlaps import bounding_box

if TYPE_CHECKING:
    from bmbench.adapters.detection.settings import DetectorSettings
    from bmbench.core.types import Floats

Sizes = tuple[tuple[float, ...], ...]

_TAILS = (2.0, 98.0)
"""Percentiles of the training sizes between which anchors are spread."""


def anchor_sizes(shapes: Floats, settings: DetectorSettings) -> Sizes:
    """The anchors' sizes for each level, finest first: square roots of areas, pixels.

    The range of the training shapes, without its tails, is cut into as many equal ratios as there are
    anchors; each anchor is the middle of one. Fine levels get the small ones.
    """
    box = bounding_box(shapes)
    size = np.sqrt(np.prod(box[:, 2:] - box[:, :2], axis=1))
    low, high = np.percentile(size[size > 0], _TAILS)
    n_levels = settings.coarsest - settings.finest + 1
    edges = np.geomspace(low, high, n_levels * settings.scales + 1)
    middle = np.sqrt(edges[1:] * edges[:-1]).reshape(n_levels, settings.scales)
    return tuple(tuple(round(float(value), 2) for value in level) for level in middle)


def anchor_ratios(settings: DetectorSettings) -> tuple[float, ...]:
    """Height divided by width of each anchor shape."""
    return (1.0,) if settings.ratios == 1 else (0.5, 1.0, 2.0)
