"""A million detections to QuPath GeoJSON and back: ``python benchmarks/bench_qupath.py FOLDER [--cells N]``.

Circles and outlines of 32 corners, each written and read in a process of its own. Prints a Markdown table:
wall seconds, processor seconds, the largest memory of the process, the size of the file. Asked for are 20 s
and 2 GB each.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bmbench.core.types import Detections

CORNERS = 32
PART = 20_000
"""Detections in memory at a time while writing, as when a slide is predicted."""


def detections(cells: int, *, outlines: bool) -> Iterator[Detections]:
    """Round cells of about 45 px radius on a jittered grid, in parts; outlines are wavy circles."""
    from bmbench.core.types import Detections

    rng = np.random.default_rng(0)
    columns = int(np.ceil(np.sqrt(cells)))
    angle = np.arange(CORNERS) * (2 * np.pi / CORNERS)
    wave = np.stack([np.cos(angle), np.sin(angle)], axis=1) * (1 + 0.1 * np.cos(3 * angle))[:, None]
    for start in range(0, cells, PART):
        place = np.arange(start, min(start + PART, cells))
        xy = 97.0 * np.stack([place % columns, place // columns], axis=1) + rng.uniform(
            0, 30, (len(place), 2)
        )
        radius = np.clip(rng.normal(45, 8, len(place)), 20, 80)
        box = np.concatenate([xy - radius[:, None], xy + radius[:, None]], axis=1)
        contour = [(xy[row] + radius[row] * wave,) for row in range(len(place))] if outlines else ()
        yield Detections.of(
            xy=xy,
            box=box,
            confidence=rng.random(len(place)),
            **({"contour": tuple(contour)} if outlines else {}),
        )


class Timed:
    """Parts one after the other; keeps how long making them took, which is not what is measured."""

    def __init__(self, parts: Iterator[Detections]) -> None:
        self._parts = parts
        self.wall = self.work = 0.0

    def __iter__(self) -> Iterator[Detections]:
        while True:
            wall, work = time.perf_counter(), time.process_time()
            part = next(self._parts, None)
            self.wall += time.perf_counter() - wall
            self.work += time.process_time() - work
            if part is None:
                return
            yield part


def one(task: str, shape: str, path: Path, cells: int) -> None:
    """Write or read, and print seconds, processor seconds and megabytes."""
    from bmbench.core.types import CELL
    from bmbench.datasets.formats.qupath.geojson import read_qupath, write_qupath

    parts = Timed(detections(cells, outlines=shape == "outlines"))
    wall, work = time.perf_counter(), time.process_time()
    if task == "write":
        n = write_qupath(path, parts, [CELL], decimals=2)
    else:
        n = len(read_qupath(path).annotations)
    wall, work = time.perf_counter() - wall - parts.wall, time.process_time() - work - parts.work
    if n != cells:
        raise SystemExit(f"{task}: {n} of {cells} objects")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(f"{wall:.1f} | {work:.1f} | {memory:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cells", type=int, default=1_000_000)
    parser.add_argument("--one", nargs=2, metavar=("TASK", "SHAPE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(*options.one, options.folder, options.cells)
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    print(
        f"\n{options.cells:,} detections\n\n| task | wall s | CPU s | MB | file MB |\n|---|---|---|---|---|"
    )
    for shape in ("circles", "outlines"):
        path = options.folder / f"{shape}.geojson"
        for task in ("write", "read"):
            command = [
                sys.executable,
                __file__,
                str(path),
                "--cells",
                str(options.cells),
                "--one",
                task,
                shape,
            ]
            figures = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
            print(f"| {task} {shape} | {figures} | {path.stat().st_size / 1e6:.0f} |", flush=True)
        path.unlink()


if __name__ == "__main__":
    main()
