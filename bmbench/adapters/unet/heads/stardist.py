"""StarDist: of each pixel the probability of an object, and how far it is to the outline along 32 rays.

Schmidt et al., Cell detection with star-convex polygons, MICCAI 2018. The probability falls from an object's
deepest pixel to its outline, so that the pixel that is asked first lies in the middle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bmbench.adapters.unet.encodings.depth_map import Reals
from bmbench.adapters.unet.heads.head import Head
from bmbench.adapters.unet.heads.object_map import ObjectMap
from bmbench.adapters.unet.heads.outlined_cells import outlined
from bmbench.adapters.unet.heads.settings import StarSettings
from bmbench.adapters.unet.heads.star_polygons import (
    RAYS,
    directions,
    star_polygons,
    suppress_polygons,
)
from bmbench.core.types import Detections, Floats

if TYPE_CHECKING:
    import torch

_ASK_EVERY = 4


def star_targets(objects: ObjectMap, kinds: int, settings: StarSettings) -> Reals:
    """(kinds + 32, h, w) probability of each kind, and the distances in pixels; 0 outside."""
    del settings
    depths = objects.depths
    value = np.zeros((kinds + RAYS, *objects.weight.shape), np.float32)
    owner, taught = (objects.inner(one) for one in (depths.owner, objects.taught))
    row = owner[taught] - 1
    share = np.minimum(objects.inner(depths.depth)[taught] / depths.deepest[row], 1)
    value[(objects.kind[row], *np.nonzero(taught))] = share
    value[kinds:] = np.where(taught, star_distances(depths.owner, objects.margin), 0)
    return value


def star_distances(owner: NDArray[np.int32], margin: int, rays: int = RAYS) -> Reals:
    """(rays, h, w) how far it is from each pixel to where another owner begins; of the part inside a margin.

    As the paper's own program measures it: a ray goes on by whole pixels of its length, to the nearest pixel
    centre each time, and ends half a pixel before the first one that is another's. Nobody owns what lies
    beyond the map.
    """
    height, width = (length - 2 * margin for length in owner.shape)
    # In numbers as short as will do: in those NumPy compares and adds many at a time.
    short = np.int16 if owner.max(initial=0) < 2**15 else np.int32
    around = max(owner.shape) + _ASK_EVERY
    padded = np.pad(owner.astype(short), around, constant_values=-1)
    offset = around + margin
    own = np.ascontiguousarray(padded[offset : offset + height, offset : offset + width])
    distance = np.zeros((rays, height, width), np.float32)
    inside, same = np.empty(own.shape, bool), np.empty(own.shape, bool)
    for ray, (right, down) in enumerate(directions(rays).tolist()):
        steps = np.zeros(own.shape, np.uint8 if max(owner.shape) < 2**8 else np.int16)
        np.greater(own, 0, out=inside)
        step = 0
        # Asked only now and then whether any ray goes on: where none does, a step changes nothing.
        while step % _ASK_EVERY or inside.any():
            step += 1
            top, left = offset + round(step * down), offset + round(step * right)
            np.equal(padded[top : top + height, left : left + width], own, out=same)
            inside &= same
            np.add(steps, inside.view(np.uint8), out=steps)
        back = 1 - 0.5 / max(abs(right), abs(down))
        distance[ray] = np.where(own > 0, steps + np.float32(1 - back), 0)
    return distance


def star_loss(
    logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor, settings: StarSettings, kinds: int
) -> torch.Tensor:
    """(n,) cross-entropy of the probabilities, and the distances' mean error, weighted by probability."""
    from bmbench.adapters.unet.encodings.losses import cross_entropy

    said = _distances(logits, settings, kinds)
    probable = target[:, :kinds].sum(dim=1)
    inside, outside = weight * probable, weight * (1 - probable)
    counted = weight.sum(dim=(1, 2)).clamp_min(1.0)
    error = (said - target[:, kinds:]).abs().mean(dim=1)
    shape = (inside * error).sum(dim=(1, 2)) / inside.sum(dim=(1, 2)).clamp_min(1.0)
    idle = (outside * said.abs().mean(dim=1)).sum(dim=(1, 2)) / counted
    pixels = (cross_entropy(logits[:, :kinds], target[:, :kinds]) * weight).sum(dim=(1, 2)) / counted
    return pixels + settings.distance_weight * shape + settings.background_weight * idle


def star_maps(logits: torch.Tensor, settings: StarSettings, kinds: int) -> torch.Tensor:
    """(n, kinds + 32, h, w) probabilities, and distances in pixels."""
    import torch

    from bmbench.adapters.unet.encodings.losses import shares

    return torch.cat([shares(logits[:, :kinds]), _distances(logits, settings, kinds)], dim=1)


def _distances(logits: torch.Tensor, settings: StarSettings, kinds: int) -> torch.Tensor:
    """The network says distances in radii of a mean cell: numbers near 1 are learned soonest."""
    return logits[:, kinds:] * (settings.cell_px / 2)


def mirrored_rays(distance: Reals, mirrored: tuple[bool, bool]) -> Reals:
    """(h, w, 32) the distances of a mirrored image: each ray has another direction."""
    ray = np.arange(distance.shape[2])
    if mirrored[0]:
        ray = len(ray) // 2 - ray
    if mirrored[1]:
        ray = -ray
    return distance[..., ray % distance.shape[2]]


def star_cells(maps: Reals, settings: StarSettings, kinds: int, smallest_px2: float) -> Detections:
    """The cells of (h, w, kinds + 32) maps: of the polygons of all pixels those that stay."""
    probable = maps[..., :kinds].max(axis=2)
    y, x = np.nonzero(probable > settings.lowest)
    centre: Floats = np.column_stack([x, y]).astype(np.float64) + 0.5
    distance: Floats = maps[y, x, kinds:].astype(np.float64)
    confidence: Floats = probable[y, x].astype(np.float64)
    kept = suppress_polygons(centre, distance, confidence, overlap=settings.nms_share)
    return outlined(
        list(star_polygons(centre[kept], distance[kept])),
        confidence[kept],
        maps[y[kept], x[kept], :kinds].argmax(axis=1),
        size=maps.shape[:2],
        smallest_px2=smallest_px2,
    )


STARDIST = Head(
    name="stardist",
    shape=RAYS,
    values=star_targets,
    losses=star_loss,
    answers=star_maps,
    mirrored=mirrored_rays,
    cells_in=star_cells,
)
