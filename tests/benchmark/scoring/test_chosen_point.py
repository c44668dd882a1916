"""A threshold by a wanted recall or precision, by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmbench.core.types import Category
from bmbench.metrics import PROTOCOLS, evaluate
from bmbench.metrics.operating_point import WantedPoint, operating_point
from tests.metrics.scenes import predictions_of, scenes, square, truth_of, write_pair

PAPER = PROTOCOLS["paper"]
CELLS = truth_of([square(200 * k, 20) for k in range(4)])
FOUND = predictions_of(
    [square(0, 20), square(900, 20), square(200, 20), square(400, 20), square(900, 300), square(900, 600)],
    [0.9, 0.8, 0.7, 0.6, 0.5, 0.3],
)
"""Hit, false alarm, hit, hit, false alarm, false alarm on 4 cells.

Recall 1/4, 1/4, 2/4, 3/4, 3/4, 3/4; precision 1, 1/2, 2/3, 3/4, 3/5, 3/6.
"""


@pytest.mark.parametrize(
    ("metric", "least", "threshold", "reached"),
    [
        ("recall", 0.5, 0.65, 0.5),
        ("recall", 0.51, 0.55, 0.75),
        ("recall", 0.8, None, None),
        # Not 0.9, though precision is 1 there: at 0.6 it is 3/4, and more is found.
        ("precision", 0.7, 0.55, 0.75),
        # F1 2/5, 2/6, 4/7, 6/8, 6/9, 6/10.
        ("f1", 0.0, 0.55, 0.75),
        ("precision", 0.9, 0.85, 1.0),
        # Down to 0.3 precision is 1/2, but no more is found than at 0.6.
        ("precision", 0.5, 0.55, 0.75),
    ],
)
def test_by_hand(metric: Any, least: float, threshold: float | None, reached: float | None) -> None:
    scores = evaluate(CELLS, FOUND, PAPER).cd
    assert scores is not None
    point = operating_point(scores, WantedPoint(metric=metric, least=least), geometry="cd")
    if threshold is None:
        assert point is None
        return
    assert point is not None
    assert (point.threshold, point.reached) == (pytest.approx(threshold), pytest.approx(reached))


@settings(max_examples=40)
@given(scene=scenes(), metric=st.sampled_from(["recall", "precision"]), least=st.floats(0.05, 1))
def test_what_is_reached_is_what_the_threshold_gives(scene: Any, metric: Any, least: float) -> None:
    """At the threshold the value holds; and no threshold does better."""
    truth, found = scene
    scores = evaluate(truth, found, PAPER).cd
    assert scores is not None
    point = operating_point(scores, WantedPoint(metric=metric, least=least), geometry="cd")
    curve = scores.curve
    values = curve.recall if metric == "recall" else curve.precision
    if point is None:
        assert not curve.cells or not (values >= least).any()
        return
    at = evaluate(truth, found, PAPER, threshold=point.threshold).cd
    assert at is not None
    assert getattr(at, metric) == point.reached
    assert point.reached >= least - 1e-12
    good = values >= least
    assert at.recall == (curve.recall[good].min() if metric == "recall" else curve.recall[good].max())
    assert at.fp == np.min(curve.fp[good & (curve.tp == at.tp)])


def test_on_the_command_line(bmbench: Any, tmp_path: Path) -> None:
    """Chosen on four cells, applied to the first two and their predictions: both are found at 0.65."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    chosen_on = write_pair(tmp_path / "a", CELLS, FOUND)
    mine = truth_of([square(0, 20), square(200, 20)])
    scored = write_pair(tmp_path / "b", mine, predictions_of([square(0, 20), square(200, 20)], [0.66, 0.64]))
    call = ("score", scored[0], "--truth", scored[1], "--radius", 5, "--at", "recall=0.5", "--json")
    answer = bmbench(*call, "--chosen-on", *chosen_on)
    assert answer.code == 0, answer.err
    found = json.loads(answer.out)
    assert (found["threshold_source"], found["cd"]["tp"], found["cd"]["fn"]) == ("optimisation", 1, 1)
    assert found["at"]["threshold"] == found["cd"]["threshold"] == found["bb"]["threshold"]
    assert (
        "threshold 0.65 for recall 0.5: recall is 0.500 by centres on the optimisation images" in answer.err
    )
    table = bmbench(*(word for word in call if word != "--json"), "--chosen-on", *chosen_on).out
    assert "threshold for recall 0.5, from the optimisation images" in " ".join(table.split())
    oracle = bmbench(*call)
    assert json.loads(oracle.out)["threshold_source"] == "oracle"
    assert "on these very images (an oracle)" in oracle.err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--at", "recall"), "recall=R or precision=P"),
        (("--at", "f1=0.9"), "recall=R or precision=P"),
        (("--at", "recall=nan"), "recall=R or precision=P"),
        (("--at", "recall=1.5"), "recall=R or precision=P"),
        (("--at", "recall=0.9", "--threshold", 0.5), "no --threshold beside it"),
        (("--at", "recall=0.9"), "recall of at most 0.750"),
        (("--chosen-on", "x", "y"), "--at beside it"),
    ],
)
def test_what_cannot_be_had_is_one_sentence(bmbench: Any, tmp_path: Path, more: Any, said: str) -> None:
    paths = write_pair(tmp_path, CELLS, FOUND)
    answer = bmbench("score", paths[0], "--truth", paths[1], *more)
    assert answer.code == 2
    assert said in " ".join(answer.err.split())


def test_each_class_at_a_threshold_of_its_own(bmbench: Any, tmp_path: Path) -> None:
    """Two classes of two cells. Blasts are found at 0.9 and 0.8, a false alarm at 0.7; others at 0.5 and 0.4.

    Chosen there: 0.75 for blasts, 0.4 for the others (nothing lies below) and for all (F1 8/9). With that
    alarm at 0.77 blasts have F1 4/5 at 0.75, the others 1.
    """
    kinds = (Category(id=1, name="blast"), Category(id=2, name="other"), Category(id=3, name="rare"))
    truth = truth_of([square(100 * k, 20) for k in range(4)], label=[0, 0, 1, 1], categories=kinds)
    boxes = [square(100 * k, 20) for k in (0, 1, 9, 2, 3)]
    folders = [tmp_path / name for name in ("a", "b")]
    pairs = []
    for folder, alarm in zip(folders, (0.7, 0.77), strict=True):
        folder.mkdir()
        found = predictions_of(boxes, [0.9, 0.8, alarm, 0.5, 0.4], label=[0, 0, 0, 1, 1])
        pairs.append(write_pair(folder, truth, found))
    call = (
        "score",
        pairs[1][0],
        "--truth",
        pairs[1][1],
        "--radius",
        5,
        "--at",
        "f1",
        "--chosen-on",
        *pairs[0],
    )
    answer = bmbench(*call, "--per-class", "--json")
    assert answer.code == 0, answer.err
    at = json.loads(answer.out)["at"]
    assert (at["metric"], at["threshold"], at["reached"]) == ("f1", 0.4, pytest.approx(8 / 9))
    by_class = at["by_class"]
    assert by_class["thresholds"] == {"blast": pytest.approx(0.75), "other": 0.4, "rare": None}
    for rule in ("bb", "cd"):
        f1 = {name: one["f1"] for name, one in by_class[rule]["classes"].items()}
        assert f1 == {"blast": pytest.approx(4 / 5), "other": 1.0}
        assert by_class[rule]["macro_f1"] == pytest.approx(0.9)
    shown = bmbench(*call, "--per-class").out
    assert "each at a threshold of its own" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "by_class" not in json.loads(bmbench(*call, "--json").out)["at"]
