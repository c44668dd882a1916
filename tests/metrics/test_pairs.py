"""Candidate pairs from the grid against every pair, on sizes and places of all kinds."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bmbench.core import spatial_index
from bmbench.core.geometry import box_iou
from bmbench.metrics import PROTOCOLS, evaluate
from bmbench.metrics.matching_input import ObjectColumns
from bmbench.metrics.pairs import box_pairs, centre_pairs
from bmbench.metrics.tally import by_descending_score

from .scenes import predictions_of, rebuilt, square, truth_of


def scattered(kind: str, rng: np.random.Generator, n: int) -> Any:
    """(n, 4) boxes whose sizes and places are spread as the name says."""
    if kind == "alike":
        centre, side = rng.uniform(0, 300, (n, 2)), rng.uniform(20, 30, (n, 2))
    elif kind == "all sizes":
        centre, side = (
            rng.uniform(0, 300, (n, 2)),
            np.exp(rng.uniform(-2, 7, (n, 1))) * rng.uniform(0.8, 1.2, (n, 2)),
        )
    elif kind == "two sizes":
        centre, side = (
            rng.uniform(0, 300, (n, 2)),
            rng.choice([2.0, 90.0, 9000.0], (n, 1)) * rng.uniform(0.9, 1.1, (n, 2)),
        )
    elif kind == "far apart":
        centre, side = (
            rng.choice([0.0, 1e6, -3e8], (n, 2)) + rng.uniform(0, 50, (n, 2)),
            rng.uniform(20, 30, (n, 2)),
        )
    elif kind == "long and thin":
        centre, side = (
            rng.uniform(0, 60, (n, 2)),
            np.stack([rng.uniform(1, 2, n), rng.uniform(200, 300, n)], axis=1),
        )
    else:
        centre, side = np.zeros((n, 2)) + rng.integers(0, 2, (n, 2)), np.full((n, 2), 20.0)
    return np.concatenate([centre - side / 2, centre + side / 2], axis=1)


@pytest.mark.parametrize("n", [(40, 40), (3, 60), (60, 3), (0, 5), (5, 0)])
@pytest.mark.parametrize("iou", [0.1, 0.3, 0.5, 0.75])
@pytest.mark.parametrize("kind", ["alike", "all sizes", "two sizes", "far apart", "long and thin", "heaped"])
def test_no_pair_is_lost_and_none_invented(kind: str, iou: float, n: tuple[int, int]) -> None:
    rng = np.random.default_rng(len(kind))
    boxes = scattered(kind, rng, n[1])
    jitter = rng.normal(0, 0.05, (n[0], 4)) if n[1] else np.zeros((n[0], 4))
    source = rng.integers(0, n[1], n[0]) if n[1] else np.zeros(n[0], int)
    copies = boxes[source] if n[1] else scattered(kind, rng, n[0])
    extent = np.tile(copies[:, 2:] - copies[:, :2], 2)
    found = copies + jitter * extent
    truth = truth_of(boxes.tolist(), rng.integers(0, 3, n[1]).tolist(), n_images=3)
    predictions = predictions_of(found.tolist(), [0.5] * n[0], rng.integers(0, 3, n[0]).tolist())
    p, c = (ObjectColumns.of(table, np.ones(len(table.image), bool)) for table in (predictions, truth))
    i, j = (rows.ravel() for rows in np.meshgrid(np.arange(n[0]), np.arange(n[1]), indexing="ij"))
    here = predictions.image[i] == truth.image[j]
    i, j = i[here], j[here]
    value = box_iou(predictions.box[i], truth.box[j])
    clear = np.abs(value - iou) > 1e-8
    expected = {(a, b) for a, b, ok in zip(i.tolist(), j.tolist(), (value > iou) & clear, strict=True) if ok}
    pairs = box_pairs(p, c, iou=iou, inclusive=False)
    unclear = set(zip(i[~clear].tolist(), j[~clear].tolist(), strict=True))
    got = list(zip(pairs.prediction.tolist(), pairs.cell.tolist(), strict=True))
    assert len(got) == len(set(got))
    assert set(got) - unclear == expected
    offset = predictions.xy[i] - truth.xy[j]
    distance = np.hypot(offset[:, 0], offset[:, 1])
    near = centre_pairs(p, c, radius=40.0)
    got = list(zip(near.prediction.tolist(), near.cell.tolist(), strict=True))
    assert sorted(got) == sorted(zip(i[distance <= 40].tolist(), j[distance <= 40].tolist(), strict=True))


@pytest.mark.parametrize("order", ["by image", "mixed"])
def test_points_taken_in_blocks_give_the_same_pairs(order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    n, images = (400, 300), 9
    tables = []
    for count in n:
        image = rng.integers(0, images, count)
        boxes = scattered("alike", rng, count)
        image = np.sort(image) if order == "by image" else image
        tables.append(truth_of(boxes.tolist(), image.tolist(), n_images=images))
    p, c = (ObjectColumns.of(table, np.ones(len(table.image), bool)) for table in tables)

    def found() -> list[list[tuple[int, int, float]]]:
        both = box_pairs(p, c, iou=0.1, inclusive=False), centre_pairs(p, c, radius=40.0)
        return [
            sorted(zip(*(x.tolist() for x in (q.prediction, q.cell, q.value)), strict=True)) for q in both
        ]

    whole = found()
    monkeypatch.setattr(spatial_index, "_BLOCK", 100)
    assert found() == whole
    assert min(map(len, whole)) > 10


def test_the_fast_order_of_scores_is_the_stable_one() -> None:
    """Also for scores that differ beyond 32 bits, and for many equal ones."""
    rng = np.random.default_rng(0)
    score = np.concatenate(
        [rng.random(5000), np.round(rng.random(5000), 2), 0.3 + 1e-12 * rng.random(500), [0, 1]]
    )
    score = rng.permutation(score)
    assert (by_descending_score(score) == np.argsort(-score, kind="stable")).all()


@pytest.mark.parametrize("assignment", ["greedy", "hungarian"])
def test_memory_grows_with_the_cells_not_their_square(assignment: Any) -> None:
    """Twice the cells on one image take at most about twice the memory; all pairs would take four times."""
    protocol = replace(PROTOCOLS["paper"], assignment=assignment)
    peaks = []
    for n in (10_000, 20_000):
        side = int(n**0.5) + 1
        place = np.arange(n)
        boxes = [square(97.0 * (k % side), 97.0 * (k // side), 90) for k in place.tolist()]
        truth = truth_of(boxes)
        rng = np.random.default_rng(0)
        predictions = rebuilt(
            predictions_of(boxes, rng.random(n).tolist()), box=truth.box + rng.normal(0, 4, (n, 4))
        )
        tracemalloc.start()
        scores = evaluate(truth, predictions, protocol, threshold=0.0)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert scores.bb is not None
        assert scores.bb.tp > 0.95 * n
    assert peaks[1] < 2.6 * peaks[0]
    assert peaks[1] < 20_000**2
