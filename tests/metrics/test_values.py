"""AP, F1, thresholds, causes, FROC and the rest, by hand and against scikit-learn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_curve

from bmbench.core.types import CELL, Category, GroundTruth, Predictions, Role
from bmbench.metrics import (
    PROTOCOLS,
    Counts,
    Curve,
    Localisation,
    Tally,
    average_precision,
    choose_threshold,
    count_error,
    evaluate,
    froc,
    localisation,
    sweep,
)

from . import naive
from .scenes import predictions_of, rebuilt, square, truth_of

PAPER = PROTOCOLS["paper"]


def curve_of(hit: list[int], score: list[float], cells: int) -> Curve:
    return Curve.of(
        Tally.of(
            confidence=np.array(score, float),
            hit=np.array(hit, bool),
            image=np.zeros(len(hit), np.int64),
            cells=np.array([cells]),
        )
    )


def test_three_average_precisions_of_one_curve() -> None:
    """Hits 1 0 1 1 0 of 4 cells: recall 1/4 1/4 2/4 3/4 3/4, precision 1 1/2 2/3 3/4 3/5.

    Envelope: 1 up to recall 1/4, then 3/4 up to recall 3/4 (2/3 is lifted), then 0.
    All points: 1/4 · 1 + 1/2 · 3/4 = 0.625.
    11 points: 0, 0.1, 0.2 → 1; 0.3 … 0.7 → 3/4; 0.8, 0.9, 1 → 0: (3 + 5 · 3/4) / 11.
    101 points: 0 … 0.25 are 26 → 1; 0.26 … 0.75 are 50 → 3/4: (26 + 37.5) / 101.
    """
    curve = curve_of([1, 0, 1, 1, 0], [0.9, 0.8, 0.7, 0.6, 0.5], 4)
    assert average_precision(curve, "all") == pytest.approx(0.625)
    assert average_precision(curve, "11") == pytest.approx(6.75 / 11)
    assert average_precision(curve, "101") == pytest.approx(63.5 / 101)


def test_tenths_are_reached_by_tenths() -> None:
    """3 of 10 cells, no false alarm: recall points 0, 0.1, 0.2 and 0.3 are reached, 4 of 11."""
    assert average_precision(curve_of([1, 1, 1], [0.9, 0.8, 0.7], 10), "11") == pytest.approx(4 / 11)


def test_hundredths_are_those_of_pycocotools() -> None:
    """29 of 100 cells: 29/100 is below the float64 grid point 0.29, so that 29 points count, not 30."""
    curve = curve_of([1] * 29, np.linspace(0.9, 0.1, 29).tolist(), 100)
    assert np.linspace(0, 1, 101)[29] == 0.29, "29/100 is one of the grid points that are exact"
    assert average_precision(curve, "101") == pytest.approx(30 / 101)


def test_equal_scores_are_one_step() -> None:
    """A hit and a false alarm at 0.8, then a hit at 0.3: precision 1/2 then 2/3, envelope 2/3 throughout."""
    curve = curve_of([1, 0, 1], [0.8, 0.8, 0.3], 2)
    assert curve.threshold.tolist() == [0.8, 0.3]
    assert (curve.tp.tolist(), curve.fp.tolist()) == ([1, 2], [1, 1])
    assert average_precision(curve, "all") == pytest.approx(2 / 3)


@given(
    hit=st.lists(st.integers(0, 1), min_size=1, max_size=40),
    steps=st.integers(1, 12),
    more=st.integers(0, 5),
    seed=st.integers(0, 99),
)
def test_all_points_is_the_definition(hit: list[int], steps: int, more: int, seed: int) -> None:
    score = np.random.default_rng(seed).integers(1, steps + 1, len(hit)) / steps
    cells = sum(hit) + more
    if cells:
        expected = naive.average_precision(hit, score.tolist(), cells)
        assert average_precision(curve_of(hit, score.tolist(), cells), "all") == pytest.approx(expected)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 4)), min_size=1, max_size=8))
def test_where_precision_only_falls_it_is_scikit_learns(steps: list[tuple[int, int]]) -> None:
    """Without an envelope to lift anything, the two definitions coincide; equal scores are a step in both."""
    steps = sorted(steps, key=lambda step: step[1] / step[0])
    hit = [kind for hits, wrong in steps for kind in [1] * hits + [0] * wrong]
    score = [1 - place / 10 for place, (hits, wrong) in enumerate(steps) for _ in range(hits + wrong)]
    if 0 not in hit:
        return
    curve = curve_of(hit, score, sum(hit))
    assert average_precision(curve, "all") == pytest.approx(average_precision_score(hit, score))
    precision, recall, threshold = precision_recall_curve(hit, score)
    assert curve.threshold[::-1].tolist() == threshold.tolist()
    assert curve.precision[::-1] == pytest.approx(precision[:-1])
    assert curve.recall[::-1] == pytest.approx(recall[:-1])


def test_f_beta_by_hand() -> None:
    """2 hits, 1 false alarm, 4 cells: P = 2/3, R = 1/2; F1 = 4/7; F2 = 5PR / (4P + R) = 10/19."""
    curve = curve_of([1, 1, 0], [0.9, 0.5, 0.5], 4)
    assert curve.f()[-1] == pytest.approx(4 / 7)
    assert curve.f(2.0)[-1] == pytest.approx(10 / 19)
    counts = Counts(
        tp=2,
        fp=1,
        fn=2,
        fp_artefact=0,
        fp_duplicate=0,
        fp_near=0,
        fp_background=1,
        fn_missed=2,
        fn_artefact=0,
        ignored=0,
    )
    assert (counts.f1, counts.f(2.0)) == (pytest.approx(4 / 7), pytest.approx(10 / 19))


def on_a_line(places: list[float], score: list[float], **more: Any) -> Predictions:
    return predictions_of([square(x, 0) for x in places], score, **more)


def test_oracle_and_chosen_threshold() -> None:
    """Hits at 0.9 and 0.6, a false alarm at 0.4, two cells: F1 is 2/3, 1, 4/5. Best at 0.6.

    For other images the threshold lies half-way to 0.4.
    """
    truth = truth_of([square(0, 0), square(200, 0)])
    evaluation = evaluate(truth, on_a_line([0, 200, 500], [0.9, 0.6, 0.4]), PAPER)
    assert evaluation.threshold_source == "oracle"
    assert evaluation.cd is not None
    assert (evaluation.cd.threshold, evaluation.cd.f1) == (0.6, 1.0)
    assert choose_threshold(evaluation.cd) == pytest.approx(0.5)
    given_one = evaluate(truth, on_a_line([0, 200, 500], [0.9, 0.6, 0.4]), PAPER, threshold=0.4)
    assert given_one.threshold_source == "given"
    assert given_one.cd is not None
    assert (given_one.cd.threshold, given_one.cd.f1) == (0.4, pytest.approx(0.8))


def test_of_equal_f1_the_higher_threshold_is_taken() -> None:
    """Two cells. Hit at 0.9: F1 2/(1 + 2). False alarm at 0.8: 2/4. A hit and one more at 0.5: 4/(4 + 2)."""
    truth = truth_of([square(0, 0), square(200, 0)])
    evaluation = evaluate(truth, on_a_line([0, 500, 700, 200], [0.9, 0.8, 0.5, 0.5]), PAPER)
    assert evaluation.cd is not None
    assert evaluation.cd.threshold == 0.9


@pytest.mark.parametrize(("places", "score"), [([], []), ([500], [0.9])])
def test_a_threshold_for_want_of_anything_better(places: list[float], score: list[float]) -> None:
    """Without predictions, or without cells, everything is kept."""
    truth = truth_of([square(0, 0)] if not places else [], n_images=1)
    evaluation = evaluate(truth, on_a_line(places, score), PAPER)
    assert evaluation.cd is not None
    assert choose_threshold(evaluation.cd) == 0.0


def artefact_scene() -> tuple[Any, Any]:
    """Cells at 0, 200, 400 and 600; an artefact at 800.

    Predictions: on the first cell twice; 70 px beside the cell at 400; on the artefact; in the open; and
    the cell at 600 predicted as an artefact, and so is the first cell, which is found. Radius 55.
    """
    truth = truth_of([square(x, 0, 90) for x in (0, 200, 400, 600, 800)], role=[0, 0, 0, 0, Role.ARTEFACT])
    predictions = predictions_of(
        [square(x, 0, 90) for x in (0, 5, 470, 800, 1200, 600, 0)],
        [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.9],
        label=[0, 0, 0, 0, 0, 1, 1],
    )
    return truth, predictions


def test_causes_of_errors_by_hand() -> None:
    """BB: a box 70 px beside one 90 px wide overlaps it by 20 / 160 = 0.125, above 0.1: near in both."""
    truth, predictions = artefact_scene()
    for geometry in ("bb", "cd"):
        scores = getattr(evaluate(truth, predictions, PAPER, threshold=0.0), geometry)
        assert (scores.tp, scores.fp, scores.fn) == (1, 4, 3)
        causes = (scores.fp_duplicate, scores.fp_near, scores.fp_artefact, scores.fp_background)
        assert causes == (1, 1, 1, 1)
        assert (scores.fn_missed, scores.fn_artefact) == (2, 1)
    evaluation = evaluate(truth, predictions, PAPER, threshold=0.45)
    assert evaluation.cd is not None
    assert evaluation.cd.fn_artefact == 0, "the prediction as artefact is below the threshold"
    assert (evaluation.n_predictions, evaluation.n_artefact_predictions) == (5, 2)


def test_an_artefact_weighs_more_than_a_duplicate() -> None:
    """The second prediction lies on a found cell and on an artefact: it is counted as on the artefact."""
    truth = truth_of([square(0, 0), square(8, 0)], role=[Role.CELL, Role.ARTEFACT])
    scores = evaluate(truth, on_a_line([0, 4], [0.9, 0.8]), replace(PAPER, radius_px=10.0), threshold=0.0).cd
    assert scores is not None
    assert (scores.fp_artefact, scores.fp_duplicate) == (1, 0)


def test_how_hits_lie() -> None:
    """Offsets (3, 4), (0, 1): 5 and 1 px, mean, median 3. IoU: 17·16 / (800 − 272), 19·20 / (800 − 380)."""
    lies = _localised(truth_of([square(0, 0), square(200, 0)]), [square(3, 4), square(200, 1)])
    assert (lies.hits, lies.mean_distance_px, lies.median_distance_px) == (2, 3.0, 3.0)
    assert lies.mean_iou == pytest.approx((272 / 528 + 380 / 420) / 2)
    assert lies.median_size_ratio == 1


def test_how_large_hits_are() -> None:
    """Cells of 20 x 20 px found as 10 x 10, 20 x 5, 40 x 40 and a point: sides 0.5, 0.5, 2 times as long."""
    truth = truth_of([square(x, 20) for x in (20, 220, 420, 620)])
    found = [square(20, 20, 10), [210, 17.5, 230, 22.5], square(420, 20, 40), square(620, 20, 0)]
    of_all, of_points = (_localised(truth, boxes) for boxes in (found, found[3:]))
    assert (of_all.hits, of_all.median_size_ratio) == (4, 0.5)
    assert (of_points.hits, of_points.median_size_ratio) == (1, None)


def _localised(truth: GroundTruth, boxes: list[list[float]]) -> Localisation:
    predictions = predictions_of(boxes, [0.9] * len(boxes))
    scores = evaluate(truth, predictions, PAPER, threshold=0.0).cd
    assert scores is not None
    return localisation(truth, predictions, scores)


def test_counts_of_images() -> None:
    """Images with 2, 1 and 0 cells and 1, 1 and 3 predictions: errors −1, 0, 3."""
    truth = truth_of([square(0, 0), square(200, 0), square(0, 0)], [0, 0, 1], n_images=3)
    predictions = on_a_line([0, 0, 0, 50, 100], [0.9] * 5, image=[0, 1, 2, 2, 2])
    scores = evaluate(truth, predictions, PAPER).cd
    assert scores is not None
    error = count_error(scores)
    assert error.error.tolist() == [-1, 0, 3]
    assert (error.mean, error.mean_absolute) == (pytest.approx(2 / 3), pytest.approx(4 / 3))
    assert error.root_mean_square == pytest.approx((10 / 3) ** 0.5)


def test_froc_by_hand() -> None:
    """Two images, three cells: hit, false alarm, hit, false alarm, hit. Per image: 0, 0.5, 0.5, 1, 1.

    Sensitivity at up to 1/2 false alarm per image: 2/3; at 1: 1; at 1/4: 1/3.
    """
    truth = truth_of([square(x, 0) for x in (0, 200, 400)], n_images=2)
    scores = evaluate(truth, on_a_line([0, 700, 200, 900, 400], [0.9, 0.8, 0.7, 0.6, 0.5]), PAPER).cd
    assert scores is not None
    free = froc(scores, rates=(0.25, 0.5, 1.0))
    assert free.false_alarms_per_image.tolist() == [0, 0.5, 0.5, 1, 1]
    assert free.at_rates.tolist() == pytest.approx([1 / 3, 2 / 3, 1])
    assert free.mean == pytest.approx(2 / 3)


def test_sweep_is_the_evaluation_at_each_limit() -> None:
    truth, predictions = artefact_scene()
    found = sweep(truth, predictions, PAPER, "cd", limits=[4.0, 55.0, 75.0], threshold=0.0)
    # At 4 px the first prediction is a hit; at 75 px the one 70 px off the cell at 400 is another.
    assert found.recall == (0.25, 0.25, 0.5)
    assert found.precision == (0.2, 0.2, 0.4)


def test_cells_that_are_points_are_scored_by_centre_only() -> None:
    """A box without extent overlaps nothing: an AP of 0 by boxes would blame the detector."""
    evaluation = evaluate(truth_of([square(0, 0, 0)]), on_a_line([3], [0.9]), PAPER)
    assert evaluation.bb is None
    assert evaluation.cd is not None
    assert (evaluation.cd.ap, evaluation.n_cells) == (1.0, 1)
    mixed = evaluate(truth_of([square(0, 0, 0), square(200, 0)]), on_a_line([3], [0.9]), PAPER)
    assert mixed.bb is not None


BLAST, BAND = Category(id=3, name="blast"), Category(id=4, name="band")


def test_several_classes_by_hand() -> None:
    """Blasts at 0 and 200, a band at 400. Predicted: blast at 0, band at 200, band at 400.

    Blast: 1 hit of 2, no false alarm: AP 1/2. Band: the false alarm (0.8, on a blast: near) comes before
    the hit (0.7): precision 1/2, AP 1/2. Together 2 hits, 1 false alarm, 1 miss: F1 2/3. As one class all
    three are hits.
    """
    truth = truth_of(
        [square(x, 0) for x in (0, 200, 400)], role=[0, 0, 0], label=[0, 0, 1], categories=(BLAST, BAND)
    )
    predictions = on_a_line([0, 200, 400], [0.9, 0.8, 0.7], label=[0, 1, 1])
    scores = evaluate(truth, predictions, replace(PAPER, per_class=True), threshold=0.0).cd
    assert scores is not None
    assert (scores.ap, scores.f1) == (0.5, pytest.approx(2 / 3))
    assert (scores.tp, scores.fp, scores.fn, scores.fp_near) == (2, 1, 1, 1)
    assert {name: (one.ap, one.tp, one.fp, one.fn) for name, one in scores.classes.items()} == {
        "blast": (0.5, 1, 0, 1),
        "band": (0.5, 1, 1, 0),
    }
    assert scores.to_json()["classes"]["band"]["ap"] == 0.5
    one = evaluate(truth, predictions, PAPER, threshold=0.0).cd
    assert one is not None
    assert (one.ap, one.tp) == (1.0, 3)


def test_a_class_without_cells_does_not_enter_the_mean() -> None:
    truth = truth_of([square(0, 0)], role=[0], label=[0], categories=(BLAST, BAND))
    scores = evaluate(truth, on_a_line([0], [0.9], label=[0]), replace(PAPER, per_class=True)).bb
    assert scores is not None
    assert scores.ap == 1.0
    assert scores.classes["band"].ap is None


@pytest.mark.parametrize(
    ("column", "value"), [("confidence", [np.nan]), ("confidence", [1.5]), ("image", [3]), ("label", [7])]
)
def test_arrays_that_make_no_sense_are_refused(column: str, value: list[float]) -> None:
    truth = truth_of([square(0, 0)], categories=(CELL,))
    predictions = on_a_line([0], [0.5])
    kind = getattr(predictions, column).dtype
    with pytest.raises(ValueError, match=column):
        evaluate(truth, rebuilt(predictions, **{column: np.array(value, kind)}), PAPER)


@pytest.mark.parametrize(
    "change",
    [
        {"iou": 0.0},
        {"iou": 1.5},
        {"radius_px": 0.0},
        {"radius_px": float("inf")},
        {"iou": None, "radius_px": None},
        {"reach": "first", "assignment": "hungarian"},
        {"region_share": 0.2},
    ],
)
def test_rules_that_make_no_sense_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the sentence differs
        replace(PAPER, **change)
