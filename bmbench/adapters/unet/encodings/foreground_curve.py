"""How likely foreground is at a normalised depth of annotated shapes, measured where contours are known."""

from collections.abc import Iterable

import numpy as np

from bmbench.adapters.learning.fit_request import ForegroundCurve
from bmbench.adapters.unet.encodings.depth_map import depth_map
from bmbench.core.types import Annotations, Role

N_BINS = 20


def measure(
    images: Iterable[tuple[Annotations, Annotations, tuple[int, int]]], *, source: str
) -> ForegroundCurve | None:
    """The curve of these images; None where no shape has a contour to compare it with.

    Shares of pixels in bins of depth, then the nearest curve that never falls (isotonic regression, weighted
    by pixels): noise of thin bins would else teach that deeper is less.

    Parameters
    ----------
    images : iterable of (taught, true, (height, width))
        What the method sees of an image, and row by row the same objects as experts drew them. A pixel that
        a cell of `taught` owns counts, if that cell has a contour; it is foreground if it lies in the contour
        of any cell.
    """
    from scipy.optimize import isotonic_regression

    total, hits = np.zeros(N_BINS), np.zeros(N_BINS)
    n_cells = n_images = 0
    for taught, true, (height, width) in images:
        known = (true.role == Role.CELL) & np.array([bool(rings) for rings in true.contour], bool)
        depths = depth_map(taught, height, width)
        counted = np.concatenate([[False], known])[depths.owner]
        owner = depths.owner[counted] - 1
        foreground = depth_map(true.take(known), height, width).owner[counted] > 0
        place = np.minimum(depths.depth[counted] / depths.deepest[owner] * N_BINS, N_BINS - 1).astype(int)
        total += np.bincount(place, minlength=N_BINS)
        hits += np.bincount(place[foreground], minlength=N_BINS)
        n_cells, n_images = n_cells + int(known.sum()), n_images + 1
    if not (total > 0).all():
        return None
    fit = isotonic_regression(hits / total, weights=total).x
    return ForegroundCurve(
        probability=tuple(round(float(p), 4) for p in np.clip(fit, 0, 1)),
        source=f"{source}: {n_cells} cells on {n_images} images",
    )


SYNTHETIC = ForegroundCurve(
    probability=(
        *(0.2449, 0.5073, 0.7359, 0.8775, 0.9436, 0.9736, 0.9868, 0.9938, 0.9970, 0.9985),
        *(0.9993, 0.9996, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
    ),
    source="synthetic: 417 cells on 20 images",
)
"""For data that have no contours: simulated circles on the embedded training images, track weak, seed 0
(``python docs/draw_encodings.py --curve`` measures it again)."""
