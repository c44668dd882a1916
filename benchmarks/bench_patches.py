"""What a training patch with its target costs, in milliseconds of one core, and what more threads bring.

    python benchmarks/bench_patches.py [--patches 60] [--side 512]

Images of 1231 px with 400 cells, as `paper` has them, with and without ignored objects, every second patch
in another stain (`stain_shift` 0.2). Time is the processor time of the drawing thread, so that other work on
the machine counts little; what threads bring is time on the clock, and needs as many idle cores.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from bmbench.adapters.images.working_scale import TrainingImage
from bmbench.adapters.learning.reproducible import available_cores, one_thread_each
from bmbench.adapters.unet.encodings.encoding import ENCODINGS
from bmbench.adapters.unet.encodings.foreground_curve import SYNTHETIC
from bmbench.adapters.unet.settings import PAPER
from bmbench.adapters.unet.training import PatchSource, draw_patch
from bmbench.core.types import Annotations, Role

SIDE, CELLS = 1231, 400


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--patches", type=int, default=60)
    parser.add_argument("--side", type=int, default=512)
    options = parser.parse_args()
    with one_thread_each():
        print("| encoding | once an image | a patch | with ignored objects |\n|---|--:|--:|--:|")
        for name in ENCODINGS.names():
            once, plain = measured(name, options, ignored=False)
            _, ignored = measured(name, options, ignored=True)
            print(f"| {name} | {once:.0f} ms | {plain:.1f} ms | {ignored:.1f} ms |", flush=True)
        drawn_from = source("shrink", options.side, ignored=False)
        alone = clocked(drawn_from, options.patches, threads=1)
        for threads in range(2, available_cores() + 1):
            gain = alone / clocked(drawn_from, options.patches, threads=threads)
            print(f"{threads} threads draw {gain:.2f} times as many as one")
    return 0


def source(name: str, side: int, *, ignored: bool) -> PatchSource:
    generator = np.random.default_rng(0)
    xy, radius = generator.uniform(0, SIDE, (CELLS, 2)), generator.uniform(8, 24, (CELLS, 1))
    role = np.where(ignored & (generator.random(CELLS) < 0.25), int(Role.IGNORE), int(Role.CELL))
    annotations = Annotations.of(
        xy=xy, box=np.hstack([xy - radius, xy + radius]), circle=np.hstack([xy, radius]), role=role
    )
    image = generator.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    encoding = ENCODINGS.get(name)
    encoding = dataclasses.replace(encoding, curve=SYNTHETIC if encoding.uses_curve else None)
    settings = dataclasses.replace(PAPER, patch_px=side, stain_shift=0.2)
    one = TrainingImage(image=image, annotations=annotations)
    return PatchSource.of([one], encoding=encoding, settings=settings)


def measured(name: str, options: argparse.Namespace, *, ignored: bool) -> tuple[float, float]:
    """Milliseconds of a core for the levels of an image, and for a patch."""
    started = time.thread_time()
    drawn_from = source(name, options.side, ignored=ignored)
    once = time.thread_time() - started
    generator = np.random.default_rng(0)
    draw_patch(drawn_from, generator)
    started = time.thread_time()
    for _ in range(options.patches):
        draw_patch(drawn_from, generator)
    return 1000 * once, 1000 * (time.thread_time() - started) / options.patches


def clocked(drawn_from: PatchSource, patches: int, *, threads: int) -> float:
    """Least seconds of three turns in which so many patches are drawn on that many threads."""
    times = []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(3):
            started = time.perf_counter()
            list(pool.map(lambda seed: draw_patch(drawn_from, np.random.default_rng(seed)), range(patches)))
            times.append(time.perf_counter() - started)
    return min(times)


if __name__ == "__main__":
    sys.exit(main())
