"""Several data sets together: paired differences of methods, stratified by set; win rates; two orders.

A mean of F1 over unlike sets says little of any of them, but a difference between two methods on the same
units is a difference on every set. Each set is a stratum of fixed weight, given before the results; units
vary inside their set only, so that easy and hard sets do not add to the variance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bmbench.core.types import Floats
from bmbench.metrics.scores import Interval
from bmbench.statistics.draws import UnitDraws
from bmbench.statistics.intervals import student_interval
from bmbench.statistics.methods import Methods
from bmbench.statistics.ranks import kendall_tau
from bmbench.statistics.seed_variance import SeedVariance, satterthwaite
from bmbench.statistics.units import degrees_of_freedom

TAU_DRAWS = 1_000


def stratified(sets: Sequence[Methods], weights: Sequence[float] | None = None) -> Methods:
    """The same methods on all units of several sets, as one `Methods` that every test of many methods takes.

    The value of a method is Σ wₛ θₛ and the unit part of a difference has the variance Σ wₛ² Vₛ, with
    Satterthwaite's degrees of freedom for differences that vary alike (Cochran, Sampling Techniques 1977,
    sections 5.4 and 5.6); a set in which no method has two seeds adds nothing to the seed part.

    Parameters
    ----------
    weights : of each set
        They are brought to a sum of 1; by default every set weighs the same.

    Raises
    ------
    ValueError
        If there is no set, the methods differ in number, or a weight is not above 0.
    """
    if not sets or len({len(one.value) for one in sets}) > 1:
        raise ValueError("several sets of the same methods are needed")
    share = np.asarray(weights if weights is not None else np.ones(len(sets)), np.float64)
    if len(share) != len(sets) or not (share > 0).all():
        raise ValueError("every set needs a weight above 0")
    share = share / share.sum()
    n = sum(one.influence.shape[1] for one in sets)
    seeds, n_seeds = _seeds(sets, share)
    part = np.array([w * w * _unit_variance(one) for w, one in zip(share, sets, strict=True)])
    part = part / part.sum() if part.sum() > 0 else share
    freedom = satterthwaite(
        [(a, degrees_of_freedom(one.weight)) for a, one in zip(part.tolist(), sets, strict=True)]
    )[1]
    return Methods(
        value=np.sum([w * one.value for w, one in zip(share, sets, strict=True)], axis=0),
        influence=np.concatenate(
            [_scaled(one, float(w), n) for w, one in zip(share, sets, strict=True)], axis=1
        ),
        weight=np.concatenate([w * one.weight for w, one in zip(share, sets, strict=True)]),
        n_seeds=n_seeds,
        seeds=seeds,
        freedom=freedom,
    )


def _scaled(one: Methods, weight: float, n: int) -> Floats:
    """Influences among n units that give the variance of the set's part: Σ z² / (n (n − 1)) = w² V."""
    mine = one.influence.shape[1]
    factor = weight * math.sqrt(n * (n - 1) / max(mine * (mine - 1), 1))
    scaled: Floats = factor * one.influence
    return scaled


def _unit_variance(one: Methods) -> float:
    """The mean variance of the unit part of a difference of two methods; of a method where there is one."""
    n = one.influence.shape[1]
    centred = one.influence - one.influence.mean(axis=0) if len(one.value) > 1 else one.influence
    return float(np.square(centred).sum() / (max(len(one.value) - 1, 1) * n * max(n - 1, 1)))


def _seeds(sets: Sequence[Methods], share: Floats) -> tuple[SeedVariance | None, Floats]:
    """The seed part of one training in every set, and the trainings that each method's part is worth."""
    known = [(float(w), one, one.seeds) for w, one in zip(share, sets, strict=True) if one.seeds is not None]
    k = len(sets[0].value)
    parts = [(w * w * seeds.variance, float(seeds.df)) for w, _, seeds in known]
    variance, df = satterthwaite(parts) if parts else (0.0, 0.0)
    if not variance > 0:
        return None, np.ones(k)
    of_mean = sum(w * w * seeds.variance / np.asarray(one.n_seeds, np.float64) for w, one, seeds in known)
    return SeedVariance(variance=variance, df=max(int(df), 1)), variance / np.asarray(of_mean)


def win_rates(values: Floats) -> Floats:
    """(k,) share of its comparisons that each method wins; (s, k) `values` of k methods on s sets.

    Every set counts the same, whatever its scale: this is Borda's count, from 0 to 1 (Borda 1781). A tie
    is half a win; what is undefined on a set is not compared there. NaN where nothing is compared.

    >>> win_rates(np.array([[0.9, 0.8, 0.7], [0.5, 0.6, 0.6]])).tolist()
    [0.5, 0.625, 0.375]
    """
    ahead = (values[:, :, None] > values[:, None, :]) + 0.5 * (values[:, :, None] == values[:, None, :])
    both = np.isfinite(values[:, :, None]) & np.isfinite(values[:, None, :])
    both &= ~np.eye(values.shape[1], dtype=bool)[None]
    compared = both.sum(axis=2)
    rate = np.divide(
        (ahead * both).sum(axis=2), compared, out=np.full(values.shape, np.nan), where=compared > 0
    )
    there = np.isfinite(rate)
    mean: Floats = np.divide(
        np.where(there, rate, 0.0).sum(axis=0),
        there.sum(axis=0),
        out=np.full(values.shape[1], np.nan),
        where=there.any(axis=0),
    )
    return mean


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAgreement:
    """Kendall's tau between two orders of the same methods; the interval is None below 3 methods or units."""

    tau: float | None
    interval: Interval | None
    n_methods: int


def order_agreement(first: Methods, second: Methods, *, n: int = TAU_DRAWS, seed: int = 0) -> OrderAgreement:
    """How far two sets of units order the same methods alike, with a 95 % interval.

    Units of both are drawn again, methods together, and their values moved by the influences of what was
    drawn; seeds are noise of their variance beside. Tau of noisy orders lies nearer 0 than that of the true
    ones: the interval is moved by what the draws lose on average (a bias-corrected percentile interval in its
    simplest form), and cut at −1 and 1.
    """
    tau = kendall_tau(first.value, second.value)
    k = len(first.value)
    if tau is None or k < 3 or min(first.n_units, second.n_units) < 3:
        return OrderAgreement(tau=tau, interval=None, n_methods=k)
    drawn = [_drawn(one, n, seed + place) for place, one in enumerate((first, second))]
    taus = [kendall_tau(a, b) for a, b in zip(*drawn, strict=True)]
    known = np.sort([one for one in taus if one is not None])
    if not len(known):
        return OrderAgreement(tau=tau, interval=None, n_methods=k)
    shift = tau - float(np.median(known))
    low, high = np.quantile(known, [0.025, 0.975]) + np.array([min(shift, 0.0), max(shift, 0.0)])
    return OrderAgreement(tau=tau, interval=(max(float(low), -1.0), min(float(high), 1.0)), n_methods=k)


def _drawn(one: Methods, n: int, seed: int) -> Floats:
    """(n, k) values of the methods where other units, and other seeds, had been drawn."""
    units = one.influence.shape[1]
    counts = UnitDraws(n_units=units, n=n, seed=seed).table()
    moved = (counts - 1) @ one.influence.T / units * math.sqrt(units / max(units - 1, 1))
    if one.seeds is not None:
        noise = np.random.default_rng([seed, 19]).standard_normal((n, len(one.value)))
        moved += noise * np.sqrt(one.seeds.variance / np.asarray(one.n_seeds, np.float64))
    drawn: Floats = one.value + moved
    return drawn


def distance_between(
    first: tuple[float, float, float], second: tuple[float, float, float]
) -> Interval | None:
    """The 95 % interval of a difference of two independent values, each with its variance and degrees."""
    variance, df = satterthwaite([first[1:], second[1:]])
    if not variance > 0:
        return None
    return student_interval(first[0] - second[0], variance, df)
