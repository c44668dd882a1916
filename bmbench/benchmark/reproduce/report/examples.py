"""What the methods find on one and the same test image."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bmbench.benchmark.drawing.figures import save_figure
from bmbench.benchmark.drawing.gallery import Overlay, draw_overlay, legend_marks, overlays_of
from bmbench.benchmark.reproduce.report.runs import Collection, FinishedRun, Key
from bmbench.core.errors import BmbenchError
from bmbench.core.types import ImageId, Sample

_COLUMNS = 3
_SIDE_DIAMETERS = 9.0
"""Side of the part of the image that is shown, in mean cell diameters: three times the radius of centres."""


def draw_examples(path: Path, collection: Collection, keys: Sequence[Key]) -> str:
    """Write a part of one test image with the answers of these rows' first runs; say why if it cannot be.

    The image is the one on which the answers differ most in their errors, the part the one with most
    cells. Hits, misses and false alarms are those by boxes (where they are scored).
    """
    runs = [collection.rows[key][0] for key in keys]
    fold = runs[0].cell.fold
    runs = [run for run in runs if run.cell.fold == fold]
    try:
        samples = _samples(collection, runs[0])
    except (BmbenchError, OSError) as error:
        return f"the images are not at hand ({error})"
    overlays = [_overlays(run) for run in runs]
    if samples.keys() != overlays[0].keys():
        return "the images at hand are not those of the runs"
    image_id = _telling(overlays)
    sample = samples[image_id]
    corner = _crowded(sample, side=_side(runs[0]))
    _draw(path, sample, runs, [found[image_id] for found in overlays], corner)
    return ""


def _samples(collection: Collection, run: FinishedRun) -> dict[ImageId, Sample]:
    """The test images of a run's data set, by id; BmbenchError if they are not at hand."""
    from pathlib import Path

    from bmbench.core.dataset import LoadRequest
    from bmbench.datasets import open_dataset

    options = collection.facts.run_options(run.cell, Path())
    request = LoadRequest(data=options.data, seed=options.seed, options=options.dataset_options)
    dataset = open_dataset(options.dataset, data=options.data, options=options.dataset_options)
    split = dataset.load(request)
    return {sample.image_id: sample for sample in split.samples["test"]}


def _overlays(run: FinishedRun) -> dict[ImageId, Overlay]:
    scores = run.evaluation.bb or run.evaluation.cd
    assert scores is not None
    return overlays_of(*run.files, scores)


def _telling(overlays: list[dict[ImageId, Overlay]]) -> ImageId:
    """The image on which the numbers of errors differ most; of equal ones the first."""

    def spread(image_id: ImageId) -> float:
        return float(np.std([found[image_id].n_errors for found in overlays]))

    return max(overlays[0], key=spread)


def _side(run: FinishedRun) -> float:
    return _SIDE_DIAMETERS * 3 * (run.protocol.radius_px or 0.0)


def _crowded(sample: Sample, *, side: float) -> tuple[float, float, float, float]:
    """x0, y0, x1, y1 of the square with most annotated centres in it, of a grid with half a side's steps."""
    width, height = min(side, sample.width), min(side, sample.height)
    columns = np.unique(np.append(np.arange(0, sample.width - width, side / 2), sample.width - width))
    rows = np.unique(np.append(np.arange(0, sample.height - height, side / 2), sample.height - height))
    xy = sample.annotations.xy

    def inside(x: float, y: float) -> int:
        return int(((xy >= (x, y)) & (xy < (x + width, y + height))).all(axis=1).sum())

    x, y = max(((x, y) for y in rows for x in columns), key=lambda place: inside(*place))
    return float(x), float(y), float(x + width), float(y + height)


def _draw(
    path: Path,
    sample: Sample,
    runs: list[FinishedRun],
    overlays: list[Overlay],
    corner: tuple[float, float, float, float],
) -> None:
    from matplotlib.figure import Figure

    columns = min(_COLUMNS, len(runs))
    rows = -(-len(runs) // columns)
    x0, y0, x1, y1 = corner
    figure = Figure(figsize=(3.9 * columns, 4.1 * rows * (y1 - y0) / (x1 - x0) + 0.6), layout="compressed")
    pixels = sample.load()
    for place, (run, found) in enumerate(zip(runs, overlays, strict=True)):
        axes = figure.add_subplot(rows, columns, place + 1)
        draw_overlay(axes, pixels, found)
        axes.set(xlim=(x0, x1), ylim=(y1, y0))
        axes.set_title(f"{run.cell.method}, {run.cell.track}\nwhole image: {found.caption}", fontsize=8)
    figure.legend(handles=legend_marks(), loc="outside lower center", ncols=3, frameon=False)
    save_figure(path, figure)
