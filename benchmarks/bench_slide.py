"""A whole slide with known cells, predicted: how fast, in how much memory, and whether seams cost a cell.

    python benchmarks/bench_slide.py FOLDER [--run RUN] [--patches 30 --cells 40000] [--piece 240]

draws a synthetic pyramidal slide (30 × 30 smears of 1000 px: 30,000 × 30,000 px), predicts it with
`bmbench predict` in a process of its own, predicts every smear of it alone, and compares. With ``--piece``
the prediction is killed (SIGKILL) after so many seconds and taken up again until it is done. Every step
leaves its result in FOLDER, and a step whose result is there is not repeated.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

PATCH_PX = 1000
RADIUS_PX = 14.67
"""A third of the mean cell diameter, as for the synthetic data set."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--run", type=Path, help="a finished run; without it, one is trained in FOLDER")
    parser.add_argument("--patches", type=int, default=30, help="smears in a row of the slide")
    parser.add_argument("--cells", type=int, default=40_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--piece", type=float, default=None, help="kill the prediction every so many seconds")
    parser.add_argument("--budget", type=float, default=1e9, help="stop after so many seconds, go on later")
    parser.add_argument("--tiles", type=int, default=8, help="tiles whose throughput is compared")
    options = parser.parse_args()
    options.end = time.monotonic() + options.budget
    options.folder.mkdir(parents=True, exist_ok=True)
    options.run = options.run or train(options.folder / "runs")
    for step in (draw, predict_slide, predict_patches, throughput, compare):
        result = options.folder / f"{step.__name__}.json"
        if result.exists():
            continue
        before = _cpu_seconds()
        facts = step(options)
        if facts is None:
            print(f"{step.__name__}: not done yet; call again")
            return
        # Of the last call alone, where a step was taken up again.
        facts["cpu_seconds"] = round(_cpu_seconds() - before, 1)
        result.write_text(json.dumps(facts, indent=1) + "\n")
    for step in (draw, predict_slide, predict_patches, throughput, compare):
        print(step.__name__, (options.folder / f"{step.__name__}.json").read_text().strip())


def _cpu_seconds() -> float:
    """Processor seconds so far, of this process and of those that it waited for."""
    return sum(os.times()[:4])


def train(runs: Path) -> Path:
    """A finished run of the default method on the embedded data."""
    finished = sorted(runs.glob("*/metrics.json"))
    if not finished:
        subprocess.run([sys.executable, "-m", "bmbench", "run", "--out", str(runs)], check=True)
        finished = sorted(runs.glob("*/metrics.json"))
    return finished[0].parent


def draw(options: Any) -> dict[str, Any]:
    from bmbench.core.progress import Silent
    from bmbench.datasets.synthetic.mosaic import mosaic, write_slide, write_truth

    started = time.monotonic()
    here = mosaic(patches=options.patches, patch_px=PATCH_PX, n_cells=options.cells, seed=options.seed)
    write_slide(options.folder / "slide.tif", here, progress=Silent())
    write_truth(options.folder / "truth.json", here, name="slide.tif")
    np.save(options.folder / "places.npy", here.places)
    return {
        "size_px": here.size,
        "cells": options.cells,
        "smears_on_it": int((here.places >= 0).sum()),
        "bytes": (options.folder / "slide.tif").stat().st_size,
        "seconds": round(time.monotonic() - started, 1),
    }


def predict_slide(options: Any) -> dict[str, Any] | None:
    """The command, in a process of its own; what it took stands in a log that survives pieces."""
    log_file = options.folder / "predict_slide.log.json"
    log = (
        json.loads(log_file.read_text()) if log_file.exists() else {"seconds": 0.0, "kills": 0, "peak_mb": 0}
    )
    command = [
        sys.executable, "-m", "bmbench", "predict", str(options.folder / "slide.tif"),
        "--run", str(options.run), "--threshold", "0", "--truth", str(options.folder / "truth.json"),
    ]  # fmt: skip
    for name in ("slide.out.json", "slide.out.geojson", "slide.out.csv"):
        command += ["-o", str(options.folder / name)]
    while True:
        left = min(options.piece or np.inf, options.end - time.monotonic())
        if left <= 5:
            return None
        seconds, peak_mb, status = _timed(command, left)
        log["seconds"] = round(log["seconds"] + seconds, 1)
        log["peak_mb"] = max(log["peak_mb"], peak_mb)
        log["kills"] += status == -signal.SIGKILL
        log_file.write_text(json.dumps(log))
        if status == 0:
            return log
        if status != -signal.SIGKILL:
            raise SystemExit(f"the prediction failed with status {status}")


def _timed(command: list[str], limit_s: float) -> tuple[float, int, int]:
    """Seconds, peak resident MB and exit status of a process that is killed after `limit_s`."""
    started = time.monotonic()
    process = subprocess.Popen(command)
    try:
        process.wait(None if limit_s == np.inf else limit_s)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    return time.monotonic() - started, peak, process.returncode


def predict_patches(options: Any) -> dict[str, Any] | None:
    """Every smear by itself, as an image of its own, in one thread after the other."""
    from bmbench.benchmark.prediction.journal import Journal
    from bmbench.benchmark.records.trained_run import load_run
    from bmbench.core.objects import moved
    from bmbench.datasets.slides import opened

    detector = load_run(options.run).detector
    places = np.load(options.folder / "places.npy")
    wanted = np.argwhere(places >= 0)
    with opened(options.folder / "slide.tif") as slide, _patch_journal(options, Journal) as journal:
        for number, (row, column) in enumerate(wanted):
            if number in journal:
                continue
            if time.monotonic() > options.end:
                return None
            corner = np.array([column, row], np.float64) * PATCH_PX
            pixels = slide.read(0, int(corner[0]), int(corner[1]), PATCH_PX, PATCH_PX)
            journal.append(number, moved(detector.predict(pixels), corner))
        return {"patches": len(wanted)}


def _patch_journal(options: Any, journal: Any) -> Any:
    return journal(options.folder / "patches.journal", {"patch_px": PATCH_PX})


def throughput(options: Any) -> dict[str, Any]:
    """Seconds for the same tiles: by the bare network, and from the slide on disk to the journal.

    The bare network gets tiles that are in memory and at its own scale, and answers with maps. The two
    take turns, and each is given by its fastest round.
    """
    from dataclasses import replace

    from bmbench.adapters.images.working_scale import resized, working_size
    from bmbench.benchmark.prediction.image import predict_tiles, read_tile
    from bmbench.benchmark.prediction.journal import Journal
    from bmbench.benchmark.prediction.options import PredictOptions
    from bmbench.benchmark.prediction.prepare import prepare
    from bmbench.benchmark.records.trained_run import load_run
    from bmbench.core.progress import Silent
    from bmbench.datasets.slides import opened

    trained = load_run(options.run)
    detector: Any = trained.detector
    asked = PredictOptions(run=options.run, images=(options.folder / "slide.tif",))
    rounds: dict[str, list[float]] = {"bare": [], "bare_cpu": [], "whole": [], "whole_cpu": []}
    with opened(asked.images[0]) as slide:
        job = prepare(slide, "slide.tif", trained, asked)
        middle = len(job.tiles) // 2
        job = replace(job, tiles=job.tiles[middle : middle + options.tiles])
        pixels = [read_tile(slide, tile, job.ratio) for tile in job.tiles]
        factor = detector.calibration.factor
        small = [resized(p, working_size(p.shape[1], p.shape[0], factor)) for p in pixels]
        for turn in range(3):
            wall, cpu = time.perf_counter(), time.process_time()
            for image in small:
                detector.map(image)
            rounds["bare"].append(time.perf_counter() - wall)
            rounds["bare_cpu"].append(time.process_time() - cpu)
            place = options.folder / f"throughput-{os.getpid()}-{turn}.journal"
            wall, cpu = time.perf_counter(), time.process_time()
            with Journal(place, {}) as journal:
                predict_tiles(slide, job, detector, journal, Silent())
            rounds["whole"].append(time.perf_counter() - wall)
            rounds["whole_cpu"].append(time.process_time() - cpu)
            place.unlink()
    best = {name: round(min(values), 2) for name, values in rounds.items()}
    return best | {
        "tiles": len(pixels),
        "megapixels": round(sum(p.shape[0] * p.shape[1] for p in pixels) / 1e6, 1),
        "share_of_bare": round(best["bare"] / best["whole"], 3),
        "share_of_bare_cpu": round(best["bare_cpu"] / best["whole_cpu"], 3),
    }


def compare(options: Any) -> dict[str, Any]:
    """F1 of the slide and of its patches, at the run's threshold, and cells that only one of them found."""
    from bmbench.benchmark.prediction.journal import Journal
    from bmbench.benchmark.records.trained_run import load_run
    from bmbench.datasets.formats.coco.samples import read_coco

    truth = read_coco(options.folder / "truth.json").samples[0].annotations
    rows = json.loads((options.folder / "slide.out.json").read_text())["detections"]
    box = np.array([row["bbox"] for row in rows])
    box[:, 2:] += box[:, :2]
    middle = ((box[:, :2] + box[:, 2:]) / 2).tolist()
    centre = np.array([row.get("center", here) for row, here in zip(rows, middle, strict=True)])
    slide = centre, box, np.array([row["score"] for row in rows])
    n_patches = int((np.load(options.folder / "places.npy") >= 0).sum())
    with _patch_journal(options, Journal) as journal:
        parts = [journal.read(number) for number in range(n_patches)]
    patches = tuple(np.concatenate([getattr(p, name) for p in parts]) for name in ("xy", "box", "confidence"))
    threshold = load_run(options.run).threshold or 0.5
    return {
        "threshold": threshold,
        "slide": _scores(truth, slide, threshold),
        "patches": _scores(truth, patches, threshold),
        "seams": _seams(options, truth, slide, patches, threshold),
    }


def _scores(truth: Any, found: Any, threshold: float) -> dict[str, Any]:
    from dataclasses import replace

    from bmbench.core.types import GroundTruth, Predictions
    from bmbench.datasets.synthetic.kinds import CATEGORIES
    from bmbench.metrics import PROTOCOLS, evaluate

    xy, box, confidence = found
    names = ("xy", "box", "label", "role", "region")
    known = GroundTruth(
        image_ids=("slide",),
        groups=("slide",),
        categories=CATEGORIES,
        image=np.zeros(len(truth), np.int64),
        **{name: getattr(truth, name) for name in names},
    )
    nought = np.zeros(len(xy), np.int64)
    answer = Predictions(image=nought, xy=xy, box=box, confidence=confidence, label=nought)
    rules = replace(PROTOCOLS["paper"], radius_px=RADIUS_PX)
    scored = evaluate(known, answer, rules, threshold=threshold)
    return {
        rule: {
            name: getattr(getattr(scored, rule), name)
            for name in ("f1", "ap", "tp", "fp", "fn", "fp_duplicate")
        }
        for rule in ("bb", "cd")
    }


def _seams(options: Any, truth: Any, slide: Any, patches: Any, threshold: float) -> dict[str, Any]:
    """Of the cells within 60 px of a seam and of all others: the share that slide and patches found."""
    from scipy.spatial import cKDTree

    from bmbench.benchmark.prediction.options import PredictOptions
    from bmbench.benchmark.prediction.prepare import prepare
    from bmbench.benchmark.records.trained_run import load_run
    from bmbench.core.types import Role
    from bmbench.datasets.slides import opened

    trained = load_run(options.run)
    asked = PredictOptions(run=options.run, images=(options.folder / "slide.tif",), everywhere=True)
    with opened(asked.images[0]) as opened_slide:
        grid = prepare(opened_slide, "slide.tif", trained, asked).grid
    cell = truth.xy[truth.role == Role.CELL]
    off = [
        np.abs(cell[:, [axis]] - np.array(edges[1:-1])).min(axis=1)
        for axis, edges in enumerate((grid.columns, grid.rows))
    ]
    near = np.minimum(*off) < 60
    shares = {}
    for name, (xy, _, confidence) in (("slide", slide), ("patches", patches)):
        distance, _ = cKDTree(xy[confidence >= threshold]).query(cell)
        hit = distance <= RADIUS_PX
        shares[name] = {"near": round(float(hit[near].mean()), 4), "far": round(float(hit[~near].mean()), 4)}
    kept = slide[0][slide[2] >= threshold]
    closest = cKDTree(kept).query(kept, k=2)[0][:, 1]
    return shares | {
        "cells_near_a_seam": int(near.sum()),
        "detections_nearer_than_5_px": int((closest < 5).sum()),
    }


if __name__ == "__main__":
    main()
