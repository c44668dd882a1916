"""What mirrored views and ANMS are worth: the saved detectors of some runs on smears they have never seen.

    python benchmarks/bench_votes.py RUN_DIRECTORY... [--slides 18]

Every slide of another synthetic cohort is looked at once and in four mirrors, and what the networks say is
merged with ANMS and without. Differences are paired, their intervals over slides: of AP, and of the false
alarms that have to be accepted for a recall (on a curve whose steps are distinct confidences, where it first
reaches that recall). Nothing is matched twice.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.adapters import METHODS
from bmbench.benchmark.protocol.classes import as_classes_of
from bmbench.benchmark.scoring.score_files import evaluate_files
from bmbench.core.files import read_json
from bmbench.datasets.formats.coco.samples import write_coco
from bmbench.datasets.formats.predictions import write_predictions
from bmbench.datasets.synthetic.dataset import radius_px, sample
from bmbench.datasets.synthetic.kinds import CATEGORIES
from bmbench.metrics.protocol import resolve_protocol
from bmbench.present.words import signed
from bmbench.statistics.differences import differences
from bmbench.statistics.draws import UnitDraws
from bmbench.statistics.resampling import percentiles
from bmbench.statistics.units import choose_units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bmbench.core.types import Detections, Floats, ImageId, Ints, Sample
    from bmbench.metrics import Geometry
    from bmbench.metrics.scores import Evaluation, Scores

COHORT, N_IMAGES, CELL_PX = 1, 18, 44.0
RECALLS, N_DRAWS = (0.9, 0.95), 10_000
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


def all_answers(detector: Any, samples: Sequence[Sample]) -> dict[str, dict[ImageId, Detections]]:
    """The answers of every variant to every slide; each number of views is looked at once."""
    found: dict[str, dict[ImageId, Detections]] = {name: {} for name in VARIANTS}
    infer = METHODS.get(detector.family).infer
    assert infer is not None
    for sample_, views in itertools.product(samples, (1, 4)):
        settings = dataclasses.replace(detector.settings, views=views)
        decode = infer(dataclasses.replace(detector, settings=settings), sample_.load())
        for name, changes in VARIANTS.items():
            if changes["views"] == views:
                found[name][sample_.image_id] = decode(dataclasses.replace(settings, **changes))
    return found


def evaluated(answers: dict[ImageId, Detections], samples: Sequence[Sample]) -> Evaluation:
    """The scores of the answers to all slides."""
    with tempfile.TemporaryDirectory() as folder:
        truth, predictions = Path(folder) / "truth.json", Path(folder) / "predictions.json"
        write_coco(truth, samples, CATEGORIES)
        kinds = {image_id: as_classes_of(CATEGORIES, found) for image_id, found in answers.items()}
        write_predictions(predictions, kinds, CATEGORIES)
        return evaluate_files(predictions, truth, resolve_protocol("paper", radius_px=radius_px(CELL_PX)))


def false_alarms(scores: Scores, group: Ints, recall: float, weights: Floats) -> Floats:
    """(draws,) false alarms an image where the recall is first reached; NaN where it never is.

    `weights` (groups, draws) say how often each group is drawn.
    """
    tally, n_groups = scores.tallies[0], len(weights)
    step = np.searchsorted(tally.step_ends, np.arange(len(tally.hit)))
    place, size = step * n_groups + group[tally.image], len(tally.step_ends) * n_groups
    counts = [np.bincount(place[some], minlength=size) for some in (tally.hit, ~tally.hit)]
    hits, alarms = (np.cumsum(count.reshape(-1, n_groups), axis=0) @ weights for count in counts)
    cells = np.bincount(group, weights=tally.cells, minlength=n_groups) @ weights
    enough = hits >= recall * cells - 1e-9
    first = enough.argmax(axis=0)[None]
    images = np.bincount(group, minlength=n_groups) @ weights
    found: Floats = np.where(
        enough.any(axis=0), np.take_along_axis(alarms, first, axis=0)[0] / images, np.nan
    )
    return found


def print_false_alarms(scores: dict[str, Evaluation], kind: Geometry) -> None:
    """False alarms a slide of every variant at equal recall, and what ANMS and views change of them."""
    group, n_groups = scores["one view"].group, scores["one view"].n_groups
    once = np.ones((n_groups, 1))
    draws = UnitDraws(n_units=n_groups, n=N_DRAWS).table().T
    for recall in RECALLS:

        def each(weights: Floats, recall: float = recall) -> dict[str, Floats]:
            return {
                name: false_alarms(getattr(evaluation, kind), group, recall, weights)
                for name, evaluation in scores.items()
            }

        point, drawn = each(once), each(draws)
        print(f"  false alarms a slide at recall {recall}, {kind}:")
        print("    " + ", ".join(f"{name} {value[0]:.3f}" for name, value in point.items()))
        for first, second in PAIRS:
            difference = drawn[first] - drawn[second]
            reached = difference[~np.isnan(difference)]
            ends = percentiles(reached)[[0, 2]] if len(reached) else (np.nan, np.nan)
            print(
                f"    {first} − {second}: {point[first][0] - point[second][0]:+.3f} "
                f"[{ends[0]:+.3f}, {ends[1]:+.3f}], recall not reached in "
                f"{np.isnan(difference).mean():.1%} of the draws"
            )


def print_ap(scores: dict[str, Evaluation]) -> None:
    """AP of every variant, and the paired differences."""
    for name, evaluation in scores.items():
        print(f"  {name:18} AP (CD) {evaluation.cd.ap:.4f}  AP (BB) {evaluation.bb.ap:.4f}")
    for first, second in PAIRS:
        units = choose_units(scores[first])
        found = differences([scores[first]], [scores[second]], units)
        texts = [f"AP ({kind}) {signed(one.ap.value, one.ap.interval)}" for kind, one in found.items() if one]
        print(f"  {first} − {second}: {', '.join(texts)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--slides", type=int, default=N_IMAGES)
    options = parser.parse_args()
    samples = [sample(number, seed=COHORT, cell_px=CELL_PX) for number in range(options.slides)]
    for run in options.runs:
        method = METHODS.get(read_json(run / "config.json")["method"])
        answers = all_answers(method.load(run / "checkpoint"), samples)
        scores = {name: evaluated(found, samples) for name, found in answers.items()}
        print(f"\n{run.name}: {options.slides} slides, {scores['one view'].cd.images.cells.sum()} cells")
        print_ap(scores)
        for kind in ("cd", "bb"):
            print_false_alarms(scores, kind)


if __name__ == "__main__":
    main()
