"""Two methods, or two predictions files, on the same images: the difference, and how sure it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from bmbench.metrics.protocol import GEOMETRIES, Geometry
from bmbench.metrics.scores import Evaluation, Interval, Scores
from bmbench.statistics.jackknife import Jackknife, jackknives
from bmbench.statistics.many_methods import ERROR_RATE, holm
from bmbench.statistics.methods import Methods
from bmbench.statistics.pairs import method_pairs
from bmbench.statistics.planning import findable_differences
from bmbench.statistics.units import FEWEST_FOR_INTERVAL, ChosenUnits

DifferenceVerdict: TypeAlias = Literal[
    "first ahead", "second ahead", "not told apart", "the same", "not tested"
]
_METRICS = ("ap", "f1")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDifference:
    """First minus second by one metric.

    Attributes
    ----------
    value : float or None
        Of the means over seeds; None where either is undefined.
    interval : (low, high) or None
        95 %, of this difference alone; None below 3 units, and where every unit shows the same difference.
    p : float or None
        After Holm's correction over all differences looked at together; None where nothing is tested.
    not_seen_below : float or None
        A measured difference that is less than this is within what chance gives two equal methods.
    verdict : str
        By the corrected test; "the same" of answers equal in every unit. Not told apart is not equal.
    """

    value: float | None
    interval: Interval | None
    p: float | None
    not_seen_below: float | None
    verdict: DifferenceVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """First minus second, in one geometry; `seeds` says whether the variance over seeds is in it."""

    ap: MetricDifference
    f1: MetricDifference
    seeds: bool

    def to_json(self) -> dict[str, Any]:
        """The difference as JSON holds it."""
        found: dict[str, Any] = {}
        for name in _METRICS:
            one: MetricDifference = getattr(self, name)
            interval = None if one.interval is None else list(one.interval)
            found |= {name: one.value, f"{name}_ci": interval, f"{name}_p": one.p}
            found |= {f"{name}_verdict": one.verdict, f"{name}_not_seen_below": one.not_seen_below}
        return found


def differences(
    first: Sequence[Evaluation], second: Sequence[Evaluation], units: ChosenUnits
) -> Mapping[Geometry, Difference | None]:
    """The differences of two methods, one evaluation a training of each, by geometry; None where not scored.

    Thresholds are held at those of the evaluations. The p-values are corrected over all that come back.

    Raises
    ------
    ValueError
        If the evaluations are not of the same images with the same cells, in the same order and groups.
    """
    found: dict[Geometry, Difference | None] = {}
    for geometry in GEOMETRIES:
        sides = [_scores(some, geometry) for some in (first, second)]
        found[geometry] = None
        if all(sides):
            _check([*first, *second], [*sides[0], *sides[1]])
            found[geometry] = _difference(sides, units, first[0].protocol.ap)
    return _corrected(found)


def _scores(evaluations: Sequence[Evaluation], geometry: Geometry) -> list[Scores]:
    every = [getattr(evaluation, geometry) for evaluation in evaluations]
    return every if None not in every else []


def _check(evaluations: Sequence[Evaluation], scores: Sequence[Scores]) -> None:
    for evaluation, one in zip(evaluations, scores, strict=True):
        same_groups = np.array_equal(evaluation.group, evaluations[0].group)
        if not (same_groups and np.array_equal(one.images.cells, scores[0].images.cells)):
            raise ValueError("the two evaluations are not of the same images with the same cells and groups")


def _difference(sides: Sequence[Sequence[Scores]], units: ChosenUnits, kind: Any) -> Difference:
    every = [[jackknives(one, units.row, units.n, kind) for one in side] for side in sides]
    metrics = {name: [[one[name] for one in side] for side in every] for name in _METRICS}
    found = {name: _metric_difference(answers) for name, answers in metrics.items()}
    return Difference(ap=found["ap"], f1=found["f1"], seeds=Methods.of(metrics["f1"]).seeds is not None)


def _metric_difference(answers: Sequence[Sequence[Jackknife]]) -> MetricDifference:
    methods = Methods.of(answers)
    pairs = method_pairs(methods)
    value = float(pairs.difference[0, 1])
    if not np.isfinite(value):
        return MetricDifference(value=None, interval=None, p=None, not_seen_below=None, verdict="not tested")
    if pairs.same[0, 1]:
        return MetricDifference(
            value=value, interval=(0.0, 0.0), p=None, not_seen_below=None, verdict="the same"
        )
    interval = pairs.interval(0, 1) if methods.n_units >= FEWEST_FOR_INTERVAL else None
    plan = findable_differences(methods, pairs)
    return MetricDifference(
        value=value,
        interval=interval,
        p=None if interval is None else float(pairs.p[0, 1]),
        not_seen_below=None if interval is None or plan is None else plan.not_seen_below,
        verdict="not tested",
    )


def _corrected(found: Mapping[Geometry, Difference | None]) -> Mapping[Geometry, Difference | None]:
    """The same with p-values after Holm over all of them, and what they say."""
    places = [
        (geometry, name)
        for geometry, one in found.items()
        for name in _METRICS
        if one is not None and getattr(one, name).p is not None
    ]
    p = holm(np.array([getattr(found[geometry], name).p for geometry, name in places]))
    corrected = dict(found)
    for (geometry, name), one in zip(places, p.tolist(), strict=True):
        difference: Difference | None = corrected[geometry]
        assert difference is not None
        metric: MetricDifference = getattr(difference, name)
        metric = replace(metric, p=one, verdict=_verdict(metric.value or 0.0, one))
        corrected[geometry] = (
            replace(difference, ap=metric) if name == "ap" else replace(difference, f1=metric)
        )
    return corrected


def _verdict(value: float, p: float) -> DifferenceVerdict:
    if p > ERROR_RATE:
        return "not told apart"
    return "first ahead" if value > 0 else "second ahead"
