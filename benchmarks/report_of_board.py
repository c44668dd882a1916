"""The report of a study, made again from the submissions of the board of its runs.

    python benchmarks/report_of_board.py leaderboards/synthetic docs/results/synthetic

Submissions hold the predictions and thresholds of every seed, tracks the ground truth: with them the report
can follow the statistics without a training. What only a trained network knows, the targets that it was
taught, and the picture of examples are taken over from the report that is there. The board's data set has to
be the embedded one.
"""

import functools
import json
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

from bmbench.adapters import METHODS
from bmbench.benchmark.protocol.supervision import ARTEFACT_MODES
from bmbench.benchmark.records.seal import UnsealedWarning
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.matrix import Cell, Matrix, StudyFacts
from bmbench.benchmark.reproduce.report.report import write_report
from bmbench.benchmark.scoring.score_files import evaluate_files
from bmbench.core.dataset import LoadRequest
from bmbench.datasets import DATASETS
from bmbench.leaderboards.tracks.manifest import Manifest, read_manifests
from bmbench.metrics.protocol import resolve_protocol

TAUGHT, NEXT = "## What the networks are taught", "## What the study found, asked here"
PROFILE = {"name": "quick", "title": "", "models": 1, "retrain": False, "bootstrap": 0, "gallery": 0}


def cell_of(card: dict, track: str, seed: int) -> Cell:
    mode = card["training"]["artefacts"]
    method = card["display"]["method"].removesuffix(f"-{mode}")
    if method not in METHODS or mode not in ARTEFACT_MODES:
        sys.exit(f"{card['id']}: no method of bmbench, or no artefact mode: {method}, {mode}")
    return Cell(track=track, artefacts=mode, method=method, seed=seed, fold="")


def write_run(folder: StudyFolder, cell: Cell, answer: Path, threshold: float, manifest: Manifest) -> None:
    run, truth = folder.run(cell), answer.parents[3] / "tracks" / manifest.name / "truth.json"
    run.mkdir(parents=True)
    shutil.copy(answer, run / "predictions.json")
    shutil.copy(truth, run / "truth.json")
    rules = manifest.rules
    protocol = resolve_protocol(rules.protocol, iou=rules.iou, radius_px=rules.radius_px)
    scores = evaluate_files(run / "predictions.json", run / "truth.json", protocol, threshold=threshold)
    metrics = scores.to_json() | {"threshold_source": "optimisation", "variants": {}}
    config = {
        "schema": "bmbench.run/1",
        "method": cell.method,
        "settings": {},
        "dataset": manifest.data.name,
        "dataset_options": {},
        "data_hash": manifest.data.sha256,
        "images": images_of(manifest.data.name),
        "track": {"name": cell.track, "version": 1},
        "profile": PROFILE,
        "artefacts": cell.artefacts,
        "seed": cell.seed,
        "protocol": {"name": protocol.name, "iou": protocol.iou, "radius_px": protocol.radius_px},
        "options": {"dataset": manifest.data.name},
    }
    (run / "config.json").write_text(json.dumps(config))
    (run / "metrics.json").write_text(json.dumps(metrics))


@functools.cache
def images_of(dataset: str) -> dict[str, int]:
    """How many images each subset has; drawn once, not for every run."""
    subsets = DATASETS.get(dataset).load(LoadRequest(data=None, seed=0, options={})).samples
    return {subset: len(samples) for subset, samples in subsets.items()}


def with_targets(new: str, old: str) -> str:
    """The new report with the section of the old one that only trained networks can fill."""
    if TAUGHT not in old or TAUGHT in new:
        return new
    begin = old.index(TAUGHT)
    section = old[begin : old.index("\n## ", begin) + 1]
    return new.replace(NEXT, section + NEXT, 1)


def main() -> int:
    board, out = Path(sys.argv[1]), Path(sys.argv[2])
    runs = []
    for manifest in read_manifests(board):
        for path in sorted((board / "submissions" / manifest.name).glob("*/submission.json")):
            card = json.loads(path.read_text())
            for run in card["runs"]:
                cell = cell_of(card, manifest.name, run["seed"])
                runs.append((cell, path.parent / run["predictions"], run["threshold"], manifest))
    facts = StudyFacts(
        dataset=runs[0][-1].data.name, data=None, dataset_options={}, profile="quick", jitter_px=None
    )
    with tempfile.TemporaryDirectory() as place:
        folder = StudyFolder(Path(place) / "study")
        folder.join(Matrix(facts=facts, cells=tuple(cell for cell, *_ in runs)))
        for run in runs:
            write_run(folder, *run)
        with warnings.catch_warnings():
            # These runs have no manifest: they are made here.
            warnings.simplefilter("ignore", UnsealedWarning)
            write_report(folder)
        report = folder.path / "report.md"
        report.write_text(with_targets(report.read_text("utf-8"), (out / "report.md").read_text("utf-8")))
        for path in folder.path.iterdir():
            if path.suffix in {".md", ".csv", ".png"}:
                shutil.copy(path, out / path.name)
    print(f"{out}: {len(runs)} runs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
