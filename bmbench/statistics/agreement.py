"""Whether two ways of counting agree: bias and limits of agreement, concordance, a line, cut-offs.

The units (images or patients) are taken for independent of each other; each has a number by either way.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from bmbench.core.types import Bools, Floats
from bmbench.metrics.scores import Interval
from bmbench.statistics.binomial import LEVEL, exact_limits
from bmbench.statistics.student import t_quantile

Z = NormalDist().inv_cdf(1 - (1 - LEVEL) / 2)
MOST_POINTS = 3_000
"""Units that a line is fitted to; it takes the slopes of all pairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsOfAgreement:
    """Bias and 95 % limits of agreement (Bland and Altman, Stat Methods Med Res 1999).

    Attributes
    ----------
    n : int
    bias, low, high : float or None
        Mean of second minus first, and where 95 % of differences lie; limits are None below 2 units.
    bias_ci, low_ci, high_ci : (low, high) or None
        95 %; None below 3 units.
    """

    n: int
    bias: float | None
    low: float | None
    high: float | None
    bias_ci: Interval | None
    low_ci: Interval | None
    high_ci: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedLine:
    """Second = intercept + slope × first (Passing and Bablok, J Clin Chem Clin Biochem 1983)."""

    slope: float
    intercept: float
    slope_ci: Interval | None
    intercept_ci: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOffAgreement:
    """Whether units lie on the same side of a cut-off by both ways; the first is taken for the truth.

    `kappa` is Cohen's; None where both ways put every unit on one and the same side.
    """

    at: float
    above: int
    below: int
    sensitivity: float | None
    sensitivity_ci: Interval | None
    specificity: float | None
    specificity_ci: Interval | None
    kappa: float | None


def limits_of_agreement(first: Floats, second: Floats) -> LimitsOfAgreement:
    """The bias of (n,) numbers, and between which limits differences lie."""
    difference = second - first
    n = len(difference)
    bias = float(difference.mean()) if n else None
    spread = float(difference.std(ddof=1)) if n > 1 else None
    if bias is None or spread is None:
        return LimitsOfAgreement(n=n, bias=bias, low=None, high=None, bias_ci=None, low_ci=None, high_ci=None)
    low, high = bias - Z * spread, bias + Z * spread
    if n < 3:
        return LimitsOfAgreement(n=n, bias=bias, low=low, high=high, bias_ci=None, low_ci=None, high_ci=None)
    quantile = t_quantile(1 - (1 - LEVEL) / 2, n - 1)
    of_bias = quantile * spread / n**0.5
    of_limit = quantile * spread * (1 / n + Z**2 / (2 * (n - 1))) ** 0.5
    return LimitsOfAgreement(
        n=n,
        bias=bias,
        low=low,
        high=high,
        bias_ci=(bias - of_bias, bias + of_bias),
        low_ci=(low - of_limit, low + of_limit),
        high_ci=(high - of_limit, high + of_limit),
    )


def concordance(first: Floats, second: Floats) -> tuple[float | None, Interval | None]:
    """Lin's coefficient, and its 95 % interval by his z (Biometrics 1989, corrected 2000).

    None without variation; no interval below 4 units, and where it or the correlation is 0 or ±1.
    """
    n = len(first)
    if n < 2:
        return None, None
    x, y = first.var(), second.var()
    apart = float(first.mean() - second.mean())
    below = float(x + y + apart**2)
    if below <= 0:
        return None, None
    product = float(np.mean((first - first.mean()) * (second - second.mean())))
    found = 2 * product / below
    r = product / float(x * y) ** 0.5 if x * y > 0 else 0.0
    if n < 4 or abs(found) < 1e-12 or abs(found) > 1 - 1e-12 or abs(r) > 1 - 1e-12:
        return found, None
    u = apart**2 / float(x * y) ** 0.5
    c2 = found**2
    variance = (
        (1 - r**2) * c2 / ((1 - c2) * r**2)
        + 2 * found**3 * (1 - found) * u / (r * (1 - c2) ** 2)
        - found**4 * u**2 / (2 * r**2 * (1 - c2) ** 2)
    ) / (n - 2)
    if variance <= 0:
        return found, None
    reach = Z * variance**0.5
    middle = np.arctanh(found)
    return found, (float(np.tanh(middle - reach)), float(np.tanh(middle + reach)))


def passing_bablok(first: Floats, second: Floats) -> FittedLine | None:
    """The line through the shifted median of all slopes; None below 3 units, above 3,000, or without spread.

    Its interval is None where the units are too few for one.
    """
    n = len(first)
    if not 3 <= n <= MOST_POINTS:
        return None
    row, column = np.triu_indices(n, 1)
    across, up = first[column] - first[row], second[column] - second[row]
    real = (across != 0) | (up != 0)
    across, up = across[real], up[real]
    # Both ways are meant to grow together, so a vertical pair is steep upwards.
    slopes = np.divide(up, across, out=np.full(len(up), np.inf), where=across != 0)
    slopes = np.sort(slopes[slopes != -1])
    shift, many = int((slopes < -1).sum()), len(slopes)
    if not many:
        return None
    slope = _at(slopes, (many + 1) / 2 + shift)
    if not np.isfinite(slope):
        return None
    reach = Z * (n * (n - 1) * (2 * n + 5) / 18) ** 0.5
    low = round((many - reach) / 2)
    ends = (low + shift, many - low + 1 + shift)
    limits = None
    if low >= 1 and ends[1] <= many:
        limits = (float(slopes[ends[0] - 1]), float(slopes[ends[1] - 1]))
    known = limits is not None and bool(np.isfinite(limits).all())
    cuts = sorted(float(np.median(second - end * first)) for end in limits) if known and limits else None
    return FittedLine(
        slope=slope,
        intercept=float(np.median(second - slope * first)),
        slope_ci=limits if known else None,
        intercept_ci=None if cuts is None else (cuts[0], cuts[1]),
    )


def _at(ordered: Floats, place: float) -> float:
    """The value at a place counted from 1; between two, their mean."""
    low = min(max(int(np.floor(place)), 1), len(ordered))
    high = min(max(int(np.ceil(place)), 1), len(ordered))
    if low == high:
        return float(ordered[low - 1])
    return float((ordered[low - 1] + ordered[high - 1]) / 2)


def cut_off_agreement(first: Floats, second: Floats, at: float) -> CutOffAgreement:
    """Whether (n,) shares lie at or above a cut-off by both ways."""
    truth, found = first >= at, second >= at
    above, below = int(truth.sum()), int((~truth).sum())
    right, wrong = int((truth & found).sum()), int((~truth & ~found).sum())
    return CutOffAgreement(
        at=at,
        above=above,
        below=below,
        sensitivity=right / above if above else None,
        sensitivity_ci=exact_limits(right, above),
        specificity=wrong / below if below else None,
        specificity_ci=exact_limits(wrong, below),
        kappa=_kappa(truth, found),
    )


def _kappa(first: Bools, second: Bools) -> float | None:
    if not len(first):
        return None
    seen = float(np.mean(first == second))
    a, b = float(first.mean()), float(second.mean())
    chance = a * b + (1 - a) * (1 - b)
    return (seen - chance) / (1 - chance) if chance < 1 else None
