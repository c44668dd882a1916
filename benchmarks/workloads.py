"""COCO files of bone-marrow-like cells, from a seed: ``python benchmarks/workloads.py FOLDER [NAME ...]``.

Cells are circles of radius about 45 px. Of the cells 3 % are not predicted; the other predictions are
jittered, one in ten badly; 5 % more predictions are invented and 2 % predict a cell a second time. Scores
are higher for better predictions.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Workload:
    """So many images of so many cells; an image has about 97 px of width and height for each cell."""

    images: int
    cells: int
    spacing_px: float = 97.0

    @property
    def side_px(self) -> int:
        """Width and height of an image."""
        return int(np.ceil(np.sqrt(self.cells)) * self.spacing_px)


WORKLOADS = {
    "22x73": Workload(22, 73, 230.0),
    "1000x73": Workload(1000, 73, 230.0),
    "10000x73": Workload(10_000, 73, 230.0),
    "1x20000": Workload(1, 20_000),
    "1x1000000": Workload(1, 1_000_000),
}


def cells_of(rng: np.random.Generator, work: Workload) -> tuple[Floats, Floats]:
    """(n, 2) centres on a jittered grid and (n,) radii of one image."""
    radius = np.clip(rng.normal(45, 8, work.cells), 20, 80)
    columns = int(np.ceil(np.sqrt(work.cells)))
    place = rng.permutation(columns**2)[: work.cells]
    corner = np.stack([place % columns, place // columns], axis=1) * work.spacing_px
    return corner + work.spacing_px * rng.uniform(0.35, 0.65, (work.cells, 2)), radius


def predictions_for(
    rng: np.random.Generator, work: Workload, centre: Floats, radius: Floats
) -> tuple[Floats, Floats, Floats]:
    """Centres (n, 2), widths and heights (n, 2) and scores (n,) of the predictions of one image."""
    kept = rng.random(work.cells) >= 0.03
    good = rng.random(int(kept.sum())) < 0.9
    found = centre[kept] + rng.normal(size=(len(good), 2)) * np.where(good, 4, 14)[:, None]
    stretch = np.exp(rng.normal(size=(len(good), 2)) * np.where(good, 0.06, 0.15)[:, None])
    size = 2 * radius[kept, None] * stretch
    score = np.where(good, rng.beta(8, 2, len(good)), rng.beta(4, 3, len(good)))
    n_invented = rng.binomial(work.cells, 0.05)
    invented = rng.uniform(0, work.side_px, (n_invented, 2))
    invented_size = np.repeat(2 * np.clip(rng.normal(45, 8, (n_invented, 1)), 20, 80), 2, axis=1)
    again = rng.choice(len(found), int(0.02 * len(found)), replace=False)
    doubled = found[again] + rng.normal(0, 4, (len(again), 2))
    order = rng.permutation(len(found) + n_invented + len(again))
    return (
        np.concatenate([found, invented, doubled])[order],
        np.concatenate([size, invented_size, size[again]])[order],
        np.concatenate([score, rng.beta(2, 5, n_invented), score[again] * rng.uniform(0.5, 1, len(again))])[
            order
        ],
    )


def bounding_boxes(centre: Floats, size: Floats, side_px: int) -> list[list[float]]:
    corner = np.clip(centre - size / 2, 0, side_px - 1)
    extent = np.clip(centre + size / 2, corner + 1, side_px) - corner
    rows: list[list[float]] = np.round(np.concatenate([corner, extent], axis=1), 2).tolist()
    return rows


def write(name: str, folder: Path, *, seed: int = 0) -> tuple[Path, Path]:
    """Ground truth and predictions of a workload; files that are there already are kept."""
    work = WORKLOADS[name]
    truth, results = folder / f"{name}_truth.json", folder / f"{name}_predictions.json"
    if truth.exists() and results.exists():
        return truth, results
    rng = np.random.default_rng([seed, work.images, work.cells])
    annotations: list[dict[str, object]] = []
    detections: list[dict[str, object]] = []
    for image in range(1, work.images + 1):
        centre, radius = cells_of(rng, work)
        size = np.repeat(2 * radius[:, None], 2, axis=1)
        for box in bounding_boxes(centre, size, work.side_px):
            number = len(annotations) + 1
            record = {"id": number, "image_id": image, "category_id": 1, "bbox": box}
            annotations.append(record | {"area": box[2] * box[3], "iscrowd": 0})
        where, extent, score = predictions_for(rng, work, centre, radius)
        boxes = bounding_boxes(where, extent, work.side_px)
        for box, value in zip(boxes, np.round(score, 6).tolist(), strict=True):
            detections.append({"image_id": image, "category_id": 1, "bbox": box, "score": value})
    side = work.side_px
    images = [
        {"id": number, "width": side, "height": side, "file_name": f"{number}.png"}
        for number in range(1, work.images + 1)
    ]
    category = {"id": 1, "name": "cell", "supercategory": "cell"}
    value = {"info": {}, "images": images, "categories": [category], "annotations": annotations}
    folder.mkdir(parents=True, exist_ok=True)
    results.write_bytes(msgspec.json.encode(detections))
    truth.write_bytes(msgspec.json.encode(value))
    return truth, results


if __name__ == "__main__":
    for workload in sys.argv[2:] or WORKLOADS:
        print(*write(workload, Path(sys.argv[1])))
