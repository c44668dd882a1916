"""Settings that make any method fit in a moment, and what a family needs beside to find drawn cells.

A method of another package may bring its own: a profile of settings called `check`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from bmbench.adapters.images.augment import augment
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.method import Detector, Method
from bmbench.benchmark.contract.drawn_cells import COLOURS, coloured, sample
from bmbench.core.types import Sample

PROFILE = "check"
"""The profile of settings that a method may have for these checks."""
TINY: Mapping[str, Any] = {
    "cell_px": 12.0,
    "depth": 2,
    "width": 8,
    "patch_px": 48,
    "batch": 2,
    "shard": 1,
    "steps": 2,
    "validate_every": 1,
    "validation_patches": 2,
    "n_blobs": 2,
    "proposals": 50,
    "proposals_kept": 30,
    "regions": 16,
    "features": 32,
    "width_multiple": 0.25,
}
"""What makes any method fit in a moment, as `--set name=value` would, where it has a setting of that name."""

SMALL_NETWORK: Mapping[str, Any] = {
    "patch_px": 72,
    "cell_px": 16.0,
    "finest": 2,
    "coarsest": 2,
    "deepest": 3,
    "scales": 2,
    "width": 16,
    "batch": 4,
    "shard": 2,
    "steps": 90,
    "validate_every": 90,
    "averaging": 0.9,
    "learning_rate": 3e-3,
}
_TRANSFORMER: Mapping[str, Any] = {
    "patch_px": 96,
    "tile_px": 96,
    "overlap_px": 32,
    "width": 64,
    "steps": 400,
    "validate_every": 400,
}
LEARNING: Mapping[str, Mapping[str, Any]] = {
    "unet": {"cell_px": 10.0, "batch": 4, "shard": 2, "steps": 30, "validate_every": 30},
    # Drawn cells are alike: outlines are what takes longest to learn.
    "stardist": {
        "cell_px": 12.0,
        "batch": 4,
        "shard": 2,
        "steps": 60,
        "validate_every": 60,
        "distance_weight": 0.2,
    },
    "heatmap": {"cell_px": 12.0, "batch": 4, "shard": 2, "steps": 90, "validate_every": 90},
    "hover": {"cell_px": 12.0, "batch": 4, "shard": 2, "steps": 90, "validate_every": 90},
    "flow": {"cell_px": 12.0, "batch": 4, "shard": 2, "steps": 90, "validate_every": 90},
    "anchor": {"n_blobs": 4, "spread": 1.5},
    "retinanet": SMALL_NETWORK,
    "fcos": SMALL_NETWORK,
    # With fewer regions it is sure of nothing, or of everything, by the luck of its draws.
    "mask_rcnn": {**SMALL_NETWORK, "proposals": 200, "proposals_kept": 100, "regions": 64},
    "yolov3": SMALL_NETWORK,
    **{name: {**SMALL_NETWORK, "patch_px": 128, "cell_px": 32.0} for name in ("yolov3u", "yolo11", "yolo26")},
    **{name: {**SMALL_NETWORK, **_TRANSFORMER} for name in ("rt_detr_v2", "deim_v2")},
}
"""What a family needs beside to find cells that are drawn; a family without an entry takes `TINY` alone, and
is fitted for sixty steps."""

TELLING: Mapping[str, int] = {
    "unet": 60,
    "circular_retinanet": 240,
    "detectron2_retinanet": 180,
    "yolov3": 70,
    "yolo26": 180,
}
"""Steps that a method, or a family, needs to tell two colours apart, if more than to find what is drawn."""


def tiny(method: Method, **changes: Any) -> Any:
    """The method's settings for the checks, with these changes where it has settings of such names."""
    own = method.settings.get(PROFILE)
    settings = method.settings["quick"] if own is None else own
    names = {field.name for field in dataclasses.fields(settings)}
    small = changes if own is not None else {**TINY, **changes}
    return dataclasses.replace(settings, **{name: one for name, one in small.items() if name in names})


def request_for(
    method: Method, train: Sequence[Sample], validation: Sequence[Sample] = (), **changes: Any
) -> FitRequest:
    """What the method is given to fit a few drawn images."""
    settings = tiny(method, **changes)
    return FitRequest(train=train, validation=validation, settings=settings, seed=0, augment=augment)


def learned(method: Method, *, seed: int = 0) -> Detector:
    """A detector that finds drawn cells; our own families see an image without any, too."""
    samples = [sample(number) for number in range(4)]
    if method.family in LEARNING:
        samples.append(sample(4, n=0))
    request = request_for(method, samples, samples[:1], **_learning(method))
    return method.fit(dataclasses.replace(request, seed=seed))


def learned_classes(method: Method) -> Detector:
    """A detector that tells the two colours of drawn cells apart."""
    samples = [coloured(number) for number in range(4)]
    changes = dict(_learning(method))
    steps = TELLING.get(method.name, TELLING.get(method.family))
    if changes and steps is not None:
        changes |= {"steps": steps, "validate_every": steps}
    request = request_for(method, samples, samples[:1], **changes)
    return method.fit(dataclasses.replace(request, classes=COLOURS))


def _learning(method: Method) -> Mapping[str, Any]:
    return {} if PROFILE in method.settings else LEARNING.get(method.family, {"steps": 60})
