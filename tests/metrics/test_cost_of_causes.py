"""What AP each cause costs: by hand, against a plain walk, and against TIDE where it is installed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmbench.metrics import PROTOCOLS, evaluate
from bmbench.metrics.cost_of_causes import cost_of_causes

from .scenes import predictions_of, square, truth_of

BOXES = replace(PROTOCOLS["paper"], ap="101", radius_px=8.0)


def costs(truth: Any, found: Any, protocol: Any = BOXES, geometry: Any = "bb") -> Any:
    scores = getattr(evaluate(truth, found, protocol), geometry)
    return cost_of_causes(truth, found, protocol, scores, geometry)


def test_by_hand() -> None:
    """4 cells. In order: hit, background, second on that cell, near cell 2, hit of cell 3; cell 4 is lost.

    All points: precision 1, 1/2, 1/3, 1/4, 2/5 with recall 1/4 … 2/4: AP = 1/4 · 1 + 1/4 · 2/5 = 0.35.
    Without the background one, and likewise without the second: 1/4 + 1/4 · 2/4 = 0.375. With the near one a
    hit (recall 3/4; precision 2/4, 3/5): 1/4 + 1/2 · 3/5 = 0.55. Without asking for cell 4, which nothing is
    near (cell 2 has the near one): 1/3 + 1/3 · 2/5 = 0.4667.
    """
    truth = truth_of([square(100 * k, 50) for k in range(1, 5)])
    found = predictions_of(
        [square(100, 50), square(900, 50), square(101, 50), square(211, 50), square(300, 50)],
        [0.9, 0.8, 0.7, 0.6, 0.5],
    )
    all_points = replace(BOXES, ap="all")
    assert costs(truth, found, all_points) == {
        "fp_artefact": 0.0,
        "fp_duplicate": pytest.approx(0.025),
        "fp_near": pytest.approx(0.2),
        "fp_background": pytest.approx(0.025),
        "fn_missed": pytest.approx(1 / 3 + 2 / 15 - 0.35),
    }
    assert costs(truth, found, all_points, "cd")["fp_near"] == pytest.approx(0.2)


def test_where_nothing_can_be_said() -> None:
    truth = truth_of([square(100, 50)])
    found = predictions_of([square(100, 50)], [0.9])
    assert costs(truth_of([]), found) is None
    assert costs(truth, found, replace(BOXES, assignment="hungarian")) is None
    assert set(costs(truth, predictions_of([], [])).values()) == {0.0, 1.0}


def crowd(seed: int, images: int = 3) -> tuple[Any, Any]:
    """Crowded cells, and predictions shifted by much or little, with distinct confidences."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 30))
    centre = rng.uniform(20, 160, (n, 2))
    image = rng.integers(0, images, n)
    truth = truth_of([square(*xy) for xy in centre], image.tolist(), n_images=images)
    copied = rng.choice(n, int(1.6 * n))
    moved = centre[copied] + rng.normal(0, 5, (len(copied), 2))
    stray = rng.uniform(20, 160, (6, 2))
    boxes = [square(*xy) for xy in np.concatenate([moved, stray])]
    score = (rng.permutation(len(boxes)) + 1) / (len(boxes) + 1)
    return truth, predictions_of(
        boxes, score.tolist(), np.concatenate([image[copied], rng.integers(0, images, 6)]).tolist()
    )


def iou(a: Any, b: Any) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / (800 - shared)


def plain_ap(rows: list[tuple[float, bool]], cells: int) -> float:
    """The area under the envelope: for each hit the best precision there or later, over the cells."""
    hits = np.cumsum([hit for _, hit in sorted(rows, reverse=True)])
    precision = hits / np.arange(1, len(rows) + 1)
    return sum(precision[k:].max() for k in range(len(rows)) if hits[k] > (hits[k - 1] if k else 0)) / cells


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_against_a_plain_walk(seed: int) -> None:
    """Prediction by prediction, with all overlaps; 20 px squares of 400 px² each."""
    truth, found = crowd(seed)
    taken: set[int] = set()
    kind: dict[int, str] = {}
    near: dict[int, int] = {}
    for row in np.argsort(-found.confidence).tolist():
        mine = [c for c in range(len(truth.image)) if truth.image[c] == found.image[row]]
        overlap = {c: iou(found.box[row], truth.box[c]) for c in mine}
        free = {c: v for c, v in overlap.items() if c not in taken and v > 0.5}
        if free:
            taken.add(max(free, key=lambda c: free[c]))
            kind[row] = "hit"
            continue
        best = max(overlap, key=lambda c: overlap[c]) if overlap else None
        value = 0.0 if best is None else overlap[best]
        kind[row] = "fp_duplicate" if value > 0.5 else "fp_near" if value > 0.1 else "fp_background"
        if kind[row] == "fp_near":
            near[row] = int(best or 0)
    mend: dict[int, int] = {}
    for row in sorted(near, key=lambda p: -found.confidence[p]):
        if near[row] not in taken:
            mend.setdefault(near[row], row)
    n = len(truth.image)
    every = [(float(found.confidence[row]), what == "hit", what, row) for row, what in kind.items()]
    before = plain_ap([(s, h) for s, h, _, _ in every], n)
    report = costs(truth, found, replace(BOXES, ap="all"))
    for cause in ("fp_duplicate", "fp_near", "fp_background"):
        mended = set(mend.values()) if cause == "fp_near" else set()
        after = plain_ap(
            [(s, h or row in mended) for s, h, what, row in every if what != cause or row in mended], n
        )
        assert report[cause] == pytest.approx(max(after - before, 0), abs=1e-9)
    lost = n - len(taken) - len(mend)
    after = plain_ap([(s, h) for s, h, _, _ in every], n - lost) if n > lost else 1.0
    assert report["fn_missed"] == pytest.approx(max(after - before, 0), abs=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_against_tide(seed: int) -> None:
    tidecv = pytest.importorskip("tidecv", reason="TIDE is a judge, and no dependency")
    truth, found = crowd(seed)
    marked, answers = tidecv.Data("truth"), tidecv.Data("found")
    for row, box in enumerate(truth.box.tolist()):
        marked.add_ground_truth(int(truth.image[row]), 0, box=[*box[:2], 20, 20])
    for row, box in enumerate(found.box.tolist()):
        answers.add_detection(int(found.image[row]), 0, float(found.confidence[row]), box=[*box[:2], 20, 20])
    run = tidecv.TIDE().evaluate(marked, answers, pos_threshold=0.5, background_threshold=0.1, mode="bbox")
    theirs = {kind.short_name: cost / 100 for kind, cost in run.fix_main_errors().items()}
    mine = costs(truth, found)
    names = {"Loc": "fp_near", "Dupe": "fp_duplicate", "Bkg": "fp_background", "Miss": "fn_missed"}
    for name, cause in names.items():
        assert mine[cause] == pytest.approx(theirs[name], abs=1e-6), name
