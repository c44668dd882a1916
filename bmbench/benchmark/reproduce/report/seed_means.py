"""Means over the seeds of a method, and their differences, with intervals.

A score of a method is the mean over its seeds; the folds of one seed are one test set, their images
together. Its interval is a percentile bootstrap of two levels, drawn independently: the groups of test images
(the same draw for every method, so that differences are paired), and the seeds of the method (in a difference
the same seeds for both). So it covers what other patients and what other seeds would change. Images are
re-weighted, never matched again, and thresholds are held at what the optimisation images gave.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from bmbench.benchmark.reproduce.report.runs import unit_rows
from bmbench.metrics.areas import average_precision
from bmbench.metrics.tally import Curve, ImageCounts, Tally
from bmbench.statistics.resampling import interval, resampled_ap, resampled_f1

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bmbench.benchmark.reproduce.report.runs import Collection, FinishedRun, Key, Unit
    from bmbench.core.types import Floats, Ints
    from bmbench.metrics import Geometry
    from bmbench.metrics.protocol import ApKind

Score: TypeAlias = Literal["ap", "f1"]
Repeat: TypeAlias = tuple[int, str]
Side: TypeAlias = "tuple[Key, Geometry]"
FEWEST_UNITS = 6
"""Units of the interval from which on an order is stated. That all of them agree by chance has a probability
of 2 / 2^units, which is below 5 % from six on."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seeds:
    """One score of a method by seed.

    Attributes
    ----------
    seeds : tuple of (seed, fold)
        Those of which all folds are finished; row i of the arrays is seed i. The fold is empty where folds
        are one test set.
    values : (seeds,) float64
        NaN where undefined.
    draws : (seeds, n) float64
        The score in each replicate of the test groups; no columns where there are fewer than two groups.
    n_units : int
        Groups (or images) that were drawn from.
    """

    seeds: tuple[Repeat, ...]
    values: Floats
    draws: Floats
    n_units: int

    def take(self, seeds: Sequence[Repeat]) -> Seeds:
        """Some of the seeds, in this order."""
        rows = [self.seeds.index(seed) for seed in seeds]
        return Seeds(
            seeds=tuple(seeds), values=self.values[rows], draws=self.draws[rows], n_units=self.n_units
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with its 95 % interval; None where undefined."""

    value: float | None
    interval: tuple[float, float] | None
    n_seeds: int
    n_units: int

    @property
    def sign(self) -> int:
        """+1 or −1 if the interval of a difference lies above or below 0, with units enough; else 0."""
        if self.interval is None or self.n_units < FEWEST_UNITS:
            return 0
        return int(self.interval[0] > 0) - int(self.interval[1] < 0)


class Table:
    """The scores of every row of a collection, drawn once each."""

    def __init__(self, collection: Collection, *, unit: Unit = "group", seed: int = 0) -> None:
        self.collection = collection
        self.unit: Unit = unit
        self._units = collection.units(unit)
        self.n_units = len(self._units)
        self._seed = seed
        self.seeds = lru_cache(maxsize=None)(self._seeds)

    def mean(self, key: Key, geometry: Geometry, name: Score) -> Estimate:
        """The mean over the seeds."""
        seeds = self.seeds(key, geometry, name)
        return _estimate(seeds.values, seeds.draws, self.n_units, self._seed)

    def contrast(self, name: Score, *, plus: Sequence[Side], minus: Sequence[Side]) -> Estimate:
        """The mean over the seeds that all sides have of the one sum minus the other, drawn together.

        Undefined where they have none in common.
        """
        sides = [(1, self.seeds(*side, name)) for side in plus]
        sides += [(-1, self.seeds(*side, name)) for side in minus]
        common = [seed for seed in sides[0][1].seeds if all(seed in side.seeds for _, side in sides)]
        if not common:
            return Estimate(value=None, interval=None, n_seeds=0, n_units=self.n_units)
        taken = [(sign, side.take(common)) for sign, side in sides]
        values = np.sum([sign * side.values for sign, side in taken], axis=0)
        draws = np.sum([sign * side.draws for sign, side in taken], axis=0)
        return _estimate(values, draws, self.n_units, self._seed)

    def _seeds(self, key: Key, geometry: Geometry, name: Score) -> Seeds:
        runs = [run for run in self.collection.rows.get(key, ()) if run.scores(geometry) is not None]
        n_folds = self.collection.n_folds
        whole = {seed: folds for seed, folds in by_seed(runs).items() if len(folds) == n_folds}
        found = [self._score(folds, geometry, name) for folds in whole.values()]
        n = found[0][1].size if found else 0
        return Seeds(
            seeds=tuple(whole),
            values=np.array([value for value, _ in found]),
            draws=np.array([draws for _, draws in found]).reshape(len(found), n),
            n_units=self.n_units,
        )

    def _score(self, runs: Sequence[FinishedRun], geometry: Geometry, name: Score) -> tuple[float, Floats]:
        """A score of one seed, its folds together, and its replicates."""
        together = _join(runs, geometry, self._units, self.unit)
        protocol, n = runs[0].protocol, int(runs[0].config["profile"]["bootstrap"])
        value = together.ap(protocol.ap) if name == "ap" else together.f1
        if self.n_units < 2 or not n:
            return value, np.zeros(0)
        rules = {"n": n, "seed": self._seed, "n_groups": self.n_units}
        if name == "ap":
            return value, resampled_ap(together.tallies, together.unit, protocol.ap, **rules)
        return value, resampled_f1(together.images, together.unit, **rules)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Together:
    """The folds of one seed as one test set; `unit` is (images,) int64 among the units of the study."""

    tallies: tuple[Tally, ...]
    images: ImageCounts
    unit: Ints

    def ap(self, kind: ApKind) -> float:
        """AP, the mean over classes; NaN if there are no cells."""
        found = [average_precision(Curve.of(tally, grouped=tally.grouped), kind) for tally in self.tallies]
        defined = [ap for ap in found if ap is not None]
        return float(np.mean(defined)) if defined else np.nan

    @property
    def f1(self) -> float:
        """F1 at each fold's own threshold; NaN if there are no cells."""
        hits, wrong, cells = (
            int(count.sum()) for count in (self.images.tp, self.images.fp, self.images.cells)
        )
        return 2 * hits / (cells + hits + wrong) if cells else np.nan


def judge(scores: Table) -> Table:
    """The table that orders are stated by: by groups, or by images where there are too few groups.

    By images an order holds for further images of these very groups, and says nothing of other patients.
    """
    return scores if scores.n_units >= FEWEST_UNITS else Table(scores.collection, unit="image")


def by_seed(runs: Sequence[FinishedRun]) -> dict[Repeat, list[FinishedRun]]:
    """The runs of each repeat: one, or one a fold."""
    found: dict[Repeat, list[FinishedRun]] = {}
    for run in runs:
        found.setdefault(run.repeat, []).append(run)
    return found


def _join(runs: Sequence[FinishedRun], geometry: Geometry, units: Sequence[str], unit: Unit) -> Together:
    parts = [scores for run in runs if (scores := run.scores(geometry)) is not None]
    starts = np.cumsum([0, *(len(scores.images.cells) for scores in parts)])
    tallies = zip(*(scores.tallies for scores in parts), strict=True)
    return Together(
        tallies=tuple(_join_tallies(folds, starts[:-1]) for folds in tallies),
        images=ImageCounts(
            **{
                name: np.concatenate([getattr(scores.images, name) for scores in parts])
                for name in ("tp", "fp", "cells")
            }
        ),
        unit=np.concatenate([unit_rows(run, units, unit) for run in runs]),
    )


def _join_tallies(tallies: Sequence[Tally], starts: Ints) -> Tally:
    return Tally.of(
        confidence=np.concatenate([tally.confidence for tally in tallies]),
        hit=np.concatenate([tally.hit for tally in tallies]),
        image=np.concatenate([tally.image + start for tally, start in zip(tallies, starts, strict=True)]),
        cells=np.concatenate([tally.cells for tally in tallies]),
        grouped=tallies[0].grouped,
    )


def mean_curve(runs: Sequence[FinishedRun], geometry: Geometry, recalls: Floats) -> Floats:
    """The highest precision at each recall or beyond, the mean over seeds (folds of a seed together)."""
    found = []
    for some in by_seed(runs).values():
        units = sorted({name for run in some for name in run.units("group")})
        curve = Curve.of(_join(some, geometry, units, "group").tallies[0])
        envelope = np.append(np.maximum.accumulate(curve.precision[::-1])[::-1], 0.0)
        found.append(envelope[np.searchsorted(curve.recall, recalls - 1e-9)])
    mean: Floats = np.mean(found, axis=0)
    return mean


def _estimate(values: Floats, draws: Floats, n_units: int, seed: int) -> Estimate:
    n_seeds, n = draws.shape
    if not n_seeds or not np.isfinite(values).all():
        return Estimate(value=None, interval=None, n_seeds=n_seeds, n_units=n_units)
    # Another stream than that of the groups: the two levels are independent.
    drawn = np.random.default_rng([seed, 1]).integers(0, n_seeds, size=(n_seeds, n))
    found = draws[drawn, np.arange(n)].mean(axis=0)
    return Estimate(value=float(values.mean()), interval=interval(found), n_seeds=n_seeds, n_units=n_units)
