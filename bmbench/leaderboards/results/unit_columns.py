"""What statistics work on, out of a track and its results: units, and a metric of all methods by unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from bmbench.core.types import Floats, Ints
from bmbench.leaderboards.results.record import ImageTallies, Result
from bmbench.leaderboards.tracks.manifest import Manifest
from bmbench.statistics.draws import UnitDraws
from bmbench.statistics.intervals import MetricInterval, metric_interval
from bmbench.statistics.jackknife import Jackknife
from bmbench.statistics.methods import Methods
from bmbench.statistics.seed_variance import SeedVariance, pooled_seed_variance
from bmbench.statistics.units import by_unit, numbered

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class TrackUnits:
    """What varies in the intervals and tests of a track: its patients, slides or images.

    Attributes
    ----------
    row : (images,) int64
        Unit of each image, numbered from 0 in the order of the units' names.
    name : str
        "patient", "slide", "image".
    draws : UnitDraws
        The replicates that the bands of curves are made of.
    """

    row: Ints
    name: str
    draws: UnitDraws

    @classmethod
    def of(cls, manifest: Manifest) -> TrackUnits:
        """The units of a track."""
        return cls(
            row=numbered(manifest.unit_names),
            name=manifest.unit,
            draws=UnitDraws(n_units=manifest.n_units, n=manifest.replicates, seed=manifest.seed),
        )

    @property
    def n(self) -> int:
        """How many there are."""
        return self.draws.n_units


def ranked(results: Sequence[Result]) -> tuple[Result, ...]:
    """The results that are ranked: published, and no controls."""
    return tuple(result for result in results if result.state == "published" and not result.control)


def methods_of(
    results: Sequence[Result], metric: str, units: TrackUnits, *, seeds: SeedVariance | None
) -> Methods:
    """One metric of these results, by unit, with how trainings vary on the board that they stand on."""
    rows = [jackknife_of(result, metric, units) for result in results]
    return Methods(
        value=np.array([row.value for row in rows]),
        influence=np.array([row.influence for row in rows]),
        weight=np.mean([row.weight for row in rows], axis=0),
        n_seeds=np.array([n_trainings(result, metric) for result in results]),
        seeds=seeds,
    )


def jackknife_of(result: Result, metric: str, units: TrackUnits) -> Jackknife:
    """The metric of one result as its file holds it: the mean over seeds, and that without each unit."""
    one = result.metrics[metric]
    rule, _, what = metric.partition(".")
    lower = by_unit(_measured_on(result, rule, what)[None], units.row, units.n)[0]
    total = lower.sum()
    # Whether a unit holds an error was looked at when the result was made: it has an interval, or has none.
    everywhere = np.ones(units.n, bool)
    return Jackknife(
        value=np.nan if one.value is None else one.value,
        without=np.full(units.n, np.nan) if one.without is None else floats(one.without),
        weight=lower / total if total > 0 else np.zeros(units.n),
        loss=everywhere,
        gain=everywhere,
    )


def interval_of(
    result: Result, metric: str, units: TrackUnits, seeds: SeedVariance | None
) -> MetricInterval | None:
    """The interval of a metric with the seeds of its board; None where the result has none by its units."""
    if result.metrics[metric].interval is None:
        return None
    jackknife = jackknife_of(result, metric, units)
    return metric_interval(jackknife, seeds=seeds, n_seeds=n_trainings(result, metric))


def seeds_of(results: Sequence[Result], metric: str) -> SeedVariance | None:
    """How much the trainings of a method vary by this metric, pooled over the results."""
    return pooled_seed_variance([floats(_different(result, metric)) for result in results])


def n_trainings(result: Result, metric: str) -> int:
    """Different trainings behind a result: files that are the same to the byte count once."""
    return max(len(_different(result, metric)), 1)


def _different(result: Result, metric: str) -> list[float | None]:
    return of_different_trainings(result, result.metrics[metric].seeds)


def of_different_trainings(result: Result, values: Sequence[T]) -> list[T]:
    """One value a training, out of one a seed: files that are the same to the byte count once."""
    digests = () if result.digests is None else result.digests.predictions
    if len(digests) != len(values):
        return list(dict.fromkeys(values))
    return [value for _, value in dict.fromkeys(zip(digests, values, strict=True))]


def image_f1(results: Sequence[Result], rule: str) -> Floats:
    """(m, images) F1 of each image; NaN on images without cells or predictions."""
    tp = np.array([tallies(result, rule).tp for result in results], np.float64)
    lower = np.array([_measured_on(result, rule, "f1") for result in results])
    f1: Floats = np.divide(2 * tp, lower, out=np.full_like(lower, np.nan), where=lower > 0)
    return f1


def floats(values: Sequence[float | None]) -> Floats:
    """(n,) the same values; NaN where undefined."""
    return np.array([np.nan if value is None else value for value in values], np.float64)


def tallies(result: Result, rule: str) -> ImageTallies:
    """What each image contributes; ValueError for a result that does not hold it."""
    images = result.rules[rule].images
    if images is None:
        raise ValueError(f"the result {result.id} holds no tallies")
    return images


def _measured_on(result: Result, rule: str, what: str) -> Floats:
    """(images,) predictions and cells, summed over seeds, of F1; cells of AP."""
    images = tallies(result, rule)
    cells = np.array(images.cells, np.float64)
    if what == "ap":
        return cells
    n_seeds = 1 if result.card is None else max(result.card.n_seeds, 1)
    found: Floats = np.array(images.tp, np.float64) + np.array(images.fp, np.float64) + n_seeds * cells
    return found
