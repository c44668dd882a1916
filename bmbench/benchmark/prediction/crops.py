"""A picture of every cell, for a classifier or for looking through."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Protocol

import numpy as np

from bmbench.core.csv_cells import CsvRows
from bmbench.core.files import writing
from bmbench.core.progress import Progress
from bmbench.core.types import Category, Detections, Floats, Pixels
from bmbench.datasets.slides import Slide, opened, read_region

PER_FOLDER = 1000
COLUMNS = ("file", "image", "number", "class", "confidence", "x_px", "y_px")


class Cropped(Protocol):
    """An image that cells are cut out of: its file, its name, and how large a pixel of the crops is in it."""

    @property
    def path(self) -> Path:
        """Its file."""
        ...

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    @property
    def white(self) -> int | None:
        """The value that is white, of 16 bits."""
        ...

    @property
    def ratio(self) -> Floats:
        """(2,) level-0 pixels in one of the crops, x and y."""
        ...

    @property
    def tiles(self) -> Sequence[object]:
        """As many as there are parts."""
        ...


def write_crops(
    folder: Path,
    job: Cropped,
    parts: Iterable[Detections],
    *,
    stem: str,
    side_px: int,
    categories: Sequence[Category],
    progress: Progress,
) -> None:
    """Write ``folder/STEM/000/000001.png`` … and, when all are there, their table ``folder/STEM.csv``.

    Each crop is `side_px` square with its cell's centre in the middle, at the pixel size that the detector
    works at; outside the slide it is white. The numbers are those of the cells in a CSV output. Crops that an
    earlier call left and this one has no cell for are removed; as long as they are mixed there is no table.
    """
    with ExitStack() as stack:
        slide = stack.enter_context(opened(job.path, white=job.white))
        aside = stack.enter_context(writing(folder / f"{stem}.csv"))
        (folder / f"{stem}.csv").unlink(missing_ok=True)
        file = stack.enter_context(aside.open("w", newline="", encoding="utf-8"))
        table = CsvRows(file)
        table.write(COLUMNS)
        number = 0
        stage = f"Cutting out cells of {job.name}"
        for part in progress.track(parts, description=stage, total=len(job.tiles)):
            for row, pixels in enumerate(cut_out(slide, part.xy, job.ratio, side_px)):
                number += 1
                place = f"{stem}/{_place(number)}"
                _save(folder / place, pixels)
                centre = np.round(part.xy[row], 2).tolist()
                name = categories[part.label[row]].name
                confidence = round(float(part.confidence[row]), 6)
                table.write((place, job.name, number, name, confidence, *centre))
        _remove_others(folder / stem, number)


def cut_out(slide: Slide, xy: Floats, ratio: Floats, side_px: int) -> Iterator[Pixels]:
    """(side, side, 3) pixels around each of (n, 2) centres in level-0 pixels; white outside the slide.

    The centres should lie near each other: the part of the slide that holds all of them is read at once.
    """
    if not len(xy):
        return
    size = np.maximum(np.round(np.array(slide.finest) / ratio), 1).astype(int)
    corners = np.floor(xy / ratio).astype(int) - side_px // 2
    low, high = corners.min(axis=0), corners.max(axis=0) + side_px
    first, end = np.clip(low, 0, size), np.clip(high, 0, size)
    white = ((first[1] - low[1], high[1] - end[1]), (first[0] - low[0], high[0] - end[0]), (0, 0))
    if (end > first).all():
        (x0, y0), (x1, y1) = first * ratio, np.minimum(end * ratio, slide.finest)
        part = read_region(slide, (x0, y0, x1, y1), (int(end[0] - first[0]), int(end[1] - first[1])))
        whole = np.pad(part, white, constant_values=255)
    else:
        whole = np.full((high[1] - low[1], high[0] - low[0], 3), 255, np.uint8)
    for left, top in corners - low:
        yield whole[top : top + side_px, left : left + side_px]


def _place(number: int) -> str:
    return f"{number // PER_FOLDER:03d}/{number:06d}.png"


def _save(path: Path, pixels: Pixels) -> None:
    """Write a picture, whole or not at all; unlike other files not forced to the disk one by one."""
    from PIL import Image

    with writing(path, synced=False) as aside:
        Image.fromarray(pixels).save(aside, format="PNG")


def _remove_others(folder: Path, number: int) -> None:
    """Remove the crops with a higher number, and nothing that `write_crops` did not write."""
    for path in list(folder.glob("*/*.png")):
        its = int(path.stem) if path.stem.isdecimal() else 0
        if its > number and path == folder / _place(its):
            path.unlink()
            with suppress(OSError):
                path.parent.rmdir()
