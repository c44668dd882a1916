"""The plasma-cell percentage of patients who were held out: the page docs/results/plasma-cells.md.

    python benchmarks/plasma_cells.py PLASMA_FOLDER [--work FOLDER] [--train]

Without a training: `marrow-small`, which never saw `plasma_cd138`, finds nuclei, and the stain names them:
what is brown is a plasma cell. How brown, the other four patients say. A minute of one core. `--train` also
runs `bmbench reproduce --classes all`, a U-Net and `blob_log` with a second stage behind both, each patient
held out once: ten runs, about a minute of one core each; the same command goes on where a killed one stood.
Whatever is finished of them is on the page.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from bmbench.benchmark.models.places import find_model
from bmbench.benchmark.models.record import read_model
from bmbench.benchmark.protocol.adjustment import Adjusting
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.options import ReproduceOptions
from bmbench.benchmark.reproduce.report.counts_section import (
    RowAgreement,
    agreement_tables,
    bias_by_group,
    draw_agreement,
    row_agreements,
)
from bmbench.benchmark.reproduce.report.runs import Key, collect
from bmbench.benchmark.reproduce.report.seed_means import Table
from bmbench.benchmark.reproduce.study import reproduce
from bmbench.benchmark.run.apply_to_other_sets import apply_model
from bmbench.benchmark.scoring.count_agreement import agreement_of
from bmbench.benchmark.scoring.score_files import read_pair
from bmbench.core.dataset import LoadRequest
from bmbench.core.files import write_text
from bmbench.core.progress import Silent
from bmbench.core.types import GroundTruth, Predictions, Role
from bmbench.datasets import open_dataset
from bmbench.metrics.class_counts import class_counts
from bmbench.metrics.evaluation import evaluate
from bmbench.metrics.protocol import resolve_protocol
from bmbench.present.markdown import paragraph, table
from bmbench.present.words import decimal, percent, span
from bmbench.statistics.binomial import exact_limits

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"
MADE = Path(__file__).resolve().parent / "made" / "plasma-cells"
PATIENTS = ("001", "003", "004", "005", "006")
METHODS = ("unet_shrink+crops", "blob_log+crops")
SETTINGS = tuple(f"{METHODS[0]}:{text}" for text in ("steps=250", "batch=4", "views=1"))
PLASMA, SMOOTH_PX = "plasma cell", 6.0
"""The class, and the standard deviation over which the stain around a nucleus (18 px wide) is averaged."""
_ABOUT = """Made by `benchmarks/plasma_cells.py`. Marrow trephines stained for CD138, {images} tiles of
{patients} patients, {nuclei:,} nuclei with a point each. `marrow-small` finds nuclei, which never saw these
slides; the brown of the stain names them, above a limit at which as many points of the *other* four patients
are plasma cells as there truly are. *Points* are the annotator's own, named in the same way: what is wrong
there is wrong with naming alone."""
_COMMANDS = """    bmbench test --model marrow-small --on plasma_cd138,data=FOLDER,use=all --scale shared \\
        --standardise
    python benchmarks/plasma_cells.py FOLDER"""
_TRAINED = """Rows called *weak* are trained on the other patients, one training each, less than half as long
as in `quick`:"""
_REPRODUCE = """    bmbench reproduce --dataset plasma_cd138 --data FOLDER --classes all --seeds 0 \\
        --methods unet_shrink+crops,blob_log+crops --fold test_patients=001 --fold test_patients=003 \\
        --fold test_patients=004 --fold test_patients=005 --fold test_patients=006 \\
        --set unet_shrink+crops:steps=250 --set unet_shrink+crops:batch=4 --set unet_shrink+crops:views=1"""
_READING = """Five patients are few: limits of agreement from them are wide, and sensitivity and specificity
at the cut-off are shares of a handful. Bias: with its 95 % interval over patients; 95 % limits: of agreement
(Bland and Altman); off by: without sign; concord.: Lin's coefficient; slope: of the line of Passing and
Bablok; in limits: within the binomial limits (Rümke) of the true count."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("plasma", type=Path)
    parser.add_argument("--work", type=Path, default=MADE)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--train", action="store_true")
    asked = parser.parse_args()
    if asked.train:
        train(asked.plasma, asked.work / "trained")
    rows = list(without_training(asked.plasma, asked.work / "zero"))
    write_page(asked.out, [*rows, *finished(asked.work / "trained")])


def without_training(folder: Path, work: Path) -> Iterator[RowAgreement]:
    """The annotator's points and the model's nuclei, both named by the stain."""
    model = find_model("marrow-small")
    wish = f"plasma_cd138,data={folder},use=all"
    answers = list(work.rglob("predictions.json"))
    if not answers:
        asked = Adjusting.of(scale="shared", standardise=True)
        apply_model(model, [wish], Silent(), out=work, asked=asked)
        answers = list(work.rglob("predictions.json"))
    truth, found = read_pair(answers[0], answers[0].with_name("truth.json"))
    brown = BrownOf(folder, truth)
    limits = limits_by_patient(truth, brown(truth.image, truth.xy))
    points = Predictions(
        image=truth.image[truth.role == Role.CELL],
        xy=truth.xy[truth.role == Role.CELL],
        box=truth.box[truth.role == Role.CELL],
        confidence=np.ones(int((truth.role == Role.CELL).sum())),
        label=truth.label[truth.role == Role.CELL],
    )
    for name, answer, least in (
        ("points", points, 0.5),
        ("marrow-small", found, read_model(model).threshold),
    ):
        named = replace(answer, label=label_of(truth, answer, brown(answer.image, answer.xy), limits))
        yield row_of(f"{name}, brown", truth, named, least)


class BrownOf:
    """How brown the surroundings of places are: optical density of blue minus that of red light, smoothed."""

    def __init__(self, folder: Path, truth: GroundTruth) -> None:
        load = LoadRequest(data=folder, options={})
        samples = [s for part in open_dataset("plasma_cd138").load(load).samples.values() for s in part]
        by_id = {sample.image_id: sample for sample in samples}
        self._maps = [self._map(by_id[image].load()) for image in truth.image_ids]

    @staticmethod
    def _map(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        density = -np.log((pixels.astype(np.float64) + 1) / 256)
        smooth: NDArray[np.float64] = gaussian_filter(density[..., 2] - density[..., 0], SMOOTH_PX)
        return smooth

    def __call__(self, image: NDArray[np.int64], xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of (n,) rows of images and (n, 2) places."""
        found = np.zeros(len(image))
        for row, value in enumerate(self._maps):
            own = image == row
            x, y = (np.clip(xy[own, at].astype(int), 0, value.shape[1 - at] - 1) for at in (0, 1))
            found[own] = value[y, x]
        return found


def limits_by_patient(truth: GroundTruth, brown: NDArray[np.float64]) -> dict[str, float]:
    """For each patient how brown a plasma cell is, by the points of all others."""
    group = np.asarray(truth.groups)[truth.image]
    plasma = truth.label == row_called(truth)
    cell = truth.role == Role.CELL
    limits = {}
    for patient in sorted(set(truth.groups)):
        others = cell & (group != patient)
        n = int((plasma & others).sum())
        limits[patient] = float(np.sort(brown[others])[-n])
    return limits


def label_of(
    truth: GroundTruth, found: Predictions, brown: NDArray[np.float64], limits: dict[str, float]
) -> NDArray[np.int64]:
    """The rows of the truth's categories: plasma cells where it is brown, else other cells."""
    least = np.array([limits[patient] for patient in truth.groups])[found.image]
    plasma = row_called(truth)
    other = next(row for row in range(len(truth.categories)) if row != plasma)
    return np.where(brown >= least, plasma, other).astype(np.int64)


def row_called(truth: GroundTruth) -> int:
    """The row of plasma cells among the categories."""
    return [one.name for one in truth.categories].index(PLASMA)


def row_of(name: str, truth: GroundTruth, found: Predictions, threshold: float) -> RowAgreement:
    """The agreement of one answer."""
    rules = resolve_protocol("paper", radius_px=10.0)
    scores = evaluate(truth, found, rules, threshold=threshold).cd
    assert scores is not None
    agreement = agreement_of(class_counts(truth, found, scores), truth.categories, truth.groups)
    key = Key("untrained", "background", name)
    bias = bias_by_group((0,), (agreement,)).mean(None)
    print(name, scores.f1)
    return RowAgreement(key=key, seeds=(agreement,), bias=bias)


def train(folder: Path, work: Path) -> None:
    """Each patient held out once, with both methods."""
    options = ReproduceOptions(
        out=work,
        dataset="plasma_cd138",
        data=folder,
        methods=METHODS,
        classes=("all",),
        seeds=(0,),
        folds=tuple(f"test_patients={name}" for name in PATIENTS),
        settings=SETTINGS,
    )
    print(reproduce(options, Silent(), print))


def finished(work: Path) -> list[RowAgreement]:
    """Those of the trained methods of which all five runs are finished."""
    if not (work / "study.json").is_file():
        return []
    rows = row_agreements(Table(collect(StudyFolder(work))))
    return [row for row in rows if len(row.by_group[0].cells.truth) == len(PATIENTS)]


def write_page(out: Path, rows: Sequence[RowAgreement]) -> None:
    """The page and its picture."""
    draw_agreement(out / "plasma-cells.png", rows)
    cells = rows[0].by_group[0].cells.truth
    page = [
        "# Plasma cells, counted on patients held out",
        paragraph(
            _ABOUT.format(
                images=len(rows[0].seeds[0].images.cells.truth), patients=len(cells), nuclei=int(cells.sum())
            )
        ),
        _COMMANDS,
        *([paragraph(_TRAINED), _REPRODUCE] if len(rows) > 2 else []),
        by_patient(rows),
        paragraph(_READING),
        *agreement_tables(rows),
        "![Predicted against true nuclei and plasma-cell percentages](plasma-cells.png)",
    ]
    write_text(out / "plasma-cells.md", "\n\n".join(page) + "\n")


def by_patient(rows: Sequence[RowAgreement]) -> str:
    """Plasma cells in per cent of the nuclei of each patient: as annotated, with binomial limits; by row."""
    units = rows[0].by_group[0]
    true, total = units.percentages[PLASMA].truth, units.cells.truth
    lines = []
    for at, patient in enumerate(PATIENTS):
        n, of = round(true[at] * total[at] / 100), int(total[at])
        each = [decimal(float(row.by_group[0].percentages[PLASMA].found[at]), 1) for row in rows]
        lines.append([patient, f"{of:,}", percent(n / of), span(exact_limits(n, of)), *each])
    head = ["patient", "nuclei", "plasma cells, %", "95 % (binomial)"]
    return table([*head, *(row.key.method for row in rows)], lines)


if __name__ == "__main__":
    main()
