"""One program scores one pair of files: ``python benchmarks/one.py PROGRAM TRUTH PREDICTIONS``.

Every program answers the same question: average precision at IoU 0.5 over 101 recall points, without a cap on
detections. `bmbench-*` ask more of bmbench, as their names say: boxes and centres, and intervals where it
is named.
"""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from typing import Any

NO_CAP = 10**7
CAP_OF_ONE_IMAGE = 25_000
"""faster-coco-eval reserves room for images × cap, and fails for want of memory without one."""


def bmbench(truth: str, predictions: str) -> Any:
    from bmbench.benchmark.scoring.score_files import evaluate_files
    from bmbench.metrics.protocol import resolve_protocol

    rules = resolve_protocol("coco")
    return evaluate_files(Path(predictions), Path(truth), rules, intervals=False).to_json()["bb"]["ap"]


def _bmbench(truth: str, predictions: str, *, intervals: bool = False, **changes: Any) -> Any:
    from bmbench.benchmark.scoring.score_files import evaluate_files
    from bmbench.metrics.protocol import resolve_protocol

    rules = resolve_protocol("paper", **changes)
    report = evaluate_files(Path(predictions), Path(truth), rules, intervals=intervals).to_json()
    return report["bb"]["ap"], report["cd"]["ap"]


def bmbench_greedy(truth: str, predictions: str) -> Any:
    return _bmbench(truth, predictions)


def bmbench_hungarian(truth: str, predictions: str) -> Any:
    return _bmbench(truth, predictions, assignment="hungarian")


def bmbench_intervals(truth: str, predictions: str) -> Any:
    return _bmbench(truth, predictions, intervals=True)


def pycocotools(truth: str, predictions: str) -> Any:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    return _at_one_half(COCO, COCOeval, truth, predictions)


def faster_coco_eval(truth: str, predictions: str) -> Any:
    from faster_coco_eval import COCO, COCOeval_faster

    return _at_one_half(COCO, COCOeval_faster, truth, predictions, cap=CAP_OF_ONE_IMAGE)


def ultrafast_pycocotools(truth: str, predictions: str) -> Any:
    from ultrafast_pycocotools import COCO, COCOeval

    return _at_one_half(COCO, COCOeval, truth, predictions)


def hotcoco(truth: str, predictions: str) -> Any:
    import numpy as np
    from hotcoco import COCO, COCOeval

    data = COCO(truth)
    run = COCOeval(data, data.load_res(predictions), "bbox")
    run.params.iou_thrs, run.params.max_dets = [0.5], [NO_CAP]
    run.params.area_rng, run.params.area_rng_lbl = [[0, 1e10]], ["all"]
    run.evaluate()
    run.accumulate()
    return float(np.asarray(run.eval["precision"]).reshape(1, 101, -1)[0, :, 0].mean())


def vernier(truth: str, predictions: str) -> Any:
    from vernier._core import evaluate_bbox_grid
    from vernier.instance import Breakdown, CocoDataset

    grid = evaluate_bbox_grid(
        CocoDataset.from_json(Path(truth).read_bytes()),
        Path(predictions).read_bytes(),
        parity_mode="strict",
        max_dets_per_image=NO_CAP,
        use_cats=True,
        iou_thresholds=[0.5],
        area_ranges=Breakdown.from_ranges("area", [("all", 0.0, 1e10)]),
        num_threads=2,
    )
    return float(grid.accumulate([NO_CAP]).precision[0, :, 0, 0, 0].mean())


def _at_one_half(coco: Any, evaluation: Any, truth: str, predictions: str, *, cap: int = NO_CAP) -> Any:
    data = coco(truth)
    run = evaluation(data, data.loadRes(predictions), "bbox")
    run.params.iouThrs, run.params.maxDets = run.params.iouThrs[:1], [cap]
    run.params.areaRng, run.params.areaRngLbl = run.params.areaRng[:1], ["all"]
    run.evaluate()
    run.accumulate()
    return float(run.eval["precision"][0, :, 0, 0, 0].mean())


PROGRAMS = {
    name.replace("_", "-"): run
    for name, run in list(globals().items())
    if callable(run) and getattr(run, "__module__", "") == __name__ and not name.startswith("_")
}

if __name__ == "__main__":
    program, *paths = sys.argv[1:]
    spoken = io.StringIO()
    with contextlib.redirect_stdout(spoken):
        answer = PROGRAMS[program](*paths)
    print(answer)
