"""All differences of methods on the same units: how large, how sure, and which are the same submission twice.

The unit part of a difference is paired: what a unit does to both falls out. The seed part is not: the third
training of one method has nothing to do with the third one of another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bmbench.core.types import Bools, Floats, Ints
from bmbench.metrics.scores import Interval
from bmbench.statistics.intervals import LEVEL
from bmbench.statistics.methods import Methods
from bmbench.statistics.moderation import VariancePrior, no_prior, variance_prior
from bmbench.statistics.student import t_quantile

_TINY = 1e-4
"""Share of the median variance below which a pair is one submission twice, or nearly."""
_FEWEST_FOR_PRIOR = 3
FEWEST_FOR_LEVEL = 20
"""Methods from which on what is expected of a variance may depend on level and gap."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MethodPairs:
    """Row minus column, of k methods.

    Attributes
    ----------
    difference, variance, df : (k, k) float64
        Of the values; the variance of a difference, moderated, with its seed part; its degrees of freedom.
    p : (k, k) float64
        Two-sided, of each pair alone; 1 on the diagonal, between copies, and where nothing can be said.
    original : (k,) int64
        Row of the first method that each is the same as; its own where it is a copy of none.
    unit_sd : float
        Standard deviation of a unit's part in a difference, the median over pairs; NaN without any.
    """

    difference: Floats
    variance: Floats
    df: Floats
    p: Floats
    original: Ints
    unit_sd: float

    @property
    def distinct(self) -> Ints:
        """(d,) rows of the methods that are copies of none before them."""
        return np.flatnonzero(self.original == np.arange(len(self.original)))

    @property
    def same(self) -> Bools:
        """(k, k) whether two are the same submission."""
        same: Bools = self.original[:, None] == self.original[None, :]
        return same

    @property
    def ahead(self) -> Bools:
        """(k, k) whether the value of the row is the higher one."""
        return self.difference > 0

    def interval(self, first: int, second: int, *, level: float = LEVEL) -> Interval | None:
        """The interval of one difference alone, uncorrected; None where nothing can be said."""
        variance, df = float(self.variance[first, second]), float(self.df[first, second])
        if not variance > 0:
            return None
        reach = t_quantile(1 - (1 - level) / 2, df) * math.sqrt(variance)
        difference = float(self.difference[first, second])
        return difference - reach, difference + reach


def method_pairs(methods: Methods, *, by_level: bool = False) -> MethodPairs:
    """All pairs of methods, with variances that are moderated from three methods on.

    Parameters
    ----------
    by_level : bool
        Whether what is expected of a variance depends on the level of the two and the gap between them: good
        methods vary less, and so do pairs that are near. From 20 methods on; below, one value for all.
    """
    n = methods.influence.shape[1]
    difference = methods.value[:, None] - methods.value[None, :]
    own = _unit_variance(methods.influence)
    original = _originals(difference, own)
    kept = np.flatnonzero(original == np.arange(len(original)))
    upper = kept[:, None] < kept[None, :]
    some = own[np.ix_(kept, kept)][upper]
    df = methods.df
    prior = _prior(methods, difference, own, kept, df, by_level=by_level)
    variance, total_df = _with_seeds(methods, prior.moderated(own, df), prior.df + df)
    return MethodPairs(
        difference=difference,
        variance=variance,
        df=total_df,
        p=_two_sided(difference, variance, total_df, original),
        original=original,
        unit_sd=float(np.sqrt(np.median(some) * n)) if len(some) else np.nan,
    )


def _unit_variance(influence: Floats) -> Floats:
    """(k, k) Σ (z_a − z_b)² / (n (n − 1)), from the products of rows."""
    n = influence.shape[1]
    products = influence @ influence.T
    squares = np.diagonal(products)
    total = squares[:, None] + squares[None, :] - 2 * products
    # What is left of the squares by rounding is nothing.
    noise = 1e-12 * (squares[:, None] + squares[None, :])
    variance: Floats = np.where(total > noise, total, 0.0) / (n * max(n - 1, 1))
    return variance


def _originals(difference: Floats, variance: Floats) -> Ints:
    """(k,) the first row that each is the same as: neither value nor any unit tells them apart."""
    k = len(difference)
    above = variance[np.triu_indices(k, 1)]
    above = above[np.isfinite(above) & (above > 0)]
    tiny = _TINY * float(np.median(above)) if len(above) else 0.0
    same = (variance <= tiny) & (np.square(difference) <= tiny)
    same |= np.eye(len(same), dtype=bool)
    first: Ints = np.argmax(same, axis=1)
    return first[first]


def _prior(
    methods: Methods, difference: Floats, variance: Floats, kept: Ints, df: float, *, by_level: bool
) -> VariancePrior:
    """What the variances of the pairs of different submissions say together."""
    if len(kept) < _FEWEST_FOR_PRIOR:
        return no_prior(variance.shape)
    first, second = (kept[part] for part in np.triu_indices(len(kept), 1))
    some = variance[first, second]
    fits = np.isfinite(some) & (some > 0)
    fits &= some >= _TINY * np.median(some[fits]) if fits.any() else False
    if np.count_nonzero(fits) < _FEWEST_FOR_PRIOR:
        return no_prior(variance.shape)
    first, second = first[fits], second[fits]
    if by_level and len(kept) >= FEWEST_FOR_LEVEL:
        columns = _level_and_gap(methods.value, difference, first, second)
    else:
        columns = np.ones((*variance.shape, 1))
    most = float(methods.influence.shape[1] - 1)
    found, shift, prior_df = variance_prior(variance[first, second], df, columns[first, second], most_df=most)
    return VariancePrior(df=prior_df, variance=np.exp(columns @ found + shift))


def _level_and_gap(value: Floats, difference: Floats, first: Ints, second: Ints) -> Floats:
    """(k, k, 5) 1, A, A², g, g²: level of a pair and gap in it, each in its standard deviations."""
    level, gap = (value[:, None] + value[None, :]) / 2, np.abs(difference)
    some, gaps = level[first, second], gap[first, second]
    a = (level - some.mean()) / max(float(some.std()), np.finfo(float).tiny)
    g = gap / max(float(gaps.std()), np.finfo(float).tiny)
    return np.stack([np.ones_like(a), a, a * a, g, g * g], axis=-1)


def _with_seeds(methods: Methods, variance: Floats, df: float) -> tuple[Floats, Floats]:
    """Variances and degrees of freedom of differences of seed means (Satterthwaite)."""
    if methods.seeds is None:
        return variance, np.full_like(variance, df)
    each = methods.seeds.variance / methods.n_seeds
    # Both parts are multiples of one estimate: together they have its degrees of freedom, not twice as many.
    part = each[:, None] + each[None, :]
    total = variance + part
    below = np.square(variance) / df + np.square(part) / methods.seeds.df
    degrees = np.divide(np.square(total), below, out=np.full_like(total, df), where=below > 0)
    return total, degrees


def _two_sided(difference: Floats, variance: Floats, df: Floats, original: Ints) -> Floats:
    from scipy.special import stdtr

    size = np.abs(difference)
    testable = np.isfinite(size) & (variance > 0) & (original[:, None] != original[None, :])
    t = np.divide(size, np.sqrt(np.where(testable, variance, 1.0)), out=np.zeros_like(size), where=testable)
    p: Floats = np.where(testable, 2 * stdtr(df, -t), 1.0)
    return p
