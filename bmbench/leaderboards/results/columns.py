"""The columns that statistics work on, taken out of results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bmbench.statistics.units import Column, by_unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bmbench.core.types import Floats, Ints
    from bmbench.leaderboards.results.record import ImageTallies, Result


def ranked(results: Sequence[Result]) -> tuple[Result, ...]:
    """The results that are ranked: published, and no controls."""
    return tuple(result for result in results if result.state == "published" and not result.control)


def column(results: Sequence[Result], metric: str, unit: Ints) -> Column:
    """One metric of these results, by unit; (images,) `unit` numbers the units from 0."""
    rule, _, what = metric.partition(".")
    tallies = [_tallies(result, rule) for result in results]
    n_seeds = np.array([_n_seeds(result) for result in results], np.float64)[:, None]
    n_images = len(unit)
    cells = _table([one.cells for one in tallies], n_images)
    if what == "ap":
        upper = _table([one.ap_share or (0.0,) * n_images for one in tallies], n_images) / n_seeds
        lower = cells / np.maximum(cells.sum(axis=1, keepdims=True), 1)
    else:
        tp, fp = (
            _table([getattr(one, name) for one in tallies], n_images) / n_seeds for name in ("tp", "fp")
        )
        upper, lower = 2 * tp, tp + fp + cells
    n_units = int(unit.max(initial=-1)) + 1
    values = [result.metrics[metric].value for result in results]
    return Column(
        name=metric,
        value=np.array([np.nan if value is None else value for value in values], np.float64),
        upper=by_unit(upper, unit, n_units),
        lower=by_unit(lower, unit, n_units),
    )


def image_f1(results: Sequence[Result], rule: str) -> Floats:
    """(m, images) F1 of each image; NaN on images without cells or predictions."""
    tallies = [_tallies(result, rule) for result in results]
    n_seeds = np.array([_n_seeds(result) for result in results], np.float64)[:, None]
    n_images = len(tallies[0].cells) if tallies else 0
    tp, fp = (_table([getattr(one, name) for one in tallies], n_images) / n_seeds for name in ("tp", "fp"))
    lower = tp + fp + _table([one.cells for one in tallies], n_images)
    return np.divide(2 * tp, lower, out=np.full_like(tp, np.nan), where=lower > 0)


def _n_seeds(result: Result) -> int:
    return max(1 if result.card is None else result.card.n_seeds, 1)


def _tallies(result: Result, rule: str) -> ImageTallies:
    images = result.rules[rule].images
    if images is None:
        raise ValueError(f"the result {result.id} holds no tallies")
    return images


def _table(rows: Sequence[Sequence[float]], n_images: int) -> Floats:
    return np.array(rows, np.float64).reshape(len(rows), n_images)
