"""Greedy and optimal assignment against slow answers, SciPy, and by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from bmbench.core.types import Role
from bmbench.metrics import PROTOCOLS, MatchOutcome, evaluate

from . import naive
from .scenes import predictions_of, random_scene, scenes, square, taken, truth_of

PAPER = replace(PROTOCOLS["paper"], radius_px=float(naive.RADIUS))
HUNGARIAN = replace(PAPER, assignment="hungarian")
GEOMETRIES = ["bb", "cd"]


def scores_of(truth: Any, predictions: Any, geometry: str, protocol: Any = PAPER, **options: Any) -> Any:
    scores = getattr(evaluate(truth, predictions, protocol, **options), geometry)
    assert scores is not None
    return scores


@pytest.mark.parametrize("geometry", GEOMETRIES)
@given(scene=scenes())
def test_greedy_is_the_definition(geometry: str, scene: Any) -> None:
    truth, predictions = scene
    scores = scores_of(truth, predictions, geometry, threshold=0.0)
    expected = naive.greedy(truth, predictions, geometry)
    hits = np.flatnonzero(scores.matching.is_hit)
    assert dict(zip(hits.tolist(), scores.matching.annotation[hits].tolist(), strict=True)) == expected
    counted = (scores.tp, scores.fp, scores.ignored, scores.fn)
    assert counted == naive.counts(truth, predictions, expected, geometry)


@pytest.mark.parametrize("geometry", GEOMETRIES)
@given(scene=scenes(), threshold=st.sampled_from([0.25, 0.5, 0.75]))
def test_greedy_matches_those_above_a_threshold_as_if_alone(
    geometry: str, scene: Any, threshold: float
) -> None:
    truth, predictions = scene
    kept = predictions.confidence >= threshold
    together = scores_of(truth, predictions, geometry).matching
    alone = scores_of(truth, taken(predictions, kept), geometry).matching
    assert together.annotation[kept].tolist() == alone.annotation.tolist()
    assert together.outcome[kept].tolist() == alone.outcome.tolist()
    assert together.cause[kept].tolist() == alone.cause.tolist()


def admissible_costs(truth: Any, predictions: Any, geometry: str) -> dict[tuple[int, int], float]:
    fits = naive.similarity(truth, predictions, geometry)
    return {
        pair: float(1 - fit) if geometry == "bb" else float(-fit) ** 0.5
        for pair, fit in fits.items()
        if naive.is_scored(truth, predictions, pair)
    }


@pytest.mark.parametrize("geometry", GEOMETRIES)
@given(scene=scenes(), threshold=st.sampled_from([0.0, 0.4, 0.7]))
def test_hungarian_is_as_good_as_scipy(geometry: str, scene: Any, threshold: float) -> None:
    """A dense matrix in which an inadmissible pair costs more than all admissible ones together."""
    truth, predictions = scene
    scores = scores_of(truth, predictions, geometry, HUNGARIAN, threshold=threshold)
    costs = admissible_costs(truth, predictions, geometry)
    forbidden = 1e4
    dense = np.full((len(predictions), len(truth.image)), forbidden)
    for (p, a), cost in costs.items():
        if predictions.confidence[p] >= threshold:
            dense[p, a] = cost
    rows, columns = linear_sum_assignment(dense)
    chosen = dense[rows, columns]
    hits = np.flatnonzero(scores.matching.is_hit)
    pairs = list(zip(hits.tolist(), scores.matching.annotation[hits].tolist(), strict=True))
    assert scores.tp == len(pairs) == (chosen < forbidden).sum()
    assert len({a for _, a in pairs}) == len(pairs)
    assert sum(costs[pair] for pair in pairs) == pytest.approx(chosen[chosen < forbidden].sum(), abs=1e-9)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_hungarian_is_the_best_of_all_assignments(geometry: str, seed: int) -> None:
    truth, predictions = random_scene(seed, images=1, cells=5, extra=0, area=40, grid=0.5, kinds=False)
    scores = scores_of(truth, predictions, geometry, HUNGARIAN, threshold=0.0)
    costs = admissible_costs(truth, predictions, geometry)
    best = naive.best_assignment(costs, len(predictions), len(truth.image))
    hits = np.flatnonzero(scores.matching.is_hit)
    total = sum(
        costs[p, a] for p, a in zip(hits.tolist(), scores.matching.annotation[hits].tolist(), strict=True)
    )
    assert (scores.tp, total) == (best[0], pytest.approx(best[1], abs=1e-9))


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_of_equally_good_assignments_hungarian_takes_the_first(geometry: str, seed: int) -> None:
    """On whole numbers most scenes have several best assignments; costs are compared at nine decimals."""
    truth, predictions = random_scene(seed, images=1, cells=4, extra=0, area=26, grid=4.0, kinds=False)
    costs = admissible_costs(truth, predictions, geometry)
    limit = 1 if geometry == "bb" else naive.RADIUS
    home = [(*truth.xy[a], *truth.box[a]) for a in range(len(truth.image))]
    sure = -predictions.confidence
    place = [(*predictions.xy[p], *predictions.box[p], sure[p]) for p in range(len(predictions))]
    order = sorted(costs, key=lambda pair: (place[pair[0]], home[pair[1]]))
    expected = naive.first_best_assignment({pair: round(costs[pair] / limit * 1e9) for pair in order})
    matching = scores_of(truth, predictions, geometry, HUNGARIAN, threshold=0.0).matching
    hits = np.flatnonzero(matching.is_hit)
    assert dict(zip(hits.tolist(), matching.annotation[hits].tolist(), strict=True)) == expected


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_hungarian_gives_the_same_pairs_in_any_order(geometry: str, seed: int) -> None:
    """Rows of 12 cells with a prediction between any two: one cell of each row is left, whichever it is."""
    rng = np.random.default_rng(seed)
    truth = truth_of([square(8 * i, 8 * j) for i in range(12) for j in range(12)])
    between = [square(8 * i + 4, 8 * j) for i in range(11) for j in range(12)]
    predictions = predictions_of(between, [0.5] * len(between))
    rows, others = rng.permutation(144), rng.permutation(132)
    mixed = taken(truth, rows), taken(predictions, others)
    found = scores_of(truth, predictions, geometry, HUNGARIAN, threshold=0.0).matching.annotation
    again = scores_of(*mixed, geometry, HUNGARIAN, threshold=0.0).matching.annotation
    assert (found[others] == np.where(again < 0, -1, rows[again])).all()


@pytest.mark.parametrize("geometry", GEOMETRIES)
@given(scene=scenes())
def test_hungarian_does_not_depend_on_what_is_solved_together(geometry: str, scene: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        found = []
        # Without few: by SciPy, so many pairs at a time; else small groups by comparing all ways to choose.
        for few, pairs in ((0, 1), (0, 5), (0, 10**6), (3, 10**6), (10, 10**6)):
            patch.setattr("bmbench.metrics.assignment._FEW", few)
            patch.setattr("bmbench.metrics.assignment._BLOCK", pairs)
            scores = scores_of(*scene, geometry, HUNGARIAN)
            found.append((scores.matching.annotation.tolist(), scores.tallies[0].hit.tolist()))
    assert all(one == found[0] for one in found)


@pytest.mark.parametrize("geometry", GEOMETRIES)
@given(scene=scenes())
def test_hungarian_curve_is_optimal_at_every_threshold(geometry: str, scene: Any) -> None:
    truth, predictions = scene
    curve = scores_of(truth, predictions, geometry, HUNGARIAN).curve
    for threshold, tp in zip(curve.threshold.tolist(), curve.tp.tolist(), strict=True):
        assert scores_of(truth, predictions, geometry, HUNGARIAN, threshold=threshold).tp == tp


@pytest.mark.parametrize("seed", range(3))
def test_hungarian_in_one_large_tangle(seed: int) -> None:
    """300 predictions and 300 cells that all hang together, against a dense solution."""
    rng = np.random.default_rng(seed)
    truth = truth_of([square(*xy) for xy in rng.uniform(0, 120, (300, 2))])
    predictions = predictions_of(
        [square(*xy) for xy in rng.uniform(0, 120, (330, 2))], rng.random(330).tolist()
    )
    scores = scores_of(truth, predictions, "cd", HUNGARIAN, threshold=0.0)
    difference = predictions.xy[:, None] - truth.xy[None]
    dense = np.hypot(difference[..., 0], difference[..., 1])
    dense[dense > naive.RADIUS] = 1e6
    rows, columns = linear_sum_assignment(dense)
    chosen = dense[rows, columns]
    assert scores.tp == (chosen < 1e6).sum()
    assert np.nansum(scores.matching.similarity) == pytest.approx(chosen[chosen < 1e6].sum(), rel=1e-12)


def test_greedy_takes_the_second_best_cell_that_hungarian_needs() -> None:
    """Cells at 0 and 16; A (0.9) at 7 reaches both and takes the nearer, 0; B (0.8) at -2 reaches only 0.

    Greedy: A takes 0 (7 px), B finds nothing: 1 hit, 1 false alarm, 1 miss. Hungarian: A-16 (9 px) and B-0
    (2 px): 2 hits. With A alone, both give A-0.
    """
    truth = truth_of([square(0, 0), square(16, 0)])
    predictions = predictions_of([square(7, 0), square(-2, 0)], [0.9, 0.8])
    greedy = scores_of(truth, predictions, "cd", threshold=0.0)
    assert (greedy.tp, greedy.fp, greedy.fn) == (1, 1, 1)
    assert greedy.matching.annotation.tolist() == [0, -1]
    optimal = scores_of(truth, predictions, "cd", HUNGARIAN, threshold=0.0)
    assert (optimal.tp, optimal.fp, optimal.fn) == (2, 0, 0)
    assert optimal.matching.annotation.tolist() == [1, 0]
    assert optimal.matching.similarity.tolist() == [9.0, 2.0]
    above = scores_of(truth, predictions, "cd", HUNGARIAN, threshold=0.85).matching
    assert above.annotation.tolist() == [0, -1]
    assert above.outcome.tolist() == [MatchOutcome.HIT, MatchOutcome.UNUSED]


def test_kainz_looks_at_the_nearest_cell_only() -> None:
    """Cells at 0 and 8. A (0.9) at 3 and B (0.8) at 3.5 both have cell 0 nearest: B is a false alarm.

    Greedy would give B the cell at 8 (4.5 px).
    """
    truth = truth_of([square(0, 0), square(8, 0)])
    predictions = predictions_of([square(3, 0), square(3.5, 0)], [0.9, 0.8])
    kainz = scores_of(truth, predictions, "cd", PROTOCOLS["kainz"], threshold=0.0)
    assert kainz.matching.annotation.tolist() == [0, -1]
    assert (kainz.tp, kainz.fp, kainz.fn, kainz.fp_duplicate) == (1, 1, 1, 1)
    assert scores_of(truth, predictions, "cd", threshold=0.0).matching.annotation.tolist() == [0, 1]


def test_voc_looks_at_the_best_box_only() -> None:
    """Both predictions overlap the first cell most; the second also overlaps the other one by 0.6.

    IoU of [0, 20] with [1, 21] is 19/21; with [2, 22]: 18/22; of [7, 27] with [2, 22]: 15/25 = 0.6.
    """
    truth = truth_of([[0, 0, 20, 20], [7, 0, 27, 20]])
    predictions = predictions_of([[1, 0, 21, 20], [2, 0, 22, 20]], [0.9, 0.8])
    voc = scores_of(truth, predictions, "bb", PROTOCOLS["voc2010"], threshold=0.0)
    assert voc.matching.annotation.tolist() == [0, -1]
    assert scores_of(truth, predictions, "bb", threshold=0.0).matching.annotation.tolist() == [0, 1]


@pytest.mark.parametrize(("protocol", "hits"), [("paper", 0), ("coco", 1), ("voc2007", 1), ("voc2010", 1)])
def test_an_iou_of_exactly_one_half(protocol: str, hits: int) -> None:
    """100 x 100 against its lower half: 5000 / 10000. Only `paper` asks for more than one half."""
    truth = truth_of([[0, 0, 100, 100]])
    predictions = predictions_of([[0, 0, 100, 50]], [0.9])
    assert scores_of(truth, predictions, "bb", PROTOCOLS[protocol], threshold=0.0).tp == hits


def test_an_iou_of_one_half_in_decimal_fractions() -> None:
    """10.1 and 20.2 are no binary fractions; rounding makes this half a half only nearly."""
    for corner in np.round(np.arange(0.1, 30, 0.7), 1):
        truth = truth_of([[corner, corner, corner + 20.2, corner + 10.1]])
        predictions = predictions_of([[corner, corner, corner + 10.1, corner + 10.1]], [0.9])
        assert scores_of(truth, predictions, "bb", threshold=0.0).tp == 0
        assert scores_of(truth, predictions, "bb", PROTOCOLS["voc2010"], threshold=0.0).tp == 1


def test_a_distance_of_exactly_the_radius_matches() -> None:
    """33² + 44² = 55²."""
    truth = truth_of([square(0, 0)])
    assert scores_of(truth, predictions_of([square(33, 44)], [0.9]), "cd", PROTOCOLS["paper"]).tp == 1
    assert scores_of(truth, predictions_of([square(33, 44.001)], [0.9]), "cd", PROTOCOLS["paper"]).tp == 0


def test_boxes_of_very_different_sizes_are_found_too() -> None:
    """A huge box among small ones, each with its own prediction: the search must not lose either."""
    boxes = [square(x, 50, 4) for x in range(0, 400, 10)] + [[-3000, -3000, 5000, 5000], [0, 0, 900, 900]]
    truth = truth_of(boxes)
    predictions = predictions_of(boxes, np.linspace(0.1, 0.9, len(boxes)).tolist())
    assert scores_of(truth, predictions, "bb", threshold=0.0).tp == len(boxes)


def test_boxes_without_area_match_nothing_by_box() -> None:
    truth = truth_of([[5, 5, 5, 5], [0, 0, 10, 10]])
    predictions = predictions_of([[5, 5, 5, 5], [0, 0, 10, 10]], [0.9, 0.8])
    assert scores_of(truth, predictions, "bb", threshold=0.0).tp == 1
    assert scores_of(truth, predictions, "cd", threshold=0.0).tp == 2


def test_ignored_objects_are_looked_at_after_all_cells() -> None:
    """The prediction fits the ignored object best, and the cell well enough: it finds the cell.

    A second one there is no false alarm, nor is a third; each counts neither way.
    """
    truth = truth_of([square(0, 0), square(4, 0)], role=[Role.CELL, Role.IGNORE])
    predictions = predictions_of([square(4, 0), square(4, 1), square(5, 0)], [0.9, 0.8, 0.7])
    for geometry in GEOMETRIES:
        scores = scores_of(truth, predictions, geometry, threshold=0.0)
        assert (scores.tp, scores.fp, scores.fn, scores.ignored) == (1, 0, 0, 2)


def test_a_region_absorbs_by_share_of_the_prediction() -> None:
    """A region 0 to 100 in x. Half of a box inside is not enough, a bit more is; centres go by themselves."""
    truth = truth_of([[0, 0, 100, 100]], role=[Role.IGNORE], region=[True])
    predictions = predictions_of([[90, 40, 110, 60], [89, 40, 109, 60], [300, 40, 320, 60]], [0.9, 0.8, 0.7])
    boxes = scores_of(truth, predictions, "bb", threshold=0.0).matching.outcome
    assert boxes.tolist() == [MatchOutcome.FALSE_ALARM, MatchOutcome.IGNORED, MatchOutcome.FALSE_ALARM]
    # Centres at x = 100 (on the rim: inside), 99 and 310.
    centres = scores_of(truth, predictions, "cd", threshold=0.0).matching.outcome
    assert centres.tolist() == [MatchOutcome.IGNORED, MatchOutcome.IGNORED, MatchOutcome.FALSE_ALARM]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("protocol", [PAPER, HUNGARIAN], ids=["greedy", "hungarian"])
def test_a_tie_in_everything_is_broken_by_position(protocol: Any, geometry: str, turned: bool) -> None:
    """Two predictions as sure and as close as each other, left and right of a cell; the left one gets it.

    The right one also fits an ignored object, so that it would be a false alarm the other way round: the
    counts would depend on the order of the file.
    """
    truth = truth_of([square(0, 0), square(8, 0)], role=[Role.CELL, Role.IGNORE])
    order = [1, 0] if turned else [0, 1]
    predictions = taken(predictions_of([square(-4, 0), square(4, 0)], [0.5, 0.5]), order)
    for threshold in (0.0, None):
        scores = scores_of(truth, predictions, geometry, protocol, threshold=threshold)
        assert (scores.tp, scores.fp, scores.ignored) == (1, 0, 1)
        assert (scores.curve.tp.tolist(), scores.curve.fp.tolist()) == ([1], [0])


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_cells_as_close_the_first_on_the_image_is_taken(turned: bool) -> None:
    """The second prediction reaches the right cell only; were that taken, it would be a false alarm."""
    truth = taken(truth_of([square(0, 0), square(8, 0)]), [1, 0] if turned else [0, 1])
    predictions = predictions_of([square(4, 0), square(13, 0)], [0.9, 0.8])
    for protocol in (PAPER, replace(PAPER, reach="first")):
        for geometry in GEOMETRIES:
            assert scores_of(truth, predictions, geometry, protocol, threshold=0.0).tp == 2
