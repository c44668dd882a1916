"""Cells by size, and artefacts as a class of their own, by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bmbench.metrics import PROTOCOLS, evaluate
from bmbench.metrics.artefact_class import artefact_scores
from bmbench.metrics.by_size import scores_by_size

from .scenes import predictions_of, square, truth_of, write_pair

PAPER = replace(PROTOCOLS["paper"], radius_px=8.0)


def test_sizes_by_hand() -> None:
    """Sides 10, 15, 20, 20, 25 and 40; the median is 20: 10 is small, 15 (0.75) to 25 (1.25) usual, 40 large.

    Found are those of 10, 20 and 40; a false alarm is 8 px wide, one as large as a usual cell.
    """
    sides = [10, 15, 20, 20, 25, 40]
    truth = truth_of([square(100 * k, 50, side) for k, side in enumerate(sides)])
    found = predictions_of(
        [square(0, 50, 10), square(200, 50), square(500, 50, 40), square(900, 50, 8), square(900, 900)],
        [0.9] * 5,
    )
    for geometry in ("bb", "cd"):
        scores = getattr(evaluate(truth, found, PAPER, threshold=0.5), geometry)
        sizes = scores_by_size(truth, found, scores)
        assert sizes is not None
        assert sizes.diameter_px == 20
        assert sizes.to_json()["cells"] == [1, 4, 1]
        assert sizes.to_json()["found"] == [1, 1, 1]
        assert sizes.to_json()["false_alarms"] == [1, 1, 0]
        assert sizes.recall == (1.0, 0.25, 1.0)


def test_points_have_no_size() -> None:
    truth = truth_of([[5, 5, 5, 5]])
    scores = evaluate(truth, predictions_of([], []), PAPER, threshold=0.5).cd
    assert scores is not None
    assert scores_by_size(truth, predictions_of([], []), scores) is None


def test_artefacts_by_hand() -> None:
    """Four artefacts: one predicted as such, one taken for a cell, one with both (found), one missed.

    Predicted as artefacts besides: on a cell, and on background; one below the threshold does not count.
    F1 of artefacts: 2 · 2 / (2 · 2 + 2 + 2) = 1/2.
    """
    truth = truth_of([square(100 * k, 50) for k in range(5)], role=[1, 1, 1, 1, 0])
    found = predictions_of(
        [square(100 * k, 50) for k in (0, 1, 2, 2, 4)] + [square(900, 50), square(300, 50)],
        [0.9] * 6 + [0.2],
        label=[1, 0, 1, 0, 1, 1, 1],
    )
    for geometry in ("bb", "cd"):
        one = artefact_scores(truth, found, PAPER, geometry, threshold=0.5)  # type: ignore[arg-type]
        assert one is not None
        assert (one.tp, one.fn_artefact, one.fn_missed, one.fp, one.fp_artefact) == (2, 1, 1, 2, 1)
        assert one.f1 == 0.5


def test_without_a_class_of_artefacts_there_is_nothing_to_score() -> None:
    truth = truth_of([square(100, 50), square(200, 50)], role=[0, 1])
    assert (
        artefact_scores(truth, predictions_of([square(200, 50)], [0.9]), PAPER, "cd", threshold=0.5) is None
    )
    cells = truth_of([square(100, 50)])
    told = predictions_of([square(100, 50)], [0.9], label=[1])
    assert artefact_scores(cells, told, PAPER, "cd", threshold=0.5) is None


def test_details_give_both(bmbench: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    n = 80
    boxes = [square(40 * (k % 10) + 20, 20, float(rng.integers(8, 30))) for k in range(n)]
    truth = truth_of(boxes, (np.arange(n) // 10).tolist(), role=rng.choice([0, 1], n, p=[0.8, 0.2]).tolist())
    kept = rng.random(n) < 0.8
    found = predictions_of(
        truth.box[kept].tolist(), [0.9] * int(kept.sum()), truth.image[kept].tolist(),
        label=np.where(rng.random(n) < 0.7, truth.role, 1 - truth.role)[kept].tolist(),
    )  # fmt: skip
    paths = write_pair(tmp_path, truth, found)
    call = ("score", paths[0], "--truth", paths[1], "--details", "--threshold", 0.5, "--radius", 5)
    answer = bmbench(*call, "--json")
    assert answer.code == 0, answer.err
    details = json.loads(answer.out)["details"]["cd"]
    assert sum(details["by_size"]["found"]) == json.loads(answer.out)["cd"]["tp"]
    assert details["by_size"]["recall_ci"][1][0] < details["by_size"]["recall"][1]
    artefacts = details["artefacts"]
    assert artefacts["found"] + artefacts["taken_for_cells"] + artefacts["missed"] == artefacts["artefacts"]
    assert artefacts["taken_for_cells"] > 0
    assert (
        artefacts["f1_ci"][0]
        < artefacts["f1"]
        == pytest.approx(
            2 * artefacts["found"] / (artefacts["artefacts"] + artefacts["found"] + artefacts["false_alarms"])
        )
    )
    shown = bmbench(*call).out
    assert "· large, above 1.25" in shown
    assert "· taken for cells" in shown
    assert max(map(len, shown.splitlines())) <= 80
