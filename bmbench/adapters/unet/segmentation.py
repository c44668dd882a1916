"""Map → foreground → separate objects: threshold, opening, markers, watershed.

Graebel et al. 2021, post-processing. OpenCV thresholds, opens and measures distances; skimage floods, and
only the connected components with two markers or more: the others need no flooding. Both choices are for
speed and change no pixel but ties.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from bmbench.adapters.unet.encodings.depth_map import Reals, edge_distance
from bmbench.adapters.unet.settings import UNetSettings
from bmbench.core.types import Bools, Ints

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
