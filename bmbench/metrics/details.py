"""What ``score --details`` adds: how well hits lie, how well images are counted, FROC, other limits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bmbench.core.geometry import box_iou
from bmbench.core.types import Floats, GroundTruth, Ints, Predictions
from bmbench.metrics.evaluation import evaluate
from bmbench.metrics.free_response import interpolated_sensitivity, sensitivity_by_steps
from bmbench.metrics.protocol import Geometry, Protocol
from bmbench.metrics.scores import Scores

FROC_RATES = (1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0, 8.0)
"""False alarms per image at which sensitivity is averaged (Setio et al., Med Image Anal 2017)."""
IOU_LIMITS = tuple(round(0.3 + 0.05 * step, 2) for step in range(10))
"""0.30, 0.35, … 0.75."""
RADIUS_LIMITS_PX = tuple(float(radius) for radius in range(10, 81, 5))
"""10, 15, … 80 pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Localisation:
    """How well the hits at the threshold lie; None if there are none.

    Attributes
    ----------
    hits : int
    mean_distance_px, median_distance_px : float or None
        Between the centres of a prediction and its cell, pixels.
    mean_iou : float or None
        Of their boxes.
    median_size_ratio : float or None
        See `size_ratios`; below 1 where cells are drawn too small. None too if the boxes have no area.
    """

    hits: int
    mean_distance_px: float | None
    median_distance_px: float | None
    mean_iou: float | None
    median_size_ratio: float | None


def localisation(truth: GroundTruth, predictions: Predictions, scores: Scores) -> Localisation:
    """How well the hits of a geometry lie, measured both ways whichever way they were matched."""
    hits, cells = _hits(predictions, scores)
    offset = predictions.xy[hits] - truth.xy[cells]
    distance = np.hypot(offset[:, 0], offset[:, 1])
    iou = box_iou(predictions.box[hits], truth.box[cells])
    ratios = size_ratios(truth, predictions, scores)
    some = len(hits) > 0
    return Localisation(
        hits=len(hits),
        mean_distance_px=float(distance.mean()) if some else None,
        median_distance_px=float(np.median(distance)) if some else None,
        mean_iou=float(iou.mean()) if some else None,
        median_size_ratio=float(np.median(ratios)) if len(ratios) else None,
    )


def size_ratios(truth: GroundTruth, predictions: Predictions, scores: Scores) -> Floats:
    """How large each hit at the threshold is beside its cell: √(area of its box / area of the cell's box).

    Hits without a box, and on cells without one, are left out.
    """
    hits, cells = _hits(predictions, scores)
    area, cell_area = (
        np.prod(box[:, 2:] - box[:, :2], axis=1) for box in (predictions.box[hits], truth.box[cells])
    )
    real = (area > 0) & (cell_area > 0)
    ratios: Floats = np.sqrt(area[real] / cell_area[real])
    return ratios


def _hits(predictions: Predictions, scores: Scores) -> tuple[Ints, Ints]:
    """Rows of the hits at the threshold, and of their cells."""
    least = np.inf if scores.threshold is None else scores.threshold
    hits = np.flatnonzero(scores.matching.is_hit & (predictions.confidence >= least))
    return hits, scores.matching.annotation[hits]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountError:
    """Predictions at the threshold minus cells, image by image.

    Attributes
    ----------
    error : (images,) int64
        Positive where too many are predicted.
    mean, mean_absolute, root_mean_square : float or None
        None if there are no images.
    """

    error: Ints
    mean: float | None
    mean_absolute: float | None
    root_mean_square: float | None


def count_error(scores: Scores) -> CountError:
    """How far the number of predictions is from the number of cells; ignored predictions do not count."""
    error = scores.images.tp + scores.images.fp - scores.images.cells
    some = len(error) > 0
    return CountError(
        error=error,
        mean=float(error.mean()) if some else None,
        mean_absolute=float(np.abs(error).mean()) if some else None,
        root_mean_square=float(np.sqrt(np.mean(error.astype(float) ** 2))) if some else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Froc:
    """Free-response curve: the share of cells found against false alarms per image, one row a score.

    Attributes
    ----------
    false_alarms_per_image, sensitivity, threshold : (k,) float64
        Ascending, ascending, descending; sensitivity is NaN if there are no cells.
    rates, at_rates : (r,) float64
        False alarms per image that were asked for, and the sensitivity reached at no more than those.
    interpolated : (r,) float64
        Sensitivity at `rates` on straight lines between thresholds, as LUNA16 and MONAI have it.
    mean, interpolated_mean : float or None
        Mean of `at_rates`, and of `interpolated`; None if there are no cells.
    """

    false_alarms_per_image: Floats
    sensitivity: Floats
    threshold: Floats
    rates: Floats
    at_rates: Floats
    interpolated: Floats
    mean: float | None
    interpolated_mean: float | None


def froc(scores: Scores, *, rates: Sequence[float] = FROC_RATES) -> Froc:
    """The free-response curve over all images, those without cells too (Chakraborty, Med Phys 1989)."""
    curve, n_images = scores.curve, max(len(scores.images.cells), 1)
    per_image = curve.fp / n_images
    at_rates = sensitivity_by_steps(curve, n_images, rates)
    interpolated = interpolated_sensitivity(curve, n_images, rates)
    return Froc(
        false_alarms_per_image=per_image,
        sensitivity=curve.recall,
        threshold=curve.threshold,
        rates=np.asarray(rates, np.float64),
        at_rates=at_rates,
        interpolated=interpolated,
        mean=float(at_rates.mean()) if curve.cells else None,
        interpolated_mean=float(interpolated.mean()) if curve.cells else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSweep:
    """Scores at each matching limit, in the order of `limits`; None where undefined."""

    geometry: Geometry
    limits: tuple[float, ...]
    ap: tuple[float | None, ...]
    f1: tuple[float | None, ...]
    precision: tuple[float | None, ...]
    recall: tuple[float | None, ...]


def sweep(
    truth: GroundTruth,
    predictions: Predictions,
    protocol: Protocol,
    geometry: Geometry,
    *,
    limits: Sequence[float] | None = None,
    threshold: float | None = None,
) -> LimitSweep:
    """AP, F1, precision and recall at each limit: IoU for `bb`, pixels for `cd`.

    Parameters
    ----------
    limits : floats, optional
        `IOU_LIMITS` or `RADIUS_LIMITS_PX` by default.
    threshold : float, optional
        As in `evaluate`; without it, the best one at each limit (an oracle).
    """
    chosen = tuple(limits or (IOU_LIMITS if geometry == "bb" else RADIUS_LIMITS_PX))
    found: list[Scores] = []
    for limit in chosen:
        iou, radius = (limit, None) if geometry == "bb" else (None, limit)
        rules = replace(protocol, iou=iou, radius_px=radius, radius_um=None, class_radii=())
        if geometry == "cd":
            rules = replace(rules, outlines=False)
        evaluation = evaluate(truth, predictions, rules, threshold=threshold)
        scores = evaluation.bb or evaluation.cd
        assert scores is not None
        found.append(scores)
    return LimitSweep(
        geometry=geometry,
        limits=chosen,
        ap=tuple(scores.ap for scores in found),
        f1=tuple(scores.f1 for scores in found),
        precision=tuple(scores.precision for scores in found),
        recall=tuple(scores.recall for scores in found),
    )
