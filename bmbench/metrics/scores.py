"""The frozen results of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from bmbench.core.types import Ints
from bmbench.metrics.curve import Curve, f_score
from bmbench.metrics.matching import Matching
from bmbench.metrics.protocol import Assignment, Protocol
from bmbench.metrics.tally import ImageCounts, Tally

ThresholdSource: TypeAlias = Literal["given", "oracle", "optimisation"]
Interval: TypeAlias = tuple[float, float]
"""Low and high end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Predictions at or above a threshold, and cells, by what became of them.

    `fp` is the sum of its four causes, `fn` that of its two; `ignored` counts neither way.
    """

    tp: int
    fp: int
    fn: int
    fp_artefact: int
    fp_duplicate: int
    fp_near: int
    fp_background: int
    fn_missed: int
    fn_artefact: int
    ignored: int

    @property
    def precision(self) -> float | None:
        """``tp / (tp + fp)``; None if there are no predictions."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float | None:
        """``tp / (tp + fn)``; None if there are no cells."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float | None:
        """``2 tp / (2 tp + fp + fn)``; None if there are no cells."""
        return self.f(1.0)

    def f(self, beta: float) -> float | None:
        """F-beta, which weighs recall `beta` times as much as precision; None if there are no cells."""
        cells = self.tp + self.fn
        return float(f_score(self.tp, self.fp, cells, beta=beta)) if cells else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """The scores of one geometry; counts and ratios are at `threshold`.

    Attributes
    ----------
    limit : float
        Matching limit: IoU, or pixels (micrometres, where `matched_by` says so).
    matched_by : str
        The limit in words where that number alone does not say it; else empty.
    ap : float or None
        Average precision (of several classes: their mean); None if there are no cells.
    f1, precision, recall : float or None
        As in `Counts`.
    threshold : float or None
        Predictions at or above it are kept; None if there is no prediction to choose one by.
    tp, fp, fn, fp_artefact, fp_duplicate, fp_near, fp_background, fn_missed, fn_artefact, ignored : int
        As in `Counts`.
    assignment : str
        "greedy", "hungarian" or "all_pairs".
    paired_anew : bool
        Whether the matching holds at the threshold alone: see `Protocol.pairs_at_threshold`.
    ap_ci, f1_ci, precision_ci, recall_ci, macro_f1_ci : (low, high) or None
        95 % intervals, which `bmbench.statistics.intervals.with_intervals` adds.
    no_interval : name → word
        Why each of "ap", "f1", "precision", "recall" and "macro_f1" has none, where it was asked for.
    curve : Curve
        Precision and recall at every score (of several classes: pooled).
    matching : Matching
        The outcome of every prediction of the file.
    tallies : one Tally a class
        Hits and false alarms by confidence: what every resampling of AP needs.
    images : ImageCounts
        Hits, false alarms and cells of every image at the threshold.
    classes : category name → Scores
        Each class by itself, at the same threshold, where the protocol scores them so.
    """

    limit: float
    ap: float | None
    f1: float | None
    precision: float | None
    recall: float | None
    threshold: float | None
    tp: int
    fp: int
    fn: int
    fp_artefact: int
    fp_duplicate: int
    fp_near: int
    fp_background: int
    fn_missed: int
    fn_artefact: int
    ignored: int
    assignment: Assignment
    matched_by: str = ""
    paired_anew: bool = False
    ap_ci: Interval | None = None
    f1_ci: Interval | None = None
    precision_ci: Interval | None = None
    recall_ci: Interval | None = None
    macro_f1_ci: Interval | None = None
    no_interval: Mapping[str, str] = field(default_factory=dict)
    curve: Curve
    matching: Matching
    tallies: tuple[Tally, ...]
    images: ImageCounts
    classes: Mapping[str, Scores] = field(default_factory=dict)

    @property
    def macro_f1(self) -> float | None:
        """Mean F1 of the classes that have cells; None if there are none, or no classes."""
        defined = [one.f1 for one in self.classes.values() if one.f1 is not None]
        return sum(defined) / len(defined) if defined else None

    def to_json(self) -> dict[str, Any]:
        """The scores as JSON holds them; the curve and the matching stay out."""
        values = {name: getattr(self, name) for name in _IN_JSON}
        for name in ("ap_ci", "f1_ci", "precision_ci", "recall_ci"):
            values[name] = _listed(values[name])
        if self.matched_by:
            values["matched_by"] = self.matched_by
        if self.no_interval:
            values["no_interval"] = dict(self.no_interval)
        if self.classes:
            values["macro_f1"] = self.macro_f1
            values["macro_f1_ci"] = _listed(self.macro_f1_ci)
            values["classes"] = {name: scores.to_json() for name, scores in self.classes.items()}
        return values


_IN_JSON = tuple(
    name
    for name in Scores.__dataclass_fields__
    if name
    not in {
        "macro_f1_ci",
        "no_interval",
        "matched_by",
        "paired_anew",
        "curve",
        "matching",
        "tallies",
        "images",
        "classes",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalRule:
    """How the intervals of an evaluation were made.

    Attributes
    ----------
    method : str
    unit : "group" or "image"
        What varies: patients or slides, or images.
    units : int
    level : float
    groups : int or None
        Groups whose images were taken for independent units because that was asked for; else None.
    """

    method: str
    unit: Literal["group", "image"]
    units: int
    level: float
    groups: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The rule as JSON holds it; `independent` says that images of one group were taken for several."""
        rule = {"method": self.method, "unit": self.unit, "units": self.units, "level": self.level}
        return rule if self.groups is None else {**rule, "independent": True}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """The scores of a predictions file on a set of images.

    Attributes
    ----------
    protocol : Protocol
    threshold_source : "given", "oracle" or "optimisation"
        Whether the threshold was handed in, is that of these very images, or that of the optimisation images.
    n_images, n_cells, n_predictions : int
        Images of the set, cells that must be found, predictions of cells.
    n_artefact_predictions : int
        Predictions of artefact categories: they are no predictions of cells.
    group : (images,) int64
        Group of each image, numbered from 0: the unit of intervals.
    grouped : bool
        Whether any image has a group; without one it is a group of its own.
    interval : IntervalRule or None
        How the intervals were made; None before they are.
    bb, cd : Scores or None
        By box overlap and by centre distance; None where the protocol has no limit for it, and `bb` also
        where all cells are points.
    """

    protocol: Protocol
    threshold_source: ThresholdSource
    n_images: int
    n_cells: int
    n_predictions: int
    n_artefact_predictions: int
    group: Ints
    grouped: bool
    interval: IntervalRule | None = None
    bb: Scores | None
    cd: Scores | None

    @property
    def n_groups(self) -> int:
        """Groups of images (patients or slides, else images): what intervals are drawn from."""
        return int(self.group.max(initial=-1)) + 1

    def to_json(self) -> dict[str, Any]:
        """What ``bmbench score --json`` prints."""
        return {
            "protocol": self.protocol.name,
            "images": self.n_images,
            "groups": self.n_groups,
            "cells": self.n_cells,
            "predictions": self.n_predictions,
            "artefact_predictions": self.n_artefact_predictions,
            "threshold_source": self.threshold_source,
            "interval": None if self.interval is None else self.interval.to_json(),
            "bb": None if self.bb is None else self.bb.to_json(),
            "cd": None if self.cd is None else self.cd.to_json(),
        }


def _listed(interval: Interval | None) -> list[float] | None:
    return None if interval is None else list(interval)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
