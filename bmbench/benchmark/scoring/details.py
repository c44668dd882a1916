"""What ``bmbench score --details`` adds to the scores of each geometry, with its intervals."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.benchmark.scoring.count_agreement import CountAgreement, count_agreement
from bmbench.metrics.artefact_class import artefact_scores
from bmbench.metrics.by_group import GroupScores, scores_by_group
from bmbench.metrics.by_size import SizeScores, scores_by_size
from bmbench.metrics.calibration import Reliability, reliability
from bmbench.metrics.cost_of_causes import put_right
from bmbench.metrics.details import (
    CountError,
    Froc,
    LimitSweep,
    Localisation,
    count_error,
    froc,
    localisation,
    sweep,
)
from bmbench.metrics.free_response import (
    RatedSensitivity,
    sensitivity_per_100_cells,
    sensitivity_per_mm2,
)
from bmbench.metrics.localisation_recall_precision import OptimalLrp, lowest, lrp_terms
from bmbench.metrics.merges_and_splits import MergesAndSplits, merges_and_splits
from bmbench.metrics.radii import object_radii
from bmbench.metrics.shapes import shape_scores
from bmbench.present.words import many
from bmbench.statistics.detail_intervals import cost_intervals, optimal_lrp_interval
from bmbench.statistics.intervals import (
    MetricInterval,
    calibration_interval,
    count_error_interval,
    f_beta_interval,
    froc_interval,
    rated_interval,
    sum_ratio_interval,
)
from bmbench.statistics.units import units_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bmbench.core.types import GroundTruth, Predictions
    from bmbench.metrics import Evaluation, Geometry
    from bmbench.metrics.scores import Interval, Scores
    from bmbench.statistics.units import ChosenUnits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rated:
    """Sensitivity at rates of false alarms, with the 95 % interval of its mean by steps."""

    at: RatedSensitivity
    mean_ci: Interval | None

    def to_json(self) -> dict[str, Any]:
        """The rates, the sensitivity by both rules, and their means."""
        return {
            "amount": float(self.at.amount.sum()),
            "false_alarms": list(self.at.rates),
            "sensitivity": self.at.by_steps.tolist(),
            "mean": self.at.mean,
            "mean_ci": _listed(self.mean_ci),
            "interpolated": self.at.interpolated.tolist(),
            "interpolated_mean": self.at.interpolated_mean,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArtefactClass:
    """The class of artefacts by itself; see `bmbench.metrics.artefact_class`."""

    scores: Scores
    f1: MetricInterval

    def to_json(self) -> dict[str, Any]:
        """What became of artefacts, and what is predicted as one."""
        one = self.scores
        return {
            "artefacts": one.tp + one.fn,
            "found": one.tp,
            "taken_for_cells": one.fn_artefact,
            "missed": one.fn_missed,
            "false_alarms": one.fp,
            "false_alarms_on_cells": one.fp_artefact,
            "f1": self.f1.value,
            "f1_ci": _listed(self.f1.interval),
        }


BETAS = {"f2": 2.0, "f0.5": 0.5}
"""F-beta that is given: recall counts twice as much as precision, or half as much."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Details:
    """Of one geometry: how hits lie, what is merged and split, how images are counted, FROC, scores by limit.

    `merges_and_splits` is None where boxes have no extent. `count_error_ci` and `froc_ci` are the 95 %
    intervals of the mean error and of the mean sensitivity.
    """

    f_beta: Mapping[str, MetricInterval]
    localisation: Localisation
    merges_and_splits: MergesAndSplits | None
    count_error: CountError
    count_error_ci: Interval | None
    froc: Froc
    froc_ci: Interval | None
    froc_per_mm2: Rated | None
    froc_per_100_cells: Rated | None
    olrp: OptimalLrp | None
    olrp_ci: Interval | None
    reliability: Reliability
    d_ece_ci: Interval | None
    sweep: LimitSweep
    by_group: GroupScores
    costs: Mapping[str, MetricInterval]
    shapes: Mapping[str, MetricInterval]
    by_size: SizeScores | None
    size_recall: tuple[MetricInterval, ...]
    artefacts: ArtefactClass | None
    count_agreement: CountAgreement

    def to_json(self) -> dict[str, Any]:
        """The details as JSON holds them."""
        counts, curve, joined = self.count_error, self.froc, self.merges_and_splits
        return {
            **{name: one.value for name, one in self.f_beta.items()},
            **{f"{name}_ci": _listed(one.interval) for name, one in self.f_beta.items()},
            "localisation": dataclasses.asdict(self.localisation),
            "merges_and_splits": None if joined is None else dataclasses.asdict(joined),
            "count_error": {
                "mean": counts.mean,
                "mean_ci": _listed(self.count_error_ci),
                "mean_absolute": counts.mean_absolute,
                "root_mean_square": counts.root_mean_square,
            },
            "froc": {
                "false_alarms_per_image": curve.rates.tolist(),
                "sensitivity": None if curve.mean is None else curve.at_rates.tolist(),
                "mean": curve.mean,
                "mean_ci": _listed(self.froc_ci),
                "interpolated": None if curve.mean is None else curve.interpolated.tolist(),
                "interpolated_mean": curve.interpolated_mean,
            },
            "froc_per_mm2": _in_json(self.froc_per_mm2),
            "froc_per_100_cells": _in_json(self.froc_per_100_cells),
            "olrp": None
            if self.olrp is None
            else {**dataclasses.asdict(self.olrp), "error_ci": _listed(self.olrp_ci)},
            "calibration": {**self.reliability.to_json(), "d_ece_ci": _listed(self.d_ece_ci)},
            "sweep": dataclasses.asdict(self.sweep),
            "by_group": self.by_group.to_json(),
            **_shapes_in_json(self.shapes),
            "by_size": self._sizes_in_json(),
            "artefacts": None if self.artefacts is None else self.artefacts.to_json(),
            "ap_cost": {name: one.value for name, one in self.costs.items()} or None,
            "ap_cost_ci": {name: _listed(one.interval) for name, one in self.costs.items()} or None,
            "count_agreement": self.count_agreement.to_json(),
        }

    def _sizes_in_json(self) -> dict[str, Any] | None:
        if self.by_size is None:
            return None
        return {
            **self.by_size.to_json(),
            "recall_ci": [_listed(one.interval) for one in self.size_recall],
        }


def details_of(
    truth: GroundTruth, predictions: Predictions, evaluation: Evaluation, geometry: Geometry
) -> Details:
    """The details of one geometry; scores by matching limit keep the threshold of the evaluation."""
    scores = evaluation.bb if geometry == "bb" else evaluation.cd
    assert scores is not None
    units = units_of(evaluation)
    radius = object_radii(truth, evaluation.protocol) if geometry == "cd" else None
    matches_masks = evaluation.protocol.outlines and geometry == "bb"
    sizes = scores_by_size(truth, predictions, scores)
    without_limit = evaluation.protocol.outlines and geometry == "cd"
    terms = None if without_limit else lrp_terms(predictions, scores, geometry, radius=radius)
    mended = put_right(truth, predictions, evaluation.protocol, scores, geometry)
    return Details(
        f_beta={name: f_beta_interval(scores, units, beta=beta) for name, beta in BETAS.items()},
        localisation=localisation(truth, predictions, scores),
        merges_and_splits=merges_and_splits(truth, predictions, scores),
        count_error=count_error(scores),
        count_error_ci=count_error_interval(scores, units).interval,
        froc=froc(scores),
        froc_ci=froc_interval(scores, units).interval,
        froc_per_mm2=_with_interval(sensitivity_per_mm2(truth, scores), scores, units),
        froc_per_100_cells=_with_interval(sensitivity_per_100_cells(scores), scores, units),
        olrp=None if terms is None else lowest(terms),
        olrp_ci=None if terms is None else optimal_lrp_interval(terms, units).interval,
        reliability=reliability(scores),
        d_ece_ci=calibration_interval(scores, units).interval,
        sweep=sweep(truth, predictions, evaluation.protocol, geometry, threshold=scores.threshold),
        by_group=scores_by_group(truth, scores),
        shapes=_shapes(truth, predictions, scores, units) if matches_masks else {},
        by_size=sizes,
        size_recall=_recall_by_size(sizes, units),
        artefacts=_artefacts(truth, predictions, evaluation, geometry),
        costs=cost_intervals(mended, units, evaluation.protocol.ap) if mended else {},
        count_agreement=count_agreement(truth, predictions, scores),
    )


def scale_notes(truth: GroundTruth) -> tuple[str, ...]:
    """Why there is no sensitivity per mm², where some images have a pixel size and others have none."""
    if truth.image_mm2 is None or np.isfinite(truth.image_mm2).all():
        return ()
    without = int(np.isnan(truth.image_mm2).sum())
    of = many(len(truth.image_ids), "image")
    return (f"no sensitivity per mm²: {without} of {of} lack um_per_px, width or height",)


def _with_interval(rated: RatedSensitivity | None, scores: Scores, units: ChosenUnits) -> Rated | None:
    if rated is None or rated.mean is None:
        return None
    return Rated(at=rated, mean_ci=rated_interval(rated, scores, units).interval)


def _in_json(rated: Rated | None) -> dict[str, Any] | None:
    return None if rated is None else rated.to_json()


def _recall_by_size(sizes: SizeScores | None, units: ChosenUnits) -> tuple[MetricInterval, ...]:
    if sizes is None:
        return ()
    columns = zip(sizes.found.T, sizes.cells.T, strict=True)
    return tuple(sum_ratio_interval(found, cells, units) for found, cells in columns)


def _artefacts(
    truth: GroundTruth, predictions: Predictions, evaluation: Evaluation, geometry: Geometry
) -> ArtefactClass | None:
    scores = evaluation.bb if geometry == "bb" else evaluation.cd
    assert scores is not None
    found = artefact_scores(truth, predictions, evaluation.protocol, geometry, threshold=scores.threshold)
    if found is None:
        return None
    return ArtefactClass(scores=found, f1=f_beta_interval(found, units_of(evaluation), beta=1.0))


def _shapes(
    truth: GroundTruth, predictions: Predictions, scores: Scores, units: ChosenUnits
) -> dict[str, MetricInterval]:
    """Panoptic quality, aggregated Jaccard index and Dice with their intervals; empty without outlines."""
    found = shape_scores(truth, predictions, scores)
    if found is None:
        return {}
    parts = {
        "panoptic_quality": (found.iou, found.objects),
        "aggregated_jaccard": (found.shared, found.either),
        "dice": (found.both, found.areas),
    }
    return {name: sum_ratio_interval(part, whole, units) for name, (part, whole) in parts.items()}


def _shapes_in_json(shapes: Mapping[str, MetricInterval]) -> dict[str, Any]:
    if not shapes:
        return {}
    values = {name: one.value for name, one in shapes.items()}
    return {"shapes": values | {f"{name}_ci": _listed(one.interval) for name, one in shapes.items()}}


def _listed(interval: Interval | None) -> list[float] | None:
    return None if interval is None else list(interval)
