"""What `bmbench predict` takes of one image beside the bare network: processor time of each part.

    python benchmarks/bench_predict.py [--side 4096] [--rounds 3] [--model marrow-small] [--image FILE]

An image is drawn (`tissue.py`), and predicted from its file to a GeoJSON file. The bare network answers the
same tiles, in memory and at its own scale. Both take turns in one process, with as many threads; each is
given by its fastest round. Beside other work only processor time means anything. Parts that work side by
side each count in full.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image
from tissue import draw_nucleus, draw_tissue

from bmbench.adapters.images.tiling import Tiling
from bmbench.adapters.learning.reproducible import available_cores, one_thread_each
from bmbench.adapters.unet import detector
from bmbench.adapters.unet.detector import UNetDetector
from bmbench.benchmark.models.places import find_model
from bmbench.benchmark.prediction import finished, image, predict
from bmbench.benchmark.prediction.journal import Journal
from bmbench.benchmark.prediction.options import PredictOptions
from bmbench.core.progress import Silent
from bmbench.datasets.slides import opening

PATCH_PX = 1024


class PartsClock:
    """Processor seconds of each part of a prediction, over all threads, and what the network was asked."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.asked: list[tuple[UNetDetector, Any]] = []
        self._lock = threading.Lock()

    def clocked(self, part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, whose time is added to that part."""

        def run(*given: Any, **named: Any) -> Any:
            started = time.thread_time()
            answer = work(*given, **named)
            with self._lock:
                self.seconds[part] += time.thread_time() - started
                if part == "network":
                    self.asked.append(given)
            return answer

        return run

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Inside the block the parts are clocked where they are called."""
        parts = (
            (opening, "_open", "opening the image"),
            (finished, "prepare", "choosing tiles"),
            (image, "read_tile", "reading tiles"),
            (detector, "resized", "bringing to scale"),
            (Tiling, "cut", "cutting into tiles"),
            (UNetDetector, "_forward", "network"),
            (Tiling, "join", "joining tiles"),
            (detector, "_cut", "map to cells"),
            (image, "candidates", "leaving out what others own"),
            (Journal, "append", "recording tiles"),
            (predict, "_write", "writing the file"),
        )
        with ExitStack() as stack:
            for owner, name, part in parts:
                work = self.clocked(part, getattr(owner, name))
                stack.enter_context(mock.patch.object(owner, name, work))
            yield


def drawn(side: int) -> np.ndarray:
    """A tissue, repeated and mirrored, so that it has no seams."""
    generator = np.random.default_rng(3)
    tissue, _ = draw_tissue([draw_nucleus(generator) for _ in range(50)], PATCH_PX, generator)
    row = np.hstack([tissue, tissue[:, ::-1]])
    whole = np.vstack([row, row[::-1]])
    times = -(-side // len(whole))
    return np.tile(whole, (times, times, 1))[:side, :side]


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Processor and wall seconds."""
    started = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - started[0], time.perf_counter() - started[1]


def bare(asked: list[tuple[UNetDetector, Any]]) -> None:
    """The answers of the network alone."""
    with one_thread_each() as pool:
        list(pool.map(lambda one: len(one[0]._forward(one[1])), asked))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--side", type=int, default=4096, help="of the image, in pixels")
    parser.add_argument("--image", type=Path, help="one that is there, in place of a drawn one")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="marrow-small", help="a U-Net, a run or a model")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        file, out = asked.image or Path(place) / "tissue.png", Path(place) / "found.geojson"
        if asked.image is None:
            Image.fromarray(drawn(asked.side)).save(file, compress_level=1)
        options = PredictOptions(run=find_model(asked.model), images=(file,), out=(out,), everywhere=True)
        rounds: dict[str, list[tuple[float, float]]] = defaultdict(list)
        clocks = []
        for _ in range(asked.rounds):
            clock = PartsClock()
            with clock.watching():
                rounds["whole"].append(timed(partial(predict.predict, options, Silent())))
            clocks.append(clock)
            rounds["bare"].append(timed(partial(bare, clock.asked)))
        print(f"{len(json.loads(out.read_text())['features']):,} cells")
    best = min(range(asked.rounds), key=lambda number: rounds["whole"][number])
    show(clocks[best], {name: tuple(map(min, zip(*times, strict=True))) for name, times in rounds.items()})


def show(clock: PartsClock, seconds: dict[str, tuple[float, ...]]) -> None:
    whole = seconds["whole"][0]
    print("| part | processor seconds | of the whole |\n|---|--:|--:|")
    rest = whole - sum(clock.seconds.values())
    for part, value in (*sorted(clock.seconds.items(), key=lambda one: -one[1]), ("anything else", rest)):
        print(f"| {part} | {value:.2f} | {value / whole:.1%} |")
    print(f"{len(clock.asked)} tiles of the network, {available_cores()} threads")
    for number, kind in enumerate(("processor time", "time on the clock")):
        one, other = seconds["bare"][number], seconds["whole"][number]
        print(f"{kind}: bare network {one:.2f} s, whole {other:.2f} s, share {one / other:.3f}")


if __name__ == "__main__":
    main()
