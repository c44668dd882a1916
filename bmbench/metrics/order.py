"""Sorting a million rows in two passes over digits: several times faster than comparing them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bmbench.core.types import Floats, Ints

_FEW = 1 << 12
"""Rows that are sorted by comparison in less time than the passes take."""


def by_descending_score(score: Floats) -> Ints:
    """(n,) rows by descending score in [0, 1]; equal ones in the order they have."""
    if (score[1:] <= score[:-1]).all():
        return np.arange(len(score))
    if len(score) < _FEW:
        return np.argsort(-score, kind="stable")
    order = by_key(((1 - score) * (2**32 - 1)).astype(np.uint32))
    ordered = score[order]
    if (ordered[1:] > ordered[:-1]).any():
        # Different scores with the same 32 bits.
        order = order[np.argsort(-ordered, kind="stable")]
    return order


def by_key(key: NDArray[np.uint32]) -> Ints:
    """(n,) rows by ascending key; equal ones in the order they have."""
    # NumPy sorts numbers of 16 bits by counting them.
    order = np.argsort(key.astype(np.uint16), kind="stable")
    high = (key >> np.uint32(16)).astype(np.uint16)
    return order[np.argsort(high[order], kind="stable")]
