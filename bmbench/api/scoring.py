"""`bmbench.score` and `bmbench.compare`: the commands of these names, for what a program has in memory."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bmbench.api.inputs import PredictionsLike, TruthLike, as_predictions, as_truth, files_of
from bmbench.api.predictions import PredictionTable
from bmbench.api.results import ComparisonResult, ScoreResult
from bmbench.benchmark.scoring.compare_files import ComparisonRequest, compare_predictions
from bmbench.benchmark.scoring.score_files import score_files
from bmbench.core.errors import UnknownNameError
from bmbench.core.plugins import trust
from bmbench.metrics.protocol import PROTOCOLS, Protocol, changed_protocol, resolve_protocol
from bmbench.statistics.units import WantedUnits

_RULES = ("iou", "assignment", "ap", "per_class", "max_detections", "radius_um", "class_radii", "outlines")
_UNITS = ("unit", "independent")
"""What beside named arguments may be said of scores, and of their intervals."""


def score(
    predictions: PredictionsLike,
    truth: TruthLike,
    *,
    protocol: str | Protocol = "paper",
    radius_px: float | None = None,
    threshold: float | None = None,
    details: bool = False,
    metrics: Sequence[str] = (),
    **rules: Any,
) -> ScoreResult:
    """The scores of predictions against ground truth, as ``bmbench score`` computes them.

    Parameters
    ----------
    predictions : Predictions, path, or what they are made of
        The path of COCO results; COCO results as a list of dicts; Detections of supervision or Results of
        Ultralytics, by image; or a list with one array for each image, of x y, x y confidence, x0 y0 x1 y1,
        or these four and the confidence.
    truth : GroundTruth, path, or what it is made of
        The path of a COCO file; its dict; or a list with one array for each image, of x y, x y radius, or
        x0 y0 x1 y1.
    protocol : str or Protocol
        The rules by name (paper, coco, voc2007, voc2010, kainz), or a record of them.
    radius_px : float, pixels, optional
        How far centres may be from each other. Without it that of the protocol: 55 px of the study, which
        is said in a warning, as it is right for images of its scale alone.
    threshold : float, optional
        Confidence at or above which predictions count in F1. Without it the best one of these very images,
        an oracle.
    details : bool
        Also how hits lie, how images are counted, FROC, and scores by matching limit.
    metrics : sequence of str
        Metrics of plug-ins, by their names or as ``package.module:SCORER``.
    **rules
        Further choices of ``bmbench score`` by their names in Python: `iou`, `assignment`, `ap`, `per_class`,
        `max_detections`, `radius_um`, `class_radii` (a dict of classes and limits), `outlines`; `unit` and
        `independent` of intervals.

    Returns
    -------
    ScoreResult

    Raises
    ------
    BadInputError
        If one of the two cannot be read, or they do not belong together.

    Examples
    --------
    Two images; on the first one cell is found and one missed, on the second there is a false alarm:

    >>> import bmbench
    >>> found = [[[12, 30, 0.9]], [[40, 40, 0.3]]]
    >>> cells = [[[13, 30], [50, 41]], []]
    >>> bmbench.score(found, cells, radius_px=5, threshold=0.2)
    ScoreResult(centres (5 px) AP 0.500, F1 0.500; 2 images, 2 cells)
    """
    units = WantedUnits(name=rules.pop("unit", None), independent=rules.pop("independent", False))
    asked = _protocol(protocol, radius_px, rules)
    answers, marked = as_predictions(predictions), as_truth(truth)
    _warn_of_radius(protocol, radius_px or rules.get("radius_um"))
    with files_of({"predictions": answers}, marked) as (path, truth_path):
        report = score_files(
            path,
            truth_path,
            asked,
            threshold=threshold,
            units=units,
            details=details,
            metrics=tuple(trust("bmbench.metrics", name) for name in metrics),
        )
    return ScoreResult(report=report, title=_title(predictions, "predictions"))


def compare(
    a: PredictionsLike,
    b: PredictionsLike,
    truth: TruthLike | None = None,
    *,
    more_a: Sequence[PredictionsLike] = (),
    more_b: Sequence[PredictionsLike] = (),
    protocol: str | None = None,
    radius_px: float | None = None,
    threshold: float | None = None,
    **rules: Any,
) -> ComparisonResult:
    """First minus second on the same images, with intervals and tests, as ``bmbench compare`` computes them.

    Parameters
    ----------
    a, b : as `predictions` of `bmbench.score`, or finished runs (`Run`, or the path of one)
    more_a, more_b : sequences of the same
        Further trainings (seeds) of each method: then its mean is compared.
    truth : as in `bmbench.score`, optional
        Without it that of the runs.
    protocol, radius_px, threshold
        As in `bmbench.score`; without them those of the runs.
    **rules
        `iou`, `assignment`, `ap`, `per_class`, `max_detections`; `unit` and `independent` of intervals.

    Returns
    -------
    ComparisonResult

    Raises
    ------
    BadInputError
        If something cannot be read, or the two are not of the same images.

    Examples
    --------
    >>> import bmbench
    >>> cells = [[[13, 30], [50, 41]], [[20, 20]]]
    >>> one = [[[12, 30, 0.9], [50, 40, 0.8]], [[20, 21, 0.7]]]
    >>> other = [[[12, 30, 0.9]], []]
    >>> bmbench.compare(one, other, cells, radius_px=5)
    ComparisonResult(first minus second: centres AP +0.667, F1 +0.500; 2 images)
    """
    _require_rules(rules)
    chosen = {name: rules.pop(name) for name in _UNITS if name in rules}
    changes = {**rules, "radius_px": radius_px}
    first, second = ([_side(one) for one in some] for some in ((a, *more_a), (b, *more_b)))
    if not any(isinstance(side, Path) and side.is_dir() for side in (*first, *second)):
        _warn_of_radius(protocol or "paper", radius_px or rules.get("radius_um"))
    marked = None if truth is None else as_truth(truth)
    n, every = len(first), _named(first, "first") | _named(second, "second")
    with files_of(every, marked) as paths:
        request = ComparisonRequest(
            first=paths[:n],
            second=paths[n : len(every)],
            truth=paths[len(every)] if len(paths) > len(every) else None,
            protocol=protocol,
            changes=changes,
            threshold=threshold,
            **chosen,
        )
        report = compare_predictions(request)
    names = (_title(a, "first"), _title(b, "second"))
    return ComparisonResult(report=dataclasses.replace(report, names=names))


def _named(sides: Sequence[PredictionTable | Path], name: str) -> dict[str, PredictionTable | Path]:
    return {name if number == 0 else f"{name}-{number + 1}": side for number, side in enumerate(sides)}


def _side(value: Any) -> PredictionTable | Path:
    """One side of a comparison: a run by its folder, or predictions."""
    folder = getattr(value, "folder", None)
    return folder if isinstance(folder, Path) else as_predictions(value)


def _require_rules(changes: Mapping[str, Any]) -> None:
    """Nothing, or an UnknownNameError for what is no rule of a score or of its interval."""
    known = {*_RULES, *_UNITS}
    for name in changes:
        if name not in known:
            raise UnknownNameError("rule", name, known)


def _protocol(protocol: str | Protocol, radius_px: float | None, changes: Mapping[str, Any]) -> Protocol:
    _require_rules(changes)
    wanted = {**changes, "radius_px": radius_px}
    if isinstance(protocol, str):
        return resolve_protocol(protocol, **wanted)
    return changed_protocol(protocol, **wanted)


def _warn_of_radius(protocol: str | Protocol, radius: float | None) -> None:
    """A warning where centres are matched by the radius of the study, which is right at its scale alone."""
    study = PROTOCOLS["paper"].radius_px
    named = PROTOCOLS.get(protocol) if isinstance(protocol, str) else None
    if named is None or radius is not None or named.radius_px != study:
        return
    warnings.warn(
        f"centres match up to {study:g} px apart, the radius of the study's own images; "
        "radius_px= says another one (a third of a cell's diameter)",
        stacklevel=3,
    )


def _title(value: Any, otherwise: str) -> str:
    if isinstance(value, str | Path):
        return Path(value).name
    folder = getattr(value, "folder", None)
    source = folder if isinstance(folder, Path) else getattr(value, "source", None)
    return source.name if isinstance(source, Path) else otherwise
