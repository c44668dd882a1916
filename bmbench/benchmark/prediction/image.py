"""One image predicted: its grid, its tiles read ahead and answered, each cell of it once."""

import dataclasses
import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

import bmbench
from bmbench.adapters.method import Detector
from bmbench.benchmark.areas.choose import ChosenAreas
from bmbench.benchmark.prediction.journal import Journal
from bmbench.benchmark.prediction.seams import candidates, near_seams, owned, settle
from bmbench.benchmark.prediction.selection import Selection, core_on_slide
from bmbench.benchmark.prediction.tiles import Grid, Tile
from bmbench.benchmark.protocol.adjustment import UNCHANGED, Adjustment
from bmbench.core.gate import open_file
from bmbench.core.objects import moved, scaled
from bmbench.core.progress import Progress
from bmbench.core.types import Detections, Floats, Pixels
from bmbench.datasets.slides import Slide, read_region

A = TypeVar("A")
B = TypeVar("B")

AT_ONCE = 2
"""Tiles that a detector works on at the same time: while one is cut into cells, the network has another."""
READ_AHEAD = 3
"""Tiles that are read, or being read, before a detector asks for them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageJob:
    """One image and how it is cut.

    Attributes
    ----------
    name : str
        What the outputs call it.
    origin : (x, y)
        Where it begins on the glass; see `bmbench.datasets.slides.Slide`.
    white : int or None
        The value that is white, of an image of 16 bits.
    adjustment : Adjustment
        Its colours, and what was measured on it.
    areas : ChosenAreas or None
        The areas that were chosen to be looked at, where that was asked for.
    ratio : (2,) float64
        Level-0 pixels in a pixel of the working grid, in x and y.
    tiles : tuple of Tile
        The wanted ones.
    """

    path: Path
    name: str
    size: tuple[int, int]
    um_per_px: float | None
    ratio: Floats
    grid: Grid
    tiles: tuple[Tile, ...]
    selection: Selection
    origin: tuple[int, int] = (0, 0)
    white: int | None = None
    adjustment: Adjustment = UNCHANGED
    areas: ChosenAreas | None = None

    def facts(self, digest: str) -> Any:
        """What a journal of this job says about itself; `digest` is that of the detector."""
        numbers = ",".join(str(tile.number) for tile in self.tiles)
        deep = {} if self.white is None else {"white": self.white}
        table = self.adjustment.table
        colours = {} if table is None else {"colours": hashlib.sha256(table.tobytes()).hexdigest()}
        return {
            **deep,
            **colours,
            "schema": "bmbench.tiles/1",
            "bmbench": bmbench.__version__,
            "detector": digest,
            "image": self.name,
            "bytes": _fingerprint(self.path),
            "grid": dataclasses.asdict(self.grid),
            "ratio": self.ratio.tolist(),
            "tiles": hashlib.sha256(numbers.encode()).hexdigest(),
        }


def predict_tiles(
    slide: Slide, job: ImageJob, detector: Detector, journal: Journal, progress: Progress
) -> None:
    """Every tile of the job that the journal lacks, predicted and recorded."""
    todo = [tile for tile in job.tiles if tile.number not in journal]

    def read(tile: Tile) -> tuple[Tile, Pixels]:
        return tile, job.adjustment.recolour(read_tile(slide, tile, job.ratio))

    def answer(tile_and_pixels: tuple[Tile, Pixels]) -> tuple[Tile, Detections]:
        tile, pixels = tile_and_pixels
        found = moved(detector.predict(pixels), np.array(tile.seen[:2], np.float64))
        return tile, candidates(found, tile, job.grid)

    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(AT_ONCE) as workers:
        pixels = mapped(reader, read, todo, most=READ_AHEAD)
        answers = mapped(workers, answer, pixels, most=AT_ONCE + 1)
        what = f"Predicting {job.name}" + ("" if job.um_per_px else " (pixel size unknown)")
        stage = progress.track(answers, description=what, total=len(todo))
        for tile, found in stage:
            journal.append(tile.number, found)


def mapped(pool: ThreadPoolExecutor, work: Callable[[A], B], items: Iterable[A], *, most: int) -> Iterator[B]:
    """`work` of each item, in order; at most `most` items are under way or waiting to be taken.

    `pool.map` would start all of them at once and keep every result.
    """
    under_way: deque[Future[B]] = deque()
    try:
        for item in items:
            under_way.append(pool.submit(work, item))
            if len(under_way) >= most:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        for future in under_way:
            future.cancel()


def read_tile(slide: Slide, tile: Tile, ratio: Floats) -> Pixels:
    """The pixels that a detector sees of a tile, on the working grid."""
    x0, y0, x1, y1 = tile.seen
    return read_region(slide, core_on_slide(tile.seen, ratio), (x1 - x0, y1 - y0))


def cells(job: ImageJob, journal: Journal, threshold: float) -> Iterator[tuple[Tile, Detections]]:
    """Each tile with the cells that it reports, in level-0 pixels: every cell of the image once.

    In memory at any time are one tile's detections and a few numbers of each detection near a seam.
    """
    views = near_seams(((tile, journal.read(tile.number)) for tile in job.tiles), job.grid)
    reported = settle(views)
    # Views stand in the order of the tiles, so that those of one tile are a slice.
    numbers = np.array([tile.number for tile in job.tiles], np.int64)
    starts = np.searchsorted(views.tile, numbers, side="left")
    ends = np.searchsorted(views.tile, numbers, side="right")
    for tile, start, end in zip(job.tiles, starts, ends, strict=True):
        found = journal.read(tile.number)
        kept = owned(found, tile, job.grid)
        kept[views.row[start:end]] = reported[start:end]
        found = scaled(found.take(kept & (found.confidence >= threshold)), job.ratio)
        yield tile, found.take(job.selection.inside(found.xy))


def _fingerprint(path: Path) -> list[Any]:
    """Size and digest of the first MiB of a file, or of each file of a folder."""
    if path.is_dir():
        return [_fingerprint(file) for file in sorted(path.iterdir()) if file.is_file()]
    with open_file(path, limit=None) as file:
        start = file.read(1 << 20)
    return [path.name, path.stat().st_size, hashlib.sha256(start).hexdigest()]
