"""Matching by outlines: by hand, and against label images compared pixel by pixel."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmbench.core.errors import BadInputError
from bmbench.core.geometry import ellipse_ring, rings_box
from bmbench.core.types import Rings
from bmbench.metrics import PROTOCOLS, evaluate
from bmbench.metrics.matching_input import ObjectColumns
from bmbench.metrics.outline_pairs import points_inside, shared_pixels

from .scenes import coco_objects, predictions_of, rebuilt, scenes, square, truth_of, write_pair

OUTLINES = replace(PROTOCOLS["paper"], outlines=True)


def polygon(*points: tuple[float, float]) -> Rings:
    return (np.array(points, float),)


def outlined(table: Any, rings: list[Rings]) -> Any:
    """The table with these outlines and their boxes."""
    box = np.array([rings_box(one) if one else table.box[row] for row, one in enumerate(rings)]).reshape(
        -1, 4
    )
    return rebuilt(table, outline=tuple(rings), box=box, xy=(box[:, :2] + box[:, 2:]) / 2)


def test_by_hand() -> None:
    """A triangle of 20 px on a cell of the same box: half of its pixels, so no hit; its centre is inside.

    An L-shaped cell around a small one: the centre of its box lies in the small one, not in the L.
    """
    box = square(50, 50)
    truth = truth_of([box, box])
    ell = polygon((100, 0), (140, 0), (140, 8), (108, 8), (108, 40), (100, 40))
    small = polygon((112, 12), (136, 12), (136, 36), (112, 36))
    truth = outlined(truth, [ell, small])
    found = predictions_of([square(120, 20, 40), square(124, 24, 20)], [0.9, 0.8])
    scores = evaluate(truth, found, OUTLINES, threshold=0.5)
    assert scores.cd is not None
    assert scores.bb is not None
    # Both centres are inside the small cell alone: the surer one gets it, the other one is its duplicate.
    assert scores.cd.matching.annotation.tolist() == [1, -1]
    assert (scores.cd.tp, scores.cd.fp_duplicate, scores.cd.fn) == (1, 1, 1)
    # Of 400 and 576 pixels 400 are shared: 0.69. The large box holds the L: 576 of 1600 pixels, 0.36.
    assert scores.bb.matching.annotation.tolist() == [-1, 1]
    assert scores.bb.matching.similarity[1] == pytest.approx(400 / 576)
    boxes = evaluate(truth, found, PROTOCOLS["paper"], threshold=0.5).bb
    assert boxes is not None
    # By boxes the large prediction is the L itself.
    assert boxes.matching.annotation.tolist() == [0, 1]


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_shared_pixels_are_those_of_label_images(seed: int) -> None:
    """Ellipses drawn by another way, pixel by pixel: x, y of every pixel in the equation of each."""
    rng = np.random.default_rng(seed)
    side, y, x = 96, *(np.mgrid[:96, :96] + 0.5)

    def drawn(n: int) -> tuple[list[Rings], list[Any]]:
        centre, radii = rng.uniform(15, side - 15, (n, 2)), rng.uniform(4, 14, (n, 2))
        turn = rng.uniform(0, np.pi, n)
        rings = [(ellipse_ring(c, r, t),) for c, r, t in zip(centre, radii, turn, strict=True)]
        masks = []
        for ring in rings:
            # Crossing number of each pixel centre, edge by edge.
            a, b = ring[0], np.roll(ring[0], -1, axis=0)
            inside = np.zeros((side, side), int)
            for (ax, ay), (bx, by) in zip(a, b, strict=True):
                if ay != by:
                    at = ax + (y - ay) / (by - ay) * (bx - ax)
                    inside += ((ay > y) != (by > y)) & (x < at)
            masks.append(inside % 2 == 1)
        return rings, masks

    (one, own), (other, theirs) = drawn(6), drawn(7)
    a = outlined(predictions_of([square(9, 9)] * 6, [0.5] * 6), one)
    b = outlined(truth_of([square(9, 9)] * 7), other)
    columns = [ObjectColumns.of(table, np.ones(len(table.image), bool)) for table in (a, b)]
    p, c, shared, either = shared_pixels(*columns)
    found = {(i, j): (n, m) for i, j, n, m in zip(*(v.tolist() for v in (p, c, shared, either)), strict=True)}
    wanted = {
        (i, j): (int((m & n).sum()), int((m | n).sum()))
        for i, m in enumerate(own)
        for j, n in enumerate(theirs)
        if (m & n).any()
    }
    assert found == wanted
    rows, owners, _ = points_inside(*columns)
    at = np.floor(a.xy).astype(int)
    near_edge = {
        (i, j)
        for i in range(6)
        for j, mask in enumerate(theirs)
        if len(set(mask[at[i, 1] - 1 : at[i, 1] + 2, at[i, 0] - 1 : at[i, 0] + 2].ravel().tolist())) > 1
    }
    inside = {(i, j) for i in range(6) for j, mask in enumerate(theirs) if mask[at[i, 1], at[i, 0]]}
    assert set(zip(rows.tolist(), owners.tolist(), strict=True)) - near_edge == inside - near_edge


@settings(max_examples=25)
@given(scene=scenes(grid=1.0))
def test_boxes_as_outlines_match_as_boxes(scene: Any) -> None:
    """Boxes on whole pixels: their pixels are their areas."""
    truth, found = scene

    def on_pixels(table: Any) -> Any:
        box = np.round(table.box)
        box[:, 2:] = np.maximum(box[:, 2:], box[:, :2] + 1)
        return rebuilt(table, box=box, xy=(box[:, :2] + box[:, 2:]) / 2)

    truth, found = on_pixels(truth), on_pixels(found)
    rings = [polygon((x0, y0), (x1, y0), (x1, y1), (x0, y1)) for x0, y0, x1, y1 in truth.box.tolist()]
    marked = rebuilt(truth, outline=tuple(rings))
    if not (truth.role == 0).any():
        return
    by_box = evaluate(truth, found, PROTOCOLS["paper"], threshold=0.4).bb
    by_outline = evaluate(marked, found, OUTLINES, threshold=0.4).bb
    assert by_box is not None
    assert by_outline is not None
    assert by_outline.matching.outcome.tolist() == by_box.matching.outcome.tolist()
    assert by_outline.matching.annotation.tolist() == by_box.matching.annotation.tolist()
    assert by_outline.ap == by_box.ap


def test_without_outlines_it_is_refused() -> None:
    truth = truth_of([square(50, 50)])
    for bare in (truth, rebuilt(truth, outline=((),))):
        with pytest.raises(BadInputError, match="no cell has one"):
            evaluate(bare, predictions_of([], []), OUTLINES)


def test_on_the_command_line(bmbench: Any, tmp_path: Path) -> None:
    """From files: a polygon in the truth, a polygon, run lengths and a bare box among the predictions."""
    truth = truth_of([square(50, 50), square(90, 50), square(130, 50)])
    paths = write_pair(
        tmp_path, truth, predictions_of([square(50, 50), square(90, 50), square(130, 50)], [0.9] * 3)
    )
    value = coco_objects(truth)
    for row, cell in enumerate(value["annotations"]):
        x0, y0, x1, y1 = truth.box[row].tolist()
        # Nine tenths of the box; of the last one a quarter, above its middle.
        whole, part = [x0, y0, x1, y0, x1, y1, x0, y0 + 16], [x0, y0, x1, y0, x1, y0 + 10]
        cell["segmentation"] = [part if row == 2 else whole]
    value["images"] = [image | {"width": 160, "height": 80} for image in value["images"]]
    paths[1].write_text(json.dumps(value))
    found = json.loads(paths[0].read_text())
    found[0]["segmentation"] = value["annotations"][0]["segmentation"]
    mask = np.zeros((80, 160), bool)
    mask[42:60, 80:100] = True
    ends = np.flatnonzero(np.diff(mask.T.ravel().astype(int))) + 1
    runs = np.diff(np.concatenate([[0], ends, [mask.size]]))
    found[1]["segmentation"] = {"size": [80, 160], "counts": runs.tolist()}
    paths[0].write_text(json.dumps(found))
    call = ("score", paths[0], "--truth", paths[1], "--outlines", "--threshold", 0.5)
    answer = bmbench(*call, "--details", "--json")
    assert answer.code == 0, answer.err
    scores = json.loads(answer.out)
    # The bare box holds the quarter: IoU 1/4, and its centre is not in it.
    assert (scores["bb"]["tp"], scores["cd"]["tp"]) == (2, 2)
    assert scores["bb"]["matched_by"] == "mask IoU 0.5"
    assert scores["details"]["cd"]["olrp"] is None
    assert "1 of 3 predictions without an outline count by their boxes" in answer.err
    table = bmbench(*call).out
    assert "centres (inside the outline)" in table
    assert max(map(len, table.splitlines())) <= 80
    assert bmbench("compare", paths[0], paths[0], "--truth", paths[1], "--outlines").code == 0
    damaged = json.loads(paths[0].read_text())
    damaged[1]["segmentation"]["size"] = [10**9, 10**9]
    paths[0].write_text(json.dumps(damaged))
    refused = bmbench(*call)
    assert (refused.code, "1 to 65535" in refused.err) == (2, True)
