"""Cells drawn together and cells drawn apart: by hand, and against all pairs."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given, settings

from bmbench.core.types import Role
from bmbench.metrics import PROTOCOLS, evaluate
from bmbench.metrics.merges_and_splits import merges_and_splits

from .scenes import predictions_of, scenes, square, truth_of

PAPER = replace(PROTOCOLS["paper"], radius_px=8.0)


def counted(truth: Any, predictions: Any, geometry: str = "bb", *, threshold: float = 0.0) -> Any:
    scores = getattr(evaluate(truth, predictions, PAPER, threshold=threshold), geometry)
    found = merges_and_splits(truth, predictions, scores)
    return None if found is None else tuple(asdict(found).values())


def test_two_cells_under_one_prediction() -> None:
    """Cells of 20 px at 0, 20 and 100. One box over the first two (IoU 1/2, not more) finds neither.

    Both are merged by it. With a prediction of its own the first is found: one merged cell is left.
    """
    truth = truth_of([square(0, 0), square(20, 0), square(100, 0)])
    over = [-10.0, -10.0, 30.0, 10.0]
    assert counted(truth, predictions_of([over, square(100, 0)], [0.9, 0.8])) == (1, 2, 0, 0)
    assert counted(truth, predictions_of([over, square(0, 0)], [0.9, 0.8])) == (1, 1, 0, 0)
    # Both found by others: the large box is one false alarm, and merges nothing.
    apart = predictions_of([over, square(0, 0), square(20, 0)], [0.9, 0.8, 0.7])
    assert counted(truth, apart) == (0, 0, 0, 0)
    # Below the threshold it is not there.
    assert counted(truth, predictions_of([over], [0.4]), threshold=0.5) == (0, 0, 0, 0)


def test_one_cell_under_two_predictions() -> None:
    """A cell of 20 x 20 px drawn as its left 12 and its right 8 px: the left part finds it (IoU 0.6).

    Drawn as two halves (IoU 1/2) it is missed, and both halves are false alarms: the surer one is the
    first of them. The same cell drawn twice, one on top of the other, is a duplicate and no split.
    """
    truth = truth_of([[0, 0, 20, 20]])
    parts = predictions_of([[0, 0, 12, 20], [12, 0, 20, 20]], [0.9, 0.8])
    assert counted(truth, parts) == (0, 0, 1, 1)
    halves = predictions_of([[0, 0, 10, 20], [10, 0, 20, 20]], [0.9, 0.8])
    assert counted(truth, halves) == (0, 0, 1, 1)
    assert counted(truth, predictions_of([[0, 0, 20, 20], [1, 0, 21, 20]], [0.9, 0.8])) == (0, 0, 0, 0)
    # A third part is one more false alarm of the same cell.
    thirds = predictions_of([[0, 0, 7, 20], [7, 0, 14, 20], [14, 0, 20, 20]], [0.9, 0.8, 0.7])
    assert counted(truth, thirds) == (0, 0, 1, 2)


def test_exactly_half_is_not_under() -> None:
    """A box whose half lies on the cell is not under it, and a cell half under a box is not merged."""
    truth = truth_of([[0, 0, 20, 20], [20, 0, 40, 20]])
    assert counted(truth, predictions_of([[0, 0, 30, 20]], [0.9])) == (0, 0, 0, 0)
    halves = predictions_of([[0, 0, 12, 20], [16, 0, 24, 20]], [0.9, 0.8])
    assert counted(truth, halves) == (0, 0, 0, 0)


def test_points_cannot_be_drawn_together() -> None:
    assert counted(truth_of([square(0, 0, 0)]), predictions_of([square(0, 0)], [0.9]), "cd") is None
    assert counted(truth_of([square(0, 0)]), predictions_of([square(0, 0, 0)], [0.9]), "cd") is None
    assert counted(truth_of([square(0, 0)]), predictions_of([], [])) == (0, 0, 0, 0)


@pytest.mark.parametrize("geometry", ["bb", "cd"])
@settings(max_examples=40)
@given(scene=scenes())
def test_it_is_what_all_pairs_say(geometry: str, scene: Any) -> None:
    truth, predictions = scene
    scores = getattr(evaluate(truth, predictions, PAPER, threshold=0.5), geometry)
    found = merges_and_splits(truth, predictions, scores)
    if found is None:
        assert not (truth.role == Role.CELL).any()
        return
    assert asdict(found) == by_all_pairs(truth, predictions, scores)
    assert found.merged_cells <= scores.fn
    assert found.split_predictions <= scores.fp


def by_all_pairs(truth: Any, predictions: Any, scores: Any) -> dict[str, int]:
    """The definition word for word, every prediction against every cell."""
    matching = scores.matching
    cells = [row for row in range(len(truth.image)) if truth.role[row] == Role.CELL]
    counts = [
        row
        for row in range(len(predictions.image))
        if predictions.confidence[row] >= scores.threshold
        and (matching.is_hit[row] or matching.is_false_alarm[row])
    ]
    finder = {int(matching.annotation[row]): row for row in counts if matching.is_hit[row]}
    merges, merged, splits, parts = set(), set(), set(), set()
    for row in counts:
        under = [
            cell
            for cell in cells
            if truth.image[cell] == predictions.image[row]
            and shared(truth.box[cell], predictions.box[row]) > 0.5 * box_area(truth.box[cell])
        ]
        lost = [cell for cell in under if cell not in finder]
        if len(under) > 1 and lost:
            merges.add(row)
            merged.update(lost)
    for cell in cells:
        under = [
            row
            for row in counts
            if truth.image[cell] == predictions.image[row]
            and shared(truth.box[cell], predictions.box[row]) > 0.5 * box_area(predictions.box[row])
        ]
        if not under:
            continue
        by_rank = sorted(
            under, key=lambda row: (-predictions.confidence[row], *predictions.xy[row], *predictions.box[row])
        )
        first = finder[cell] if finder.get(cell) in under else by_rank[0]
        for row in under:
            smaller = min(box_area(predictions.box[row]), box_area(predictions.box[first]))
            beside = shared(predictions.box[row], predictions.box[first]) <= 0.5 * smaller
            if matching.is_false_alarm[row] and beside:
                splits.add(cell)
                parts.add(row)
    return dict(
        zip(
            ("merges", "merged_cells", "splits", "split_predictions"),
            map(len, (merges, merged, splits, parts)),
            strict=True,
        )
    )


def shared(first: Any, second: Any) -> float:
    width, height = (
        min(first[side + 2], second[side + 2]) - max(first[side], second[side]) for side in (0, 1)
    )
    return max(width, 0) * max(height, 0)


def box_area(box: Any) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))
