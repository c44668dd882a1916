"""What statistics work on, taken out of a track and its results: units, and metrics by unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bmbench.core.types import Floats, Ints
from bmbench.leaderboards.results.record import ImageTallies, Result
from bmbench.leaderboards.tracks.manifest import Manifest
from bmbench.statistics.draws import UnitDraws
from bmbench.statistics.units import FEWEST_UNITS, MetricByUnit, by_unit, numbered


@dataclass(frozen=True, kw_only=True, eq=False)
class TrackUnits:
    """What the intervals and tests of a track draw: its own unit, or images where it has too few of that.

    Attributes
    ----------
    row : (images,) int64
        Unit of each image, numbered from 0.
    name : str
        "patient", "slide", "image".
    few : bool
        Whether images had to do.
    draws : UnitDraws
        The replicates of everything that is said of the track.
    """

    row: Ints
    name: str
    few: bool
    draws: UnitDraws

    @classmethod
    def of(cls, manifest: Manifest) -> TrackUnits:
        """The units of a track."""
        few = manifest.unit != "image" and manifest.n_units < FEWEST_UNITS
        row = numbered(image.id for image in manifest.images) if few else numbered(manifest.unit_names)
        n_units = int(row.max(initial=-1)) + 1
        return cls(
            row=row,
            name="image" if few else manifest.unit,
            few=few,
            draws=UnitDraws(n_units=n_units, n=manifest.replicates, seed=manifest.seed),
        )

    @cached_property
    def weights(self) -> Floats:
        """(n, units): how often each unit counts in each replicate."""
        return self.draws.table()


def ranked(results: Sequence[Result]) -> tuple[Result, ...]:
    """The results that are ranked: published, and no controls."""
    return tuple(result for result in results if result.state == "published" and not result.control)


def metric_by_unit(results: Sequence[Result], metric: str, unit: Ints) -> MetricByUnit:
    """One metric of these results, by unit; (images,) `unit` numbers the units from 0."""
    rule, _, what = metric.partition(".")
    upper, lower = _ap_parts(results, rule) if what == "ap" else _f1_parts(results, rule)
    n_units = int(unit.max(initial=-1)) + 1
    return MetricByUnit(
        name=metric,
        value=floats([result.metrics[metric].value for result in results]),
        upper=by_unit(upper, unit, n_units),
        lower=by_unit(lower, unit, n_units),
    )


def image_f1(results: Sequence[Result], rule: str) -> Floats:
    """(m, images) F1 of each image; NaN on images without cells or predictions."""
    upper, lower = _f1_parts(results, rule)
    return np.divide(upper, lower, out=np.full_like(upper, np.nan), where=lower > 0)


def floats(values: Sequence[float | None]) -> Floats:
    """(n,) the same values; NaN where undefined."""
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _ap_parts(results: Sequence[Result], rule: str) -> tuple[Floats, Floats]:
    """Two (m, images) arrays: shares of AP, and shares of the cells."""
    tallies = [_tallies(result, rule) for result in results]
    cells = np.array([one.cells for one in tallies], np.float64)
    shares = np.array([one.ap_share or (0.0,) * len(one.cells) for one in tallies], np.float64)
    return shares / _n_seeds(results), cells / np.maximum(cells.sum(axis=1, keepdims=True), 1)


def _f1_parts(results: Sequence[Result], rule: str) -> tuple[Floats, Floats]:
    """Two (m, images) arrays: twice the hits, and predictions plus cells; means over seeds."""
    tallies = [_tallies(result, rule) for result in results]
    tp, fp, cells = (
        np.array([getattr(one, name) for one in tallies], np.float64) for name in ("tp", "fp", "cells")
    )
    tp, fp = tp / _n_seeds(results), fp / _n_seeds(results)
    return 2 * tp, tp + fp + cells


def _n_seeds(results: Sequence[Result]) -> Floats:
    """(m, 1) seeds behind each result, at least one."""
    n_seeds = [1 if result.card is None else result.card.n_seeds for result in results]
    return np.maximum(np.array(n_seeds, np.float64), 1)[:, None]


def _tallies(result: Result, rule: str) -> ImageTallies:
    images = result.rules[rule].images
    if images is None:
        raise ValueError(f"the result {result.id} holds no tallies")
    return images
