"""Nuclei as smoothly joined blobs: round, oval, kidney, band, segmented and others."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bmbench.core.types import Floats
    from bmbench.datasets.synthetic.texture import Plane

# A blob is x0, y0, x1, y1, r0, r1: a rod from one point to another with a radius at each end.
# Forms fit the unit disc.


def blobs(form: str, rng: np.random.Generator) -> Floats:
    """(n, 6) blobs of a nucleus in the unit disc, turned at random."""
    shape = np.array(_FORMS[form](rng), dtype=np.float64)
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shape[:, 0:2] = shape[:, 0:2] @ turn.T
    shape[:, 2:4] = shape[:, 2:4] @ turn.T
    return shape


def distance(shape: Floats, x: Plane, y: Plane, join: float) -> Plane:
    """Signed distance to the border of the joined blobs (negative inside); `join` rounds their seams."""
    total: Plane = np.full(x.shape, np.inf)
    for x0, y0, x1, y1, r0, r1 in shape:
        dx, dy = x1 - x0, y1 - y0
        along = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy + 1e-9), 0, 1)
        one = np.hypot(x - x0 - along * dx, y - y0 - along * dy) - (r0 + along * (r1 - r0))
        blend = np.maximum(join - np.abs(total - one), 0) / join
        total = np.minimum(total, one) - blend * blend * join / 4
    return total


def _round(rng: np.random.Generator) -> list[list[float]]:
    s = rng.uniform(0.02, 0.1)
    return [[-s, 0, s, 0, 1 - s, 1 - s]]


def _oval(rng: np.random.Generator) -> list[list[float]]:
    s = rng.uniform(0.14, 0.26)
    r = 1 - s
    return [[-s, 0, s, 0, r, r * rng.uniform(0.88, 1.0)]]


def _dented(rng: np.random.Generator) -> list[list[float]]:
    return [[-0.3, 0.05, 0.1, 0.18, 0.68, 0.7], [0.1, 0.18, 0.35, -0.22, 0.62, rng.uniform(0.5, 0.6)]]


def _kidney(rng: np.random.Generator) -> list[list[float]]:
    thick, bow = rng.uniform(0.46, 0.56), rng.uniform(0.18, 0.34)
    return _arc([(-0.5, -bow), (-0.1, 0.2), (0.15, 0.2), (0.5, -bow)], [thick, thick, thick, thick * 0.95])


def _folded(rng: np.random.Generator) -> list[list[float]]:
    a, b = rng.uniform(0.3, 0.5, 2)
    bow = _arc([(-0.45, -a), (-0.15, 0.28), (0.3, 0.25), (0.5, -b)], [0.46, 0.56, 0.46, 0.4])
    return [*bow, [0.0, 0.1, 0.1, -0.3, 0.4, 0.25]]


def _band(rng: np.random.Generator) -> list[list[float]]:
    thick, open_ = rng.uniform(0.25, 0.32), rng.uniform(0.75, 1.35)
    angles = np.linspace(open_, 2 * np.pi - open_, 6) + rng.normal(0, 0.08, 6)
    radius = 0.66 + rng.normal(0, 0.05, 6)
    points = [(float(r * np.cos(a)), float(r * np.sin(a) * 0.9)) for a, r in zip(angles, radius, strict=True)]
    return _arc(points, list(thick * rng.uniform(0.85, 1.15, 6)))


def _segmented(rng: np.random.Generator) -> list[list[float]]:
    n = int(rng.integers(2, 6))
    angles = np.cumsum(rng.uniform(0.9, 1.45, n)) if n > 2 else np.array([0.0, 2.4])
    where = rng.uniform(0.5, 0.68, n)
    points = [(float(r * np.cos(a)), float(r * np.sin(a))) for a, r in zip(angles, where, strict=True)]
    lobes = []
    for (x, y), r in zip(points, rng.uniform(0.29, 0.4, n) * (1.15 if n < 4 else 0.95), strict=True):
        dx, dy = rng.normal(0, 0.09, 2)
        lobes.append([x - dx, y - dy, x + dx, y + dy, r, r * rng.uniform(0.8, 1.05)])
    threads = [[*a, *b, 0.09, 0.09] for a, b in pairwise(points)]
    return lobes + threads


def _bilobed(rng: np.random.Generator) -> list[list[float]]:
    r, s = rng.uniform(0.38, 0.46, 2)
    return [[-0.5, 0.1, -0.5, -0.12, r, r], [0.5, 0.12, 0.5, -0.1, s, s], [-0.5, 0, 0.5, 0, 0.12, 0.12]]


def _arc(points: list[tuple[float, float]], radii: list[float]) -> list[list[float]]:
    ends = zip(points, points[1:], radii, radii[1:], strict=False)
    return [[*a, *b, float(r), float(s)] for a, b, r, s in ends]


_FORMS = {
    "round": _round,
    "oval": _oval,
    "dented": _dented,
    "kidney": _kidney,
    "folded": _folded,
    "band": _band,
    "segmented": _segmented,
    "bilobed": _bilobed,
}
