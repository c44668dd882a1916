"""The post-processing of a map beside scikit-image's, and beside the network that made the map.

    python benchmarks/bench_segmentation.py [--repeat 3]

Two maps of 2048 × 2048 px are drawn: 75 cells of radius 55 px, and 500 of 30 px, some of them touching;
eroded by a fifth of the mean diameter as `unet_shrink` learns it, with soft edges and noise. Each pipeline
cuts them into cells; the forward pass is one view of the quick network on an image of that size. One thread,
best of the repeats, processor seconds. The overlap is that of each drawn cell with the object found in its
place.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
from scipy import ndimage
from skimage import draw, filters, measure, morphology, segmentation

from bmbench.adapters.unet.encodings.encoding import ENCODINGS
from bmbench.adapters.unet.found_cells import Growth, find_objects
from bmbench.adapters.unet.settings import QUICK, UNetSettings

if TYPE_CHECKING:
    from collections.abc import Callable

SIDE_PX = 2048
SCENES = ((75, 55.0), (500, 30.0))
"""Cells and their mean radius in pixels."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeat", type=int, default=3)
    repeat = parser.parse_args().repeat
    cv2.setNumThreads(1)
    forward = timed(network(), repeat)[1]
    print("| cells | | seconds | of the forward pass | found | mean overlap | least overlap |")
    print("|---|---|---|---|---|---|---|")
    print(f"| any | forward pass, one view | {forward:.2f} | | | | |")
    for n_cells, radius in SCENES:
        cells = scatter(n_cells, radius)
        settings = replace(QUICK, cell_px=2 * radius)
        probability = drawn_map(cells, settings)
        literal = replace(settings, flooding="background")
        pipelines: dict[str, Callable[[], list[Any]]] = {
            "bmbench": partial(ours, probability, settings, cells),
            "bmbench, flooding=background": partial(ours, probability, literal, cells),
            "bmbench, seeds=map": partial(ours, probability, replace(settings, seeds="map"), cells),
            "scikit-image and scipy": partial(theirs, probability, settings),
        }
        for name, cut in pipelines.items():
            found, seconds = timed(cut, repeat)
            overlap = overlaps(cells, found)
            print(
                f"| {n_cells} | {name} | {seconds:.2f} | {seconds / forward:.0%} | {len(found)} "
                f"| {overlap.mean():.3f} | {overlap.min():.3f} |"
            )


def timed(work: Callable[[], Any], repeat: int) -> tuple[Any, float]:
    """The result of the work, and the least processor time that it took."""
    seconds = []
    for _ in range(repeat):
        start = time.process_time()
        result = work()
        seconds.append(time.process_time() - start)
    return result, min(seconds)


def scatter(n_cells: int, radius: float) -> Any:
    """(n, 3) circles x, y, radius that overlap by at most 3 % of the distance between their centres."""
    generator = np.random.default_rng(n_cells)
    kept: list[tuple[float, float, float]] = []
    while len(kept) < n_cells:
        r = generator.normal(radius, radius / 10)
        x, y = generator.uniform(r, SIDE_PX - r, 2)
        if all(np.hypot(x - a, y - b) > 0.97 * (r + c) for a, b, c in kept):
            kept.append((x, y, r))
    return np.array(kept)


def drawn_map(cells: Any, settings: UNetSettings) -> Any:
    """(h, w) float32 map of the eroded cells."""
    generator = np.random.default_rng(0)
    noise = cv2.GaussianBlur(generator.normal(0, 1, (SIDE_PX, SIDE_PX)).astype(np.float32), (0, 0), 2)
    probability = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    erosion = settings.shrink * settings.cell_px
    for x, y, r in cells:
        window = np.s_[max(int(y - r) - 4, 0) : int(y + r) + 4, max(int(x - r) - 4, 0) : int(x + r) + 4]
        top, left = window[0].start, window[1].start
        rows, columns = np.indices(probability[window].shape) + 0.5
        down, right = rows + top, columns + left
        inside = 0.95 / (1 + np.exp(np.hypot(right - x, down - y) - r + erosion))
        probability[window] = np.maximum(probability[window], inside)
    return np.clip(probability + 0.02 + 0.075 * noise, 0, 1)


def ours(probability: Any, settings: UNetSettings, cells: Any) -> list[Any]:
    """(k, 2) outlines x, y."""
    encoding = ENCODINGS.get("shrink")
    growth = Growth(
        regrowth=lambda threshold: encoding.regrowth(threshold, settings),
        smallest_px2=settings.smallest * np.pi * cells[:, 2].min() ** 2,
    )
    return [rings[0] for rings in find_objects(probability, settings, growth).contour]


def theirs(probability: Any, settings: UNetSettings) -> list[Any]:
    """(k, 2) outlines x, y: the same steps with the functions that come first to mind."""
    erosion = settings.shrink * settings.cell_px
    level = float(np.clip(filters.threshold_otsu(probability), settings.lowest, settings.highest))
    opened = morphology.opening(
        probability > level, morphology.disk(int(settings.opening * settings.cell_px))
    )
    distance = ndimage.distance_transform_edt(opened)
    reach = int((0.5 - settings.shrink) * settings.cell_px)
    nearby = ndimage.maximum_filter(distance, size=2 * reach + 1)
    marker = measure.label(opened & (distance >= settings.marker * nearby))
    labels = segmentation.watershed(-distance, marker, mask=opened)
    grown = segmentation.expand_labels(labels, erosion)
    outlines = []
    for region in measure.regionprops(grown):
        mask = np.pad(region.image, 1)
        ring = max(measure.find_contours(mask.astype(float), 0.5), key=len)[:-1]
        outlines.append(ring[:, ::-1] - 0.5 + np.array(region.bbox[1::-1]))
    return outlines


def overlaps(cells: Any, outlines: list[Any]) -> Any:
    """(n,) intersection over union of each cell's disc with the object found nearest to it."""
    middles = np.array([(ring.min(axis=0) + ring.max(axis=0)) / 2 for ring in outlines]).reshape(-1, 2)
    values = []
    for x, y, r in cells:
        ring = outlines[int(np.argmin(np.hypot(*(middles - (x, y)).T)))]
        corner = np.floor(np.minimum(ring.min(axis=0), (x - r, y - r))).astype(int) - 1
        right, down = np.ceil(np.maximum(ring.max(axis=0), (x + r, y + r))).astype(int) + 1 - corner
        disc = (
            np.hypot(
                *np.meshgrid(np.arange(right) + 0.5 + corner[0] - x, np.arange(down) + 0.5 + corner[1] - y)
            )
            < r
        )
        found = np.zeros((down, right), bool)
        found[draw.polygon(*(ring - corner - 0.5).T[::-1], found.shape)] = True
        values.append((disc & found).sum() / (disc | found).sum())
    return np.array(values)


def network() -> Callable[[], Any]:
    """One forward pass of a fresh quick network over an image of that size."""
    import torch

    from bmbench.adapters.unet.detector import UNetDetector
    from bmbench.adapters.unet.network import build
    from bmbench.adapters.unet.training import Calibration

    calibration = Calibration(factor=1.0, smallest_px2=1.0, mean=(128.0,) * 3, deviation=(64.0,) * 3)
    torch.manual_seed(0)
    detector = UNetDetector(
        encoding=ENCODINGS.get("shrink"),
        settings=replace(QUICK, views=1),
        calibration=calibration,
        network=build(QUICK, outputs=1, device=torch.device("cpu")).eval(),
    )
    image = np.random.default_rng(0).integers(0, 255, (SIDE_PX, SIDE_PX, 3)).astype(np.uint8)
    return lambda: detector.map(image)


if __name__ == "__main__":
    main()
