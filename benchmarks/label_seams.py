"""How well labels that were drawn tile by tile agree with themselves where tiles meet.

    python benchmarks/label_seams.py RUN_DIRECTORY...

The fields of dsb_purple were labelled in tiles of 320 × 256 px, each for itself, so a nucleus that a
seam cuts was labelled twice: on the last line of pixels of one tile and on the first of the next. Two
readings of one line, so to say, by whoever drew both. A label covers a stretch of such a line; two
stretches match where their overlap is half of their union, and stretches below four pixels are not
counted. F1 over all stretches, 95 % intervals drawn over the seams (one is where two tiles meet).

In the same way: labels on neighbouring lines within a tile, which is what one reading comes to; a
detector that is shown one tile at a time, across the same seams, which is what the missing context costs
it; the labels and a detector that sees the whole field, on neighbouring lines. Detectors answer for
fields that they did not learn from.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from label_ceiling import split_of

from bmbench.benchmark.records.trained_run import load_run
from bmbench.core.types import Annotations
from bmbench.datasets.formats.label_image import draw_labels
from bmbench.datasets.sets.dsb_tiles import HEIGHT, WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bmbench.core.types import Detections, Sample

LEAST_PX = 4
WHITE = tuple(f"field_{number:02d}" for number in range(10))
REPLICATES = 10_000


def stretches(line: Any) -> Any:
    """(n, 2) first and last pixel + 1 of every label on a line of pixels, if it is long enough."""
    found = [
        (at[0], at[-1] + 1) for label in np.unique(line[line > 0]) for at in [np.flatnonzero(line == label)]
    ]
    return np.array([(a, b) for a, b in found if b - a >= LEAST_PX]).reshape(-1, 2)


def agreement(one: Any, other: Any) -> tuple[int, int]:
    """How many of the stretches of both lines have a partner on the other one, of how many.

    Stretches of one line do not overlap, so none has two partners with an intersection over union above 0.5.
    """
    a, b = stretches(one)[:, None], stretches(other)[None]
    overlap = np.minimum(a[..., 1], b[..., 1]) - np.maximum(a[..., 0], b[..., 0])
    union = np.maximum(a[..., 1], b[..., 1]) - np.minimum(a[..., 0], b[..., 0])
    return 2 * int((overlap > 0.5 * union).sum()), len(a) + b.shape[1]


def tiles(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """The tiles of a field, as slices of it."""
    for y in range(0, height, HEIGHT):
        for x in range(0, width, WIDTH):
            yield slice(y, y + HEIGHT), slice(x, x + WIDTH)


def across_seams(labels: Any, other: Any) -> list[tuple[int, int]]:
    """The agreement of two label images across each seam, the one before it and the other behind it."""
    found = []
    for rows, columns in tiles(*labels.shape):
        if columns.start:
            found.append(agreement(labels[rows, columns.start - 1], other[rows, columns.start]))
        if rows.start:
            found.append(agreement(labels[rows.start - 1, columns], other[rows.start, columns]))
    return found


def within_tiles(labels: Any, other: Any) -> list[tuple[int, int]]:
    """The agreement of two label images on neighbouring lines of every tile, a sum for each tile."""
    found = []
    for rows, columns in tiles(*labels.shape):
        a, b = labels[rows, columns], other[rows, columns]
        lines = [
            agreement(image[i], behind[j])
            for image, behind in ((a, b), (a.T, b.T))
            for i, j in pairwise(range(len(image)))
        ]
        found.append(tuple(np.sum(lines, axis=0).tolist()))
    return found


def painted(found: Detections, shape: tuple[int, int], threshold: float) -> Any:
    """(height, width) the detections from a confidence on as a label image."""
    keep = np.flatnonzero(found.confidence >= threshold)
    outlines = tuple(found.contour[i] for i in keep)
    return draw_labels(Annotations.of(xy=found.xy[keep], box=found.box[keep], contour=outlines), shape)


def line(title: str, units: Sequence[tuple[int, int]], fields: int) -> str:
    """One row of the table."""
    counts = np.array(units)
    drawn = np.random.default_rng(0).integers(len(counts), size=(REPLICATES, len(counts)))
    sums = counts[drawn].sum(axis=1)
    low, high = np.percentile(sums[:, 0] / sums[:, 1], [2.5, 97.5])
    matched, total = counts.sum(axis=0)
    return f"| {title} | {fields} | {total} | {matched / total:.3f} [{low:.3f}, {high:.3f}] |"


def report(run: Path, data: Any) -> None:
    """The rows of one run."""
    trained, name = load_run(run), run.name
    apart, together, fields = [], [], 0
    for subset, samples in split_of(run).samples.items():
        for sample in samples if subset != "train" else ():
            if not sample.name.startswith(WHITE):
                continue
            pixels, shape = sample.load(), (sample.height, sample.width)
            threshold = trained.threshold or 0.0
            whole = painted(trained.detector.predict(pixels), shape, threshold)
            alone = np.zeros(shape, np.int64)
            for rows, columns in tiles(*shape):
                part = pixels[rows, columns]
                alone[rows, columns] = painted(trained.detector.predict(part), part.shape[:2], threshold)
            apart += across_seams(alone, alone)
            together += within_tiles(data[sample.name], whole)
            fields += 1
    print(line(f"{name}, shown single tiles, across seams", apart, fields))
    print(line(f"{name}, shown whole fields, and the labels", together, fields), flush=True)


def labels_of(samples: Sequence[Sample]) -> dict[str, Any]:
    """The label image of every white field."""
    return {
        sample.name: draw_labels(sample.annotations, (sample.height, sample.width))
        for sample in samples
        if sample.name.startswith(WHITE)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    options = parser.parse_args()
    data = labels_of([s for subset in split_of(options.runs[0]).samples.values() for s in subset])
    print("| readings | fields | stretches | F1 |\n|---|--:|--:|--:|")
    for title, units_of in (("labels, within tiles", within_tiles), ("labels, across seams", across_seams)):
        print(line(title, [unit for d in data.values() for unit in units_of(d, d)], len(data)), flush=True)
    for run in options.runs:
        report(run, data)


if __name__ == "__main__":
    main()
