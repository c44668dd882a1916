"""A metric of one answer, and what it is without each unit: all that intervals and tests need to know.

The jackknife (Quenouille 1956; Tukey 1958; Efron 1982, chapter 3) asks how a pooled metric moves when a unit
is left out. It needs no derivative, so it is one rule for ratios of sums (F1, precision, recall) and for
areas and means of ratios (AP, FROC, macro-F1), and it gives a unit that carries much of the sum its leverage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from bmbench.core.types import Bools, Floats, Ints
from bmbench.metrics.curve import Curve, average_precision
from bmbench.metrics.protocol import ApKind
from bmbench.metrics.scores import Scores
from bmbench.metrics.tally import ImageCounts, Tally, step_ends, steps_of
from bmbench.statistics.curve_steps import CurveSteps

Scale: TypeAlias = Literal["share", "number"]
"""Whether a metric lies from 0 to 1, or is any number."""
RatioName: TypeAlias = Literal["f1", "precision", "recall"]
RATIOS: tuple[RatioName, ...] = ("f1", "precision", "recall")
_MOST_STEPS = 1 << 22
"""Steps × units that AP is computed anew for, 0.1 seconds; beyond, its slopes by unit take their place."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Jackknife:
    """A metric of one answer on n units.

    Attributes
    ----------
    value : float
        The metric; NaN where undefined.
    without : (n,) float64
        The metric without each unit in turn; NaN where undefined.
    weight : (n,) float64
        Share of each unit in what the metric is measured on; they sum to 1, or are all 0.
    loss, gain : (n,) bool
        Whether the unit holds any error (a number that is not 0), and anything that is right.
    scale : str
        "share" for what lies from 0 to 1, else "number".
    """

    value: float
    without: Floats
    weight: Floats
    loss: Bools
    gain: Bools
    scale: Scale = "share"

    @property
    def influence(self) -> Floats:
        """(n,) what each unit adds: (n − 1) (mean of those without one − that without it); the sum is 0."""
        n = len(self.without)
        added: Floats = (n - 1) * (self.without.mean() - self.without)
        return added

    @property
    def n_units(self) -> int:
        """Units that the metric is measured on."""
        return int(np.count_nonzero(self.weight))


def ratio(upper: Floats | Ints, lower: Floats | Ints, *, scale: Scale = "share") -> Jackknife:
    """The jackknife of ``Σ upper / Σ lower``, both (n,) by unit."""
    above, below = np.asarray(upper, np.float64), np.asarray(lower, np.float64)
    total = below.sum()
    left = total - below
    return Jackknife(
        value=float(above.sum() / total) if total > 0 else np.nan,
        without=np.divide(above.sum() - above, left, out=np.full(len(left), np.nan), where=left > 0),
        weight=below / total if total > 0 else np.zeros(len(below)),
        loss=above < below if scale == "share" else above != 0,
        gain=above > 0,
        scale=scale,
    )


def ratio_of_counts(name: RatioName, counts: ImageCounts) -> Jackknife:
    """F1, precision or recall of hits, false alarms and cells by unit; F1 without any cell is undefined."""
    upper, lower = ratio_parts(name, counts.tp, counts.fp, counts.cells)
    found = ratio(upper, lower)
    if name != "f1":
        return found
    left = counts.cells.sum() - counts.cells
    return replace(
        found,
        value=found.value if counts.cells.any() else np.nan,
        without=np.where(left > 0, found.without, np.nan),
    )


def ratio_parts(name: RatioName, tp: Ints, fp: Ints, cells: Ints) -> tuple[Ints, Ints]:
    """What is divided by what: 2 TP by predictions and cells (F1), TP by predictions, or TP by cells."""
    if name == "f1":
        return 2 * tp, tp + fp + cells
    return tp, tp + fp if name == "precision" else cells


def jackknives(scores: Scores, unit: Ints, n_units: int, kind: ApKind) -> dict[str, Jackknife]:
    """AP, F1, precision and recall of one geometry, and macro-F1 of several classes, by name.

    (images,) `unit` numbers the units from 0.
    """
    counts = counts_by_unit(scores.images, unit, n_units)
    found = {"ap": average_precision_of(scores.tallies, unit, n_units, kind)}
    found |= {name: ratio_of_counts(name, counts) for name in RATIOS}
    if scores.classes:
        each = [counts_by_unit(one.images, unit, n_units) for one in scores.classes.values()]
        found["macro_f1"] = mean_of([ratio_of_counts("f1", one) for one in each])
    return found


def counts_by_unit(images: ImageCounts, unit: Ints, n_units: int) -> ImageCounts:
    """Hits, false alarms and cells of each unit; (images,) `unit` numbers the units from 0."""
    sums = (
        np.bincount(unit, weights=count, minlength=n_units).round().astype(np.int64)
        for count in (images.tp, images.fp, images.cells)
    )
    return ImageCounts(**dict(zip(("tp", "fp", "cells"), sums, strict=True)))


def mean_of(parts: Sequence[Jackknife]) -> Jackknife:
    """The jackknife of the mean of a metric over the seeds of a method, or over classes.

    A class without cells is left out of the mean; so is one that has none without a unit, there.
    """
    defined = [part for part in parts if np.isfinite(part.value)]
    if not defined:
        return parts[0]
    without = np.stack([part.without for part in defined])
    there = np.isfinite(without)
    total = np.where(there, without, 0.0).sum(axis=0)
    return Jackknife(
        value=float(np.mean([part.value for part in defined])),
        without=np.divide(total, there.sum(axis=0), out=np.full(len(total), np.nan), where=there.any(axis=0)),
        weight=np.mean([part.weight for part in defined], axis=0),
        loss=np.any([part.loss for part in defined], axis=0),
        gain=np.any([part.gain for part in defined], axis=0),
        scale=defined[0].scale,
    )


def average_precision_of(tallies: Sequence[Tally], unit: Ints, n_units: int, kind: ApKind) -> Jackknife:
    """The jackknife of AP, the mean over classes; one tally a class.

    (images,) `unit` numbers the units from 0.     AP without each unit is computed anew. Where that were more
    than 2²² numbers, which takes hundreds of units at least, the first-order shares of AP are left out
    instead (`ap_shares`); they differ by terms of 1/n².
    """
    return mean_of([_average_precision_of(tally, unit, n_units, kind) for tally in tallies])


def _average_precision_of(tally: Tally, unit: Ints, n_units: int, kind: ApKind) -> Jackknife:
    cells = np.bincount(unit, weights=tally.cells, minlength=n_units).astype(np.int64)
    value = average_precision(Curve.of(tally, grouped=tally.grouped), kind)
    by_prediction = unit[tally.image]
    steps = CurveSteps(tally, by_prediction, n_units)
    if value is None or steps.n * n_units <= _MOST_STEPS:
        without = steps.areas_without_each(cells, kind)
    else:
        shares = ap_shares(tally)
        assert shares is not None
        share = np.bincount(unit, weights=shares, minlength=n_units)
        without = ratio(share, cells / cells.sum()).without + (value - share.sum())
    loss, gain = _loss_and_gain(steps, cells)
    return Jackknife(
        value=np.nan if value is None else value,
        without=without,
        weight=cells / max(cells.sum(), 1),
        loss=loss,
        gain=gain,
    )


def _loss_and_gain(steps: CurveSteps, cells: Ints) -> tuple[Bools, Bools]:
    """(units,) whether each has missed cells or false alarms before the last hit, and whether it has hits.

    Behind the last hit false alarms cost nothing, and are no steps.
    """
    hits = np.bincount(steps.unit[steps.hit], minlength=steps.n_units)
    alarms = np.bincount(steps.unit[~steps.hit], minlength=steps.n_units)
    return (hits < cells) | (alarms > 0), hits > 0


def ap_shares(tally: Tally) -> Floats | None:
    """(images,) shares of the all-point AP, which is their sum; None if there are no cells.

    AP is not a sum over images: a false alarm on one image lowers the precision behind hits on all others.
    Its derivative with respect to the weights of the images (the infinitesimal jackknife: Jaeckel 1972; Efron
    1982, chapter 6) makes a sum of it. With weights w, AP(w) · C(w) = Σ_k h_k(w) p_k(w): hits at step k of
    the curve times the envelope of precision there. Its derivative by w_i at w = 1, divided by C, is the
    share of image i; the shares add up to AP exactly, because AP(w) · C(w) is homogeneous of degree one. An
    image with hits has a positive share as a rule, one with false alarms only a negative one.
    """
    n_images, n_cells = len(tally.cells), tally.n_cells
    if not n_cells:
        return None
    ends = tally.step_ends
    if not len(ends):
        return np.zeros(n_images)
    step = steps_of(ends)
    hits = np.bincount(step[tally.hit], minlength=len(ends))
    every = ends + 1
    precision = np.cumsum(hits) / every
    top = _envelope_rows(precision)
    # A hit counts the envelope there, and moves it at every corner from there on; any prediction lowers it.
    moved = np.bincount(top, weights=hits, minlength=len(ends)) / every
    by_hit: Floats = precision[top] + _from_here_on(moved)
    by_prediction = _from_here_on(moved * precision)
    part = np.where(tally.hit, by_hit[step], 0.0) - by_prediction[step]
    shares: Floats = np.bincount(tally.image, weights=part, minlength=n_images) / n_cells
    return shares


def _from_here_on(values: Floats) -> Floats:
    return np.cumsum(values[::-1])[::-1]


def _envelope_rows(precision: Floats) -> Ints:
    """For each step the step at or after it whose precision is highest (the first of equal ones)."""
    row = np.arange(len(precision))
    best = np.maximum.accumulate(precision[::-1])[::-1]
    own = np.where(precision == best, row, len(precision))
    return np.minimum.accumulate(own[::-1])[::-1]


def froc_mean_of(
    tally: Tally, unit: Ints, n_units: int, rates: Sequence[float], *, amount: Floats | None = None
) -> Jackknife:
    """The jackknife of the mean sensitivity at these false alarms per image (see `bmbench.metrics.froc`).

    With (images,) `amount` they are per unit of it, as of `bmbench.metrics.free_response`.
    """
    images = np.bincount(unit, weights=amount, minlength=n_units)
    cells = np.bincount(unit, weights=tally.cells, minlength=n_units).astype(np.int64)
    by_prediction = unit[tally.image]
    alarm, hit = (
        _CountsSoFar.of(kept, by_prediction, step_ends(tally.confidence), n_units)
        for kept in (~tally.hit, tally.hit)
    )
    everything = np.append(np.arange(n_units), n_units)
    n_images = np.append(images.sum() - images, images.sum())
    n_cells = np.append(cells.sum() - cells, cells.sum())
    found = np.zeros((len(rates), n_units + 1))
    for place, rate in enumerate(rates):
        reached = alarm.last_step(everything, rate * n_images)
        found[place] = hit.without(everything, reached)
    mean = np.divide(found.mean(axis=0), n_cells, out=np.full(n_units + 1, np.nan), where=n_cells > 0)
    loss, gain = _loss_and_gain(CurveSteps(tally, by_prediction, n_units), cells)
    return Jackknife(
        value=float(mean[-1]),
        without=mean[:-1],
        weight=cells / max(cells.sum(), 1),
        loss=loss,
        gain=gain,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _CountsSoFar:
    """How many of some predictions lie before each step's end, in all units but one.

    Attributes
    ----------
    total : (steps + 1,) int64
        Of all units, in the first so many steps.
    key : (p,) int64
        Unit × (steps + 1) + step of every prediction, ascending.
    start : (units + 2,) int64
        Where each unit's keys begin; the last unit is none.
    """

    total: Ints
    key: Ints
    start: Ints

    @classmethod
    def of(cls, kept: Bools, unit: Ints, ends: Ints, n_units: int) -> _CountsSoFar:
        n_steps = len(ends)
        step = steps_of(ends)[kept] + 1
        key = np.sort(unit[kept] * (n_steps + 1) + step)
        return cls(
            total=np.cumsum(np.bincount(step, minlength=n_steps + 1)),
            key=key,
            start=np.searchsorted(key, np.arange(n_units + 2) * (n_steps + 1)),
        )

    def without(self, unit: Ints, steps: Ints) -> Ints:
        """(k,) how many lie in the first so many steps, without this unit."""
        mine = np.searchsorted(self.key, unit * len(self.total) + steps, side="right") - self.start[unit]
        return self.total[steps] - mine

    def last_step(self, unit: Ints, most: Floats) -> Ints:
        """(k,) how many steps hold at most so many, without this unit; by halving."""
        low, high = np.zeros(len(unit), np.int64), np.full(len(unit), len(self.total) - 1)
        while (low < high).any():
            middle = (low + high + 1) // 2
            fits = self.without(unit, middle) <= most
            low, high = np.where(fits, middle, low), np.where(fits, high, middle - 1)
        return low
