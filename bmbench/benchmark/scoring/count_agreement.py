"""Agreement of counts: what ``score --details`` says of cells and percentages by image and by patient."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.benchmark.protocol.lineages import CUT_OFFS, CountedClass, counted_classes
from bmbench.core.types import Floats
from bmbench.metrics.class_counts import ClassCounts, class_counts
from bmbench.statistics.agreement import (
    CutOffAgreement,
    FittedLine,
    LimitsOfAgreement,
    concordance,
    cut_off_agreement,
    limits_of_agreement,
    passing_bablok,
)
from bmbench.statistics.binomial import exact_limits

if TYPE_CHECKING:
    from bmbench.core.types import Category, GroundTruth, Ints, Predictions
    from bmbench.metrics.scores import Interval, Scores


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NumberAgreement:
    """Agreement of one number of every unit: of its cells, or of a class's percentage.

    Attributes
    ----------
    truth, found : (n,) float64
        Only units where both are defined.
    independent : bool
        Whether the units vary independently; else intervals are left out: images of one patient are alike.
    mean_absolute, mean_absolute_percent : float or None
        Of the differences; in per cent of the truth, units without any left out.
    within : float or None
        Of a class: the share of units whose percentage lies within the binomial limits of the truth's count.
    """

    truth: Floats
    found: Floats
    independent: bool
    limits: LimitsOfAgreement
    concordance: float | None
    concordance_ci: Interval | None
    line: FittedLine | None
    mean_absolute: float | None
    mean_absolute_percent: float | None
    within: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The numbers, and both values of each unit."""
        value = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        return value | {
            "truth": self.truth.tolist(),
            "found": self.found.tolist(),
            "limits": dataclasses.asdict(self.limits),
            "line": None if self.line is None else dataclasses.asdict(self.line),
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelAgreement:
    """Agreement over images, or over patients: of cells, of each class's percentage, at cut-offs."""

    cells: NumberAgreement
    percentages: Mapping[str, NumberAgreement]
    cut_offs: Mapping[str, tuple[CutOffAgreement, ...]]

    def to_json(self) -> dict[str, Any]:
        """The agreement as JSON holds it."""
        return {
            "cells": self.cells.to_json(),
            "percentages": {name: one.to_json() for name, one in self.percentages.items()},
            "cut_offs": {
                name: [dataclasses.asdict(one) for one in some] for name, some in self.cut_offs.items()
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountAgreement:
    """Agreement of the counts of one matching rule; `patients` is None where no group has two images."""

    images: LevelAgreement
    patients: LevelAgreement | None

    def to_json(self) -> dict[str, Any]:
        """The agreement as JSON holds it."""
        return {
            "images": self.images.to_json(),
            "patients": None if self.patients is None else self.patients.to_json(),
        }

    @property
    def levels(self) -> Iterator[tuple[str, LevelAgreement]]:
        """Images, and patients where they are known."""
        yield "image", self.images
        if self.patients is not None:
            yield "patient", self.patients


def count_agreement(truth: GroundTruth, predictions: Predictions, scores: Scores) -> CountAgreement:
    """The agreement at the threshold of `scores`.

    Percentages are looked at where there are several classes of cells and the predictions tell them apart;
    those of unidentified cells and of what is not counted are left out.
    """
    return agreement_of(class_counts(truth, predictions, scores), truth.categories, truth.groups)


def agreement_of(
    counts: ClassCounts, categories: Sequence[Category], groups: Sequence[str]
) -> CountAgreement:
    """The agreement of counts of images that are of these (images,) groups; `categories` are the truth's."""
    classes = counted_classes([one for one in categories if not one.artefact])
    _, group = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    grouped = bool(len(group)) and int(group.max()) + 1 < len(group)
    return CountAgreement(
        images=_level(counts, classes, independent=not grouped),
        patients=_level(counts.of_groups(group.astype(np.int64)), classes, independent=True)
        if grouped
        else None,
    )


def _level(counts: ClassCounts, classes: Sequence[CountedClass], *, independent: bool) -> LevelAgreement:
    rows = [row for row, one in enumerate(classes) if one.counted] if counts.tells_classes else []
    sums = {
        name: [row for row in rows if name in {classes[row].sum, classes[row].lineage}] for name in CUT_OFFS
    }
    cells, found = counts.cells[:, rows], counts.predicted[:, rows]
    wholes = cells.sum(axis=1), found.sum(axis=1)
    cuts = {
        name: tuple(
            cut_off_agreement(*_shares(counts.cells[:, own], counts.predicted[:, own], wholes), at)
            for at in CUT_OFFS[name]
        )
        for name, own in sums.items()
        if own
    }
    return LevelAgreement(
        cells=number_agreement(
            counts.cells.sum(axis=1).astype(float),
            counts.predicted.sum(axis=1).astype(float),
            independent=independent,
        ),
        percentages={
            classes[row].name: _percentage(cells[:, at], found[:, at], wholes, independent=independent)
            for at, row in enumerate(rows)
        },
        cut_offs=cuts,
    )


def number_agreement(
    truth: Floats, found: Floats, *, independent: bool, within: float | None = None, line: bool = True
) -> NumberAgreement:
    """The agreement of one number of (n,) units, without any that is undefined.

    Parameters
    ----------
    independent : bool
        Whether the units vary independently: else there are no intervals.
    within : float, optional
        The share of units within limits of the truth, where there are such.
    line : bool
        Whether a line is fitted, which takes the slopes of all pairs of units.
    """
    limits = limits_of_agreement(truth, found)
    value, interval = concordance(truth, found)
    fitted = passing_bablok(truth, found) if line else None
    if not independent:
        limits = dataclasses.replace(limits, bias_ci=None, low_ci=None, high_ci=None)
        interval = None
        fitted = None if fitted is None else dataclasses.replace(fitted, slope_ci=None, intercept_ci=None)
    off, some = np.abs(found - truth), truth > 0
    return NumberAgreement(
        truth=truth,
        found=found,
        independent=independent,
        limits=limits,
        concordance=value,
        concordance_ci=interval,
        line=fitted,
        mean_absolute=float(off.mean()) if len(off) else None,
        mean_absolute_percent=float(100 * np.mean(off[some] / truth[some])) if some.any() else None,
        within=within,
    )


def _percentage(cells: Ints, found: Ints, wholes: tuple[Ints, Ints], *, independent: bool) -> NumberAgreement:
    """Of one class, in per cent; `wholes` are all cells of each unit, there and predicted."""
    truth, predicted = (100 * part for part in _shares(cells[:, None], found[:, None], wholes))
    both = (wholes[0] > 0) & (wholes[1] > 0)
    inside = [
        limits[0] <= value / 100 <= limits[1]
        for n, of, value in zip(cells[both].tolist(), wholes[0][both].tolist(), predicted, strict=True)
        if (limits := exact_limits(n, of)) is not None
    ]
    within = float(np.mean(inside)) if inside else None
    return number_agreement(truth, predicted, independent=independent, within=within)


def _shares(cells: Ints, found: Ints, wholes: tuple[Ints, Ints]) -> tuple[Floats, Floats]:
    """The share of some classes in each unit that has cells and predictions."""
    both = (wholes[0] > 0) & (wholes[1] > 0)
    return cells.sum(axis=1)[both] / wholes[0][both], found.sum(axis=1)[both] / wholes[1][both]


def mean_number(some: Sequence[NumberAgreement]) -> NumberAgreement:
    """The mean over seeds of every figure, and the values of all seeds; undefined where one of them is.

    The intervals are those of a single seed, and None of several, which say nothing of other trainings.
    """
    if len(some) == 1:
        return some[0]
    limits, lines = [one.limits for one in some], [one.line for one in some if one.line is not None]
    return dataclasses.replace(
        some[0],
        truth=np.concatenate([one.truth for one in some]),
        found=np.concatenate([one.found for one in some]),
        limits=LimitsOfAgreement(
            n=limits[0].n,
            bias=mean_of_all(one.bias for one in limits),
            low=mean_of_all(one.low for one in limits),
            high=mean_of_all(one.high for one in limits),
            bias_ci=None,
            low_ci=None,
            high_ci=None,
        ),
        concordance=mean_of_all(one.concordance for one in some),
        concordance_ci=None,
        line=None
        if len(lines) < len(some)
        else FittedLine(
            slope=float(np.mean([one.slope for one in lines])),
            intercept=float(np.mean([one.intercept for one in lines])),
            slope_ci=None,
            intercept_ci=None,
        ),
        mean_absolute=mean_of_all(one.mean_absolute for one in some),
        mean_absolute_percent=mean_of_all(one.mean_absolute_percent for one in some),
        within=mean_of_all(one.within for one in some),
    )


def mean_of_all(values: Iterable[float | None]) -> float | None:
    """The mean; None where one is undefined."""
    all_of_them = list(values)
    known = [value for value in all_of_them if value is not None]
    return float(np.mean(known)) if known and len(known) == len(all_of_them) else None
