"""Variances that borrow from each other: of dozens of pairs on eight units each knows little alone.

Smyth (Stat Appl Genet Mol Biol 2004; 3: article 3) takes the variances of many comparisons as draws from one
distribution, a scaled inverse χ², estimates it from their logarithms, and draws each towards it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmbench.core.types import Floats

_ALIKE = 0.01
"""Variance of the logarithms beyond what chance gives, up to which all variances are taken for one."""
_DF_OF_ALIKE = 200.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VariancePrior:
    """What all variances together say of each of them.

    Attributes
    ----------
    df : float
        How many degrees of freedom it is worth; 0: nothing.
    variance : (…) float64
        Where the variance of each pair is expected.
    """

    df: float
    variance: Floats

    def moderated(self, variance: Floats, df: float) -> Floats:
        """Variances of `df` degrees of freedom each, drawn towards what is expected of them."""
        if not self.df:
            return variance
        drawn: Floats = (self.df * self.variance + df * variance) / (self.df + df)
        return drawn


def no_prior(shape: tuple[int, ...]) -> VariancePrior:
    """The prior that moves nothing."""
    return VariancePrior(df=0.0, variance=np.zeros(shape))


def variance_prior(
    variance: Floats, df: float, design: Floats, *, most_df: float
) -> tuple[Floats, float, float]:
    """The prior of (p,) variances of `df` degrees of freedom each.

    Parameters
    ----------
    design : (p, c) float64
        What the expected logarithm depends on: a column of ones, and perhaps more.
    most_df : float
        The most that the prior may be worth.

    Returns
    -------
    coefficients : (c,) float64
        ``exp(design @ coefficients + shift)`` is the expected variance.
    shift : float
    df : float
    """
    from scipy.special import digamma, polygamma

    y = np.log(variance) - digamma(df / 2) + np.log(df / 2)
    coefficients = np.linalg.lstsq(design, y, rcond=None)[0]
    spare = len(y) - design.shape[1]
    residual = float(np.square(y - design @ coefficients).sum() / max(spare, 1))
    excess = residual - float(polygamma(1, df / 2))
    if excess <= _ALIKE:
        return coefficients, 0.0, min(_DF_OF_ALIKE, most_df)
    prior_df = 2 * inverse_trigamma(excess)
    shift = float(digamma(prior_df / 2) - np.log(prior_df / 2))
    return coefficients, shift, min(prior_df, most_df)


def inverse_trigamma(value: float) -> float:
    """The x whose trigamma is a value > 0, by Newton's method on 1 / trigamma (Smyth 2004, appendix)."""
    from scipy.special import polygamma

    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(polygamma(2, x))
        x += step
        if abs(step) < 1e-10 * x:
            break
    return x
