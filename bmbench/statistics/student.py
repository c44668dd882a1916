"""Student's t quantile, the logit and its inverse, in plain numbers.

SciPy has them; loading its special functions takes longer than scoring a small file.
"""

import math

NORMAL = {0.975: 1.9599639845400536}
"""Quantiles of the standard normal distribution: the one of all intervals is not computed each time."""
_TINY = 1e-300
_STEPS = 10_000


def t_quantile(p: float, df: float) -> float:
    """The quantile of Student's t at p from 1/2 to 1, for at least one degree of freedom, whole or not.

    By Newton's method. Above 0 the distribution is concave, so from below the steps come nearer from one
    side; the first terms of the expansion about the normal quantile lie below.
    """
    z = NORMAL[p] if p in NORMAL else _normal_quantile(p)
    t = z + (z**3 + z) / (4 * df)
    scale = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - math.log(df * math.pi) / 2
    for _ in range(100):
        density = math.exp(scale - (df + 1) / 2 * math.log1p(t * t / df))
        step = (p - t_below(t, df)) / density
        t += step
        # The steps shrink with their square: the next one would be below the last digit.
        if abs(step) <= 1e-8 * max(t, 1.0):
            break
    return t


def _normal_quantile(p: float) -> float:
    # Loading it takes longer than all else that a small file of predictions needs of statistics.
    from statistics import NormalDist

    return NormalDist().inv_cdf(p)


def t_below(t: float, df: float) -> float:
    """The probability that Student's t is at most t, for t from 0 on."""
    return 1 - _beta_share(df / 2, 0.5, df / (df + t * t)) / 2


def logit(share: float) -> float:
    """log(p / (1 − p)) of a number between 0 and 1."""
    return math.log(share) - math.log1p(-share)


def share_of(logit: float) -> float:
    """The number between 0 and 1 that has this logit."""
    return (1 + math.tanh(logit / 2)) / 2


def _beta_share(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function (Abramowitz and Stegun 26.5.8, a continued fraction)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta_share(b, a, 1 - x)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    # Lentz's way to add up a continued fraction from its front.
    value, c, d = 1.0, 1.0, 0.0
    for step in range(_STEPS):
        m = step // 2
        if step == 0:
            term = 1.0
        elif step % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / _not_0(1 + term * d)
        c = _not_0(1 + term / c)
        value *= c * d
        if step and abs(c * d - 1) < 1e-15:
            break
    return math.exp(front) * (value - 1) / a


def _not_0(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
