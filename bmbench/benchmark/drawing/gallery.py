"""Overlays that show at a glance what was found, missed and invented.

Three marks that differ in shape as well as in colour: a hit is a thin blue outline, a miss a thick dashed
orange circle, a false alarm a black box with a cross. Each has a white rim, so that it shows on dark nuclei
and on pale background alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.benchmark.drawing.figures import save_figure
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.core.progress import Progress
from bmbench.core.types import Floats, GroundTruth, ImageId, Pixels, Predictions, Role, Sample
from bmbench.metrics.scores import Scores
from bmbench.present.palette import BLUE, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TILES = 6
"""Images in the overview."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Overlay:
    """The boxes to draw on one image, (n, 4) each, and the image's row in the ground truth."""

    row: int
    hit: Floats
    miss: Floats
    false_alarm: Floats

    @property
    def n_errors(self) -> int:
        """Misses and false alarms together."""
        return len(self.miss) + len(self.false_alarm)

    @property
    def caption(self) -> str:
        """The three counts, in words."""
        return f"{len(self.hit)} found, {len(self.miss)} missed, {len(self.false_alarm)} false"


def draw_gallery(
    folder: RunDir,
    overlays: Mapping[ImageId, Overlay],
    samples: Sequence[Sample],
    *,
    most: int,
    progress: Progress,
) -> None:
    """Write `gallery.png` (the images with most errors) and one overlay an image, worst first."""
    sample_of = {sample.image_id: sample for sample in samples}
    worst = [
        (sample_of[image_id], overlay)
        for image_id, overlay in sorted(overlays.items(), key=lambda one: (-one[1].n_errors, one[1].row))
    ]
    _draw_overview(folder, worst[:TILES])
    shown = worst[:most]
    for sample, overlay in progress.track(shown, description="Drawing the gallery", total=len(shown)):
        _draw_image(folder, sample, overlay)


def overlays_of(truth: GroundTruth, predictions: Predictions, scores: Scores) -> dict[ImageId, Overlay]:
    """What to draw on each image, in the order of the ground truth, at the threshold of `scores`."""
    matching = scores.matching
    kept = predictions.confidence >= (scores.threshold if scores.threshold is not None else 0.0)
    hit = kept & matching.is_hit
    false_alarm = kept & matching.is_false_alarm
    missed = truth.role == Role.CELL
    missed[matching.annotation[hit]] = False

    def overlay(row: int) -> Overlay:
        here = predictions.image == row
        return Overlay(
            row=row,
            hit=predictions.box[here & hit],
            false_alarm=predictions.box[here & false_alarm],
            miss=truth.box[(truth.image == row) & missed],
        )

    return {image_id: overlay(row) for row, image_id in enumerate(truth.image_ids)}


def _draw_overview(folder: RunDir, tiles: Sequence[tuple[Sample, Overlay]]) -> None:
    from matplotlib.figure import Figure

    columns = min(3, len(tiles))
    rows = -(-len(tiles) // columns)
    figure = Figure(figsize=(4.4 * columns, 4.6 * rows + 0.5), layout="compressed")
    for place, (sample, overlay) in enumerate(tiles):
        axes = figure.add_subplot(rows, columns, place + 1)
        draw_overlay(axes, sample.load(), overlay)
        axes.set_title(f"{sample.name}\n{overlay.caption}", fontsize=8)
    figure.legend(handles=legend_marks(), loc="outside lower center", ncols=3, frameon=False)
    save_figure(folder.path / "gallery.png", figure)


def _draw_image(folder: RunDir, sample: Sample, overlay: Overlay) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 8 * sample.height / sample.width + 0.9), layout="compressed")
    axes = figure.add_subplot()
    draw_overlay(axes, sample.load(), overlay)
    axes.set_title(f"{sample.name}: {overlay.caption}", fontsize=10)
    figure.legend(handles=legend_marks(), loc="outside lower center", ncols=3, frameon=False)
    stem = Path(sample.name).stem
    name = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in stem)
    save_figure(folder.gallery / f"{overlay.row:04d}-{name}.png", figure)


def draw_overlay(axes: Axes, pixels: Pixels, overlay: Overlay) -> None:
    """Draw an image and its overlay into axes, in pixels of the image."""
    from matplotlib.collections import LineCollection
    from matplotlib.patheffects import withStroke

    height, width = pixels.shape[:2]
    axes.imshow(pixels, extent=(0, width, height, 0), interpolation="bilinear")
    rim = [withStroke(linewidth=2.6, foreground="white")]
    thick_rim = [withStroke(linewidth=4, foreground="white")]
    layers: tuple[tuple[Any, dict[str, Any]], ...] = (
        (_ellipses(overlay.hit), {"colors": BLUE, "linewidths": 1.2, "path_effects": rim}),
        (
            _ellipses(overlay.miss),
            {"colors": ORANGE, "linewidths": 2.4, "linestyles": (0, (2.5, 1.2)), "path_effects": thick_rim},
        ),
        (_crossed_boxes(overlay.false_alarm), {"colors": "black", "linewidths": 1.3, "path_effects": rim}),
    )
    for lines, style in layers:
        axes.add_collection(LineCollection(lines, **style))
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])


def legend_marks() -> list[Any]:
    """What the marks mean, as handles of a legend."""
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color=BLUE, lw=1.6, label="found"),
        Line2D([], [], color=ORANGE, lw=2.6, ls=(0, (2.5, 1.2)), label="missed"),
        Line2D([], [], color="black", lw=0, marker="$⊠$", ms=11, label="false alarm"),
    ]


def _ellipses(box: Floats) -> list[Floats]:
    """The ellipse inside each box, as a closed line."""
    angle = np.linspace(0, 2 * np.pi, 61)
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return [(b[:2] + b[2:]) / 2 + unit * (b[2:] - b[:2]) / 2 for b in box]


def _crossed_boxes(box: Floats) -> list[Floats]:
    """Each box with its two diagonals, as one line."""
    path = np.array([[0, 1], [2, 1], [2, 3], [0, 3], [0, 1], [2, 3], [2, 1], [0, 3]])
    return [b[path] for b in box]
