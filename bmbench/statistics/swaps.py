"""How many swaps of units reach the observed difference, for hundreds of thousands of pairs.

After a swap the first one has the sums u and l, the second one U − u and L − l, and their difference is
(u L − U l) / (l (L − l)). With g = U / L and one sign a unit, + where it is swapped and − where not, the
numerator is half of L times (v₂ − v₁) − g (w₂ − w₁), where v and w are the signed sums of one submission:
they are made once for all pairs. Two things leave most of the work undone and no count changed:

* the denominator lies between bounds that are close together, so the numerator in single precision settles
  nearly all swaps; those between the bounds are worked out in double precision;
* a swap of k units takes at most the k least units off the difference. Where these are already too much, no
  swap of as many units (or of all but as many) can reach it, and none is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from bmbench.core.types import Bools, Floats, Ints
from bmbench.statistics.units import MetricByUnit

_SLACK = 1e-9
"""Relative difference up to which two statistics are equal: equal swaps must count as equal."""
_ROUNDING = 1e-6
"""What single precision may be wrong by, as a share of the sums: sixteen times its last digit."""
_SWAPS, _MOST_SWAPS = 1_000, 10_000
"""Swaps in work at a time: fewer where pairs are left after them."""
_WORK = 2**18
"""Pairs × swaps in work at a time: about a megabyte, which stays near the processor."""
_SETUP = 2**14


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SwapCounts:
    """Some pairs of a column's rows, and what their differences need to be reached; row i is pair i.

    Attributes
    ----------
    first, second : (k,) int64
        Rows of the submissions.
    ratio : (k,) float32
        g above.
    possible, sure : (k,) float32
        Below `possible` the signed sums cannot reach the difference, from `sure` on they do.
    reach : (k,) int16
        Most units that a swap (or all but a swap) may hold to reach the difference; −1 where there is none,
        because a submission has nothing below the line.
    """

    column: MetricByUnit
    first: Ints
    second: Ints
    ratio: Any
    possible: Any
    sure: Any
    reach: Any

    @classmethod
    def of(cls, column: MetricByUnit, first: Ints, second: Ints) -> SwapCounts:
        """The pairs of two columns of rows."""
        n = len(first)
        reach = np.zeros(n, np.int16)
        ratio, possible, sure = (np.zeros(n, np.float32) for _ in range(3))
        for start in range(0, n, _SETUP):
            rows = slice(start, start + _SETUP)
            ratio[rows], possible[rows], sure[rows], reach[rows] = _bounds(column, first[rows], second[rows])
        return cls(
            column=column,
            first=first,
            second=second,
            ratio=ratio,
            possible=possible,
            sure=sure,
            reach=reach,
        )

    def exceeding(self, swaps: Floats, *, level: float | None = None) -> tuple[Ints, Ints]:
        """(k,) swaps whose difference is at least the observed one, and (k,) swaps looked at.

        Parameters
        ----------
        swaps : (n, units) float64
            0 and 1: which units are swapped.
        level : float, optional
            Where given, a pair of which at least this share of the first swaps reach the difference is left
            there, after whole thousands of swaps.
        """
        count, seen = np.zeros(len(self.first), np.int64), np.zeros(len(self.first), np.int64)
        defined = self.reach >= 0
        count[~defined] = seen[~defined] = len(swaps)
        rows = np.flatnonzero(defined)
        rows = rows[np.argsort(self.reach[rows], kind="stable")]
        step = _MOST_SWAPS if level is None else _SWAPS
        with ThreadPoolExecutor(2) as pool:
            for start in range(0, len(swaps), step):
                most = int(self.reach[rows].max(initial=0))
                part = _SwapBlock.of(self.column, swaps[start : start + step], most)

                def work(block: tuple[Ints, int], part: _SwapBlock = part) -> None:
                    count[block[0]] += self._reached(part, *block)

                list(pool.map(work, part.blocks(rows, self.reach)))
                seen[rows] += len(swaps[start : start + step])
                if level is not None:
                    rows = rows[count[rows] < level * seen[rows]]
        return count, seen

    def _reached(self, part: _SwapBlock, rows: Ints, width: int) -> Ints:
        """(k,) how many of the first `width` swaps of a part reach the difference of these pairs."""
        moved = part.moved(self, rows, width)
        possible = moved >= self.possible[rows, None]
        count: Ints = possible.sum(axis=1, dtype=np.uint16).astype(np.int64)
        near = np.flatnonzero(count)
        sure = moved[near] >= self.sure[rows[near], None]
        place, swap = np.divmod(np.flatnonzero(possible[near] ^ sure), width)
        missed = ~self._reaches(rows[near[place]], part.swaps[swap])
        count[near] -= np.bincount(place[missed], minlength=len(near))
        return count

    def _reaches(self, rows: Ints, swaps: Floats) -> Bools:
        """(n,) whether each of (n, units) swaps, one for each of (n,) rows, reaches that row's difference."""
        sums = _Sums.of(self.column, self.first[rows], self.second[rows])
        numerator = np.einsum("ij,ij->i", sums.moved, swaps) + sums.at_rest
        lower = np.einsum("ij,ij->i", sums.step, swaps) + sums.own
        reached: Bools = np.abs(numerator) >= sums.least * lower * (sums.whole - lower)
        return reached


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _SwapBlock:
    """Some swaps, those of the fewest units (or all but the fewest) first, and the signed sums they give.

    Attributes
    ----------
    swaps : (n, units) float64
        0 and 1.
    upper, lower : (m, n) float32
        The sums of every submission; `lower` is None where it is the same for all of them.
    widths : (units // 2 + 1,) int64
        How many of the swaps hold at most so many units, or all but so many.
    """

    swaps: Floats
    upper: Any
    lower: Any | None
    widths: Ints

    @classmethod
    def of(cls, column: MetricByUnit, swaps: Floats, most: int) -> _SwapBlock:
        """Those of these swaps that hold at most `most` units, or all but so many."""
        held = swaps.sum(axis=1).astype(np.int64)
        fewest = np.minimum(held, swaps.shape[1] - held)
        order = np.argsort(fewest, kind="stable")[: np.count_nonzero(fewest <= most)]
        swaps = swaps[order]
        signs = 2 * swaps.T - 1
        return cls(
            swaps=swaps,
            upper=(column.upper @ signs).astype(np.float32, order="C"),
            lower=None if column.is_linear else (column.lower @ signs).astype(np.float32, order="C"),
            widths=np.searchsorted(fewest[order], np.arange(swaps.shape[1] // 2 + 1), side="right"),
        )

    def blocks(self, rows: Ints, reach: Ints) -> Iterator[tuple[Ints, int]]:
        """Pairs, of those sorted by their reach, and how many swaps have to be looked at for them."""
        widths = self.widths[reach[rows]]
        end = len(rows)
        while end and widths[end - 1]:
            width = int(widths[end - 1])
            start = max(end - max(_WORK // width, 1), 0)
            yield rows[start:end], width
            end = start

    def moved(self, pairs: SwapCounts, rows: Ints, width: int) -> Any:
        """(k, width) signed sums of these pairs' differences, without their sign."""
        first, second = pairs.first[rows], pairs.second[rows]
        upper = self.upper[:, :width]
        moved = upper[second]
        moved -= upper[first]
        if self.lower is not None:
            lower = self.lower[:, :width]
            below = lower[second]
            below -= lower[first]
            below *= pairs.ratio[rows, None]
            moved -= below
        return np.abs(moved, out=moved)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sums:
    """The parts of some pairs' differences, in double precision.

    Attributes
    ----------
    own, whole, all_upper : (k,) float64
        l at rest, L and U.
    step, moved : (k, units) float64
        What the swap of each unit adds to l, and to the numerator.
    at_rest : (k,) float64
        The numerator where nothing is swapped.
    """

    own: Floats
    whole: Floats
    all_upper: Floats
    step: Floats
    moved: Floats
    at_rest: Floats

    @classmethod
    def of(cls, column: MetricByUnit, first: Ints, second: Ints) -> _Sums:
        upper, lower = column.upper[first], column.lower[first]
        upper_other, lower_other = column.upper[second], column.lower[second]
        own, own_upper = lower.sum(1), upper.sum(1)
        whole, all_upper = own + lower_other.sum(1), own_upper + upper_other.sum(1)
        step = lower_other - lower
        return cls(
            own=own,
            whole=whole,
            all_upper=all_upper,
            step=step,
            moved=(upper_other - upper) * whole[:, None] - step * all_upper[:, None],
            at_rest=own_upper * whole - all_upper * own,
        )

    @property
    def least(self) -> Floats:
        """(k,) the observed difference without its sign; 0 where there is none."""
        scale = self.own * (self.whole - self.own)
        observed = np.divide(np.abs(self.at_rest), scale, out=np.zeros(len(scale)), where=scale > 0)
        return observed * (1 - _SLACK)


def _bounds(column: MetricByUnit, first: Ints, second: Ints) -> tuple[Floats, Floats, Floats, Ints]:
    """`ratio`, `possible`, `sure` and `reach` of some pairs."""
    sums = _Sums.of(column, first, second)
    defined = (sums.own > 0) & (sums.own < sums.whole)
    least, half = sums.least, np.where(defined, sums.whole, 1) / 2
    ratio = sums.all_upper / (2 * half)
    size = np.abs(column.upper).sum(1), column.lower.sum(1)
    margin = _ROUNDING * (size[0][first] + size[0][second] + ratio * (size[1][first] + size[1][second]))
    possible = least * (half - np.abs(sums.step).sum(1) ** 2 / (4 * half)) - margin
    sure = least * half + margin
    return ratio, possible, sure, np.where(defined, _reach(sums, half, possible), -1)


def _reach(sums: _Sums, half: Floats, possible: Floats) -> Ints:
    """(k,) most units whose swap may leave a difference of `possible`, the least units taken first."""
    by_unit = sums.moved / (2 * half[:, None])
    by_unit *= -np.sign(sums.at_rest)[:, None]
    least_first = np.cumsum(np.sort(by_unit, axis=1), axis=1)
    spare = (np.abs(sums.at_rest) / half - possible) / 2
    reach = np.count_nonzero(least_first <= spare[:, None], axis=1)
    capped: Ints = np.minimum(reach, by_unit.shape[1] // 2)
    return capped
