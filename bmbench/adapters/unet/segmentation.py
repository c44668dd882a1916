"""Map → foreground → separate objects → cells: threshold, opening, markers, watershed, growth, outlines.

Graebel et al. 2021, post-processing. OpenCV thresholds, opens and measures distances; skimage floods, and
only the connected components with two markers or more: the others need no flooding. Both choices are for
speed and change no pixel but ties.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from bmbench.adapters.unet.encodings.depth_map import Reals, edge_distance
from bmbench.adapters.unet.encodings.encoding import Regrowth
from bmbench.adapters.unet.settings import UNetSettings
from bmbench.core.geometry import clip_ring, ring_area, rings_mask
from bmbench.core.types import Bools, Detections, Floats, Ints

Labels = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Foreground:
    """(h, w) opened foreground, and the threshold that it was cut out at."""

    opened: Bools
    threshold: float


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
    kernel = disc(settings.opening * settings.cell_px)
    bright = cv2.morphologyEx((probability > level).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    dim = cv2.morphologyEx((probability > settings.faint).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    _, component = cv2.connectedComponents(dim, connectivity=8)
    faint = np.ones(int(component.max()) + 1, bool)
    faint[component[bright > 0]] = False
    return Foreground(opened=(bright > 0) | (faint[component] & (dim > 0)), threshold=level)


def inner_distance(opened: Bools) -> Reals:
    """(h, w) distance from the centre of each foreground pixel to the edge of the foreground, 0 outside.

    Half a pixel less than to the next centre outside. The image's own edge is none of the foreground's; where
    there is no other, distance ends at the image's longer side.
    """
    distance = edge_distance(opened.astype(np.uint8))
    inner: Reals = np.clip(distance - np.float32(0.5), 0, max(opened.shape))
    return inner


def separate(opened: Bools, distance: Reals, settings: UNetSettings, *, reach_px: float) -> Labels:
    """(h, w) labels from 1 of the objects in the opened foreground.

    Parameters
    ----------
    distance : (h, w) pixels
        `inner_distance` of the foreground.
    reach_px : float
        How far from a pixel a deeper one makes it no marker: the radius of a mean object.
    """
    if settings.marker_of == "image":
        peak = (distance > 0) & (distance >= settings.marker * distance.max())
    else:
        peak = peaks(distance, settings.marker, reach_px)
    n_markers, marker = cv2.connectedComponents(peak.astype(np.uint8), connectivity=8)
    if settings.flooding == "background":
        return _met_by_background(opened, distance, marker.astype(np.int32), settings)
    _, component, stats, _ = cv2.connectedComponentsWithStats(opened.astype(np.uint8), connectivity=8)
    component_of = np.zeros(n_markers, np.int64)
    component_of[marker[peak]] = component[peak]
    only = np.zeros(len(stats), np.int32)
    only[component_of[1:]] = np.arange(1, n_markers)
    labels: Labels = only[component]
    crowded = np.flatnonzero(np.bincount(component_of[1:], minlength=len(stats)) > 1)
    for i in crowded:
        window = _window(stats[i])
        inside = component[window] == i
        labels[window][inside] = _flooded(distance[window], marker[window] * inside, inside)[inside]
    return labels


def separate_summits(opened: Bools, probability: Reals, settings: UNetSettings) -> Labels:
    """(h, w) labels from 1: one for each summit of the map in the opened foreground, flooded down from it.

    A summit counts if it stands at least `rise` above the pass to a higher one: an h-maximum, as Naylor et
    al. (IEEE TMI 2019) cut nuclei out of a map of distances. Every component has one.
    """
    from scipy import ndimage
    from skimage.morphology import local_maxima, reconstruction

    smooth = cv2.GaussianBlur(probability, (0, 0), max(settings.smooth * settings.cell_px, 1e-3))
    n, component, stats, _ = cv2.connectedComponentsWithStats(opened.astype(np.uint8), connectivity=8)
    labels: Labels = np.zeros(opened.shape, np.int32)
    found = 0
    for i in range(1, n):
        window = _window(stats[i], margin=1)
        inside = component[window] == i
        height = np.where(inside, smooth[window], np.float32(-2))
        summits = local_maxima(reconstruction(height - settings.rise, height))  # type: ignore[no-untyped-call]
        marker, several = ndimage.label(summits & inside, np.ones((3, 3)))
        flooded = _flooded(height, marker.astype(np.int32), inside) if several > 1 else inside
        labels[window][inside] = flooded[inside] + found
        found += several
    return labels


def _met_by_background(opened: Bools, distance: Reals, marker: Labels, settings: UNetSettings) -> Labels:
    """(h, w) labels of objects that end where their flood meets that of the background.

    The background's marker is all that lies outside the dilated foreground; the ground between is level,
    and goes to whoever comes first.
    """
    near = cv2.dilate(opened.astype(np.uint8), disc(settings.surround * settings.cell_px))
    labels: Labels = np.zeros_like(marker)
    background = int(marker.max()) + 1
    n, component, stats, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    for i in range(1, n):
        window = _window(stats[i], margin=1)
        inside = component[window] == i
        flooded = _flooded(distance[window], np.where(inside, marker[window], background), None)
        mine = inside & (flooded != background)
        labels[window][mine] = flooded[mine]
    return labels


def _window(stats: Ints, *, margin: int = 0) -> tuple[slice, slice]:
    """The rows and columns of a component, from its line of OpenCV's statistics."""
    left, top, width, height = (int(value) for value in stats[:4])
    return (
        slice(max(top - margin, 0), top + height + margin),
        slice(max(left - margin, 0), left + width + margin),
    )


def peaks(distance: Reals, fraction: float, reach_px: float) -> Bools:
    """(h, w) foreground whose distance is at least that fraction of the largest within a disc of that radius.

    A square inside the disc and one around it decide nearly every pixel and cost next to nothing; the disc
    itself is asked only around the others.
    """
    inner, outer = int(reach_px / np.sqrt(2)), int(reach_px)
    likely = (distance > 0) & (
        distance >= fraction * cv2.dilate(distance, np.ones((2 * inner + 1,) * 2, np.uint8))
    )
    sure: Bools = likely & (
        distance >= fraction * cv2.dilate(distance, np.ones((2 * outer + 1,) * 2, np.uint8))
    )
    open_question = (likely & ~sure).astype(np.uint8)
    n, place, stats, _ = cv2.connectedComponentsWithStats(open_question, connectivity=8)
    for i in range(1, n):
        window, around = _window(stats[i]), _window(stats[i], margin=outer)
        here = tuple(slice(w.start - a.start, w.stop - a.start) for w, a in zip(window, around, strict=True))
        nearby = cv2.dilate(distance[around], disc(reach_px))[here]
        sure[window] |= (place[window] == i) & (distance[window] >= fraction * nearby)
    return sure


def _flooded(distance: Reals, marker: Labels, inside: Bools | None) -> Labels:
    from skimage.segmentation import watershed

    flooded: Labels = watershed(-distance, marker, mask=inside)  # type: ignore[no-untyped-call]
    return flooded


@lru_cache
def disc(radius: float) -> NDArray[np.uint8]:
    """A disc of pixels as structuring element (OpenCV's own ellipse is another shape)."""
    reach = int(radius)
    dy, dx = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    pixels: NDArray[np.uint8] = (dx * dx + dy * dy <= radius * radius).astype(np.uint8)
    return pixels


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

    The centre is the centroid of the object before growth, the confidence its mean value there, or inside
    the outline of the cell (`confidence_in`).
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
    for corner, kernel in crops(kernels):
        window = np.s_[corner[0] : corner[0] + kernel.shape[0], corner[1] : corner[1] + kernel.shape[1]]
        values = probability[window][kernel]
        if rival is not None and rival[window][kernel].mean() > values.mean():
            continue
        # A faint object lies wholly below the threshold of the others.
        undone = regrowth if values.max() > ground.threshold else growth.regrowth(settings.faint)
        # Half a pixel more: the deepest point lies between pixel centres, the outline just short of the next.
        inner_radius = float(distance[window][kernel].max()) + 0.5
        by_px = settings.undo * (undone.px + undone.share * inner_radius)
        cell = _cell(kernel, corner, values, grown_outline(kernel, corner, probability.shape, by_px))
        if ring_area(cell[2]) < growth.smallest_px2:
            continue
        if settings.confidence_in == "cell":
            cell = (cell[0], _mean_inside(cell[2], probability, otherwise=cell[1]), cell[2])
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


def crops(labels: Labels) -> Iterator[tuple[tuple[int, int], Bools]]:
    """(row, column) corner and mask of each object, cut to its bounding box."""
    from scipy import ndimage

    for label, window in enumerate(ndimage.find_objects(labels), start=1):
        if window is not None:
            yield (window[0].start, window[1].start), labels[window] == label


def _cell(
    kernel: Bools, corner: tuple[int, int], values: Reals, outline: Floats
) -> tuple[Floats, float, Floats]:
    """Centre, confidence and outline of one object, whose pixels have these values (n,) in the map."""
    down, right = np.nonzero(kernel)
    centre = np.array([(right + corner[1]).mean() + 0.5, (down + corner[0]).mean() + 0.5])
    return centre, float(np.clip(values.mean(dtype=np.float64), 0, 1)), outline


def _mean_inside(outline: Floats, probability: Reals, *, otherwise: float) -> float:
    """Mean of the map over the pixels whose centres the outline holds, if it holds any."""
    left, top = np.floor(outline.min(axis=0)).astype(int)
    right, bottom = np.ceil(outline.max(axis=0)).astype(int)
    inside = rings_mask((outline,), int(bottom - top), int(right - left), corner=(int(left), int(top))) > 0
    values = probability[top:bottom, left:right][inside]
    return float(np.clip(values.mean(dtype=np.float64), 0, 1)) if len(values) else otherwise


def grown_outline(kernel: Bools, corner: tuple[int, int], shape: tuple[int, ...], by_px: float) -> Floats:
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
    # Set by hand: NumPy's `pad` takes as long as the distances.
    sides = tuple(n + low + high for n, low, high in zip(kernel.shape, before, after, strict=True))
    outside = np.ones(sides, np.uint8)
    outside[before[0] : sides[0] - after[0], before[1] : sides[1] - after[1]] = ~kernel
    distance = edge_distance(outside).astype(np.float64)
    distance[[0, -1]] = distance[:, [0, -1]] = by_px + 1
    rings = find_contours(distance, by_px + 0.5)  # type: ignore[no-untyped-call]
    outer = (max(rings, key=ring_area) if len(rings) > 1 else rings[0])[:-1]
    outline: Floats = outer[:, ::-1] + 0.5 - before[::-1] + np.array(corner[::-1])
    return clip_ring(outline, shape[1], shape[0])
