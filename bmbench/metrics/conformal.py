"""A threshold with a promise: how many cells of a new patient are missed, and how surely."""

from __future__ import annotations

import math

import numpy as np

from bmbench.core.types import Floats, Ints

_SLACK = 1e-9
"""Counts may be short by this: nine tenths of ten cells are nine, whatever 0.9 · 10 is rounded to."""


def units_needed(share: float) -> int:
    """Fewest units with cells that can promise anything for this share of new ones."""
    return math.ceil(share / (1 - share) - _SLACK)


def unit_limits(confidence: Floats, unit: Ints, cells: Ints, *, miss: float) -> Floats:
    """(u,) the highest threshold at which each unit misses at most a share `miss` of its cells.

    Parameters
    ----------
    confidence, unit : (h,)
        Of every hit, and the unit that it is of.
    cells : (u,) int64
        Cells of each unit; one without cells misses none, and gets NaN.

    Returns
    -------
    (u,) float64
        −∞ where even all predictions find fewer.
    """
    limits = np.full(len(cells), -np.inf)
    needed = np.ceil((1 - miss) * cells - _SLACK).astype(np.int64)
    order = np.lexsort((-confidence, unit))
    start = np.searchsorted(unit[order], np.arange(len(cells)))
    found = np.bincount(unit, minlength=len(cells))
    enough = (found >= needed) & (needed > 0)
    limits[enough] = confidence[order][start[enough] + needed[enough] - 1]
    limits[needed <= 0] = np.inf
    limits[cells == 0] = np.nan
    return limits


def conformal_threshold(limits: Floats, *, share: float) -> float | None:
    """The threshold at which a new unit keeps its own limit with at least this probability; None: too few.

    Split conformal prediction (Vovk et al. 2005; Angelopoulos and Bates 2023, section 1) with units as
    examples: the ⌊(n + 1)(1 − share)⌋-th lowest limit of n units with cells. It holds whatever the detector
    and however units differ, as long as the new one is drawn as these were. −∞ where no threshold does it.
    """
    known = np.sort(limits[~np.isnan(limits)])
    rank = math.floor((len(known) + 1) * (1 - share) + _SLACK)
    return float(known[rank - 1]) if rank >= 1 else None
