"""What mirrored views and ANMS are worth: the saved detectors of some runs on smears they have never seen.

    python benchmarks/bench_votes.py RUN_DIRECTORY...

Every slide of another synthetic cohort is answered four times: seen once or in four mirrors, with ANMS or
without. Differences are paired, their intervals over slides.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.adapters import METHODS
from bmbench.benchmark.answers import as_classes_of
from bmbench.benchmark.scoring import evaluate_files, resolve_protocol
from bmbench.core.files import read_json
from bmbench.datasets.codecs.coco import write_coco
from bmbench.datasets.predictions import write_predictions
from bmbench.datasets.synthetic.dataset import radius_px, sample
from bmbench.datasets.synthetic.kinds import CATEGORIES
from bmbench.metrics.comparison import paired_difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bmbench.adapters.method import Detector
    from bmbench.core.types import Sample
    from bmbench.metrics.scores import Evaluation

COHORT, N_IMAGES, CELL_PX, RECALL = 1, 18, 44.0, 0.95
VARIANTS = {
    "one view": {"views": 1, "anms_share": 1.0},
    "one view, ANMS": {"views": 1},
    "four views": {"views": 4, "anms_share": 1.0},
    "four views, ANMS": {"views": 4},
}
PAIRS = (
    ("one view, ANMS", "one view"),
    ("four views, ANMS", "four views"),
    ("four views", "one view"),
    ("four views, ANMS", "one view, ANMS"),
)


def evaluated(detector: Any, samples: Sequence[Sample], changes: dict[str, Any]) -> Evaluation:
    """The scores of a detector with other settings."""
    changed: Detector = dataclasses.replace(
        detector, settings=dataclasses.replace(detector.settings, **changes)
    )
    answers = {s.image_id: as_classes_of(CATEGORIES, changed.predict(s.load())) for s in samples}
    with tempfile.TemporaryDirectory() as folder:
        truth, predictions = Path(folder) / "truth.json", Path(folder) / "predictions.json"
        write_coco(truth, samples, CATEGORIES)
        write_predictions(predictions, answers, CATEGORIES)
        return evaluate_files(predictions, truth, resolve_protocol("paper", radius_px=radius_px(CELL_PX)))


def false_alarms(evaluation: Evaluation) -> int | None:
    """False alarms where the recall (centres) first reaches `RECALL`; None if it never does."""
    scores = evaluation.cd
    if scores is None:
        return None
    curve = scores.curve
    enough = np.flatnonzero(np.asarray(curve.recall) >= RECALL)
    return int(curve.fp[enough[0]]) if len(enough) else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    samples = [sample(number, seed=COHORT, cell_px=CELL_PX) for number in range(N_IMAGES)]
    for run in parser.parse_args().runs:
        method = METHODS.get(read_json(run / "config.json")["method"])
        detector = method.load(run / "checkpoint")
        scores = {name: evaluated(detector, samples, changes) for name, changes in VARIANTS.items()}
        print(f"\n{method.name}: {N_IMAGES} slides, {scores['one view'].cd.images.cells.sum()} cells")
        for name, evaluation in scores.items():
            bb, cd = evaluation.bb, evaluation.cd
            print(
                f"  {name:18} AP (CD) {cd.ap:.4f}  AP (BB) {bb.ap:.4f}  "
                f"false alarms at recall {RECALL}: {false_alarms(evaluation)}"
            )
        for first, second in PAIRS:
            cd, bb = (paired_difference(scores[first], scores[second], kind) for kind in ("cd", "bb"))
            print(
                f"  {first} − {second}: AP (CD) {cd.ap:+.4f} [{cd.ap_ci[0]:+.4f}, {cd.ap_ci[1]:+.4f}], "
                f"AP (BB) {bb.ap:+.4f} [{bb.ap_ci[0]:+.4f}, {bb.ap_ci[1]:+.4f}]"
            )


if __name__ == "__main__":
    main()
