"""Separate objects → cells: each with its class, its growth, its outline and how sure the map is of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bmbench.adapters.unet.encodings.depth_map import Reals, edge_distance
from bmbench.adapters.unet.encodings.object_pixels import Regrowth
from bmbench.adapters.unet.segmentation import (
    Labels,
    foreground,
    inner_distance,
    separate,
    separate_summits,
)
from bmbench.adapters.unet.settings import UNetSettings
from bmbench.core.geometry import clip_ring, ring_area, rings_mask
from bmbench.core.types import Bools, Detections, Floats


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


def find_labelled(maps: Reals, settings: UNetSettings, growth: Growth, *, cells: int = 1) -> Detections:
    """The cells and artefacts of (h, w, k) maps: of cells, of artefacts if they are a class, of each class.

    The last are there where `cells`, the number of classes of cells, is above 1. Labels of cells are
    0 … cells − 1, the next one is an artefact's.

    An object is what is likelier inside it, cell or artefact: what the network takes for an artefact is no
    cell, however unsure it is of both. Of which class it is, is asked of cells alone.
    """
    told, classes = (maps, None) if cells < 2 else (maps[..., :-cells], maps[..., -cells:])
    n = told.shape[2]
    rivals = [np.delete(told, kind, axis=2).max(axis=2) if n > 1 else None for kind in range(n)]
    kinds = [
        find_objects(told[..., kind], settings, growth, rival=rival, classes=classes if kind == 0 else None)
        for kind, rival in enumerate(rivals)
    ]
    names = ("xy", "box", "confidence")
    return Detections.of(
        **{name: np.concatenate([getattr(found, name) for found in kinds]) for name in names},
        label=np.concatenate([found.label + (cells if kind else 0) for kind, found in enumerate(kinds)]),
        contour=tuple(rings for found in kinds for rings in found.contour),
    )


def find_objects(
    probability: Reals,
    settings: UNetSettings,
    growth: Growth,
    *,
    rival: Reals | None = None,
    classes: Reals | None = None,
) -> Detections:
    """The objects of an (h, w) map, in its own pixels; without those in which another map is higher.

    The centre is the centroid of the object before growth, the confidence its mean value there, or inside
    the outline of the cell (`confidence_in`); the label is the class whose mean is highest there, of
    (h, w, k) probabilities of `classes`, and 0 without them.
    """
    ground = foreground(probability, settings)
    regrowth = growth.regrowth(ground.threshold)
    distance = inner_distance(ground.opened)
    found = []
    for corner, kernel in crops(_kernels(ground.opened, distance, probability, settings, regrowth)):
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
        found.append((*cell, 0 if classes is None else likeliest(classes[window][kernel])))
    if not found:
        return Detections.empty()
    xy, confidence, rings, label = zip(*found, strict=True)
    box = np.array([[*ring.min(axis=0), *ring.max(axis=0)] for ring in rings])
    return Detections.of(
        xy=np.array(xy),
        box=box,
        confidence=np.array(confidence),
        label=np.array(label, np.int64),
        contour=tuple((ring,) for ring in rings),
    )


def _kernels(
    opened: Bools, distance: Reals, probability: Reals, settings: UNetSettings, regrowth: Regrowth
) -> Labels:
    """(h, w) labels from 1 of the objects in the opened foreground, by the seeds of the settings."""
    if settings.seeds == "map":
        return separate_summits(opened, probability, settings)
    reach_px = (settings.cell_px / 2 - regrowth.px) / (1 + regrowth.share)
    return separate(opened, distance, settings, reach_px=reach_px)


def likeliest(probable: Reals) -> int:
    """The class of an object with these (m, k) probabilities of its pixels: the one with the highest mean."""
    return int(probable.mean(axis=0, dtype=np.float64).argmax())


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
