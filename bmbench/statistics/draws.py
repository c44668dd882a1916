"""Random draws that are the same bytes on every machine and in every year.

NumPy keeps the raw output of PCG64 fixed for ever, but not what its distributions make of it (NEP 19). So
units are drawn from the raw output.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmbench.core.types import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitDraws:
    """Bootstrap replicates of units, each of as many units as there are, drawn with replacement.

    The draws depend on these three numbers alone: whatever is looked at with the same ones, a score, a
    difference or a rank, is looked at in the same replicates.

    Attributes
    ----------
    n_units : int
        Units that are drawn from.
    n : int
        Replicates.
    seed : int
        Of the draws.
    """

    n_units: int
    n: int
    seed: int = 0

    def table(self) -> Floats:
        """(n, n_units): how often each unit is drawn in each replicate."""
        return next(self.blocks(max(self.n, 1)), np.zeros((0, self.n_units)))

    def blocks(self, size: int) -> Iterator[Floats]:
        """The same table in blocks of at most `size` rows."""
        generator = np.random.PCG64(self.seed)
        for start in range(0, self.n, size):
            rows = min(size, self.n - start)
            drawn = _below(self.n_units, generator.random_raw(rows * self.n_units))
            place = drawn.reshape(rows, self.n_units) + self.n_units * np.arange(rows)[:, None]
            counts = np.bincount(place.ravel(), minlength=rows * self.n_units)
            yield counts.reshape(rows, self.n_units).astype(np.float64)


def _below(n: int, raw: NDArray[np.uint64]) -> Ints:
    """Whole numbers from 0 to n − 1 from the upper halves of raw words: biased by at most n / 2³²."""
    upper = raw >> np.uint64(32)
    return ((upper * np.uint64(n)) >> np.uint64(32)).astype(np.int64)
