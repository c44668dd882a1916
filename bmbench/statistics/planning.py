"""How large a difference a test set can show, and how large a set a difference needs."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from bmbench.core.types import Floats
from bmbench.statistics.many_methods import ERROR_RATE, RANGE_FROM, range_quantile
from bmbench.statistics.methods import Methods
from bmbench.statistics.pairs import MethodPairs
from bmbench.statistics.student import t_quantile
from bmbench.statistics.units import FEWEST_FOR_INTERVAL, FEWEST_UNITS

POWER = 0.8
NORMAL_95, NORMAL_80 = NormalDist().inv_cdf(0.975), NormalDist().inv_cdf(POWER)
_POINT = 0.01
_LEAST = 1e-9
_PULL = 0.05
"""Mean square of logarithms of p (1 − p) over pairs that a guess of their power is worth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindableDifferences:
    """True differences that this test set finds in 4 of 5 cases, by the tests that are used; between 0 and 1.

    None where a test is not made on so few units, or no difference below 1 would be found.

    Attributes
    ----------
    not_seen_below : float
        A difference that is measured as less than this is inside what chance gives two equal methods.
    alone : float or None
        Of two methods that were planned to be compared.
    best_set : float or None
        That puts a method out of the best set, by the comparison with the best one.
    all_pairs : float or None
        The first step of the test of all pairs.
    units_for_a_point : int or None
        Units that would show 0.01 between two methods alone; None if the seeds vary too much for any number.
    """

    not_seen_below: float
    alone: float | None
    best_set: float | None
    all_pairs: float | None
    units_for_a_point: int | None


def findable_differences(methods: Methods, pairs: MethodPairs) -> FindableDifferences | None:
    """What can be found, from the median variance of the pairs; None for fewer than two different methods."""
    kept = pairs.distinct
    first, second = (kept[part] for part in np.triu_indices(len(kept), 1))
    variance = pairs.variance[first, second]
    if not len(variance) or not np.median(variance) > 0:
        return None
    error, df = float(np.sqrt(np.median(variance))), float(np.median(pairs.df[first, second]))
    alone = t_quantile(1 - ERROR_RATE / 2, df)
    best = t_quantile(1 - ERROR_RATE / max(len(kept) - 1, 1), df)
    # A median of variances lies below the variance (Wilson and Hilferty's cube root of χ²).
    true_error, level = error / (1 - 2 / (9 * df)) ** 1.5, float(np.median(methods.value[kept]))

    power = _power_of_level(methods.value[first], methods.value[second], variance)

    def found(critical: float, fewest: int) -> float | None:
        if methods.n_units < fewest:
            return None
        return _difference_below(level, true_error * shift_found(critical, df), power)

    return FindableDifferences(
        not_seen_below=float(alone * error),
        alone=found(alone, FEWEST_FOR_INTERVAL),
        best_set=found(best, FEWEST_FOR_INTERVAL),
        all_pairs=found(_first_step(len(kept), df), FEWEST_UNITS),
        units_for_a_point=_units_for_a_point(methods, pairs),
    )


def _power_of_level(first: Floats, second: Floats, variance: Floats) -> float:
    """The power of p (1 − p), the mean of both methods, that the variance of a pair grows with.

    It is 2 where methods vary alike on the logit scale, and 1 where cells are found or not by chance alone.
    Least squares of the logarithms over pairs, drawn to 2 where all methods are of one level.
    """
    x, y = np.log((_slope(first) + _slope(second)) / 2), np.log(np.maximum(variance, _LEAST))
    x, y = x - x.mean(), y - y.mean()
    power = (float(np.mean(x * y)) + 2 * _PULL) / (float(np.mean(x * x)) + _PULL)
    return min(max(power, 0.0), 2.0)


def _slope(share: Any) -> Any:
    return np.maximum(share * (1 - share), _LEAST)


def _difference_below(level: float, distance: float, power: float) -> float | None:
    """The difference to a worse method that is worth `distance` between two methods of this level.

    A worse method varies more. None if no difference is large enough.
    """
    from scipy.optimize import brentq

    own = float(_slope(level))

    def missing(difference: float) -> float:
        grown = (1 + float(_slope(level - difference)) / own) / 2
        return difference - distance * math.pow(grown, power / 2)

    return float(brentq(missing, 0.0, level)) if missing(level) > 0 else None


def _first_step(n_methods: int, df: float) -> float:
    """The t that the largest of all differences has to exceed."""
    if n_methods >= RANGE_FROM:
        return float(range_quantile(n_methods, np.array([df]))[0]) / math.sqrt(2)
    return t_quantile(1 - ERROR_RATE / (n_methods * (n_methods - 1)), df)


def shift_found(critical: float, df: float) -> float:
    """How many standard errors a true difference needs to exceed a critical t in 4 of 5 cases.

    The noncentral t as a mean over 2,000 quantiles of its χ²: SciPy's own is undefined far out.
    """
    from scipy.optimize import brentq
    from scipy.special import gammaincinv, ndtr

    error = np.sqrt(2 * gammaincinv(df / 2, (np.arange(2_000) + 0.5) / 2_000) / df)
    far = 10 * critical + 10
    found: float = brentq(lambda shift: ndtr(shift - critical * error).mean() - POWER, 0.0, far)
    return found


_MOST_UNITS = 100_000


def units_to_show(value: float | None, interval: tuple[float, float] | None, n_units: int) -> int | None:
    """Units of the same kind that would show a difference of this size in 4 of 5 cases, two-sided at 5 %.

    From its 95 % interval on `n_units`, whose standard error falls with √n; seeds have to grow alike. None
    where there is no interval, or more than 100,000 would be needed.

    >>> units_to_show(0.02, (-0.02, 0.06), 20)
    144
    """
    if value is None or interval is None or not value:
        return None
    df = max(n_units - 1, 1)
    error = (interval[1] - interval[0]) / 2 / t_quantile(1 - ERROR_RATE / 2, df)
    wanted = n_units * ((NORMAL_95 + NORMAL_80) * error / abs(value)) ** 2
    return max(math.ceil(wanted), n_units) if wanted <= _MOST_UNITS else None


def _units_for_a_point(methods: Methods, pairs: MethodPairs) -> int | None:
    by_seeds = (
        0.0 if methods.seeds is None else methods.seeds.variance * 2 / float(np.median(methods.n_seeds))
    )
    left = (_POINT / (NORMAL_95 + NORMAL_80)) ** 2 - by_seeds
    return math.ceil(pairs.unit_sd**2 / left) if left > 0 else None
