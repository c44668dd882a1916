"""Pictures of coloured discs, a detector that knows them by their colour, and a run that is it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from bmbench.benchmark.records.trained_run import TrainedRun
from bmbench.core.types import Category, Detections, Pixels

CLASSES = (
    Category(id=1, name="neutrophil"),
    Category(id=2, name="erythroblast"),
    Category(id=3, name="plasma cell"),
    Category(id=4, name="blast"),
    Category(id=5, name="smudge cell", artefact=True),
)
COLOURS = ((40, 0, 0), (80, 0, 0), (120, 0, 0), (160, 0, 0), (200, 0, 0))
"""Of the classes, on white."""
SIDE = 12


@dataclass(frozen=True)
class ByColour:
    """Connected spots of one colour; the green of a spot is its confidence in per cent, 0 for 90."""

    def predict(self, image: Pixels) -> Detections:
        parts: list[tuple[list[float], float, int]] = []
        for label, (red, _, _) in enumerate(COLOURS):
            spots, _ = ndimage.label(image[..., 0] == red)
            for rows, columns in ndimage.find_objects(spots):
                green = int(image[(rows.start + rows.stop) // 2, (columns.start + columns.stop) // 2, 1])
                box = [float(edge) for edge in (columns.start, rows.start, columns.stop, rows.stop)]
                parts.append((box, (green or 90) / 100, label))
        if not parts:
            return Detections.empty()
        box = np.array([part[0] for part in parts])
        return Detections.of(
            xy=(box[:, :2] + box[:, 2:]) / 2,
            box=box,
            confidence=np.array([part[1] for part in parts]),
            label=np.array([part[2] for part in parts]),
        )

    def save(self, folder: Path) -> None:
        raise NotImplementedError


def trained(path: Path) -> TrainedRun:
    """What `load_run` gives of a run whose detector is `ByColour`, and which learned artefacts as a class."""
    return TrainedRun(
        path=path,
        detector=ByColour(),
        classes=CLASSES,
        method="by_colour",
        um_per_px=None,
        largest_cell_px=SIDE,
        mean_cell_px=SIDE,
        threshold=0.5,
        digest="0" * 64,
        artefact_class=True,
    )


def picture(path: Path, counts: Sequence[int], unsure: Mapping[int, int] | None = None) -> None:
    """A picture with so many discs of each class; `unsure` more of a class, of confidence 0.3."""
    labels = [label for label, n in enumerate(counts) for _ in range(n)]
    faint = [label for label, n in (unsure or {}).items() for _ in range(n)]
    across = 12
    pixels = np.full((20 * (len(labels) + len(faint)) // across * 2 + 40, 20 * across, 3), 255, np.uint8)
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    disc = x**2 + y**2 <= (SIDE / 2) ** 2
    for place, label in enumerate([*labels, *faint]):
        top, left = 4 + 20 * (place // across), 4 + 20 * (place % across)
        colour = (COLOURS[label][0], 30 if place >= len(labels) else 0, 0)
        pixels[top : top + SIDE, left : left + SIDE][disc] = colour
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
