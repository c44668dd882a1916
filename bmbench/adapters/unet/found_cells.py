"""Separate objects → cells: each with its class, its growth, its outline and how sure the map is of it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bmbench.adapters.unet.encodings.depth_map import Reals
from bmbench.adapters.unet.encodings.object_pixels import Regrowth
from bmbench.adapters.unet.labelled_pixels import LabelledPixels
from bmbench.adapters.unet.object_outlines import boxes_of, grown_outlines
from bmbench.adapters.unet.segmentation import (
    Components,
    Labels,
    components,
    foreground,
    inner_distance,
    separate,
    separate_summits,
)
from bmbench.adapters.unet.settings import UNetSettings
from bmbench.core.geometry import outline_areas, rings_mask
from bmbench.core.types import Detections, Floats


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
    parts = components(ground.opened)
    distance = inner_distance(parts)
    objects = LabelledPixels.of(_kernels(parts, distance, probability, settings, regrowth))
    if rival is not None:
        objects = _unrivalled(objects, probability, rival)
    values = objects.of_map(probability)
    # Half a pixel more: the deepest point lies between pixel centres, the outline just short of the next.
    radius = objects.largest(objects.of_map(distance)).astype(np.float64) + 0.5
    # A faint object lies wholly below the threshold of the others.
    undone = [
        regrowth if bright else growth.regrowth(settings.faint)
        for bright in (objects.largest(values) > ground.threshold).tolist()
    ]
    px, share = (np.array([getattr(one, name) for one in undone]) for name in ("px", "share"))
    rings = grown_outlines(objects, settings.undo * (px + share * radius))
    kept = np.flatnonzero(outline_areas([(ring,) for ring in rings]) >= growth.smallest_px2)
    if not len(kept):
        return Detections.empty()
    rings = [rings[i] for i in kept.tolist()]
    confidence = (objects.sums(values) / objects.counts)[kept]
    if settings.confidence_in == "cell":
        pairs = zip(rings, confidence.tolist(), strict=True)
        confidence = np.array([_mean_inside(ring, probability, otherwise=mean) for ring, mean in pairs])
    label = np.zeros(len(kept), np.int64)
    if classes is not None:
        probable = objects.of_map(classes)
        label = np.array([likeliest(probable[pixels]) for pixels in objects.slices], np.int64)[kept]
    return Detections.of(
        xy=objects.centres()[kept],
        box=boxes_of(rings),
        # A map may lie beyond [0, 1] by rounding.
        confidence=np.clip(confidence, 0, 1),
        label=label,
        contour=tuple((ring,) for ring in rings),
    )


def _unrivalled(objects: LabelledPixels, probability: Reals, rival: Reals) -> LabelledPixels:
    """Those in which the other map is not higher on average."""
    mine, other = objects.of_map(probability), objects.of_map(rival)
    kept = [i for i, pixels in enumerate(objects.slices) if not other[pixels].mean() > mine[pixels].mean()]
    return objects.take(kept)


def _kernels(
    parts: Components, distance: Reals, probability: Reals, settings: UNetSettings, regrowth: Regrowth
) -> Labels:
    """(h, w) labels from 1 of the objects in the opened foreground, by the seeds of the settings."""
    if settings.seeds == "map":
        return separate_summits(parts.number > 0, probability, settings)
    reach_px = (settings.cell_px / 2 - regrowth.px) / (1 + regrowth.share)
    return separate(parts, distance, settings, reach_px=reach_px)


def likeliest(probable: Reals) -> int:
    """The class of an object with these (m, k) probabilities of its pixels: the one with the highest mean."""
    return int(probable.mean(axis=0, dtype=np.float64).argmax())


def _mean_inside(outline: Floats, probability: Reals, *, otherwise: float) -> float:
    """Mean of the map over the pixels whose centres the outline holds, if it holds any."""
    left, top = np.floor(outline.min(axis=0)).astype(int)
    right, bottom = np.ceil(outline.max(axis=0)).astype(int)
    inside = rings_mask((outline,), int(bottom - top), int(right - left), corner=(int(left), int(top))) > 0
    values = probability[top:bottom, left:right][inside]
    return float(values.mean(dtype=np.float64)) if len(values) else otherwise
