"""Draw the pictures of docs/metrics.md: ``python docs/draw_metrics.py``.

Every number in a picture comes from `bmbench.metrics`, so that no picture says something else than the code.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from PIL import Image

from bmbench.benchmark.drawing.score_figures import write_score_folder
from bmbench.benchmark.scoring.score_files import score_files
from bmbench.core.geometry import box_iou
from bmbench.core.types import CELL, Category, GroundTruth, Predictions, Role
from bmbench.metrics import PROTOCOLS, Curve, Tally, average_precision, evaluate, froc, sweep
from bmbench.metrics.curve import interpolated_precision, precision_envelope
from bmbench.metrics.merges_and_splits import merges_and_splits
from bmbench.present.palette import BLUE, GREEN, ORANGE, VERMILLION
from bmbench.statistics.intervals import metric_interval
from bmbench.statistics.jackknife import average_precision_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

IMAGES = Path(__file__).resolve().parent / "images"
GREY = "0.55"
ARTEFACT = Category(id=2, name="artefact", artefact=True)
PAPER = PROTOCOLS["paper"]


def main() -> None:
    """Write every picture."""
    mpl.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    IMAGES.mkdir(exist_ok=True)
    pictures = (matches, disagreement, radius, assignment, ignored, curve, causes, merged, sweeps, intervals)
    draw_figures(IMAGES / "metrics_figures.png")
    for draw in pictures:
        figure = draw()
        figure.savefig(IMAGES / f"metrics_{draw.__name__}.png", dpi=110, metadata={"Software": None})


def boxes_of(places: list[tuple[float, float, float, float]]) -> Any:
    """(n, 4) boxes from centres x, y, width and height."""
    rows = np.array(places, float).reshape(-1, 4)
    return np.concatenate([rows[:, :2] - rows[:, 2:] / 2, rows[:, :2] + rows[:, 2:] / 2], axis=1)


def truth_of(places: list[tuple[float, float, float, float]], role: list[int] | None = None) -> GroundTruth:
    """Annotations on one image."""
    box = boxes_of(places)
    roles = np.array(role or [Role.CELL] * len(box), np.int64)
    return GroundTruth(
        image_ids=(1,),
        groups=("1",),
        image=np.zeros(len(box), np.int64),
        xy=(box[:, :2] + box[:, 2:]) / 2,
        box=box,
        label=(roles == Role.ARTEFACT).astype(np.int64),
        role=roles,
        region=(roles == Role.IGNORE) & (box[:, 2] - box[:, 0] > 250),
        categories=(CELL, ARTEFACT),
    )


def predictions_of(places: list[tuple[float, float, float, float]], score: list[float]) -> Predictions:
    """Predictions on one image."""
    box = boxes_of(places)
    zero = np.zeros(len(box), np.int64)
    xy = (box[:, :2] + box[:, 2:]) / 2
    return Predictions(image=zero, xy=xy, box=box, confidence=np.array(score, float), label=zero)


def panels(n: int, *, width: float = 2.6, height: float = 2.6) -> tuple[Figure, list[Axes]]:
    """A row of square drawings without axes."""
    figure = Figure(figsize=(width * n, height), layout="constrained")
    axes = [figure.add_subplot(1, n, place + 1) for place in range(n)]
    for one in axes:
        one.set(xticks=[], yticks=[], aspect="equal")
        one.spines[:].set_visible(False)
    return figure, axes


def draw_box(
    axes: Axes, box: Any, colour: str, *, dash: Any = "-", text: str = "", circle: bool = True
) -> None:
    """A box with the circle in it and its centre; text above it."""
    x0, y0, x1, y1 = box
    axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, ec=colour, lw=1.8, ls=dash))
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    if circle:
        radius = min(x1 - x0, y1 - y0) / 2
        axes.add_patch(Circle((x, y), radius, fc=colour, alpha=0.12, ec="none"))
    axes.plot(x, y, "+", color=colour, ms=8, mew=1.8)
    if text:
        axes.annotate(
            text, (x, y0), color=colour, ha="center", va="bottom", xytext=(0, 3), textcoords="offset points"
        )


def frame(axes: Axes, box: tuple[float, float, float, float], title: str) -> None:
    """Limits x0 y0 x1 y1, y down as in images, and a title."""
    axes.set(xlim=(box[0], box[2]), ylim=(box[3], box[1]))
    axes.set_title(title, fontsize=9)


def matches() -> Figure:
    """What may match what: boxes by overlap, centres by distance."""
    figure, (left, right) = panels(2, width=3.2)
    cell, found = (0, 0, 160, 160), (30, 12, 150, 165)
    a, b = boxes_of([cell]), boxes_of([found])
    shared = np.concatenate([np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])], axis=1)[0]
    left.add_patch(Rectangle(shared[:2], *(shared[2:] - shared[:2]), fc=GREEN, alpha=0.25, ec="none"))
    draw_box(left, a[0], BLUE, text="cell", circle=False)
    draw_box(left, b[0], VERMILLION, dash="--", circle=False)
    iou = box_iou(a, b)[0]
    frame(left, (-110, -125, 145, 130), f"boxes (BB): shared / covered = {iou:.2f} > 0.5")
    draw_box(right, a[0], BLUE, text="cell", circle=False)
    right.add_patch(Circle((0, 0), 55, fill=False, ec=GREY, ls=":", lw=1.5))
    right.plot(40, 20, "x", color=VERMILLION, ms=9, mew=2)
    right.plot([0, 40], [0, 20], color=GREY, lw=1)
    distance = float(np.hypot(40, 20))
    frame(right, (-110, -125, 145, 130), f"centres (CD): {distance:.0f} px ≤ 55 px")
    return figure


def disagreement() -> Figure:
    """Cases in which one rule sees a hit and the other does not."""
    figure, axes = panels(4, height=3.0)
    cases = (
        ("right place, half the size", (0, 0, 160, 160), (0, 0, 100, 110)),
        ("a large cell, moved by 65 px", (0, 0, 250, 250), (65, 0, 250, 250)),
        ("a small cell, moved by 40 px", (0, 0, 80, 80), (40, 0, 80, 80)),
        ("moved by 20 px: both agree", (0, 0, 160, 160), (20, 0, 160, 160)),
    )
    for one, (title, cell, found) in zip(axes, cases, strict=True):
        evaluation = evaluate(truth_of([cell]), predictions_of([found], [0.9]), PAPER)
        assert evaluation.bb is not None
        assert evaluation.cd is not None
        draw_box(one, boxes_of([cell])[0], BLUE)
        draw_box(one, boxes_of([found])[0], VERMILLION, dash="--")
        words = [
            f"{name} {'hit' if s.tp else 'miss'}"
            for name, s in (("BB", evaluation.bb), ("CD", evaluation.cd))
        ]
        iou = box_iou(boxes_of([cell]), boxes_of([found]))[0]
        shift = float(np.hypot(found[0], found[1]))
        one.annotate(
            f"IoU {iou:.2f}, {shift:.0f} px: {', '.join(words)}",
            (0.5, 0.02),
            xycoords="axes fraction",
            ha="center",
        )
        frame(one, (-165, -150, 225, 190), title)
    return figure


def radius() -> Figure:
    """How far two equal boxes may be apart for an IoU of one half: a third of their side."""
    figure = Figure(figsize=(5.2, 3.0), layout="constrained")
    axes = figure.add_subplot()
    shift = np.linspace(0, 0.7, 200)
    unit = np.tile([-0.5, -0.5, 0.5, 0.5], (len(shift), 1))
    for name, (x, y), dash in (("sideways", (1, 0), "-"), ("diagonally", (0.5**0.5, 0.5**0.5), "--")):
        move = np.stack([shift * x, shift * y], axis=1)
        axes.plot(shift, box_iou(unit, unit + np.tile(move, 2)), color=BLUE, ls=dash, label=f"moved {name}")
    axes.axhline(0.5, color=GREY, lw=0.8)
    axes.axvline(1 / 3, color=VERMILLION, lw=1.5, label="a third: 55 px of 165 px")
    axes.set(xlabel="distance of the centres / diameter of the cell", ylabel="IoU of the two boxes")
    axes.set(xlim=(0, 0.7), ylim=(0, 1))
    axes.legend(frameon=False)
    return figure


def assignment() -> Figure:
    """Two predictions, two cells: greedy finds one pair, Hungarian two."""
    figure, axes = panels(2, width=3.4, height=2.2)
    truth = truth_of([(0, 0, 60, 60), (80, 0, 60, 60)])
    found = predictions_of([(36, 0, 56, 56), (-14, 0, 56, 56)], [0.9, 0.8])
    for one, kind in zip(axes, ("greedy", "hungarian"), strict=True):
        protocol: Any = replace(PAPER, assignment=kind)
        scores = evaluate(truth, found, protocol, threshold=0.0).cd
        assert scores is not None
        for x, y in truth.xy:
            one.add_patch(Circle((x, y), 30, fc=BLUE, alpha=0.15, ec=BLUE, lw=1.8))
        for row, (x, y) in enumerate(found.xy):
            one.plot(x, y, "x", color=VERMILLION, ms=9, mew=2)
            one.annotate(
                f"{found.confidence[row]}",
                (x, y),
                xytext=(0, 8),
                textcoords="offset points",
                ha="center",
                color=VERMILLION,
            )
            cell = scores.matching.annotation[row]
            if cell >= 0:
                one.annotate(
                    "",
                    truth.xy[cell] + [0, 6],
                    (x, y + 6),
                    arrowprops={"arrowstyle": "->", "color": GREEN, "lw": 1.8},
                )
        frame(one, (-50, -45, 125, 45), f"{kind}: {scores.tp} found, {scores.fp} false, {scores.fn} missed")
    return figure


def ignored() -> Figure:
    """An ignored cell and an ignored region absorb predictions that found no cell."""
    figure, (axes,) = panels(1, width=6.4, height=2.8)
    truth = truth_of(
        [(0, 0, 120, 120), (240, 0, 120, 120), (560, 0, 300, 220)], [Role.CELL, Role.IGNORE, Role.IGNORE]
    )
    found = predictions_of(
        [(10, 0, 120, 120), (230, 5, 120, 120), (250, -5, 120, 120), (500, 30, 120, 120), (725, 0, 120, 120)],
        [0.9, 0.8, 0.7, 0.6, 0.5],
    )
    scores = evaluate(truth, found, PAPER, threshold=0.0).bb
    assert scores is not None
    for box, role, text in zip(
        truth.box, truth.role, ("cell", "ignored cell", "ignored region"), strict=True
    ):
        draw_box(axes, box, BLUE if role == Role.CELL else GREY, text=text, circle=role == Role.CELL)
    colours = {0: VERMILLION, 1: GREEN, 2: GREY}
    for box, outcome in zip(found.box, scores.matching.outcome.tolist(), strict=True):
        draw_box(axes, box, colours[outcome], dash="--", circle=False)
    title = f"{scores.tp} hit (green), {scores.ignored} ignored (grey), {scores.fp} false alarm (red)"
    frame(axes, (-90, -150, 815, 130), title)
    return figure


def curve() -> Figure:
    """One curve, its envelope, and where the three average precisions look at it."""
    hit = np.array([1, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0], bool)
    score = np.array([0.95, 0.9, 0.85, 0.8, 0.75, 0.75, 0.6, 0.5, 0.45, 0.4, 0.3, 0.2])
    steps = Curve.of(
        Tally.of(confidence=score, hit=hit, image=np.zeros(len(hit), np.int64), cells=np.array([8]))
    )
    recall = np.concatenate([[0.0], steps.recall])
    envelope = precision_envelope(steps.precision)
    figure = Figure(figsize=(5.6, 3.4), layout="constrained")
    axes = figure.add_subplot()
    axes.fill_between(recall, np.append(envelope, 0), step="post", color=BLUE, alpha=0.15)
    axes.step(recall, np.append(envelope, 0), where="post", color=BLUE, lw=1.8, label="envelope")
    axes.plot(steps.recall, steps.precision, "o-", color=GREY, ms=4, lw=0.9, label="one point a score")
    tenths = np.arange(11) / 10
    at = interpolated_precision(steps.precision, steps.recall, "11")
    axes.plot(tenths, at, "|", color=VERMILLION, ms=11, mew=2, label="the 11 points")
    names = (("all", "all points"), ("11", "11 points"), ("101", "101 points"))
    text = "\n".join(f"AP, {name}: {average_precision(steps, kind):.3f}" for kind, name in names)  # type: ignore[arg-type]
    axes.annotate(text, (0.03, 0.06), xycoords="axes fraction")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.04))
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.62, 0.02))
    return figure


def causes() -> Figure:
    """Every cause of a false alarm, once."""
    figure, (axes,) = panels(1, width=7.6, height=2.5)
    truth = truth_of([(0, 0, 120, 120), (300, 0, 120, 120), (560, 0, 120, 120)], [0, 0, Role.ARTEFACT])
    found = predictions_of(
        [(0, 0, 120, 120), (18, 8, 120, 120), (375, 30, 120, 120), (565, 0, 120, 120), (760, 0, 120, 120)],
        [0.9, 0.8, 0.7, 0.6, 0.5],
    )
    scores = evaluate(truth, found, PAPER, threshold=0.0).bb
    assert scores is not None
    for box, role in zip(truth.box, truth.role, strict=True):
        draw_box(
            axes, box, BLUE if role == Role.CELL else ORANGE, text="cell" if role == Role.CELL else "artefact"
        )
    words = {0: "", 1: "on an artefact", 2: "duplicate", 3: "near miss", 4: "background"}
    for row, (box, cause) in enumerate(zip(found.box, scores.matching.cause.tolist(), strict=True)):
        draw_box(axes, box, GREEN if cause == 0 else VERMILLION, dash="--", circle=False)
        below = (box[0] + box[2]) / 2, box[3] + (22 if row == 2 else 0)
        axes.annotate(
            words[cause], below, xytext=(0, -12), textcoords="offset points", ha="center", color=VERMILLION
        )
    frame(
        axes,
        (-80, -95, 840, 130),
        f"{scores.tp} hit, {scores.fp} false alarms of four causes, {scores.fn} missed",
    )
    return figure


def merged() -> Figure:
    """Two cells drawn together, one drawn apart, and one drawn twice, which is a duplicate."""
    figure, axes = panels(3)
    for one, title, cells, found in (
        (axes[0], "drawn together", [(0, 0, 90, 90), (95, 5, 90, 90)], [(47, 2, 190, 105)]),
        (axes[1], "drawn apart", [(47, 0, 120, 120)], [(22, 0, 66, 116), (84, 0, 54, 110)]),
        (axes[2], "drawn twice: a duplicate", [(47, 0, 120, 120)], [(45, 3, 118, 112), (58, -4, 108, 118)]),
    ):
        truth, predictions = truth_of(cells), predictions_of(found, [0.9, 0.8][: len(found)])
        scores = evaluate(truth, predictions, PAPER, threshold=0.0).bb
        assert scores is not None
        counts = merges_and_splits(truth, predictions, scores)
        assert counts is not None
        for box in truth.box:
            draw_box(one, box, BLUE)
        for box in predictions.box:
            draw_box(one, box, VERMILLION, dash="--", circle=False)
        said = f"{counts.merged_cells} cells lost in a merge, {counts.splits} split"
        frame(one, (-75, -85, 170, 85), f"{title}\n{said}")
    return figure


def jittered(seed: int, *, n: int = 300) -> tuple[GroundTruth, Predictions]:
    """Cells on a grid, and a detector that misplaces them."""
    rng = np.random.default_rng(seed)
    places = [(200.0 * (k % 20), 200.0 * (k // 20), 160.0, 160.0) for k in range(n)]
    spread = rng.choice([10.0, 45.0], n, p=[0.7, 0.3])
    found = np.array(places)
    found[:, :2] += rng.normal(size=(n, 2)) * spread[:, None]
    found[:, 2:] *= np.exp(rng.normal(0, 0.12, (n, 2)))
    score = np.clip(0.95 - spread / 80 + rng.normal(0, 0.15, n), 0.01, 1)
    stray = np.stack([rng.uniform(0, 4000, 60), rng.uniform(0, 3000, 60)], axis=1)
    rows = [*map(tuple, found.tolist()), *((x, y, 160.0, 160.0) for x, y in stray.tolist())]
    return truth_of(places), predictions_of(rows, [*score.tolist(), *rng.uniform(0, 0.6, 60).tolist()])


def draw_figures(path: Path) -> None:
    """Five of the figures that ``bmbench score --out`` writes, side by side, of two made-up raters."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        files = made_up_files(folder)
        report = score_files(files[0], files[1:], PAPER, threshold=0.45, details=True)
        write_score_folder(folder / "out", report, title="found.json")
        shown = [
            Image.open(folder / "out" / f"{part}.png").convert("RGB")
            for part in ("reliability", "froc", "sizes", "causes", "raters")
        ]
        shown = [image.resize((image.width * 2 // 5, image.height * 2 // 5)) for image in shown]
        rows = (shown[:3], shown[3:])
        width = max(sum(image.width for image in row) for row in rows)
        sheet = Image.new("RGB", (width, sum(max(i.height for i in row) for row in rows)), "white")
        y = 0
        for row in rows:
            x = 0
            for image in row:
                sheet.paste(image, (x, y))
                x += image.width
            y += max(image.height for image in row)
        sheet.quantize(64).save(path, optimize=True)


def made_up_files(folder: Path) -> list[Path]:
    """Predictions, and what two raters marked on ten images of thirty cells."""
    rng = np.random.default_rng(7)
    places = [(200.0 * (k % 6), 200.0 * (k // 6), 160.0 + 50 * rng.normal(), 160.0) for k in range(30)] * 10
    image = np.repeat(np.arange(1, 11), 30)
    box = boxes_of(places)
    kept = rng.random(len(box)) < 0.93
    moved = box + np.tile(rng.normal(0, 14, (len(box), 2)), 2)
    seen = rng.random(len(box)) < 0.95
    spread = rng.choice([8.0, 50.0], len(box), p=[0.75, 0.25])
    found = box + np.tile(rng.normal(size=(len(box), 2)) * spread[:, None], 2)
    score = np.clip(0.98 - spread / 110 + rng.normal(0, 0.14, len(box)), 0.01, 0.999)
    stray = boxes_of([(*rng.uniform(0, 1000, 2), 160.0, 160.0) for _ in range(60)])
    rows = [
        (np.concatenate([found[seen], stray]), np.append(image[seen], rng.integers(1, 11, 60))),
        (box, image),
        (moved[kept], image[kept]),
    ]
    names = ("found.json", "first rater.json", "second rater.json")
    scores = np.append(score[seen], rng.uniform(0, 0.7, 60))
    for name, (boxes, images) in zip(names, rows, strict=True):
        records: Any = [
            {"id": k, "image_id": int(i), "category_id": 1, "bbox": [b[0], b[1], b[2] - b[0], b[3] - b[1]]}
            for k, (b, i) in enumerate(zip(boxes.tolist(), images, strict=True))
        ]
        if name == names[0]:
            value: Any = [one | {"score": float(s)} for one, s in zip(records, scores, strict=True)]
        else:
            pictures = [
                {"id": k, "width": 1200, "height": 1200, "file_name": f"{k}.png", "um_per_px": 0.06}
                for k in range(1, 11)
            ]
            value = {"images": pictures, "annotations": records, "categories": [{"id": 1, "name": "cell"}]}
        (folder / name).write_text(json.dumps(value))
    return [folder / name for name in names]


def sweeps() -> Figure:
    """F1 by matching limit, and FROC, of a detector that misplaces a third of the cells."""
    truth, found = jittered(1)
    figure = Figure(figsize=(8.4, 2.8), layout="constrained")
    for place, (geometry, label) in enumerate(
        (("bb", "IoU more than"), ("cd", "centres at most … px apart"))
    ):
        steps = sweep(truth, found, PAPER, geometry, threshold=0.3)  # type: ignore[arg-type]
        axes = figure.add_subplot(1, 3, place + 1)
        axes.plot(steps.limits, steps.f1, "o-", color=BLUE, ms=3.5, label="F1 at 0.3")  # type: ignore[arg-type]
        axes.plot(steps.limits, steps.ap, "s--", color=VERMILLION, ms=3.5, label="AP")  # type: ignore[arg-type]
        axes.axvline(0.5 if geometry == "bb" else 55, color=GREY, lw=0.8, ls=":")
        axes.set(xlabel=label, ylim=(0, 1))
        axes.legend(frameon=False, loc="lower left" if place == 0 else "lower right")
    scores = evaluate(truth, found, PAPER).cd
    assert scores is not None
    free = froc(scores, rates=(1, 2, 4, 8, 16, 32))
    axes = figure.add_subplot(1, 3, 3)
    axes.plot(free.false_alarms_per_image, free.sensitivity, color=BLUE)
    axes.plot(free.rates, free.at_rates, "o", color=VERMILLION, ms=4)
    axes.set(
        xscale="log",
        xlim=(0.8, 90),
        ylim=(0, 1),
        xlabel="false alarms per image",
        ylabel="share of cells found",
    )
    return figure


def intervals() -> Figure:
    """AP without each image, and the interval that comes of how much it moves."""
    rng = np.random.default_rng(3)
    n_images, cells = 20, 40
    quality = rng.beta(8, 1.5, n_images)
    image = np.repeat(np.arange(n_images), cells)
    hit = rng.random(len(image)) < quality[image]
    tally = Tally.of(
        confidence=rng.random(len(image)) / 2 + hit / 2, hit=hit, image=image, cells=np.full(n_images, cells)
    )
    metric = average_precision_of([tally], np.arange(n_images), n_images, "all")
    low, high = metric_interval(metric).interval or (0.0, 0.0)
    figure = Figure(figsize=(5.0, 2.6), layout="constrained")
    axes = figure.add_subplot()
    axes.axvspan(low, high, color=GREEN, alpha=0.15)
    axes.axvline(metric.value, color=VERMILLION, lw=1.8)
    axes.plot(metric.without, np.arange(n_images), "o", color=BLUE, ms=4)
    axes.set(xlabel="AP", ylabel="without image", yticks=[0, 5, 10, 15, 19], yticklabels=[1, 6, 11, 16, 20])
    axes.set_title(
        f"AP {metric.value:.3f} [{low:.3f}, {high:.3f}], and without each of 20 images", fontsize=9
    )
    return figure


if __name__ == "__main__":
    main()
