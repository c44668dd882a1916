"""Weak circles: what somebody marks who circles each cell quickly instead of tracing it.

The simulation of Graebel et al. (J Pathol Inform 2021;12:36): the smallest circle around the contour, its
centre moved at random, its radius grown so that the cell stays about covered.
"""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.geometry import circle_box
from bmbench.core.objects import mean_cell_diameter, shape_circles, shape_circles_of
from bmbench.core.types import Annotations, Bools, Floats, ImageId

JITTER_PX = 3.0
"""Standard deviation of each centre coordinate in the study."""
RADIUS_SHARE = 1 / 3
"""Standard deviation of the radius beside that of the centre: 1 px to 3 px in the study."""
STUDY_DIAMETER_PX = 165.0
"""Mean cell diameter in the study's pixels: its matching radius of 55 px is a third of it."""
SMALLEST_RADIUS_PX = 0.5


def weaken(
    annotations: Annotations,
    *,
    seed: int,
    image_id: ImageId,
    jitter_px: float = JITTER_PX,
    radius_jitter_px: float | None = None,
) -> Annotations:
    """The same objects as circles without contours, at randomly moved places.

    Each centre coordinate moves by N(0, `jitter_px`); the radius grows by the larger of the two
    displacements (absolute) plus N(0, `radius_jitter_px`) and is at least half a pixel. Box and centre are
    the circle's; label and role stay. Ignored regions stay as they are: nobody circles those. An object
    without contour starts from its circle, one without either from the circle of its longer side.

    Parameters
    ----------
    seed, image_id
        Fix the random numbers, so that an image has the same circles in whatever order images come.
    jitter_px : float, pixels
        See `scaled_jitter` for images of another scale than the study's.
    radius_jitter_px : float, pixels, optional
        A third of `jitter_px` if not given, as in the study.

    Raises
    ------
    BadInputError
        If the jitter is no finite number.
    """
    _check_finite(jitter_px)
    if radius_jitter_px is None:
        radius_jitter_px = jitter_px * RADIUS_SHARE
    draws = _draws(seed, image_id, len(annotations))
    circle = _moved(shape_circles(annotations), draws, jitter_px, radius_jitter_px)
    return _as_circles(annotations, circle)


def weaken_all(
    images: Sequence[Annotations], image_ids: Sequence[ImageId], *, seed: int, jitter_px: float
) -> list[Annotations]:
    """What `weaken` makes of each of many images, sooner than one after the other."""
    _check_finite(jitter_px)
    return [
        _as_circles(one, weak_circles(circle, seed=seed, image_id=image_id, jitter_px=jitter_px))
        for one, circle, image_id in zip(images, shape_circles_of(images), image_ids, strict=True)
    ]


def _as_circles(annotations: Annotations, circle: Floats) -> Annotations:
    """The objects as these circles (n, 3), but for ignored regions."""
    region = annotations.region
    return Annotations(
        xy=np.where(region[:, None], annotations.xy, circle[:, :2]),
        box=np.where(region[:, None], annotations.box, circle_box(circle)),
        circle=np.where(region[:, None], annotations.circle, circle),
        contour=tuple(rings if keep else () for rings, keep in zip(annotations.contour, region, strict=True)),
        label=annotations.label,
        role=annotations.role,
        region=region,
    )


def weak_circles(circle: Floats, *, seed: int, image_id: ImageId, jitter_px: float) -> Floats:
    """(n, 3) the circles that `weaken` makes of the `shape_circles` (n, 3) of an image."""
    return _moved(circle, _draws(seed, image_id, len(circle)), jitter_px, jitter_px * RADIUS_SHARE)


def scaled_jitter(images: Iterable[Annotations]) -> float:
    """The study's 3 px jitter in the pixels of these images, by the mean diameter of their cells.

    Without any cell, the study's own figure.
    """
    return jitter_for(mean_cell_diameter(images))


def jitter_for(diameter: float | None) -> float:
    """The `scaled_jitter` for cells of that mean diameter in pixels."""
    return JITTER_PX if diameter is None else JITTER_PX * diameter / STUDY_DIAMETER_PX


def _check_finite(jitter_px: float) -> None:
    if not np.isfinite(jitter_px):
        raise BadInputError("jitter of circles", expected="a finite number of px", got=str(jitter_px))


def _draws(seed: int, image_id: ImageId, count: int) -> Floats:
    name = f"{type(image_id).__name__} {image_id}".encode()
    random = np.random.default_rng([seed, int.from_bytes(hashlib.sha256(name).digest()[:8])])
    return random.standard_normal((count, 3))


def _moved(circle: Floats, draws: Floats, jitter_px: float, radius_jitter_px: float) -> Floats:
    move = draws[:, :2] * jitter_px
    radius = circle[:, 2] + (np.abs(move).max(axis=1, initial=0.0) + draws[:, 2] * radius_jitter_px)
    return np.column_stack([circle[:, :2] + move, np.maximum(radius, SMALLEST_RADIUS_PX)])


def overlapping_circles(circle: Floats) -> Bools:
    """(n,) whether each circle shares area with another one."""
    from scipy.spatial import cKDTree

    overlap = np.zeros(len(circle), bool)
    if len(circle) > 1:
        pairs = cKDTree(circle[:, :2]).query_pairs(2 * float(circle[:, 2].max()), output_type="ndarray")
        a, b = circle[pairs[:, 0]], circle[pairs[:, 1]]
        close = pairs[np.hypot(*(a - b)[:, :2].T) < a[:, 2] + b[:, 2]]
        overlap[close.ravel()] = True
    return overlap
