"""Named protocols against the rules of their evaluators, written anew here with full matrices and loops.

Sources, read and not copied: computationalpathologygroup/monkey-challenge (evaluation/evaluate.py), evalutils
0.4.2 (scorers.py) with DeepMicroscopy/MIDOG_evaluation_docker, lunit-io/ocelot23algo (evaluation/eval.py),
vqdang/hover_net (metrics/stats_utils.py, compute_stats.py), stardist (matching.py).
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from bmbench.core.errors import BadInputError
from bmbench.core.types import Category
from bmbench.metrics import PROTOCOLS, challenge_assignment, evaluate
from bmbench.metrics.challenges import challenge_summary

from .scenes import coco_objects, predictions_of, random_scene, rebuilt, square, truth_of, write_pair

KINDS = (Category(id=1, name="lymphocytes"), Category(id=2, name="monocytes"))


def scattered(seed: int, *, images: int = 3) -> tuple[Any, Any]:
    """Points in a crowd, of two classes, with distinct confidences; no two distances are equal."""
    rng = np.random.default_rng(seed)
    n, m = rng.integers(0, 40, 2)
    truth = truth_of(
        [square(*rng.uniform(0, 150, 2)) for _ in range(n)],
        rng.integers(0, images, n).tolist(),
        n_images=images,
        label=rng.integers(0, 2, n).tolist(),
        categories=KINDS,
    )
    found = predictions_of(
        [square(*rng.uniform(0, 150, 2)) for _ in range(m)],
        ((rng.permutation(m) + 1) / (m + 1)).tolist(),
        rng.integers(0, images, m).tolist(),
        label=rng.integers(0, 2, m).tolist(),
    )
    scale = np.full(images, 0.25)
    return rebuilt(truth, um_per_px=scale, image_mm2=np.full(images, 0.02)), found


def apart(truth: Any, found: Any, image: int, kind: int | None = None) -> tuple[Any, Any, Any]:
    """Rows of cells and predictions of one image (and class), and all distances between them."""
    cells = np.flatnonzero((truth.image == image) & ((truth.label == kind) | (kind is None)))
    rows = np.flatnonzero((found.image == image) & ((found.label == kind) | (kind is None)))
    offset = truth.xy[cells][:, None] - found.xy[rows][None]
    return cells, rows, np.sqrt((offset**2).sum(axis=-1))


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_monkey(seed: int) -> None:
    """Each cell looks at its nearest prediction; FROC on straight lines, 10 to 300 a mm²."""
    truth, found = scattered(seed)
    evaluation = evaluate(truth, found, PROTOCOLS["monkey"])
    one_class = evaluate(truth, found, replace(PROTOCOLS["monkey"], per_class=False))
    report = challenge_summary(truth, found, evaluation, one_class)
    for name, kind, um in (
        ("lymphocytes", 0, 4.0),
        ("monocytes", 1, 10.0),
        ("all cells (7.5 µm)", None, 7.5),
    ):
        hit: set[int] = set()
        for image in range(3):
            _, rows, distance = apart(truth, found, image, kind)
            if distance.size:
                hit |= {int(rows[row.argmin()]) for row in distance if row.min() <= um / 0.25}
        mine = np.flatnonzero(found.label == kind) if kind is not None else np.arange(len(found))
        n_cells = int(((truth.label == kind) | (kind is None)).sum())
        matching = (one_class if kind is None else evaluation).cd.matching  # type: ignore[union-attr]
        assert set(mine[matching.is_hit[mine]].tolist()) == hit
        value = report[f"FROC, {name}"]
        if not n_cells:
            assert value is None
            continue
        order = mine[np.argsort(-found.confidence[mine])]
        is_hit = np.array([row in hit for row in order.tolist()], bool)
        rate = np.concatenate([[0], np.cumsum(~is_hit)]) / 0.06
        recall = np.concatenate([[0], np.cumsum(is_hit)]) / n_cells
        assert value == pytest.approx(np.interp([10, 20, 50, 100, 200, 300], rate, recall).mean())


def test_what_the_evaluator_of_monkey_does_by_accident() -> None:
    """There slides without predictions lose their cells, slides without cells their false alarms."""
    two = rebuilt(
        truth_of([square(50, 50)], [0], n_images=3, label=[0], categories=KINDS),
        um_per_px=np.full(3, 0.25),
        image_mm2=np.full(3, 0.02),
    )
    stray = predictions_of([square(50, 50)] * 2, [0.5, 0.9], [0, 1])
    both = evaluate(two, stray, PROTOCOLS["monkey"]).cd
    assert both is not None
    assert (both.curve.fp.tolist(), both.curve.tp.tolist()) == ([1, 1], [0, 1])
    silent = evaluate(two, predictions_of([], []), PROTOCOLS["monkey"]).cd
    assert silent is not None
    assert silent.curve.cells == 1
    truth = rebuilt(
        truth_of([square(0, 0), square(10, 0), square(100, 0)], label=[0, 0, 0], categories=KINDS),
        um_per_px=np.array([0.242]),
    )
    found = predictions_of([square(5, 0), square(116.3, 0)], [0.9, 0.8])
    scores = evaluate(truth, found, PROTOCOLS["monkey"], threshold=0.5).cd
    assert scores is not None
    assert (scores.classes["lymphocytes"].tp, scores.classes["lymphocytes"].fn) == (2, 1)


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), threshold=st.sampled_from([0.0, 0.4]))
def test_midog(seed: int, threshold: float) -> None:
    """Cell by cell in the order of the file, the nearest prediction that is still free; 7.5 µm."""
    truth, found = scattered(seed)
    tp = fp = fn = 0
    for image in range(3):
        cells, rows, distance = apart(truth, found, image)
        kept = found.confidence[rows] >= threshold
        distance = distance[:, kept]
        free = np.ones(distance.shape[1], bool)
        for place in range(len(cells)):
            near = [p for p in np.argsort(distance[place]) if distance[place, p] <= 30 and free[p]]
            if near:
                free[near[0]] = False
        tp += int((~free).sum())
        fp += int(free.sum())
        fn += len(cells) - int((~free).sum())
    scores = evaluate(truth, found, PROTOCOLS["midog"], threshold=threshold).cd
    assert scores is not None
    assert (scores.tp, scores.fp, scores.fn) == (tp, fp, fn)


def test_what_the_evaluator_of_midog_does_by_accident() -> None:
    """Cells of an image without an answer are no misses there; here they are."""
    truth = rebuilt(truth_of([square(50, 50)] * 2, [0, 1]), um_per_px=np.full(2, 0.25))
    scores = evaluate(truth, predictions_of([square(50, 50)], [0.9]), PROTOCOLS["midog"], threshold=0.5).cd
    assert scores is not None
    assert (scores.tp, scores.fn, scores.recall) == (1, 1, 0.5)


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_ocelot(seed: int) -> None:
    """Of each class the surest prediction first, the nearest free cell within 15 px; F1, and their mean."""
    truth, found = scattered(seed)
    evaluation = evaluate(truth, found, PROTOCOLS["ocelot"], threshold=0.0)
    f1 = []
    for kind, name in enumerate(("lymphocytes", "monocytes")):
        tp = fp = cells_in_all = 0
        for image in range(3):
            cells, rows, distance = apart(truth, found, image, kind)
            free = np.ones(len(cells), bool)
            for row in np.argsort(-found.confidence[rows]):
                near = [c for c in range(len(cells)) if free[c] and distance[c, row] <= 15]
                tp, fp = tp + bool(near), fp + (not near)
                if near:
                    free[min(near, key=lambda c: distance[c, row])] = False
            cells_in_all += len(cells)
        assert evaluation.cd is not None
        one = evaluation.cd.classes[name]
        assert (one.tp, one.fp, one.fn) == (tp, fp, cells_in_all - tp)
        f1 += [2 * tp / (tp + fp + cells_in_all)] if cells_in_all else []
    report = challenge_summary(truth, found, evaluation, evaluation)
    assert report["mF1"] == (pytest.approx(np.mean(f1)) if f1 else None)


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_hovernet(seed: int) -> None:
    """Least total distance of all, beyond 12 px it is let go; F of a type weighs a wrong type twice."""
    truth, found = scattered(seed)
    pairs = []
    for image in range(3):
        cells, rows, distance = apart(truth, found, image)
        pairs += [
            (int(cells[c]), int(rows[p])) for c, p in zip(*linear_sum_assignment(distance), strict=True)
            if distance[c, p] <= 12
        ]  # fmt: skip
    scores = evaluate(truth, found, PROTOCOLS["hovernet"], threshold=0.0)
    assert scores.cd is not None
    held = scores.cd.matching.annotation
    assert {(int(held[p]), p) for p in np.flatnonzero(held >= 0).tolist()} == set(pairs)
    assert scores.cd.tp == len(pairs)
    report = challenge_summary(truth, found, scores, scores)
    for kind, name in enumerate(("lymphocytes", "monocytes")):
        both = sum(truth.label[c] == kind == found.label[p] for c, p in pairs)
        either = sum((truth.label[c] == kind) != (found.label[p] == kind) for c, p in pairs)
        alone = int((truth.label == kind).sum() + (found.label == kind).sum()) - 2 * both - either
        wanted = 2 * both / (2 * both + 2 * either + alone) if both + either + alone else None
        assert report[f"F_c, {name}"] == (None if wanted is None else pytest.approx(wanted))
    right = sum(truth.label[c] == found.label[p] for c, p in pairs)
    assert report["Acc"] == (pytest.approx(right / len(pairs)) if pairs else None)


def test_far_pairs_keep_near_ones_apart_as_in_hovernet() -> None:
    """Cells at 0 and 10, predictions at 9.5 and 24, along a line.

    0 with 9.5 and 10 with 24 are 23.5 px in all, 10 with 9.5 and 0 with 24 are 24.5: so the nearest two are
    kept apart by a prediction that is out of reach of both cells.
    """
    truth = truth_of([square(0, 0), square(10, 0)])
    found = predictions_of([square(9.5, 0), square(24, 0)], [0.9, 0.8])
    here = evaluate(truth, found, PROTOCOLS["hovernet"], threshold=0.5).cd
    assert here is not None
    assert here.matching.annotation.tolist() == [0, -1]
    optimal = evaluate(truth, found, replace(PROTOCOLS["hovernet"], assignment="hungarian"), threshold=0.5).cd
    assert optimal is not None
    assert optimal.matching.annotation.tolist() == [1, -1]


def test_what_the_evaluator_of_hovernet_does_by_accident() -> None:
    """An image without predictions gets one at (0, 0) there: a false alarm, or a hit near the corner."""
    truth = truth_of([square(5, 5)])
    scores = evaluate(truth, predictions_of([], []), PROTOCOLS["hovernet"], threshold=0.5).cd
    assert scores is not None
    assert (scores.tp, scores.fp, scores.fn) == (0, 0, 1)


def test_hovernet_takes_no_image_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(challenge_assignment, "MOST_PAIRS", 3)
    truth = truth_of([square(0, 0), square(40, 0)])
    found = predictions_of([square(0, 0), square(40, 0)], [0.9, 0.8])
    with pytest.raises(BadInputError, match="too many pairs"):
        evaluate(truth, found, PROTOCOLS["hovernet"], threshold=0.5)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_stardist(seed: int) -> None:
    """Label images of rectangles: the most pairs of an IoU of at least one half, then the highest sum."""
    rng = np.random.default_rng(seed)
    labels, tables = [], []
    for _ in range(2):
        image = np.zeros((80, 80), int)
        for number in range(1, 1 + rng.integers(1, 9)):
            x, y = rng.integers(0, 66, 2)
            part = image[y : y + rng.integers(4, 14), x : x + rng.integers(4, 14)]
            if not part.any():
                part[:] = number
        boxes = []
        for number in np.unique(image[image > 0]):
            y, x = np.nonzero(image == number)
            boxes.append([x.min(), y.min(), x.max() + 1, y.max() + 1])
        labels.append(image)
        tables.append(boxes)
    (true, pred), (cells, answers) = labels, tables
    masks = [[image == number for number in np.unique(image[image > 0])] for image in (true, pred)]
    iou = np.array([[(a & b).sum() / (a | b).sum() for b in masks[1]] for a in masks[0]])
    best = linear_sum_assignment(-(iou >= 0.5).astype(float) - iou / (2 * min(iou.shape)))
    held = iou[best][iou[best] >= 0.5]
    tp, fp, fn = len(held), iou.shape[1] - len(held), iou.shape[0] - len(held)
    rings = [(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], float),) for x0, y0, x1, y1 in cells]
    truth = rebuilt(truth_of(cells), outline=tuple(rings))
    found = predictions_of(answers, [0.9] * len(answers))
    scores = evaluate(truth, found, PROTOCOLS["stardist"], threshold=0.5)
    assert scores.bb is not None
    assert (scores.bb.tp, scores.bb.fp, scores.bb.fn) == (tp, fp, fn)
    report = challenge_summary(truth, found, scores, scores)
    assert report["accuracy (AP)"] == pytest.approx(tp / (tp + fp + fn))
    assert report["panoptic_quality"] == pytest.approx(held.sum() / (tp + fp / 2 + fn / 2))
    assert report["mean_true_score"] == pytest.approx(held.sum() / (tp + fn))


def test_on_the_command_line(bmbench: Any, tmp_path: Path) -> None:
    truth, found = scattered(3)
    paths = write_pair(tmp_path, truth, found)
    value = coco_objects(truth)
    value["images"] = [image | {"um_per_px": 0.25} for image in value["images"]]
    for cell in value["annotations"]:
        x, y, w, h = cell["bbox"]
        cell["segmentation"] = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    paths[1].write_text(json.dumps(value))
    for name, word in (
        ("monkey", "FROC, lymphocytes"), ("midog", "centres (7.5 µm)"), ("ocelot", "mF1"),
        ("hovernet", "F_c, monocytes"), ("stardist", "panoptic_quality"),
    ):  # fmt: skip
        answer = bmbench("score", paths[0], "--truth", paths[1], "--protocol", name, "--threshold", 0.3)
        assert answer.code == 0, answer.err
        assert word in answer.out
        assert max(map(len, answer.out.splitlines())) <= 80


def test_the_details_of_every_named_protocol_can_be_had(bmbench: Any, tmp_path: Path) -> None:
    truth, found = random_scene(4)
    truth = rebuilt(truth, um_per_px=np.full(3, 0.25))
    for name in ("monkey", "midog", "ocelot", "hovernet"):
        scores = evaluate(truth, found, PROTOCOLS[name], threshold=0.4).cd
        assert scores is not None
        assert scores.tp + scores.fn == (truth.role == 0).sum()
