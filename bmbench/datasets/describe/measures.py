"""Sizes, distances and overlaps of a set's cells: what its matching radius and its circles rest on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bmbench.core.dataset import Split
from bmbench.core.objects import diameters
from bmbench.core.types import Annotations, Floats, Role, Sample
from bmbench.datasets.weak.simulator import overlapping_circles, scaled_jitter, weaken


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measures:
    """Numbers about all cells of a set.

    Attributes
    ----------
    diameters : for each category, (n,) float64, pixels
        Of cells and artefacts.
    nearest : (n,) float64, pixels
        Distance of each cell's centre to that of the nearest other cell on its image.
    suggested_radius_px : float or None
        A third of the mean cell diameter, as in the study (55 px for 165 px).
    closer : float or None
        Share of the cells whose neighbour is nearer than that radius: there a match is ambiguous.
    jitter_px : float
        The simulated circles' jitter, scaled to these cells.
    overlapping : float or None
        Share of the cells whose weak circle overlaps another one.
    cover : float or None
        Area of the weak circle over that of the cell, median; None without outlines.
    """

    diameters: tuple[Floats, ...]
    nearest: Floats
    suggested_radius_px: float | None
    closer: float | None
    jitter_px: float
    overlapping: float | None
    cover: float | None


def measure(split: Split) -> Measures:
    """The measures of all images of a set; no image is read."""
    samples = [sample for part in split.samples.values() for sample in part]
    cells = [s.annotations.take(s.annotations.role == Role.CELL) for s in samples]
    nearest = np.concatenate([np.zeros(0), *(_nearest(a.xy) for a in cells)])
    size = np.concatenate([np.zeros(0), *(diameters(a) for a in cells)])
    size = size[size > 0]
    radius = float(size.mean() / 3) if len(size) else None
    jitter = scaled_jitter(cells)
    weak = [
        weaken(a, seed=0, image_id=s.image_id, jitter_px=jitter) for a, s in zip(cells, samples, strict=True)
    ]
    touching = np.concatenate([np.zeros(0, bool), *(overlapping_circles(a.circle) for a in weak)])
    cover = np.concatenate([np.zeros(0), *(_cover(a, b) for a, b in zip(cells, weak, strict=True))])
    return Measures(
        diameters=tuple(_by_class(samples, label) for label in range(len(split.categories))),
        nearest=nearest,
        suggested_radius_px=radius,
        closer=float((nearest < radius).mean()) if radius is not None and len(nearest) else None,
        jitter_px=jitter,
        overlapping=float(touching.mean()) if len(touching) else None,
        cover=float(np.median(cover)) if len(cover) else None,
    )


def _by_class(samples: Sequence[Sample], label: int) -> Floats:
    own = [
        s.annotations.take((s.annotations.label == label) & (s.annotations.role != Role.IGNORE))
        for s in samples
    ]
    size = np.concatenate([np.zeros(0), *(diameters(annotations) for annotations in own)])
    return size[size > 0]


def _nearest(xy: Floats) -> Floats:
    from scipy.spatial import cKDTree

    if len(xy) < 2:
        return np.zeros(0)
    distance, _ = cKDTree(xy).query(xy, k=[2])
    return np.asarray(distance, np.float64).ravel()


def _cover(cells: Annotations, weak: Annotations) -> Floats:
    outlined = np.array([bool(rings) for rings in cells.contour], bool)
    area = np.pi * (diameters(cells) / 2) ** 2
    keep = outlined & (area > 0)
    return np.asarray(np.pi * weak.circle[keep, 2] ** 2 / area[keep], np.float64)
