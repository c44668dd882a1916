"""Any method, fitted in a moment to drawn cells."""

import dataclasses
from functools import cache

import numpy as np

from bmbench.adapters import METHODS
from bmbench.adapters.images.augment import augment
from bmbench.adapters.learning.fit_request import FitRequest

from .conftest import sample

TINY = {
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

SMALL_NETWORK = {
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
LEARNING = {
    "unet": {"cell_px": 10.0, "batch": 4, "shard": 2, "steps": 30, "validate_every": 30},
    "anchor": {"n_blobs": 4, "spread": 1.5},
    "retinanet": SMALL_NETWORK,
    # With fewer regions it is sure of nothing, or of everything, by the luck of its draws.
    "mask_rcnn": SMALL_NETWORK | {"proposals": 200, "proposals_kept": 100, "regions": 64},
    "yolov3": SMALL_NETWORK,
    "yolov3u": SMALL_NETWORK | {"patch_px": 128, "cell_px": 32.0},
}
"""What a family needs beside to find cells that are drawn; a family without an entry takes `TINY` alone, and
is fitted for sixty steps."""


def tiny(method, **changes):
    settings = method.settings["quick"]
    names = {field.name for field in dataclasses.fields(settings)}
    return dataclasses.replace(settings, **{n: v for n, v in (TINY | changes).items() if n in names})


def request_for(method, train, validation=(), **changes):
    settings = tiny(method, **changes)
    return FitRequest(train=train, validation=validation, settings=settings, seed=0, augment=augment)


@cache
def learned(name, seed=0):
    """A detector that finds drawn cells; each is fitted once for all tests."""
    method, samples = METHODS.get(name), [sample(number) for number in range(4)]
    request = request_for(method, samples, samples[:1], **LEARNING.get(method.family, {"steps": 60}))
    return method.fit(dataclasses.replace(request, seed=seed))


def same(one, other):
    columns = all(
        np.array_equal(getattr(one, c), getattr(other, c)) for c in ("xy", "box", "confidence", "label")
    )
    return columns and all(
        len(a) == len(b) and all(np.array_equal(p, q) for p, q in zip(a, b, strict=True))
        for a, b in zip(one.contour, other.contour, strict=True)
    )
