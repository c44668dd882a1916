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
from bmbench.adapters.unet.labelled_pixels import LabelledPixels, stacks
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
    grey = cv2.convertScaleAbs(np.clip(probability, 0, 1), alpha=255)
    otsu, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    level = float(np.clip(otsu / 255, settings.lowest, settings.highest))
    kernel = disc(settings.opening * settings.cell_px)
    bright = cv2.morphologyEx((probability > level).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    dim = cv2.morphologyEx((probability > settings.faint).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    n, component = cv2.connectedComponents(dim, connectivity=8)
    faint = np.ones(n, bool)
    faint[component.ravel()[np.flatnonzero(bright > 0)]] = False
    below = np.flatnonzero(dim > bright)
    bright.ravel()[below[faint[component.ravel()[below]]]] = 1
    return Foreground(opened=bright > 0, threshold=level)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Components:
    """The connected parts of a foreground: (h, w) their numbers from 1, and the pixels of each."""

    number: Labels
    pixels: LabelledPixels


def components(opened: Bools) -> Components:
    """The parts of an (h, w) foreground, joined along sides and corners."""
    _, number = cv2.connectedComponents(opened.view(np.uint8), connectivity=8)
    labels = np.asarray(number, np.int32)
    return Components(number=labels, pixels=LabelledPixels.of(labels))


def inner_distance(parts: Components) -> Reals:
    """(h, w) distance from the centre of each foreground pixel to the edge of the foreground, 0 outside.

    Half a pixel less than to the next centre outside. The image's own edge is none of the foreground's; where
    there is no other, distance ends at the image's longer side.
    """
    objects, boxes, order = parts.pixels.by_side(1)
    shape = parts.number.shape
    distance: Reals = np.zeros(shape, np.float32)
    # What lies nearest outside touches the same component: each needs itself and one pixel around.
    at_edge = ((boxes[:, :2] == 0) | (boxes[:, 2:] == shape)).any(axis=1)
    for i in np.flatnonzero(at_edge).tolist():
        top, left, bottom, right = boxes[i].tolist()
        window = np.s_[max(top - 1, 0) : bottom + 1, max(left - 1, 0) : right + 1]
        inside = parts.number[window] == order[i] + 1
        distance[window][inside] = edge_distance(inside.view(np.uint8))[inside]
    amid = np.flatnonzero(~at_edge)
    objects = objects.take(amid.tolist())
    for stack in stacks(objects, boxes[amid], np.ones(len(amid), np.int64), beyond=1):
        mask = np.zeros(stack.shape, np.uint8)
        mask.ravel()[stack.place] = 1
        distance.ravel()[objects.place[objects.pixels(stack.part)]] = edge_distance(mask).ravel()[stack.place]
    distance -= np.float32(0.5)
    return np.clip(distance, 0, max(shape), out=distance)


def separate(parts: Components, distance: Reals, settings: UNetSettings, *, reach_px: float) -> Labels:
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
    n_markers, marker = cv2.connectedComponents(peak.view(np.uint8), connectivity=8)
    if settings.flooding == "background":
        return _met_by_background(parts.number > 0, distance, marker.astype(np.int32), settings)
    at = np.flatnonzero(peak)
    component_of = np.zeros(n_markers, np.int64)
    component_of[marker.ravel()[at]] = parts.number.ravel()[at]
    pixels = parts.pixels
    only = np.zeros(len(pixels), np.int32)
    only[component_of[1:] - 1] = np.arange(1, n_markers)
    labels: Labels = np.zeros_like(parts.number)
    labels.ravel()[pixels.place] = np.repeat(only, pixels.counts)
    crowded = np.flatnonzero(np.bincount(component_of[1:] - 1, minlength=len(pixels)) > 1)
    for i, (top, left, bottom, right) in zip(crowded, pixels.boxes()[crowded], strict=True):
        window = np.s_[top:bottom, left:right]
        inside = parts.number[window] == i + 1
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
        # What hangs on by a corner alone is not reached, and nobody's.
        labels[window][inside] = np.where(flooded[inside] > 0, flooded[inside] + found, 0)
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

    A square inside the disc and one around it decide nearly every pixel and cost next to nothing; what else
    lies in the disc is asked only around the others.
    """
    kernel = disc(reach_px).copy()
    outer, inner = len(kernel) // 2, int(reach_px / np.sqrt(2))
    at = np.flatnonzero(distance > 0)
    depth = distance.ravel()[at]
    smaller, larger = (
        cv2.dilate(distance, np.ones((2 * reach + 1,) * 2, np.uint8)).ravel()[at] for reach in (inner, outer)
    )
    sure = depth >= fraction * larger
    open_question = np.flatnonzero((depth >= fraction * smaller) & ~sure)
    kernel[outer - inner : outer + inner + 1, outer - inner : outer + inner + 1] = 0
    around = cv2.copyMakeBorder(distance, outer, outer, outer, outer, cv2.BORDER_CONSTANT, value=0)
    row, column = np.divmod(at[open_question], distance.shape[1])
    corner, nearby = row * around.shape[1] + column, smaller[open_question]
    for down, right in np.argwhere(kernel).tolist():
        np.maximum(nearby, around.ravel()[corner + (down * around.shape[1] + right)], out=nearby)
    sure[open_question] = depth[open_question] >= fraction * nearby
    peak = np.zeros(distance.shape, bool)
    peak.ravel()[at] = sure
    return peak


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
