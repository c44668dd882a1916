"""Laws that every scorer keeps. A new scorer is one more row, and says which laws it keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmbench.core.types import Category, Role
from bmbench.metrics import (
    PROTOCOLS,
    average_precision,
    choose_threshold,
    count_error,
    evaluate,
    froc,
    localisation,
    optimal_lrp,
    rater_agreement,
    reliability,
    scores_by_group,
    sensitivity_per_100_cells,
    sensitivity_per_mm2,
    sweep,
)
from bmbench.metrics.artefact_class import artefact_scores
from bmbench.metrics.by_size import scores_by_size
from bmbench.metrics.cost_of_causes import cost_of_causes
from bmbench.metrics.merges_and_splits import merges_and_splits
from bmbench.metrics.protocol import resolve_protocol
from bmbench.metrics.shapes import shape_scores

from .scenes import ARTEFACT, joined, predictions_of, rebuilt, scenes, shifted, taken, truth_of

RADIUS = 8.0


@dataclass(frozen=True)
class Scorer:
    """A named list of numbers about a scene, and what of it scales.

    `values(truth, predictions, scale)` gives them with the pixel limits multiplied by `scale`; `pixels`
    says which of them are pixels. `ordered` is False for the one protocol whose ties follow the files.
    """

    name: str
    values: Callable[[Any, Any, float], dict[str, Any]]
    pixels: tuple[str, ...] = ()
    ordered: bool = False
    perfect: tuple[str, ...] = ("ap", "f1", "precision", "recall")


def protocol_of(name: str, assignment: str, scale: float) -> Any:
    protocol = replace(PROTOCOLS[name], assignment=assignment)
    return protocol if protocol.radius_px is None else replace(protocol, radius_px=RADIUS * scale)


def headline(name: str, geometry: str, assignment: str, threshold: float | None, **changes: Any) -> Scorer:
    def values(truth: Any, predictions: Any, scale: float) -> dict[str, Any]:
        protocol = replace(protocol_of(name, assignment, scale), **changes)
        evaluation = evaluate(truth, predictions, protocol, threshold=threshold)
        report = dict(evaluation.to_json()[geometry])
        del report["limit"]
        return report | {"chosen": choose_threshold(getattr(evaluation, geometry))}

    at = "best" if threshold is None else threshold
    label = "-".join([name, geometry, assignment, str(at), *map(str, changes.values())])
    return Scorer(label, values, ordered=PROTOCOLS[name].pycocotools)


def further(geometry: str) -> Scorer:
    def values(truth: Any, predictions: Any, scale: float) -> dict[str, Any]:
        protocol = protocol_of("paper", "greedy", scale)
        scores = getattr(evaluate(truth, predictions, protocol, threshold=0.5), geometry)
        free, lies, counted = froc(scores), localisation(truth, predictions, scores), count_error(scores)
        return {
            "froc": free.mean,
            "eleven": average_precision(scores.curve, "11"),
            "hundred": average_precision(scores.curve, "101"),
            "f2": None if not scores.curve.cells else scores.curve.f(2.0).tolist(),
            "mean_iou": _rounded(lies.mean_iou),
            "size": _rounded(lies.median_size_ratio),
            "mean_distance_px": _rounded(lies.mean_distance_px),
            "mean_absolute": _rounded(counted.mean_absolute),
            "rms": _rounded(counted.root_mean_square),
        }

    perfect = ("eleven", "hundred", "mean_iou", "size")
    return Scorer(f"further-{geometry}", values, pixels=("mean_distance_px",), perfect=perfect)


def merged_and_split(geometry: str) -> Scorer:
    def values(truth: Any, predictions: Any, scale: float) -> dict[str, Any]:
        protocol = protocol_of("paper", "greedy", scale)
        scores = getattr(evaluate(truth, predictions, protocol, threshold=0.5), geometry)
        found = merges_and_splits(truth, predictions, scores)
        return {} if found is None else asdict(found)

    return Scorer(f"merges-{geometry}", values, perfect=())


def grouped(geometry: str) -> Scorer:
    def values(truth: Any, predictions: Any, scale: float) -> dict[str, Any]:
        protocol = protocol_of("paper", "greedy", scale)
        found = scores_by_group(
            truth, getattr(evaluate(truth, predictions, protocol, threshold=0.5), geometry)
        )
        records = {record["group"]: record for record in found.to_json()}
        sums = {name: sum(one[name] for one in records.values()) for name in ("images", "tp", "fp", "fn")}
        return sums | {"f1": records, "recall": tuple(one["recall"] for one in records.values())}

    return Scorer(f"groups-{geometry}", values, perfect=())


def rated(geometry: str) -> Scorer:
    def values(truth: Any, predictions: Any, scale: float) -> dict[str, Any]:
        protocol = protocol_of("paper", "greedy", scale)
        area = np.full(len(truth.image_ids), 0.04)
        scores = getattr(evaluate(truth, predictions, protocol, threshold=0.5), geometry)
        by_area = sensitivity_per_mm2(rebuilt(truth, image_mm2=area), scores)
        found = {"area": by_area, "cells": sensitivity_per_100_cells(scores)}
        return {
            f"{name}_{rule}": None if one is None else getattr(one, rule)
            for name, one in found.items()
            for rule in ("mean", "interpolated_mean")
        }

    perfect = tuple(f"{of}_{rule}" for of in ("area", "cells") for rule in ("mean", "interpolated_mean"))
    return Scorer(f"rated-{geometry}", values, perfect=perfect)


def calibrated(geometry: str) -> Scorer:
    def values(truth: Any, predictions: Any, scale: float) -> dict[str, Any]:
        protocol = protocol_of("paper", "greedy", scale)
        return {
            "d_ece": _rounded(reliability(getattr(evaluate(truth, predictions, protocol), geometry)).error)
        }

    return Scorer(f"calibration-{geometry}", values, perfect=())


def lrp(geometry: str) -> Scorer:
    def values(truth: Any, predictions: Any, scale: float) -> dict[str, Any]:
        scores = getattr(evaluate(truth, predictions, protocol_of("paper", "greedy", scale)), geometry)
        found = optimal_lrp(predictions, scores, geometry)  # type: ignore[arg-type]
        return {} if found is None else {"error": _rounded(found.error), "right": 1 - _rounded(found.error)}

    return Scorer(f"lrp-{geometry}", values, perfect=("right",))


def by_class_and_scale() -> Scorer:
    """Two classes with limits of their own, in µm; the scale of the images follows the scene."""

    def values(truth: Any, predictions: Any, scale: float) -> dict[str, Any]:
        um_per_px = np.full(len(truth.image_ids), 0.5 / scale)
        label = (truth.xy[:, 0] / scale * 4 % 2).astype(np.int64)
        kinds = (Category(id=1, name="small"), Category(id=2, name="large"), ARTEFACT)
        mixed = rebuilt(
            truth,
            um_per_px=um_per_px,
            label=np.where(truth.role == Role.ARTEFACT, 2, label),
            categories=kinds,
        )
        found = rebuilt(predictions, label=np.where(predictions.label == 1, 2, 0))
        rules = resolve_protocol("paper", radius_um=4.0, class_radii={"small": 2.0}, iou=None)
        report = dict(evaluate(mixed, found, replace(rules, iou=None), threshold=0.5).to_json()["cd"])
        del report["matched_by"]
        return report

    return Scorer("paper-cd-by-class-and-scale", values)


def by_outline(geometry: str) -> Scorer:
    """Diamonds as outlines. Pixels do not scale, so a scaled scene is scored as it was."""

    def values(truth: Any, predictions: Any, scale: float) -> dict[str, Any]:
        def diamonds(table: Any) -> Any:
            at = shifted(table, scale=1 / scale)
            x0, y0, x1, y1 = at.box.T
            x, y = (x0 + x1) / 2, (y0 + y1) / 2
            corners = np.stack([[x0, y], [x, y0], [x1, y], [x, y1]]).transpose(2, 0, 1)
            return rebuilt(at, outline=tuple((ring,) for ring in corners))

        marked = diamonds(truth)
        if not (marked.role == Role.CELL).any():
            return {}
        rules = replace(PROTOCOLS["paper"], outlines=True)
        report = dict(evaluate(marked, diamonds(predictions), rules, threshold=0.5).to_json()[geometry])
        return report | {"matched_by": None}

    return Scorer(f"outlines-{geometry}", values, perfect=("ap", "f1", "precision", "recall"))


def raters(geometry: str) -> Scorer:
    """The predictions as a second rater's marks."""

    def values(truth: Any, predictions: Any, scale: float) -> dict[str, Any]:
        cells = np.flatnonzero(predictions.label == 0)
        second = rebuilt(
            truth,
            **{name: getattr(predictions, name)[cells] for name in ("image", "xy", "box", "label")},
            role=np.full(len(cells), Role.CELL, np.int64),
            region=np.zeros(len(cells), bool),
        )
        found = rater_agreement(truth, second, protocol_of("paper", "greedy", scale), geometry)  # type: ignore[arg-type]
        if found is None:
            return {}
        return {"shared": int(found.shared.sum()), "alone": int(found.alone.sum()), "agreement": found.f1}

    return Scorer(f"raters-{geometry}", values, perfect=("agreement",))


def sized(geometry: str) -> Scorer:
    def values(truth: Any, predictions: Any, scale: float) -> dict[str, Any]:
        protocol = protocol_of("paper", "greedy", scale)
        scores = getattr(evaluate(truth, predictions, protocol, threshold=0.5), geometry)
        found = scores_by_size(truth, predictions, scores)
        if found is None:
            return {}
        sums = found.to_json()
        counts = {
            f"{name}-{k}": sums[name][k] for name in ("cells", "found", "false_alarms") for k in range(3)
        }
        return counts | {"recall": sums["recall"], "perfect": sum(sums["found"]) / sum(sums["cells"])}

    return Scorer(f"sizes-{geometry}", values, perfect=("perfect",))


def of_artefacts(geometry: str) -> Scorer:
    def values(truth: Any, predictions: Any, scale: float) -> dict[str, Any]:
        protocol = protocol_of("paper", "greedy", scale)
        found = artefact_scores(truth, predictions, protocol, geometry, threshold=0.5)  # type: ignore[arg-type]
        return (
            {}
            if found is None
            else {name: getattr(found, name) for name in ("tp", "fp", "fn_artefact", "f1")}
        )

    return Scorer(f"artefacts-{geometry}", values, perfect=())


def shaped() -> Scorer:
    def values(truth: Any, predictions: Any, scale: float) -> dict[str, Any]:
        def rectangles(table: Any) -> Any:
            at = shifted(table, scale=1 / scale)
            x0, y0, x1, y1 = at.box.T
            corners = np.stack([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]).transpose(2, 0, 1)
            return rebuilt(at, outline=tuple((ring,) for ring in corners))

        marked, found = rectangles(truth), rectangles(predictions)
        if not (marked.role == Role.CELL).any():
            return {}
        rules = replace(PROTOCOLS["paper"], outlines=True)
        shapes = shape_scores(marked, found, evaluate(marked, found, rules, threshold=0.5).bb)  # type: ignore[arg-type]
        assert shapes is not None
        return {"pq": _rounded(shapes.panoptic_quality), "dice": _rounded(shapes.dice)}

    return Scorer("shapes", values, perfect=("pq", "dice"))


def costly(geometry: str) -> Scorer:
    def values(truth: Any, predictions: Any, scale: float) -> dict[str, Any]:
        protocol = protocol_of("paper", "greedy", scale)
        scores = getattr(evaluate(truth, predictions, protocol), geometry)
        found = cost_of_causes(truth, predictions, protocol, scores, geometry)  # type: ignore[arg-type]
        return {} if found is None else {name: _rounded(cost) for name, cost in found.items()}

    return Scorer(f"costs-{geometry}", values, perfect=())


def swept(geometry: str) -> Scorer:
    def values(truth: Any, predictions: Any, scale: float) -> dict[str, Any]:
        limits = [0.3, 0.5, 0.75] if geometry == "bb" else [4.0 * scale, 8.0 * scale]
        found = sweep(truth, predictions, PROTOCOLS["paper"], geometry, limits=limits)
        return {"ap": found.ap, "f1": found.f1, "recall": found.recall}

    return Scorer(f"sweep-{geometry}", values, perfect=())


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 9)


SCORERS = [
    *(
        headline("paper", geometry, assignment, threshold=threshold)
        for geometry in ("bb", "cd")
        for assignment in ("greedy", "hungarian")
        for threshold in (None, 0.5)
    ),
    headline("paper", "bb", "greedy", 0.5, max_detections=4),
    headline("voc2007", "bb", "greedy", None),
    headline("voc2010", "bb", "greedy", 0.5),
    headline("kainz", "cd", "greedy", None),
    headline("coco", "bb", "greedy", None),
    # MIDOG's rule follows the order of the file and HoVer-Net's settles ties by it: they keep no such law.
    headline("ocelot", "cd", "greedy", 0.5),
    headline("kainz", "cd", "greedy", 0.5, reach="nearest"),
    *(further(geometry) for geometry in ("bb", "cd")),
    *(merged_and_split(geometry) for geometry in ("bb", "cd")),
    *(grouped(geometry) for geometry in ("bb", "cd")),
    *(rated(geometry) for geometry in ("bb", "cd")),
    *(calibrated(geometry) for geometry in ("bb", "cd")),
    *(lrp(geometry) for geometry in ("bb", "cd")),
    by_class_and_scale(),
    *(by_outline(geometry) for geometry in ("bb", "cd")),
    shaped(),
    *(sized(geometry) for geometry in ("bb", "cd")),
    *(of_artefacts(geometry) for geometry in ("bb", "cd")),
    *(costly(geometry) for geometry in ("bb", "cd")),
    *(raters(geometry) for geometry in ("bb", "cd")),
    *(swept(geometry) for geometry in ("bb", "cd")),
]
GREEDY_AND_OPTIMAL = [
    (name, geometry, assignment)
    for name, geometry in (("paper", "bb"), ("paper", "cd"), ("voc2010", "bb"), ("kainz", "cd"))
    for assignment in ("greedy", "hungarian")
    if not (name != "paper" and assignment == "hungarian")
]
fewer = settings(max_examples=25)
every_scorer = pytest.mark.parametrize("scorer", SCORERS, ids=lambda scorer: scorer.name)
every_matching = pytest.mark.parametrize(("name", "geometry", "assignment"), GREEDY_AND_OPTIMAL)


def scores_at(truth: Any, predictions: Any, *rule: str, threshold: float = 0.0) -> Any:
    name, geometry, assignment = rule
    protocol = protocol_of(name, assignment, 1.0)
    return getattr(evaluate(truth, predictions, protocol, threshold=threshold), geometry)


@every_scorer
@fewer
@given(scene=scenes(grid=4.0), seed=st.integers(0, 1000))
def test_order_never_matters(scorer: Scorer, scene: Any, seed: int) -> None:
    truth, predictions = scene
    rng = np.random.default_rng(seed)
    if scorer.ordered:
        distinct = (rng.permutation(len(predictions)) + 1) / (len(predictions) + 1)
        predictions = rebuilt(predictions, confidence=distinct)
        truth = without_equal_overlaps(truth)
    images = rng.permutation(len(truth.image_ids))
    place = np.argsort(images)
    mixed = taken(truth, rng.permutation(len(truth.image)))
    mixed = rebuilt(
        mixed,
        image_ids=tuple(truth.image_ids[row] for row in images),
        groups=tuple(truth.groups[row] for row in images),
        image=place[mixed.image],
    )
    other = taken(predictions, rng.permutation(len(predictions)))
    other = rebuilt(other, image=place[other.image])
    assert scorer.values(mixed, other, 1.0) == scorer.values(truth, predictions, 1.0)


def without_equal_overlaps(truth: Any) -> Any:
    """Cells far from each other: pycocotools breaks ties between equal overlaps by the file, too."""
    far = np.arange(len(truth.image))[:, None] * 4096.0
    return rebuilt(truth, xy=truth.xy + far, box=truth.box + far)


@every_scorer
@fewer
@given(
    scene=scenes(),
    by=st.tuples(st.integers(-500, 9000), st.integers(-500, 9000)),
    scale=st.sampled_from([0.25, 4]),
)
def test_moving_and_scaling_never_matter(
    scorer: Scorer, scene: Any, by: tuple[int, int], scale: float
) -> None:
    truth, predictions = scene
    before = scorer.values(truth, predictions, 1.0)
    moved = scorer.values(shifted(truth, by=by, scale=scale), shifted(predictions, by=by, scale=scale), scale)
    for name in scorer.pixels:
        before[name] = None if before[name] is None else pytest.approx(before[name] * scale)
    assert moved == before


@every_scorer
@fewer
@given(scene=scenes(kinds=False))
def test_predictions_equal_to_the_cells_are_perfect(scorer: Scorer, scene: Any) -> None:
    truth, _ = scene
    if scorer.name.endswith("-4") or not len(truth.image):
        return
    score = np.full(len(truth.image), 0.5)
    predictions = predictions_of(truth.box.tolist(), score.tolist(), truth.image.tolist())
    values = scorer.values(truth, predictions, 1.0)
    # pycocotools adds a rounding error to every denominator, which is kept.
    near = 1e-15 if scorer.ordered else 0.0
    for name in scorer.perfect:
        assert values[name] == pytest.approx(1.0, abs=near, rel=0)


@every_scorer
@fewer
@given(scene=scenes())
def test_showing_every_image_twice_changes_no_ratio(scorer: Scorer, scene: Any) -> None:
    if scorer.ordered:
        return
    truth, predictions = scene
    m = len(truth.image_ids)
    twice = joined(truth, rebuilt(truth, image=truth.image + m))
    twice = rebuilt(twice, image_ids=tuple(range(1, 2 * m + 1)), groups=tuple(map(str, range(2 * m))))
    predictions_twice = joined(predictions, rebuilt(predictions, image=predictions.image + m))
    before, after = scorer.values(truth, predictions, 1.0), scorer.values(twice, predictions_twice, 1.0)
    for name, value in before.items():
        if isinstance(value, int):
            assert after[name] == 2 * value
        elif isinstance(value, float):
            assert after[name] == pytest.approx(value, abs=1e-9), name
        else:
            assert name in {"ap", "f1", "recall", "f2", "assignment"} or after[name] == value


@every_matching
@fewer
@given(scene=scenes(), score=st.sampled_from([0.1, 0.5, 1.0]))
def test_a_prediction_on_a_cell_free_image_costs(
    name: str, geometry: str, assignment: str, *, scene: Any, score: float
) -> None:
    truth, predictions = scene
    m = len(truth.image_ids)
    truth = rebuilt(truth, image_ids=tuple(range(1, m + 2)), groups=tuple(map(str, range(m + 1))))
    stray = predictions_of([[0, 0, 20, 20]], [score], [m])
    before = scores_at(truth, predictions, name, geometry, assignment)
    after = scores_at(truth, joined(predictions, stray), name, geometry, assignment)
    assert (after.tp, after.fp, after.fn) == (before.tp, before.fp + 1, before.fn)
    if before.tp:
        assert after.f1 < before.f1
        assert after.precision < before.precision
        assert after.ap < before.ap if score == 1.0 else after.ap <= before.ap
    free = [froc(s).mean for s in (before, after)]
    assert free[0] is None or free[1] <= free[0]


@every_matching
@fewer
@given(scene=scenes(), seed=st.integers(0, 100))
def test_recall_never_rises_by_leaving_predictions_out(
    name: str, geometry: str, assignment: str, scene: Any, seed: int
) -> None:
    truth, predictions = scene
    kept = np.random.default_rng(seed).random(len(predictions)) < 0.7
    whole = scores_at(truth, predictions, name, geometry, assignment)
    part = scores_at(truth, taken(predictions, kept), name, geometry, assignment)
    assert part.tp <= whole.tp


@pytest.mark.parametrize("geometry", ["bb", "cd"])
@given(scene=scenes(), threshold=st.sampled_from([0.0, 0.3, 0.6]))
def test_hungarian_never_finds_fewer(geometry: str, scene: Any, threshold: float) -> None:
    truth, predictions = scene
    optimal = scores_at(truth, predictions, "paper", geometry, "hungarian", threshold=threshold)
    greedy = scores_at(truth, predictions, "paper", geometry, "greedy", threshold=threshold)
    assert optimal.tp >= greedy.tp
    kept = [(scores.curve.threshold >= threshold).sum() for scores in (optimal, greedy)]
    if min(kept):
        assert optimal.curve.tp[kept[0] - 1] >= greedy.curve.tp[kept[1] - 1]


@every_matching
@fewer
@given(scene=scenes(), region=st.booleans(), seed=st.integers(0, 1000), threshold=st.sampled_from([0.0, 0.5]))
def test_an_added_ignored_object_never_adds_an_error(
    name: str, geometry: str, assignment: str, *, scene: Any, region: bool, seed: int, threshold: float
) -> None:
    truth, predictions = scene
    rng = np.random.default_rng(seed)
    boxes = predictions.box if len(predictions) else np.array([[0.0, 0.0, 20.0, 20.0]])
    row = rng.integers(len(boxes))
    box = boxes[row] + rng.integers(-3, 4, 4)
    box[2:] = np.maximum(box[2:], box[:2] + 1)
    image = int(predictions.image[row]) if len(predictions) else 0
    ignored = truth_of([box.tolist()], [image], role=[Role.IGNORE], region=[region], label=[0])
    before = scores_at(truth, predictions, name, geometry, assignment, threshold=threshold)
    after = scores_at(joined(truth, ignored), predictions, name, geometry, assignment, threshold=threshold)
    assert after.fp <= before.fp
    assert (after.tp, after.fn) == (before.tp, before.fn)
    assert after.fp + after.ignored == before.fp + before.ignored


@every_matching
@fewer
@given(scene=scenes(), threshold=st.sampled_from([0.0, 0.5]))
def test_every_prediction_and_every_cell_is_counted_once(
    name: str, geometry: str, assignment: str, scene: Any, threshold: float
) -> None:
    truth, predictions = scene
    scores = scores_at(truth, predictions, name, geometry, assignment, threshold=threshold)
    asked = (predictions.label == 0) & (predictions.confidence >= threshold)
    assert scores.tp + scores.fp + scores.ignored == asked.sum()
    assert scores.tp + scores.fn == (truth.role == Role.CELL).sum()
    causes = scores.fp_artefact + scores.fp_duplicate + scores.fp_near + scores.fp_background
    assert causes == scores.fp
    assert scores.fn_missed + scores.fn_artefact == scores.fn
    assert scores.images.tp.sum() == scores.tp
    assert scores.images.fp.sum() == scores.fp
