"""What a user asks of `bmbench predict`, and what the command answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from bmbench.present.terminal import terminal_table
from bmbench.present.words import UNDEFINED, percent, share

if TYPE_CHECKING:
    from rich.table import Table

    from bmbench.metrics.operating_point import WantedPoint
    from bmbench.statistics.differential import CellShare

MOST_ROWS = 20
"""Images that the table lists; the files have all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictOptions:
    """The options of `bmbench predict`, as they were given.

    Attributes
    ----------
    run : Path
        A finished run, or a model.
    images : tuple of Path
        Images, slides and folders of them.
    out : tuple of Path
        Files (ending .geojson, .geojson.gz, .json, .csv) or a folder that gets one file of `form` an image.
    threshold : float or None
        Cells below this confidence are left out; None takes the run's own threshold.
    at : WantedPoint or None
        What the threshold is chosen by, on the run's optimisation images, in place of that.
    um_per_px : float or None
        Pixel size of the images, where their files do not say it or say it wrongly.
    tile_px, margin_px : int or None
        Side of a tile, margins included, and the margin, on the working grid; None takes them from the
        size of the cells.
    regions : Path or None
        GeoJSON file of the areas to look at, for one image.
    everywhere : bool
        Look at empty glass too.
    areas_cells : int or None
        Look in areas that are countable alone (`bmbench.benchmark.areas`), in as many as hold so many cells;
        None looks wherever anything is stained.
    truth : Path or None
        COCO file whose image ids and categories the COCO output uses.
    crops : Path or None
        A folder for a picture of every cell.
    white : int or None
        The value that is white in 16-bit images; None takes the run's, else one that fits all images.
    crop_px : int or None
        Side of such a picture, on the working grid; None takes it from the size of the cells.
    scale : "stated", "auto" or "shared"
        Whether images are read at the scale that pixel sizes give, or where their nuclei (those of each, or
        of all of them) are as large as in training, whatever pixel sizes say.
    standardise : bool
        Whether their colours are moved to those of the training images.
    """

    run: Path
    images: tuple[Path, ...]
    out: tuple[Path, ...] = (Path("predictions"),)
    form: str | None = None
    threshold: float | None = None
    at: WantedPoint | None = None
    um_per_px: float | None = None
    tile_px: int | None = None
    margin_px: int | None = None
    regions: Path | None = None
    everywhere: bool = False
    areas_cells: int | None = None
    truth: Path | None = None
    crops: Path | None = None
    crop_px: int | None = None
    white: int | None = None
    scale: str = "stated"
    standardise: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReport:
    """What was done with one image.

    Attributes
    ----------
    size : (width, height)
        Of level 0, in pixels.
    um_per_px : float or None
        Pixel size of level 0.
    scale : float
        Pixels of the working grid in one of level 0.
    tiles, of_tiles : int
        How many were looked at, of how many.
    cells : int
        How many were found.
    artefacts : int
        How many artefacts were found beside; only detectors that learned them as a class say so.
    """

    name: str
    size: tuple[int, int]
    um_per_px: float | None
    scale: float
    tiles: int
    of_tiles: int
    cells: int
    artefacts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What `predict` did: its images, its files, and what a user should know about them.

    `adjusted` says how images were brought to the size and the colours of the training images, `broken` in a
    sentence each which could not be read. `artefacts` is their share of all that was found, the images as
    units, which says how good a sample is; None where the detector does not know them.
    """

    images: tuple[ImageReport, ...]
    files: tuple[Path, ...]
    threshold: float
    notes: tuple[str, ...]
    broken: tuple[str, ...] = ()
    adjusted: tuple[str, ...] = ()
    artefacts: CellShare | None = None


def predicted_table(report: Report) -> Table:
    """One row an image: size, pixel size, tiles looked at, cells."""
    caption = f"cells with confidence ≥ {report.threshold:.3f}"
    if len(report.images) > MOST_ROWS:
        caption += f"; the first {MOST_ROWS} of {len(report.images)} images"
    beside = ("artefacts",) if report.artefacts is not None else ()
    table = terminal_table("image", ("size, px", "µm per px", "tiles", "cells", *beside), caption=caption)
    for image in report.images[:MOST_ROWS]:
        um = UNDEFINED if image.um_per_px is None else f"{image.um_per_px:.4g}"
        um += "" if image.scale == 1 else f" (read × {image.scale:.3g})"
        tiles = f"{image.tiles} of {image.of_tiles}"
        size = f"{image.size[0]} × {image.size[1]}"
        found = (str(image.cells), *(str(image.artefacts) for _ in beside))
        table.add_row(escape(image.name), size, um, tiles, *found)
    if len(report.images) > 1:
        table.add_section()
        every = [sum(image.cells for image in report.images), sum(image.artefacts for image in report.images)]
        table.add_row("all", "", "", "", *map(str, every[: 1 + len(beside)]))
    return table


def artefact_line(found: CellShare) -> str:
    """The share of artefacts with its limits, over images where there are enough of them."""
    limits = found.interval or found.exact
    if limits is None:
        return "artefacts: nothing was found, so they have no share"
    over = "over these images" if found.interval else "as if each was drawn by itself: too few images to say"
    low, high = (percent(end) for end in limits)
    return f"artefacts: {found.n} of {found.of} found, {share(found.value)} [{low}, {high}] (95 %, {over})"
