"""PQ, AJI and Dice: by hand, and against formulas on label images with all masks in full."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmbench.metrics import PROTOCOLS, evaluate
from bmbench.metrics.shapes import shape_scores

from .scenes import coco_objects, coco_results, predictions_of, rebuilt, truth_of

OUTLINES = replace(PROTOCOLS["paper"], outlines=True)


def boxed(table: Any) -> Any:
    """The boxes as outlines."""
    rings = [(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]),) for x0, y0, x1, y1 in table.box.tolist()]
    return rebuilt(table, outline=tuple(rings))


def scored(truth: Any, found: Any) -> Any:
    scores = evaluate(boxed(truth), boxed(found), OUTLINES, threshold=0.5).bb
    assert scores is not None
    return shape_scores(boxed(truth), boxed(found), scores)


def test_by_hand() -> None:
    """Cells of 10 × 10 at 0 and 40; predictions of 10 × 10 moved by 2, and of 10 × 4 elsewhere.

    The first pair shares 80 of 120 pixels. PQ: (80 / 120) / (1 + 1/2 + 1/2) = 1/3.
    AJI: 80 / (120 + 100 + 40). Dice: 2 · 80 / (200 + 140).
    """
    truth = truth_of([[0, 0, 10, 10], [40, 0, 50, 10]])
    found = predictions_of([[2, 0, 12, 10], [80, 0, 90, 4]], [0.9, 0.8])
    shapes = scored(truth, found)
    assert shapes.panoptic_quality == pytest.approx(1 / 3)
    assert shapes.segmentation_quality == pytest.approx(80 / 120)
    assert shapes.aggregated_jaccard == pytest.approx(80 / 260)
    assert shapes.dice == pytest.approx(160 / 340)


def test_as_panoptica_answers() -> None:
    """Four cells and four predictions, one pair at an IoU of exactly 0.5; panoptica 2.1.7's answers.

    PQ's paper asks for more than 0.5, and panoptica with a `matching_threshold` a little above it gives these
    numbers; with 0.5 itself it takes the pair as a hit (PQ 0.4917).
    """
    truth = truth_of([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10], [0, 20, 12, 32]])
    found = predictions_of([[2, 0, 12, 10], [20, 1, 30, 9], [40, 0, 50, 20], [30, 30, 38, 40]], [0.9] * 4)
    shapes = scored(truth, found)
    assert shapes.panoptic_quality == pytest.approx(0.3666666666666667, abs=1e-12)
    assert shapes.segmentation_quality == pytest.approx(0.7333333333333334, abs=1e-12)
    assert shapes.dice == pytest.approx(0.5752212389380531, abs=1e-12)


def test_nothing_at_all_is_undefined() -> None:
    truth, none = truth_of([[0, 0, 10, 10]]), predictions_of([], [])
    shapes = scored(truth, none)
    assert (shapes.panoptic_quality, shapes.aggregated_jaccard, shapes.dice) == (0, 0, 0)
    assert shapes.segmentation_quality is None
    bare = evaluate(boxed(truth), none, OUTLINES, threshold=0.5).bb
    assert bare is not None
    assert shape_scores(truth, none, bare) is None


def labels(rng: Any, images: int) -> list[Any]:
    """Label images of rectangles that do not overlap."""
    drawn = []
    for _ in range(images):
        image = np.zeros((60, 60), int)
        for number in range(1, 1 + int(rng.integers(0, 9))):
            x, y = rng.integers(0, 48, 2)
            part = image[y : y + rng.integers(3, 12), x : x + rng.integers(3, 12)]
            if not part.any():
                part[:] = number
        drawn.append(image)
    return drawn


def boxes_of(drawn: list[Any]) -> tuple[list[Any], list[int]]:
    boxes, rows = [], []
    for row, image in enumerate(drawn):
        for number in np.unique(image[image > 0]):
            y, x = np.nonzero(image == number)
            boxes.append([x.min(), y.min(), x.max() + 1, y.max() + 1])
            rows.append(row)
    return boxes, rows


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_against_formulas_on_label_images(seed: int) -> None:
    """As the definitions have them, mask by mask over whole images; sums over three images."""
    rng = np.random.default_rng(seed)
    true, pred = labels(rng, 3), labels(rng, 3)
    total = objects = shared = either = both = areas = 0.0
    for t, p in zip(true, pred, strict=True):
        cells = [t == number for number in np.unique(t[t > 0])]
        shown = [p == number for number in np.unique(p[p > 0])]
        used = set()
        tp = 0
        for cell in cells:
            fits = [
                ((cell & one).sum() / (cell | one).sum(), k)
                for k, one in enumerate(shown)
                if (cell & one).any()
            ]
            if not fits:
                either += cell.sum()
                continue
            best, k = max(fits, key=lambda fit: fit[0])
            used.add(k)
            shared, either = shared + (cell & shown[k]).sum(), either + (cell | shown[k]).sum()
            if best > 0.5:
                tp, total = tp + 1, total + best
        either += sum(one.sum() for k, one in enumerate(shown) if k not in used)
        objects += (len(cells) + len(shown)) / 2
        both += 2 * ((t > 0) & (p > 0)).sum()
        areas += (t > 0).sum() + (p > 0).sum()
    (cells_of, image), (found_of, rows) = boxes_of(true), boxes_of(pred)
    if not cells_of:
        return
    shapes = scored(
        truth_of(cells_of, image, n_images=3), predictions_of(found_of, [0.9] * len(found_of), rows)
    )
    assert shapes.panoptic_quality == pytest.approx(total / objects)
    assert shapes.aggregated_jaccard == pytest.approx(shared / either)
    assert shapes.dice == pytest.approx(both / areas)


def test_details_give_them(bmbench: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    drawn = labels(rng, 6)
    boxes, image = boxes_of(drawn)
    truth = truth_of(boxes, image, n_images=6)
    moved = (np.array(boxes) + rng.integers(-2, 3, (len(boxes), 1))).tolist()
    found = predictions_of(moved, [0.9] * len(boxes), image)
    objects, answers = coco_objects(truth), coco_results(truth, found)
    for record in (*objects["annotations"], *answers):
        x, y, w, h = record["bbox"]
        record["segmentation"] = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    paths = tmp_path / "p.json", tmp_path / "t.json"
    paths[0].write_text(json.dumps(answers))
    paths[1].write_text(json.dumps(objects))
    call = ("score", paths[0], "--truth", paths[1], "--details", "--threshold", 0.5, "--radius", 5)
    answer = bmbench(*call, "--outlines", "--json")
    assert answer.code == 0, answer.err
    details = json.loads(answer.out)["details"]
    shapes = details["bb"]["shapes"]
    assert shapes["dice_ci"][0] < shapes["dice"] < shapes["dice_ci"][1]
    assert "shapes" not in details["cd"]
    assert shapes["panoptic_quality"] == pytest.approx(scored(truth, found).panoptic_quality)
    heads = [line.split()[:1] for line in bmbench(*call, "--outlines").out.splitlines()]
    assert [head for head in heads if head in (["PQ"], ["AJI"])] == [["PQ"], ["AJI"]]
    assert " PQ " not in bmbench(*call).out
