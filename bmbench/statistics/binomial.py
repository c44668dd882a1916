"""The classical limits of a differential count: each cell a draw of its own, as a coin that is thrown.

They are the limits of Rümke's table (Rümke 1979, in *Differential Leukocyte Counting*, College of American
Pathologists), by which laboratories judge counts of 100, 200 and 500 cells: the exact ones of Clopper and
Pearson (Biometrika 1934). Cells of one image or patient are more alike than that;
`bmbench.statistics.differential` gives the limits that allow for it.
"""

from bmbench.metrics.scores import Interval

LEVEL = 0.95
MOST_CELLS = 1 << 24
"""Where the search for a number of cells ends."""


def exact_limits(n: float, of: float, *, level: float = LEVEL) -> Interval | None:
    """The exact limits of the share ``n / of``; None where nothing was counted.

    Both may be fractions: an effective number of cells is (Korn and Graubard, Surv Methodol 1998).

    >>> [round(100 * end, 1) for end in exact_limits(10, 100)]
    [4.9, 17.6]
    """
    from scipy.special import betaincinv

    if of <= 0:
        return None
    tail = (1 - level) / 2
    low = float(betaincinv(n, of - n + 1, tail)) if n > 0 else 0.0
    high = float(betaincinv(n + 1, of - n, 1 - tail)) if n < of else 1.0
    return low, high


def cells_for_reach(share: float, reach: float) -> int | None:
    """The least number of cells whose exact limits lie nowhere further than `reach` from this share.

    None if that were more than `MOST_CELLS`.

    >>> cells_for_reach(0.5, 0.05)
    402
    """
    if not 0 < reach < 1 or _reach(share, MOST_CELLS) > reach:
        return None
    low, high = 0, MOST_CELLS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _reach(share, middle) <= reach else (middle, high)
    return high


def chance_above(n: float, of: float, cut: float) -> float | None:
    """How sure it is that the share lies at or above a cut-off; None where nothing was counted.

    That is what Jeffreys' prior leaves above the cut-off: between the one-sided exact tests that take the
    observed count for above it and for below it (Brown, Cai and DasGupta, Stat Sci 2001).
    """
    from scipy.special import betaincc

    return float(betaincc(n + 0.5, of - n + 0.5, cut)) if of > 0 else None


def _reach(share: float, of: int) -> float:
    limits = exact_limits(share * of, of)
    assert limits is not None
    return max(share - limits[0], limits[1] - share)
