"""Objects of a map: threshold, opening, markers, watershed, growth (Graebel et al. 2021, post-processing).

OpenCV thresholds, opens and measures distances; skimage floods, and only the connected components with two
markers or more: the others need no flooding. Both choices are for speed and change no pixel but ties.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from bmbench.core.geometry import clip_ring, ring_area
from bmbench.core.types import Detections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bmbench.adapters.unet.depth import Reals
    from bmbench.adapters.unet.encoding import Regrowth
    from bmbench.adapters.unet.settings import UNetSettings
    from bmbench.core.types import Bools, Floats

Labels = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How an object of the map becomes a cell.

    Attributes
    ----------
    regrowth : threshold → Regrowth
        By how much an object that was cut out of the map at this threshold is smaller than its cell.
    smallest_px2 : float
        The area from which a cell counts.
    """

    regrowth: Callable[[float], Regrowth]
    smallest_px2: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Foreground:
    """(h, w) opened foreground, and the threshold that it was cut out at."""

    opened: Bools
    threshold: float


def find_labelled(maps: Reals, settings: UNetSettings, growth: Growth) -> Detections:
    """The cells (label 0) and artefacts (label 1) of (h, w, 1 or 2) maps of either.

    An object belongs to the class that is likelier inside it: what the network takes for an artefact is no
    cell, however unsure it is of both.
    """
    n = maps.shape[2]
    rivals = [np.delete(maps, label, axis=2).max(axis=2) if n > 1 else None for label in range(n)]
    classes = [
        find_objects(maps[..., label], settings, growth, rival=rival) for label, rival in enumerate(rivals)
    ]
    names = ("xy", "box", "confidence")
    return Detections.of(
        **{name: np.concatenate([getattr(found, name) for found in classes]) for name in names},
        label=np.repeat(np.arange(n), [len(found) for found in classes]),
        contour=tuple(rings for found in classes for rings in found.contour),
    )


def find_objects(
    probability: Reals, settings: UNetSettings, growth: Growth, *, rival: Reals | None = None
) -> Detections:
    """The objects of an (h, w) map, in its own pixels; without those in which another map is higher.

    The centre is the centroid of the object before growth, the confidence its mean value there.
    """
    ground = foreground(probability, settings)
    regrowth = growth.regrowth(ground.threshold)
    reach_px = (settings.cell_px / 2 - regrowth.px) / (1 + regrowth.share)
    distance = inner_distance(ground.opened)
    kernels = separate(ground.opened, distance, settings, reach_px=reach_px)
    found = []
    for corner, kernel in _crops(kernels):
        window = np.s_[corner[0] : corner[0] + kernel.shape[0], corner[1] : corner[1] + kernel.shape[1]]
        values = probability[window][kernel]
        if rival is not None and rival[window][kernel].mean() > values.mean():
            continue
        # A faint object lies wholly below the threshold of the others.
        undone = regrowth if values.max() > ground.threshold else growth.regrowth(settings.faint)
        by_px = undone.px + undone.share * float(distance[window][kernel].max())
        cell = _cell(kernel, corner, probability, by_px)
        if ring_area(cell[2]) >= growth.smallest_px2:
            found.append(cell)
    if not found:
        return Detections.empty()
    xy, confidence, rings = zip(*found, strict=True)
    box = np.array([[*ring.min(axis=0), *ring.max(axis=0)] for ring in rings])
    return Detections.of(
        xy=np.array(xy),
        box=box,
        confidence=np.array(confidence),
        contour=tuple((ring,) for ring in rings),
    )


def foreground(probability: Reals, settings: UNetSettings) -> Foreground:
    """The opened foreground at the Otsu threshold, plus faint objects that lie wholly below it.

    One threshold for a whole image cuts off pale cells, which a ranking wants to see with low confidence.
    So the threshold stays between `lowest` and `highest`, and a component above `faint` that contains no
    pixel above the threshold is added as it is: it cannot touch the others, whose shapes stay those of the
    threshold.
    """
    grey = np.round(np.clip(probability, 0, 1) * 255).astype(np.uint8)
    otsu, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    level = float(np.clip(otsu / 255, settings.lowest, settings.highest))
    kernel = _disc(settings.opening * settings.cell_px)
    bright = cv2.morphologyEx((probability > level).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    dim = cv2.morphologyEx((probability > settings.faint).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    _, component = cv2.connectedComponents(dim, connectivity=8)
    shown = np.unique(component[bright > 0])
    alone = dim > 0
    alone &= ~np.isin(component, shown[shown > 0])
    return Foreground(opened=(bright > 0) | alone, threshold=level)


def inner_distance(opened: Bools) -> Reals:
    """(h, w) distance from the centre of each foreground pixel to the edge of the foreground, 0 outside.

    Half a pixel less than to the next centre outside. The image's own edge is none of the foreground's; where
    there is no other, distance ends at the image's longer side.
    """
    distance = cv2.distanceTransform(opened.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    inner: Reals = np.clip(distance - np.float32(0.5), 0, max(opened.shape))
    return inner


def separate(opened: Bools, distance: Reals, settings: UNetSettings, *, reach_px: float) -> Labels:
    """(h, w) labels from 1 of the objects in the opened foreground; every foreground pixel has one.

    Parameters
    ----------
    distance : (h, w) pixels
        `inner_distance` of the foreground.
    reach_px : float
        How far from a pixel a deeper one makes it no marker: the radius of a mean object.
    """
    mask = opened.astype(np.uint8)
    nearby = cv2.dilate(distance, _disc(reach_px))
    peak = opened & (distance >= settings.marker * nearby)
    n_markers, marker = cv2.connectedComponents(peak.astype(np.uint8), connectivity=8)
    _, component, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    component_of = np.zeros(n_markers, np.int64)
    component_of[marker[peak]] = component[peak]
    only = np.zeros(len(stats), np.int32)
    only[component_of[1:]] = np.arange(1, n_markers)
    labels: Labels = only[component]
    labels[component == 0] = 0
    crowded = np.flatnonzero(np.bincount(component_of[1:], minlength=len(stats)) > 1)
    for i in crowded:
        left, top, width, height = stats[i, :4]
        window = np.s_[top : top + height, left : left + width]
        inside = component[window] == i
        labels[window][inside] = _flooded(distance[window], marker[window] * inside, inside)[inside]
    return labels


def _flooded(distance: Reals, marker: Labels, inside: Bools) -> Labels:
    from skimage.segmentation import watershed

    flooded: Labels = watershed(-distance, marker, mask=inside)  # type: ignore[no-untyped-call]
    return flooded


def _crops(labels: Labels) -> Iterator[tuple[tuple[int, int], Bools]]:
    """(row, column) corner and mask of each object, cut to its bounding box."""
    from scipy import ndimage

    for label, window in enumerate(ndimage.find_objects(labels), start=1):
        if window is not None:
            yield (window[0].start, window[1].start), labels[window] == label


def _cell(
    kernel: Bools, corner: tuple[int, int], probability: Reals, by_px: float
) -> tuple[Floats, float, Floats]:
    """Centre, confidence and outline of one object that is to grow."""
    height, width = probability.shape
    outline = _outline(kernel, by_px) + np.array([corner[1], corner[0]])
    outline = clip_ring(outline, width, height)
    down, right = np.nonzero(kernel)
    rows, columns = down + corner[0], right + corner[1]
    centre = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
    return centre, float(np.clip(probability[rows, columns].mean(dtype=np.float64), 0, 1)), outline


def _outline(kernel: Bools, by_px: float) -> Floats:
    """(k, 2) closed outline of the mask grown by a disc, in the mask's own pixels.

    The level line of the distance to the nearest pixel centre of the mask, half a pixel further out than
    the growth, as the mask's edge lies half a pixel outside its outermost centres.
    """
    from skimage.measure import find_contours

    margin = int(np.ceil(by_px)) + 2
    outside = np.pad(~kernel, margin, constant_values=True).astype(np.uint8)
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    rings = find_contours(distance.astype(np.float64), by_px + 0.5)  # type: ignore[no-untyped-call]
    outer = max(rings, key=ring_area)[:-1]
    outline: Floats = outer[:, ::-1] + 0.5 - margin
    return outline


@lru_cache
def _disc(radius: float) -> NDArray[np.uint8]:
    """A disc of pixels as structuring element (OpenCV's own ellipse is another shape)."""
    reach = int(radius)
    dy, dx = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    disc: NDArray[np.uint8] = (dx * dx + dy * dy <= radius * radius).astype(np.uint8)
    return disc
