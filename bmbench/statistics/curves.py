"""Precision–recall curves of re-weighted images, from tallies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bmbench.core.types import Floats
    from bmbench.metrics import Tally

_BLOCK = 64


def envelope_at(tally: Tally, recalls: Floats, weights: Floats) -> Floats:
    """(n, k) highest precision at each of k recalls or beyond; 0 where no threshold reaches the recall.

    Parameters
    ----------
    weights : (n, images) float64
        How often each image counts, one row a replicate.
    """
    found = np.zeros((len(weights), len(recalls)))
    ends = tally.step_ends
    if not len(ends) or not tally.n_cells:
        return found
    for start in range(0, len(weights), _BLOCK):
        block = weights[start : start + _BLOCK]
        drawn = block[:, tally.image]
        every = np.cumsum(drawn, axis=1)[:, ends]
        hits = np.cumsum(drawn * tally.hit, axis=1)[:, ends]
        cells = block @ tally.cells
        precision = np.divide(hits, every, out=np.zeros_like(hits), where=every > 0)
        envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        recall = np.divide(hits, cells[:, None], out=np.zeros_like(hits), where=cells[:, None] > 0)
        padded = np.concatenate([envelope, np.zeros((len(block), 1))], axis=1)
        for row in range(len(block)):
            # The slack makes a recall of exactly 0.3 reach the grid's 0.3, which is 0.30000000000000004.
            place = np.searchsorted(recall[row], recalls - 1e-9)
            found[start + row] = padded[row, place]
    return found
