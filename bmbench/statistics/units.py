"""What the statistics know of each submission: a few numbers per unit of resampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bmbench.core.types import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Column:
    """One metric of all submissions; row i of every array is submission i.

    A metric is a ratio of two sums over units, ``Σ upper / Σ lower``. F1 is exactly that: 2 TP over
    predictions plus cells. AP is that to first order: shares (see `influence`) over a constant.

    Attributes
    ----------
    name : str
        "cd.f1" and so on.
    value : (m,) float64
        The metric; NaN where undefined.
    upper, lower : (m, units) float64
        The two parts, by unit.
    """

    name: str
    value: Floats
    upper: Floats
    lower: Floats

    @property
    def is_linear(self) -> bool:
        """Whether the lower part is the same for every submission: then differences are sums over units."""
        return bool((self.lower == self.lower[:1]).all())

    def resampled(self, weights: Floats) -> Floats:
        """(n, m) the metric of every submission with units weighted by each of n rows of `weights`."""
        upper, lower = weights @ self.upper.T, weights @ self.lower.T
        return np.divide(upper, lower, out=np.full_like(upper, np.nan), where=lower > 0)

    def take(self, rows: Ints | list[int]) -> Column:
        """The same metric of some submissions."""
        return Column(name=self.name, value=self.value[rows], upper=self.upper[rows], lower=self.lower[rows])


def by_unit(values: Floats, unit: Ints, n_units: int) -> Floats:
    """(m, n_units) sums of (m, images) values over the images of each unit."""
    sums = np.zeros((n_units, len(values)))
    np.add.at(sums, unit, np.asarray(values, np.float64).T)
    return sums.T
