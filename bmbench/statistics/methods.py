"""One metric of many methods on the same units: what pairs, sets and ranks are made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bmbench.core.types import Floats, Ints
from bmbench.statistics.jackknife import Jackknife, mean_of
from bmbench.statistics.seed_variance import SeedVariance, pooled_seed_variance
from bmbench.statistics.units import degrees_of_freedom


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Methods:
    """One metric of k methods on n units; row i of every array is method i.

    Attributes
    ----------
    value : (k,) float64
        The mean over the seeds of the method; NaN where undefined.
    influence : (k, n) float64
        Of each unit (`Jackknife.influence`), the mean over the seeds; rows sum to 0.
    weight : (n,) float64
        Share of each unit in what the metric is measured on, the mean over methods.
    n_seeds : (k,) int64 or float64
        Different trainings behind each method; copies of one count once. Over several sets, what they are
        worth (`bmbench.statistics.stratified`).
    seeds : SeedVariance or None
        Pooled over the methods; None where no method has two trainings: then all that is said is said of
        these very networks.
    freedom : float or None
        Degrees of freedom of the unit part, where the weights alone do not give them: over several sets.
    """

    value: Floats
    influence: Floats
    weight: Floats
    n_seeds: Ints | Floats
    seeds: SeedVariance | None
    freedom: float | None = None

    @classmethod
    def of(cls, answers: Sequence[Sequence[Jackknife]], *, seeds: SeedVariance | None = None) -> Methods:
        """The methods of one jackknife a seed, one sequence a method.

        Parameters
        ----------
        seeds : SeedVariance, optional
            Taken instead of that of these methods: the one of the board that they are some of.

        Raises
        ------
        ValueError
            If there is no method, one has no answer, or they are not on the same number of units.
        """
        if not answers or not all(answers):
            raise ValueError("every method needs an answer of one seed at least")
        if len({len(one.without) for some in answers for one in some}) > 1:
            raise ValueError("the methods are not on the same units")
        different = [_different(some) for some in answers]
        means = [mean_of(some) for some in different]
        # A submission that somebody hands in again is no second method to learn from.
        values = {tuple(sorted(one.value for one in some)) for some in different}
        own = pooled_seed_variance([np.array(some) for some in sorted(values)])
        return cls(
            value=np.array([mean.value for mean in means]),
            influence=np.array([mean.influence for mean in means]),
            weight=np.mean([mean.weight for mean in means], axis=0),
            n_seeds=np.array([len(some) for some in different]),
            seeds=own if seeds is None else seeds,
        )

    @property
    def n_units(self) -> int:
        """Units that the metric is measured on."""
        return int(np.count_nonzero(self.weight))

    @property
    def df(self) -> float:
        """Degrees of freedom of the unit part of a difference."""
        return degrees_of_freedom(self.weight) if self.freedom is None else self.freedom

    def take(self, rows: Sequence[int] | Ints) -> Methods:
        """Some of the methods; how seeds vary, and what units weigh, stays as it is known from all."""
        return Methods(
            value=self.value[rows],
            influence=self.influence[rows],
            weight=self.weight,
            n_seeds=self.n_seeds[rows],
            seeds=self.seeds,
            freedom=self.freedom,
        )


def _different(answers: Sequence[Jackknife]) -> list[Jackknife]:
    """One of each group of answers that are the same in all units: a copy is no further training."""
    kept: list[Jackknife] = []
    for answer in answers:
        if not any(_is_same(answer, other) for other in kept):
            kept.append(answer)
    return kept


def _is_same(first: Jackknife, second: Jackknife) -> bool:
    if not (np.isfinite(first.value) and np.isfinite(second.value)):
        return False
    return first.value == second.value and np.array_equal(first.without, second.without, equal_nan=True)
