"""Whether submissions count what is there: the tallies of a result, and the agreement made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bmbench.benchmark.scoring.count_agreement import (
    NumberAgreement,
    agreement_of,
    mean_number,
    number_agreement,
)
from bmbench.core.types import Floats
from bmbench.leaderboards.results.record import AgreementRow, CountTallies, Result
from bmbench.leaderboards.results.standings_record import CountStandings
from bmbench.leaderboards.results.unit_columns import TrackUnits, of_different_trainings, ranked, tallies
from bmbench.metrics.class_counts import ClassCounts, class_counts
from bmbench.statistics.intervals import metric_interval
from bmbench.statistics.jackknife import Jackknife, mean_of, ratio
from bmbench.statistics.seed_variance import SeedVariance, pooled_seed_variance
from bmbench.statistics.units import FEWEST_FOR_INTERVAL, by_unit

if TYPE_CHECKING:
    from bmbench.core.types import Category, GroundTruth, Predictions
    from bmbench.metrics.protocol import Geometry
    from bmbench.metrics.scores import Interval, Scores


def tallies_of(
    truth: GroundTruth,
    unit_names: Sequence[str],
    rule: Geometry,
    answers: Sequence[tuple[Predictions, Scores]],
) -> CountTallies:
    """What each seed counts at its threshold; (images,) `unit_names` say which unit an image is of."""
    counts = [class_counts(truth, predictions, scores) for predictions, scores in answers]
    return CountTallies(
        rule=rule,
        found=tuple(tuple(one.predicted.sum(axis=1).tolist()) for one in counts),
        classes=_classes(counts, truth.categories, unit_names),
    )


def _classes(
    counts: Sequence[ClassCounts], categories: Sequence[Category], unit_names: Sequence[str]
) -> dict[str, AgreementRow]:
    """The agreement of each class's percentage over the units, where every seed tells classes apart."""
    if not all(one.tells_classes for one in counts):
        return {}
    by_seed = []
    for one in counts:
        _, units = list(agreement_of(one, categories, unit_names).levels)[-1]
        by_seed.append(units.percentages)
    found = {}
    for name in by_seed[0]:
        mean = mean_number([one[name] for one in by_seed])
        found[name] = _row(mean, mean.limits.bias_ci, n_units=mean.limits.n)
    return found


def count_standings(results: Sequence[Result], units: TrackUnits) -> CountStandings | msgspec.UnsetType:
    """The agreement of every published result that holds counts; nothing where none does."""
    told = [one for one in results if one.state == "published" and isinstance(one.counts, CountTallies)]
    if not told:
        return msgspec.UNSET
    rule = _counts(told[0]).rule
    truth = np.array(tallies(told[0], rule).cells, np.float64)
    seeds = pooled_seed_variance([_biases(one, truth) for one in ranked(told)])
    return CountStandings(
        rule=rule,
        cells=float(truth.mean()),
        same_everywhere=_same_everywhere(truth, units),
        rows={one.id: _agreement(one, truth, units, None if one.control else seeds) for one in told},
    )


def _counts(result: Result) -> CountTallies:
    assert isinstance(result.counts, CountTallies)
    return result.counts


def _biases(result: Result, truth: Floats) -> Floats:
    """(s,) mean difference of each different training."""
    found = of_different_trainings(result, _counts(result).found)
    biases: Floats = (np.array(found, np.float64) - truth).mean(axis=1)
    return biases


def _agreement(result: Result, truth: Floats, units: TrackUnits, seeds: SeedVariance | None) -> AgreementRow:
    every = np.array(_counts(result).found, np.float64)
    n_trainings = len(of_different_trainings(result, _counts(result).found))
    # The intervals of one training are those of its copies.
    shown = every[:1] if n_trainings == 1 else every
    independent = units.n == len(truth)
    mean = mean_number([number_agreement(truth, one, independent=independent, line=False) for one in shown])
    bias = mean_of([_bias(truth, one, units) for one in every])
    interval = metric_interval(bias, seeds=seeds, n_seeds=n_trainings).interval
    return _row(mean, interval, n_units=units.n)


def _bias(truth: Floats, found: Floats, units: TrackUnits) -> Jackknife:
    """The mean difference of an image, with units that are left out whole."""
    parts = by_unit(np.stack([found - truth, np.ones(len(truth))]), units.row, units.n)
    return ratio(*parts, scale="number")


def _row(one: NumberAgreement, bias_interval: Interval | None, *, n_units: int) -> AgreementRow:
    """What a file holds; limits and concordance of fewer than three units say nothing of the next one."""
    few, limits = n_units < FEWEST_FOR_INTERVAL, one.limits
    return AgreementRow(
        bias=limits.bias,
        bias_interval=None if few else bias_interval,
        low=None if few else limits.low,
        low_interval=None if few else limits.low_ci,
        high=None if few else limits.high,
        high_interval=None if few else limits.high_ci,
        off_by=one.mean_absolute,
        off_by_percent=one.mean_absolute_percent,
        concordance=None if few else one.concordance,
        concordance_interval=None if few else one.concordance_ci,
        within=one.within,
    )


def _same_everywhere(truth: Floats, units: TrackUnits) -> AgreementRow:
    """An answer that looks at no image, and knows how many cells there are on average."""
    said = np.full(len(truth), truth.mean())
    one = number_agreement(truth, said, independent=False, line=False)
    row = _row(one, None, n_units=units.n)
    varies = bool(truth.any() and (truth != truth[0]).any())
    # What is 0 by its meaning is not left to the last digit of a sum.
    return msgspec.structs.replace(
        row, bias=0.0, concordance=0.0 if varies and row.concordance is not None else None
    )
