"""`coco` against pycocotools and hotcoco, to the last bit."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bmbench.benchmark.scoring.score_files import read_pair, score_files
from bmbench.core.types import CELL, Category
from bmbench.metrics import PROTOCOLS, coco_summary

from .scenes import (
    coco_objects,
    coco_results,
    predictions_of,
    random_scene,
    rebuilt,
    square,
    truth_of,
    write_pair,
)

BLAST = Category(id=4, name="blast")


def random_set(seed: int, *, decimals: int, images: int = 5, cells: int = 14) -> tuple[Any, Any]:
    """Two categories of cells, crowds, areas in all three ranges, ids that are not in order."""
    rng = np.random.default_rng(seed)
    truth, predictions = random_scene(seed, images=images, cells=cells, steps=8, grid=0.25)
    n, m = len(truth.image), len(predictions)
    size = rng.choice([0.7, 1.5, 5.0], n)[:, None]

    def grown(box: Any, factor: Any) -> Any:
        corner = box[:, :2] * 4
        return np.concatenate([corner, corner + (box[:, 2:] - box[:, :2]) * factor], axis=1)

    crowd = rng.random(n) < 0.1
    truth = rebuilt(
        truth,
        image_ids=tuple(int(i) for i in rng.permutation(images) + 3),
        categories=(CELL, BLAST),
        label=rng.integers(0, 2, n),
        role=np.where(crowd, 2, 0),
        region=crowd,
        box=np.round(grown(truth.box, size), decimals),
    )
    truth = rebuilt(truth, area=np.prod(truth.box[:, 2:] - truth.box[:, :2], axis=1) * rng.uniform(0.6, 1, n))
    copied = rng.integers(0, n, m)
    box = truth.box[copied] + rng.normal(0, 2.5, (m, 4))
    box[:, 2:] = np.maximum(box[:, 2:], box[:, :2] + 1)
    exact = rng.random(m) < 0.2
    box[exact] = truth.box[copied[exact]]
    predictions = rebuilt(
        predictions, box=np.round(box, decimals), image=truth.image[copied], label=truth.label[copied]
    )
    return truth, predictions


def pycocotools_stats(truth: dict[str, Any], results: list[dict[str, Any]], caps: tuple[int, ...]) -> Any:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        data = COCO()
        data.dataset = truth
        data.createIndex()
        evaluator = COCOeval(data, data.loadRes(results), "bbox")
        evaluator.params.maxDets = list(caps)
        evaluator.evaluate()
        evaluator.accumulate()
        if caps[-1] == 100:
            evaluator.summarize()
            return evaluator.stats.tolist(), evaluator
    return None, evaluator


def summary(truth: Any, predictions: Any, caps: Any) -> list[float]:
    values = coco_summary(truth, predictions, max_detections=caps).values()
    return [-1 if value is None else value for value in values]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("decimals", [0, 2])
def test_twelve_numbers_are_those_of_pycocotools(tmp_path: Path, seed: int, decimals: int) -> None:
    truth, predictions = random_set(seed, decimals=decimals)
    expected, _ = pycocotools_stats(coco_objects(truth), coco_results(truth, predictions), (1, 10, 100))
    read_truth, read_predictions = read_pair(*write_pair(tmp_path, truth, predictions))
    assert summary(read_truth, read_predictions, (1, 10, 100)) == expected


@pytest.mark.parametrize("caps", [(1, 3, 5), (2, 10, 1000)])
def test_other_caps_and_none_at_all(tmp_path: Path, caps: tuple[int, int, int]) -> None:
    truth, predictions = random_set(5, decimals=2, images=2, cells=150)
    assert np.bincount(predictions.image).max() > 100
    _, evaluator = pycocotools_stats(coco_objects(truth), coco_results(truth, predictions), caps)
    precision, recall = evaluator.eval["precision"], evaluator.eval["recall"]
    read_truth, read_predictions = read_pair(*write_pair(tmp_path, truth, predictions))
    ours = coco_summary(
        read_truth, read_predictions, max_detections=(*caps[:2], None) if caps[-1] == 1000 else caps
    )
    cap_name = "all" if caps[-1] == 1000 else caps[-1]

    def mean(values: Any) -> float:
        return float(np.mean(values[values > -1]))

    assert ours["AP"] == mean(precision[:, :, :, 0, 2])
    assert ours["AP75"] == mean(precision[5, :, :, 0, 2])
    assert ours[f"AR{caps[0]}"] == mean(recall[:, :, 0, 0])
    assert ours[f"AR{cap_name}"] == mean(recall[:, :, 0, 2])


@pytest.mark.parametrize("seed", range(4))
def test_headline_is_ap_at_the_limit(tmp_path: Path, seed: int) -> None:
    truth, predictions = random_set(seed, decimals=1)
    _, evaluator = pycocotools_stats(coco_objects(truth), coco_results(truth, predictions), (1, 10, 10**4))
    precision = evaluator.eval["precision"]
    files = write_pair(tmp_path, truth, predictions)
    for place, iou in ((0, 0.5), (4, 0.7)):
        report = score_files(*files, replace(PROTOCOLS["coco"], iou=iou)).to_json()
        values = precision[place, :, :, 0, 2]
        assert report["bb"]["ap"] == pytest.approx(np.mean(values[values > -1]), rel=1e-12)


def test_hotcoco_agrees(tmp_path: Path) -> None:
    from hotcoco import COCO, COCOeval

    truth, predictions = random_set(3, decimals=2)
    files = write_pair(tmp_path, truth, predictions)
    data = COCO(str(files[1]))
    evaluator = COCOeval(data, data.load_res(str(files[0])), "bbox")
    evaluator.evaluate()
    evaluator.accumulate()
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator.summarize()
    assert summary(*read_pair(*files), (1, 10, 100)) == pytest.approx(list(evaluator.stats), abs=1e-12)


def test_real_boxes_of_blood_cells(shared_data: Path, tmp_path: Path) -> None:
    """Boxes that experts drew, of three classes; as predictions the same boxes moved, and some more."""
    from bmbench.datasets.formats.voc import read_voc

    files = sorted((shared_data / "bccd" / "Annotations").glob("*.xml"))[:80]
    read = [read_voc(file) for file in files]
    names = ("RBC", "WBC", "Platelets")
    image = np.repeat(np.arange(len(read)), [len(one.names) for one in read])
    truth = truth_of(
        np.concatenate([one.box for one in read]).tolist(),
        image.tolist(),
        n_images=len(read),
        label=[names.index(name) for one in read for name in one.names],
        categories=tuple(Category(id=number + 1, name=name) for number, name in enumerate(names)),
    )
    rng = np.random.default_rng(0)
    rows = np.flatnonzero(rng.random(len(image)) < 0.9)
    rows = np.concatenate([rows, rng.choice(rows, 100)])
    box = np.round(truth.box[rows] + rng.normal(0, 8, (len(rows), 4)), 1)
    box[:, 2:] = np.maximum(box[:, 2:], box[:, :2] + 1)
    score = np.round(rng.random(len(rows)), 2)
    predictions = predictions_of(
        box.tolist(), score.tolist(), image[rows].tolist(), label=truth.label[rows].tolist()
    )
    expected, _ = pycocotools_stats(coco_objects(truth), coco_results(truth, predictions), (1, 10, 100))
    assert summary(*read_pair(*write_pair(tmp_path, truth, predictions)), (1, 10, 100)) == expected


@pytest.mark.parametrize("turned", [False, True])
def test_of_equal_overlaps_the_last_in_the_file_is_taken(tmp_path: Path, turned: bool) -> None:
    """The first detection fits both cells alike; the second only the right one, and may come too late."""
    boxes = [[0, 0, 20, 20], [8, 0, 28, 20]]
    truth = truth_of(boxes[::-1] if turned else boxes, categories=(CELL,))
    predictions = predictions_of([[4, 0, 24, 20], [13, 0, 33, 20]], [0.9, 0.8])
    expected, _ = pycocotools_stats(coco_objects(truth), coco_results(truth, predictions), (1, 10, 100))
    assert summary(*read_pair(*write_pair(tmp_path, truth, predictions)), (1, 10, 100)) == expected


def test_an_ignored_object_counts_as_in_pycocotools(tmp_path: Path) -> None:
    """pycocotools reads `iscrowd` alone: the ignored cell is one that was not found, so AP is 51 / 101."""
    truth = truth_of([square(20, 20), square(80, 80)], role=[0, 2], label=[0, 0], categories=(CELL,))
    predictions = predictions_of([square(20, 20)], [0.9])
    files = write_pair(tmp_path, truth, predictions)
    report = score_files(*files, PROTOCOLS["coco"]).to_json()
    assert report["bb"]["ap"] == pytest.approx(51 / 101)
    assert report["coco_summary"]["AP50"] == report["bb"]["ap"]
