"""Random draws that are the same bytes on every machine and in every year.

NumPy keeps the raw output of PCG64 fixed for ever, but not what its distributions make of it (NEP 19). So
the few things needed here, multiplicities of units and coin flips, are made from the raw output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bmbench.core.types import Floats

_WORD = 64


def multiplicities(n_units: int, n: int, *, seed: int) -> Floats:
    """(n, n_units): how often each unit is drawn in each of `n` bootstrap replicates."""
    raw = np.random.PCG64(seed).random_raw(n * n_units)
    # The upper 32 bits, scaled to 0 … n_units − 1: biased by at most n_units / 2³².
    drawn = ((raw >> np.uint64(32)) * np.uint64(n_units)) >> np.uint64(32)
    place = drawn.astype(np.int64).reshape(n, n_units) + n_units * np.arange(n)[:, None]
    counts = np.bincount(place.ravel(), minlength=n * n_units).reshape(n, n_units)
    return counts.astype(np.float64)


def coin_flips(n_units: int, n: int, *, seed: int) -> Floats:
    """(n, n_units) of 0 and 1: which units are swapped in each of `n` permutations."""
    words = -(-n_units // _WORD)
    raw = np.random.PCG64(seed).random_raw(n * words).reshape(n, words)
    unit = np.arange(n_units)
    bits = raw[:, unit // _WORD] >> (unit % _WORD).astype(np.uint64)
    return (bits & np.uint64(1)).astype(np.float64)


def every_swap(n_units: int) -> Floats:
    """(2^(n_units − 1), n_units) of 0 and 1: every way to swap units, up to swapping all of them.

    The first row swaps nothing. The last unit is never swapped: swapping exactly the others instead gives
    the same difference with its sign turned.
    """
    number = np.arange(2 ** (n_units - 1))
    bits = (number[:, None] >> np.arange(n_units)) & 1
    return bits.astype(np.float64)
