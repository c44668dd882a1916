"""What a data set's own labels allow: F1 of perfect maps, and who agrees with whom.

    python benchmarks/label_ceiling.py RUN_DIRECTORY... [--out PICTURE.png]

The runs are of one data set and were tested on the same images. Five tables are printed. First, the labels:
fragments, and neighbours that meet in one straight line, as tiles that were put together leave them. Second,
what the segmentation makes of the very targets that a U-Net is taught. Third, the test images, all together
and one by one: how well the answers of the runs match the labels, and each other. Where detectors agree with
one another much more than with the labels, they see the same cells, and it is the labels that differ.
Fourth, what all of them err on: it bounds the F1 of one that errs nowhere else. Last, the images that each
run learned from, all together and one by one: labels that it saw and does not give back cannot be asked of it
elsewhere.
"""

from __future__ import annotations

import argparse
import dataclasses
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter

from bmbench.adapters.unet.encodings.encoding import ENCODINGS, encode
from bmbench.adapters.unet.encodings.foreground_curve import SYNTHETIC
from bmbench.adapters.unet.found_cells import Growth, find_labelled
from bmbench.adapters.unet.settings import UNetSettings
from bmbench.benchmark.drawing.figures import save_figure
from bmbench.benchmark.drawing.gallery import Overlay, draw_overlay
from bmbench.benchmark.records.trained_run import load_run
from bmbench.benchmark.scoring.score_files import read_pair
from bmbench.core.dataset import LoadRequest
from bmbench.core.files import read_json
from bmbench.core.geometry import box_iou, rings_area
from bmbench.core.types import GroundTruth, Predictions, Role
from bmbench.datasets import open_dataset
from bmbench.datasets.formats.label_image import draw_labels
from bmbench.metrics import evaluate
from bmbench.metrics.protocol import resolve_protocol
from bmbench.present.palette import BLUE, ORANGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bmbench.core.dataset import Split
    from bmbench.core.types import Detections, Sample
    from bmbench.metrics import Protocol

FRAGMENT = 0.1
"""Of the median area: below it, an object is a fragment."""
SEAM_PX = 6
"""Neighbours that share so long a border, all of it in one row or column, were cut apart by a seam."""
SETTINGS = {
    "as by default": {},
    "shrink=0.1": {"shrink": 0.1, "contour": 0.1},
    "marker=0.5": {"marker": 0.5},
    "shrink=0.1, marker=0.5": {"shrink": 0.1, "contour": 0.1, "marker": 0.5},
}


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """What one run says about the test images, at its own threshold."""

    name: str
    truth: GroundTruth
    kept: Predictions
    protocol: Protocol


def label_facts(sample: Sample) -> tuple[int, int, int]:
    """Cells of an image, fragments among them, and cells with a straight border to a neighbour."""
    areas = np.array([rings_area(rings) for rings in sample.annotations.contour])
    labels = draw_labels(sample.annotations, (sample.height, sample.width)).astype(np.int64)
    cut: set[int] = set()
    for image in (labels, labels.T):
        touching = (image[:, 1:] != image[:, :-1]) & (image[:, 1:] > 0) & (image[:, :-1] > 0)
        rows, columns = np.nonzero(touching)
        pair = np.stack([image[rows, columns], image[rows, columns + 1]])
        for one, other in np.unique(pair, axis=1).T.tolist():
            where = columns[(pair[0] == one) & (pair[1] == other)]
            if len(where) >= SEAM_PX and len(set(where.tolist())) == 1:
                cut |= {one, other}
    return len(areas), int((areas < FRAGMENT * np.median(areas)).sum()), len(cut)


def read_off(samples: Sequence[Sample], encoding: str, changes: dict[str, Any]) -> Predictions:
    """The cells that the segmentation finds in the targets themselves, as soft as a network draws them."""
    settings = UNetSettings(**changes)
    taught = ENCODINGS.get(encoding)
    taught = dataclasses.replace(taught, curve=SYNTHETIC if taught.uses_curve else None)
    growth = Growth(
        regrowth=lambda at: taught.regrowth(at, settings),
        smallest_px2=settings.smallest
        * min(rings_area(rings) for sample in samples for rings in sample.annotations.contour),
    )
    found = []
    for sample in samples:
        target = encode(sample.annotations, (sample.height, sample.width), encoding=taught, settings=settings)
        soft = gaussian_filter(target.value[0], 1.0)
        found.append(find_labelled(soft[..., None], settings, growth))
    return as_predictions(found)


def as_predictions(found: Sequence[Detections], *, threshold: float = 0.0) -> Predictions:
    """What was found in each image, from that confidence on, as flat columns."""
    names = ("xy", "box", "confidence", "label")
    columns = {name: np.concatenate([getattr(of, name) for of in found]) for name in names}
    keep = columns["confidence"] >= threshold
    image = np.repeat(np.arange(len(found)), [len(of) for of in found])
    return Predictions(image=image[keep], **{name: values[keep] for name, values in columns.items()})


def as_truth(samples: Sequence[Sample]) -> GroundTruth:
    """The annotations of these samples as flat columns."""
    every = [sample.annotations for sample in samples]
    names = ("xy", "box", "label", "role", "region")
    return GroundTruth(
        image_ids=tuple(sample.image_id for sample in samples),
        groups=tuple(sample.group for sample in samples),
        image=np.repeat(np.arange(len(every)), [len(of) for of in every]),
        **{name: np.concatenate([getattr(of, name) for of in every]) for name in names},
    )


def split_of(run: Path) -> Split:
    """The data of a run, as it was split for it."""
    config = read_json(run / "config.json")
    data = None if config["data"] is None else Path(config["data"])
    return open_dataset(config["dataset"]).load(
        LoadRequest(data=data, seed=config["seed"], options=config["dataset_options"])
    )


def answer_of(run: Path) -> Answer:
    """The test answers of a run."""
    metrics = read_json(run / "metrics.json")
    config = read_json(run / "config.json")
    truth, predictions = read_pair(run / "predictions.json", run / "truth.json")
    keep = predictions.confidence >= metrics["cd"]["threshold"]
    return Answer(
        name=f"{config['method']}, {config['track']['name']}, seed {config['seed']}",
        truth=truth,
        kept=Predictions(
            **{
                name: getattr(predictions, name)[keep]
                for name in ("image", "xy", "box", "confidence", "label")
            }
        ),
        protocol=resolve_protocol("paper", radius_px=metrics["cd"]["limit"]),
    )


def f1(truth: GroundTruth, kept: Predictions, protocol: Protocol) -> str:
    """F1 by centres and by boxes, of all predictions."""
    scores = evaluate(truth, kept, protocol, threshold=0.0)
    assert scores.cd is not None
    assert scores.bb is not None
    return f"{scores.cd.f1:.3f} | {scores.bb.f1:.3f}"


def labelled_by(answer: Answer) -> GroundTruth:
    """The answers of a run in place of the labels."""
    kept = answer.kept
    return dataclasses.replace(
        answer.truth,
        image=kept.image,
        xy=kept.xy,
        box=kept.box,
        label=kept.label,
        role=np.full(len(kept.image), Role.CELL, np.int64),
        region=np.zeros(len(kept.image), bool),
        size=None,
        area=None,
    )


def on_image(answer: Answer, row: int) -> Answer:
    """The answers and labels of one image alone."""
    truth, kept = answer.truth, answer.kept
    mine, found = truth.image == row, kept.image == row
    columns = {name: getattr(truth, name)[mine] for name in ("xy", "box", "label", "role", "region")}
    answers = {name: getattr(kept, name)[found] for name in ("xy", "box", "confidence", "label")}
    return dataclasses.replace(
        answer,
        truth=GroundTruth(
            image_ids=truth.image_ids[row : row + 1],
            groups=truth.groups[row : row + 1],
            image=np.zeros(mine.sum(), np.int64),
            **columns,
        ),
        kept=Predictions(image=np.zeros(found.sum(), np.int64), **answers),
    )


def compare(answers: Sequence[Answer], where: str, protocol: Protocol) -> None:
    """Print how the answers match the labels and each other."""
    for answer in answers:
        print(f"| {where} | {answer.name} | labels | {f1(answer.truth, answer.kept, protocol)} |")
    for one, other in combinations(answers, 2):
        print(f"| {where} | {one.name} | {other.name} | {f1(labelled_by(other), one.kept, protocol)} |")


def relearn(run: Path, name: str, protocol: Protocol) -> None:
    """Print how a run's detector, at its own threshold, matches the labels that it learned from."""
    trained, samples = load_run(run), split_of(run).samples["train"]
    found = [trained.detector.predict(sample.load()) for sample in samples]
    for title, rows in [("all", range(len(samples))), *((s.image_id, [i]) for i, s in enumerate(samples))]:
        kept = as_predictions([found[i] for i in rows], threshold=trained.threshold or 0.0)
        scores = f1(as_truth([samples[i] for i in rows]), kept, protocol)
        print(f"| {title} | {name} | {scores} |", flush=True)


def draw(path: Path, samples: Sequence[Sample], answers: Sequence[Answer]) -> None:
    """Labels that all runs find, that none finds, and what all runs find without a label."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    truth, first = answers[0].truth, answers[0].kept
    of_id = {sample.image_id: sample for sample in samples}
    figure = Figure(figsize=(9, 7.2 * len(truth.image_ids)), layout="compressed")
    for row, image_id in enumerate(truth.image_ids):
        cells, missed, alone = shared_errors(answers, row, "xy")
        marks = Overlay(
            row=row,
            hit=truth.box[cells[~missed]],
            miss=truth.box[cells[missed]],
            false_alarm=first.box[alone],
        )
        axes = figure.add_subplot(len(truth.image_ids), 1, row + 1)
        sample = of_id[image_id]
        draw_overlay(axes, sample.load(), marks)
        axes.set_title(
            f"{sample.name}: {len(cells)} labels, {len(marks.miss)} of them found by no run; "
            f"{len(marks.false_alarm)} places that every run finds have no label",
            fontsize=9,
        )
    handles = [
        Line2D([], [], color=BLUE, lw=1.6, label="label that a run finds"),
        Line2D([], [], color=ORANGE, lw=2.6, ls=(0, (2.5, 1.2)), label="label that no run finds"),
        Line2D([], [], color="black", lw=0, marker="$⊠$", ms=11, label="found by every run, no label"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    save_figure(path, figure)


def shared_errors(answers: Sequence[Answer], row: int, by: str) -> tuple[Any, Any, Any]:
    """What all runs err on in one image, by centres (`xy`) or boxes (`box`).

    Rows of its cells, whether no run finds them, and rows of what the first run finds, like all others, where
    no label is.
    """
    truth, first = answers[0].truth, answers[0].kept
    limits = answers[0].protocol
    cells = np.flatnonzero((truth.image == row) & (truth.role == Role.CELL))
    mine = np.flatnonzero(first.image == row)
    there, here = getattr(truth, by)[cells], getattr(first, by)[mine]
    seen = [getattr(answer.kept, by)[answer.kept.image == row] for answer in answers]
    missed = ~np.any([near(there, one, limits) for one in seen], axis=0)
    alone = ~near(here, there, limits) & np.all([near(here, one, limits) for one in seen], axis=0)
    return cells, missed, mine[alone]


def near(one: Any, other: Any, limits: Protocol) -> Any:
    """(n,) whether any of `other` matches each of `one`: (n, 2) centres, or (n, 4) boxes."""
    assert limits.iou is not None
    assert limits.radius_px is not None
    if not len(one) or not len(other):
        return np.zeros(len(one), bool)
    if one.shape[1] == 4:
        pairs = np.repeat(one, len(other), axis=0), np.tile(other, (len(one), 1))
        matches = box_iou(*pairs).reshape(len(one), len(other)) >= limits.iou
    else:
        matches = np.linalg.norm(one[:, None] - other[None], axis=2) <= limits.radius_px
    return matches.any(axis=1)


def print_bounds(answers: Sequence[Answer]) -> None:
    """F1 of a detector that errs only where all runs do."""
    for title, by in (("centres", "xy"), ("boxes", "box")):
        errors = [shared_errors(answers, row, by) for row in range(len(answers[0].truth.image_ids))]
        n_cells, n_missed, n_alone = (
            sum(counts) for counts in zip(*((len(c), m.sum(), len(a)) for c, m, a in errors), strict=True)
        )
        found = n_cells - n_missed
        best = 2 * found / (n_cells + found + n_alone)
        print(f"| {title} | {n_cells} | {n_missed} | {n_alone} | {best:.3f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, help="a picture of what the runs agree on")
    options = parser.parse_args()
    split = split_of(options.runs[0])
    samples = sorted((s for subset in split.samples.values() for s in subset), key=lambda s: s.name)
    answers = [answer_of(run) for run in options.runs]
    protocol = answers[0].protocol

    print("| image | cells | fragments | with a straight border |\n|---|--:|--:|--:|")
    for sample in samples:
        print(f"| {sample.name} | " + " | ".join(map(str, label_facts(sample))) + " |")
    print(
        "\n| targets of all images, cut out again | settings | F1, centres | F1, boxes |\n|---|---|--:|--:|"
    )
    for encoding in ("shrink", "distance", "statistical"):
        for title, changes in SETTINGS.items():
            found = read_off(samples, encoding, changes)
            print(f"| {encoding} | {title} | {f1(as_truth(samples), found, protocol)} |", flush=True)
    print("\n| test images | answers | against | F1, centres | F1, boxes |\n|---|---|---|--:|--:|")
    compare(answers, "all", protocol)
    for row, image_id in enumerate(answers[0].truth.image_ids):
        compare([on_image(answer, row) for answer in answers], str(image_id), protocol)
    columns = "by | labels | found by no run | by every run, no label | F1 of one that errs nowhere else"
    print(f"\n| {columns} |\n|---|--:|--:|--:|--:|")
    print_bounds(answers)
    print("\n| images that a run learned from | run | F1, centres | F1, boxes |\n|---|---|--:|--:|")
    for run, answer in zip(options.runs, answers, strict=True):
        relearn(run, answer.name, protocol)
    if options.out:
        draw(options.out, samples, answers)


if __name__ == "__main__":
    main()
