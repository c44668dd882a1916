"""How much of an average precision each image is the cause of, to first order.

AP is not a sum over images: a false alarm on one image lowers the precision behind hits on all others. Its
derivative with respect to the weights of the images (the infinitesimal jackknife: Jaeckel 1972; Efron 1982,
chapter 6) makes a sum of it. With weights w, AP(w) · C(w) = Σ_k h_k(w) p_k(w): hits at step k of the curve
times the envelope of precision there. Its derivative by w_i at w = 1, divided by C, is the share of image i;
the shares add up to AP exactly, because AP(w) · C(w) is homogeneous of degree one.
"""

import numpy as np

from bmbench.core.types import Floats, Ints
from bmbench.metrics import Tally
from bmbench.metrics.curve import precision_envelope


def ap_shares(tally: Tally) -> Floats | None:
    """(images,) shares of the all-point AP, which is their sum; None if there are no cells.

    An image with hits has a positive share as a rule, one with false alarms only a negative one.
    """
    n_images, n_cells = len(tally.cells), tally.n_cells
    if not n_cells:
        return None
    ends = tally.step_ends
    if not len(ends):
        return np.zeros(n_images)
    step = np.searchsorted(ends, np.arange(len(tally.confidence)))
    hits = _by_step(step[tally.hit], tally.image[tally.hit], len(ends), n_images)
    every = np.cumsum(_by_step(step, tally.image, len(ends), n_images), axis=0)
    found = np.cumsum(hits, axis=0)
    precision = found.sum(axis=1) / every.sum(axis=1)
    top = _envelope_rows(precision)
    slope = (found - precision[:, None] * every) / every.sum(axis=1)[:, None]
    shares: Floats = (hits * precision[top][:, None]).sum(axis=0) + hits.sum(axis=1) @ slope[top]
    return shares / n_cells


def _by_step(step: Ints, image: Ints, n_steps: int, n_images: int) -> Floats:
    place = step * n_images + image
    return np.bincount(place, minlength=n_steps * n_images).reshape(n_steps, n_images).astype(np.float64)


def _envelope_rows(precision: Floats) -> Ints:
    """For each step the step at or after it whose precision is highest (the first of equal ones)."""
    best = precision_envelope(precision)
    row = np.arange(len(precision))
    own = np.where(precision == best, row, len(precision))
    return np.minimum.accumulate(own[::-1])[::-1]
