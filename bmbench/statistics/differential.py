"""A differential count: the share of each class among the cells, and how sure it is.

Cells of one image, and of one patient, are alike, so that 500 clustered cells say less than 500 independent
ones: of simulated counts whose units are alike as 1 in 40, binomial limits hold the truth in 70 to 90 %
instead of 95 % (docs/results/count-calibration.md). The limits here are those of every share in bmbench, the
jackknife over units on the logit scale with Student's t (`bmbench.statistics.intervals`). A class that is
seen in few units has no such limits. It gets the exact ones of its effective cells: the cells divided by the
design effect (Kish 1965, section 8.2) of all classes together, with Korn and Graubard's correction for few
units (Surv Methodol 1998).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from bmbench.core.types import Ints
from bmbench.metrics.scores import Interval
from bmbench.statistics.binomial import LEVEL, cells_for_reach, chance_above, exact_limits
from bmbench.statistics.intervals import jackknife_variance, metric_interval
from bmbench.statistics.jackknife import Jackknife, ratio
from bmbench.statistics.student import logit, t_below, t_quantile
from bmbench.statistics.units import FEWEST_FOR_INTERVAL, degrees_of_freedom

LimitRule: TypeAlias = Literal["jackknife", "effective cells"]
WANTED_REACH = 0.05
"""± 5 points: how near the limits of a share are wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellShare:
    """The share of one class among the cells, with its limits.

    Attributes
    ----------
    name : str
    n, of : int
        Cells of the class, and all cells.
    value : float or None
        None where there are no cells.
    interval : (low, high) or None
        95 %, for cells that are clustered in units; None below 3 units with cells.
    rule : str or None
        How the interval was made: "jackknife", or "effective cells" of a class that few units hold.
    exact : (low, high) or None
        The classical binomial limits, as if each cell was drawn by itself.
    n_units : int
        Units with cells.
    design_effect : float
        Clustered cells that are worth one independent cell, of this class or, where it has too few, of all.
    df : float or None
        Degrees of freedom of the interval.
    more_cells : int or None
        Cells that are still to be counted, in further units like these, until the limits lie within ± 5
        points; None where there are no cells.
    """

    name: str
    n: int
    of: int
    value: float | None
    interval: Interval | None
    rule: LimitRule | None
    exact: Interval | None
    n_units: int
    design_effect: float
    df: float | None
    more_cells: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRatio:
    """A ratio of two groups of cells, such as myeloid to erythroid, with its limits; None where undefined."""

    upper: int
    lower: int
    value: float | None
    interval: Interval | None
    exact: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOff:
    """Where a share stands beside a cut-off.

    Attributes
    ----------
    at : float
        The cut-off, from 0 to 1.
    chance : float or None
        How sure it is that the share is at least that.
    clustered : bool
        Whether the clustering of cells is in it; else they are taken for independent.
    """

    name: str
    at: float
    chance: float | None
    clustered: bool


def cell_shares(names: Sequence[str], counts: Ints, of: Ints | None = None) -> list[CellShare]:
    """The share of each class.

    Parameters
    ----------
    counts : (units, classes) int64
        Cells of each class in each unit: the images of a patient, the patients of a study.
    of : (units,) int64, optional
        All cells of each unit; the sum over the classes by default.
    """
    whole = counts.sum(axis=1) if of is None else of
    each = [ratio(counts[:, column], whole) for column in range(len(names))]
    total = int(whole.sum())
    common = _common_design_effect(each, total)
    n_units = int(np.count_nonzero(whole))
    return [
        _share(name, one, n=int(counts[:, column].sum()), of=total, n_units=n_units, common=common)
        for column, (name, one) in enumerate(zip(names, each, strict=True))
    ]


def cell_ratio(upper: Ints, lower: Ints) -> CellRatio:
    """``Σ upper / Σ lower`` of (units,) counts: the odds of the share that `upper` has of both."""
    (share,) = cell_shares([""], upper[:, None], upper + lower)
    return CellRatio(
        upper=share.n,
        lower=share.of - share.n,
        value=_odds(share.value),
        interval=_odds_limits(share.interval),
        exact=_odds_limits(share.exact),
    )


def beside_cut_off(share: CellShare, at: float) -> CutOff:
    """How sure it is that a share lies at or above a cut-off, as its own limits have it."""
    return CutOff(name=share.name, at=at, chance=_chance(share, at), clustered=share.interval is not None)


def _share(name: str, metric: Jackknife, *, n: int, of: int, n_units: int, common: float) -> CellShare:
    found = metric_interval(metric)
    own = _design_effect(metric, of) if found.interval is not None else None
    design_effect = max(own or common, 1.0)
    interval: Interval | None = None
    rule: LimitRule | None = None
    df = found.df
    # Units that hold a class in exactly the same share say nothing of how units differ.
    if own:
        interval, rule = found.interval, "jackknife"
    elif n_units >= FEWEST_FOR_INTERVAL:
        rule, df = "effective cells", degrees_of_freedom(metric.weight)
        effective = _effective_cells(of, design_effect, df)
        interval = exact_limits(n / of * effective, effective)
    value = n / of if of else None
    return CellShare(
        name=name,
        n=n,
        of=of,
        value=value,
        interval=interval,
        rule=rule,
        exact=exact_limits(n, of),
        n_units=n_units,
        design_effect=design_effect,
        df=df,
        more_cells=None if value is None else _more_cells(value, of, interval, df),
    )


def _more_cells(share: float, of: int, interval: Interval | None, df: float | None) -> int | None:
    """Cells still to be counted until the limits lie within `WANTED_REACH` of the share.

    Clustered limits narrow with the root of further units like these, and as Student's quantile does with
    their number; classical ones by themselves.
    """
    if interval is None or df is None:
        wanted = cells_for_reach(share, WANTED_REACH)
        return None if wanted is None else max(wanted - of, 0)
    reach = max(share - interval[0], interval[1] - share)
    tail = 1 - (1 - LEVEL) / 2
    quantile = t_quantile(tail, df)

    def near_enough(cells: int) -> bool:
        times = cells / of
        narrower = t_quantile(tail, (df + 1) * times - 1) / quantile / times**0.5
        return bool(reach * narrower <= WANTED_REACH)

    if near_enough(of):
        return 0
    low, high = of, 2 * of
    while not near_enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if near_enough(middle) else (middle, high)
    return high - of


def _chance(share: CellShare, at: float) -> float | None:
    if share.value is None:
        return None
    if share.interval is None or share.rule is None or share.df is None:
        return chance_above(share.n, share.of, at)
    if share.rule == "effective cells":
        effective = _effective_cells(share.of, share.design_effect, share.df)
        return chance_above(share.value * effective, effective, at)
    middle = logit(share.value)
    error = (logit(share.interval[1]) - middle) / t_quantile(1 - (1 - LEVEL) / 2, share.df)
    far = (middle - logit(at)) / error
    return t_below(far, share.df) if far >= 0 else 1 - t_below(-far, share.df)


def _effective_cells(of: int, design_effect: float, df: float) -> float:
    """Independent cells that are worth so many clustered ones, few units being allowed for."""
    shrunk = (t_quantile(1 - (1 - LEVEL) / 2, 1e6) / t_quantile(1 - (1 - LEVEL) / 2, df)) ** 2
    return of / design_effect * shrunk


def _design_effect(metric: Jackknife, of: int) -> float | None:
    share = metric.value
    independent = share * (1 - share) / of if of else 0.0
    return float(jackknife_variance(metric.influence)) / independent if independent > 0 else None


def _common_design_effect(each: Sequence[Jackknife], of: int) -> float:
    """Of all classes together: the sum of their variances over that of independent cells, at least 1."""
    known = [one for one in each if np.isfinite(one.without).all()]
    independent = sum(one.value * (1 - one.value) / of for one in known) if of else 0.0
    if independent <= 0 or not known or known[0].n_units < FEWEST_FOR_INTERVAL:
        return 1.0
    return max(sum(float(jackknife_variance(one.influence)) for one in known) / independent, 1.0)


def _odds(share: float | None) -> float | None:
    return None if share is None or share >= 1 else share / (1 - share)


def _odds_limits(limits: Interval | None) -> Interval | None:
    if limits is None:
        return None
    low, high = _odds(limits[0]), _odds(limits[1])
    return None if low is None or high is None else (low, high)
