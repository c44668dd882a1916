"""Objects of a map: cut out, grown back to cells, outlined (Graebel et al. 2021, post-processing)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bmbench.adapters.unet.encodings.depth_map import edge_distance
from bmbench.adapters.unet.watershed import foreground, inner_distance, separate, separate_summits
from bmbench.core.geometry import clip_ring, ring_area
from bmbench.core.types import Detections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bmbench.adapters.unet.encodings.depth_map import Reals
    from bmbench.adapters.unet.encodings.encoding import Regrowth
    from bmbench.adapters.unet.settings import UNetSettings
    from bmbench.adapters.unet.watershed import Labels
    from bmbench.core.types import Bools, Floats


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
    distance = inner_distance(ground.opened)
    if settings.seeds == "map":
        kernels = separate_summits(ground.opened, probability, settings)
    else:
        reach_px = (settings.cell_px / 2 - regrowth.px) / (1 + regrowth.share)
        kernels = separate(ground.opened, distance, settings, reach_px=reach_px)
    found = []
    for corner, kernel in _crops(kernels):
        window = np.s_[corner[0] : corner[0] + kernel.shape[0], corner[1] : corner[1] + kernel.shape[1]]
        values = probability[window][kernel]
        if rival is not None and rival[window][kernel].mean() > values.mean():
            continue
        # A faint object lies wholly below the threshold of the others.
        undone = regrowth if values.max() > ground.threshold else growth.regrowth(settings.faint)
        # Half a pixel more: the deepest point lies between pixel centres, the outline just short of the next.
        inner_radius = float(distance[window][kernel].max()) + 0.5
        by_px = settings.undo * (undone.px + undone.share * inner_radius)
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
    outline = _outline(kernel, corner, (height, width), by_px)
    down, right = np.nonzero(kernel)
    rows, columns = down + corner[0], right + corner[1]
    centre = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
    return centre, float(np.clip(probability[rows, columns].mean(dtype=np.float64), 0, 1)), outline


def _outline(kernel: Bools, corner: tuple[int, int], shape: tuple[int, int], by_px: float) -> Floats:
    """(k, 2) closed outline of the mask grown by a disc, in the pixels of the image of that shape.

    The level line of the distance to the nearest pixel centre of the mask, half a pixel further out than
    the growth, as the mask's edge lies half a pixel outside its outermost centres. Just beyond the image's
    edge it is cut off.
    """
    from skimage.measure import find_contours

    margin = int(np.ceil(by_px)) + 2
    before = [min(margin, start + 2) for start in corner]
    after = [
        min(margin, end - start - n + 2) for start, end, n in zip(corner, shape, kernel.shape, strict=True)
    ]
    outside = np.pad(~kernel, tuple(zip(before, after, strict=True)), constant_values=True).astype(np.uint8)
    distance = edge_distance(outside).astype(np.float64)
    distance[[0, -1]] = distance[:, [0, -1]] = by_px + 1
    rings = find_contours(distance, by_px + 0.5)  # type: ignore[no-untyped-call]
    outer = max(rings, key=ring_area)[:-1]
    outline: Floats = outer[:, ::-1] + 0.5 - before[::-1] + np.array(corner[::-1])
    return clip_ring(outline, shape[1], shape[0])
