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
from bmbench.adapters.unet.labelled_pixels import LabelledPixels
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
    np.multiply(star_distances(depths.owner, objects.margin), taught, out=value[kinds:])
    return value


def star_distances(owner: NDArray[np.int32], margin: int, rays: int = RAYS) -> Reals:
    """(rays, h, w) how far it is from each pixel to where another owner begins; of the part inside a margin.

    As the paper's own program measures it: a ray goes on by whole pixels of its length, to the nearest pixel
    centre each time, and ends half a pixel before the first one that is another's. Nobody owns what lies
    beyond the map.
    """
    rows, columns = owner.shape[0] - 2 * margin, owner.shape[1] + 1
    boxes = LabelledPixels.of(owner).boxes()
    # A ray has left its object after so many steps.
    most = int(np.ceil(np.sqrt(2) * (boxes[:, 2:] - boxes[:, :2]).max(initial=0))) + 1
    # All rows are one line, with a pixel of nobody's after each, and a step is a shift along it: in a line,
    # and as short numbers, NumPy compares many at a time.
    whole = np.zeros((owner.shape[0] + 2 * (most + 1), columns), _shortest(owner.max(initial=0)))
    whole[most + 1 : most + 1 + len(owner), :-1] = owner
    line, first, length = whole.ravel(), (most + 1 + margin) * columns, rows * columns
    own = line[first : first + length]
    part = np.s_[:, margin : columns - 1 - margin]
    begins = np.zeros((rows, columns), bool)
    begins[part] = own.reshape(rows, columns)[part] > 0
    offset = np.rint(np.arange(1, most + 1)[:, None, None] * directions(rays)).astype(np.int64)
    starts = (first + offset[..., 1] * columns + offset[..., 0]).T.tolist()
    distance = np.zeros((rays, *begins[part].shape), np.float32)
    inside, same, steps = np.empty(length, bool), np.empty(length, bool), np.empty(length, _shortest(most))
    for ray, (right, down) in enumerate(directions(rays).tolist()):
        steps[:], inside[:] = 0, begins.ravel()
        for step, start in enumerate(starts[ray], 1):
            np.equal(line[start : start + length], own, out=same)
            np.logical_and(inside, same, out=inside)
            np.add(steps, inside.view(np.uint8), out=steps)
            # Asked only now and then whether any ray goes on: where none does, a step changes nothing.
            if not step % _ASK_EVERY and not inside.any():
                break
        back = 1 - 0.5 / max(abs(right), abs(down))
        far = np.add(steps, np.float32(1 - back), dtype=np.float32).reshape(rows, columns)
        np.multiply(far[part], begins[part], out=distance[ray])
    return distance


def _shortest(most: int) -> type[np.unsignedinteger]:
    """The shortest numbers that hold this one."""
    return np.uint8 if most < 1 << 8 else np.uint16 if most < 1 << 16 else np.uint32


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
