"""How large a difference a test set can show, and how large a set a difference needs."""

import math
from dataclasses import dataclass
from statistics import NormalDist

_POWER = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectableDifferences:
    """What the units at hand can show.

    Attributes
    ----------
    spread : float
        Standard error of a paired difference between two submissions (the median over pairs).
    alone : float
        Difference that a single planned test at 5 % finds in 4 of 5 cases.
    in_company : float
        The same for the first step of Holm over all pairs.
    units_for_a_point : int
        Units that would be needed to show 0.01 in a single planned test.
    """

    spread: float
    alone: float
    in_company: float
    units_for_a_point: int


def detectable_differences(
    spread: float, *, n_units: int, n_pairs: int, level: float = 0.05
) -> DetectableDifferences | None:
    """What can be shown, by the normal approximation, from the spread of a difference; None without one."""
    if not spread > 0:
        return None
    alone = detectable(spread, level)
    return DetectableDifferences(
        spread=spread,
        alone=alone,
        in_company=detectable(spread, level / max(n_pairs, 1)),
        units_for_a_point=math.ceil(n_units * (alone / 0.01) ** 2),
    )


def detectable(spread: float, level: float) -> float:
    """Smallest true difference that a two-sided test at `level` finds with power 0.8."""
    normal = NormalDist()
    return spread * (normal.inv_cdf(1 - level / 2) + normal.inv_cdf(_POWER))
