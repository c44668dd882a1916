"""From a slide and a run to a job: at which scale, in which tiles, where."""

from collections.abc import Sequence

import numpy as np

from bmbench.adapters.images.appearance import MOST_WINDOWS, windows
from bmbench.benchmark.areas.choose import ChosenAreas, choose_areas
from bmbench.benchmark.prediction.image import ImageJob
from bmbench.benchmark.prediction.options import PredictOptions
from bmbench.benchmark.prediction.selection import (
    EVERYTHING,
    Selection,
    core_on_slide,
    in_regions,
    where_stained,
    within_areas,
)
from bmbench.benchmark.prediction.tiles import Grid
from bmbench.benchmark.protocol.adjustment import Adjusting, adjust
from bmbench.benchmark.protocol.image_scale import scale
from bmbench.benchmark.records.trained_run import TrainedRun
from bmbench.core.errors import BadInputError
from bmbench.core.geometry import rectangle
from bmbench.core.progress import Progress, Silent
from bmbench.core.types import Pixels
from bmbench.datasets.slides import Slide, read_region
from bmbench.datasets.slides.slide import PLAUSIBLE_UM, plausible_um

TILE_PX = 2048
"""Side of a tile for detectors that have no wish of their own."""
LARGEST_TILE_PX = 4096
"""No larger one, whatever the detector wishes: half a dozen of them are in memory at a time."""
UNKNOWN_CELL_PX = 160.0
"""Taken as the largest cell where a run does not say: its record is older than this command."""
MARGIN_CELLS = 1.5
"""Margin around a tile, in diameters of the largest cell: the cell and what a detector sees around it."""


def prepare(
    slide: Slide,
    name: str,
    trained: TrainedRun,
    options: PredictOptions,
    *,
    white: int | None = None,
    asked: Adjusting | None = None,
    progress: Progress | None = None,
) -> ImageJob:
    """How this slide is predicted; `white` is that of an image of 16 bits.

    `asked` is what the options ask for unless it is given, with the size that all images share.

    Raises
    ------
    BadInputError
        If the tiles or the pixel size that are asked for cannot be, or the region file is none.
    """
    um_per_px = _pixel_size(slide, options)
    adjustment = adjust(
        asked or adjusting(trained, options),
        lambda: measured_windows(slide, options),
        stated=scale(um_per_px, trained.um_per_px),
    )
    factor = adjustment.factor
    size = max(1, round(slide.width * factor)), max(1, round(slide.height * factor))
    ratio = np.array([slide.width / size[0], slide.height / size[1]])
    grid = _grid(size, trained, options)
    areas = None
    if options.areas_cells is not None:
        areas = choose_areas(
            slide,
            measured_windows(slide, options),
            wanted=options.areas_cells,
            name=name,
            progress=progress or Silent(),
        )
    selection = _selection(slide, grid, options, areas)
    tiles = tuple(grid.tiles(lambda core: selection.wanted(core_on_slide(core, ratio))))
    return ImageJob(
        path=slide.path,
        name=name,
        size=slide.finest,
        um_per_px=um_per_px,
        ratio=ratio,
        grid=grid,
        tiles=tiles,
        selection=selection,
        origin=slide.origin,
        white=white,
        adjustment=adjustment,
        areas=areas,
    )


def adjusting(trained: TrainedRun, options: PredictOptions) -> Adjusting:
    """What is asked for, beside how the training images look."""
    return Adjusting.of(scale=options.scale, standardise=options.standardise, learned=trained.appearance)


def measured_windows(slide: Slide, options: PredictOptions) -> list[Pixels]:
    """The parts of a slide on which its nuclei and colours are measured, at full resolution."""
    every = windows(slide.width, slide.height)
    selection = EVERYTHING
    if options.regions is not None:
        selection = in_regions(options.regions)
    elif len(every) == MOST_WINDOWS and not options.everywhere:
        selection = where_stained(slide)
    return [
        read_region(slide, window, (window[2] - window[0], window[3] - window[1]))
        for window in windows(slide.width, slide.height, selection.wanted)
    ]


def _pixel_size(slide: Slide, options: PredictOptions) -> float | None:
    asked = options.um_per_px
    if asked is None:
        return slide.um_per_px
    if plausible_um(asked, asked) is None:
        expected = "{:g} to {:g} µm".format(*PLAUSIBLE_UM)
        raise BadInputError(
            "no pixel size of a microscope", where="--um-per-px", expected=expected, got=f"{asked:g}"
        )
    return asked


def largest_cell_px(trained: TrainedRun) -> float:
    """Diameter of the largest cell, on the working grid."""
    return trained.largest_cell_px or UNKNOWN_CELL_PX


def notes(trained: TrainedRun, jobs: Sequence[ImageJob], options: PredictOptions) -> tuple[str, ...]:
    """What was taken for granted, a sentence each."""
    found = []
    unknown = [job.name for job in jobs if job.um_per_px is None]
    if trained.um_per_px is None and options.scale == "stated":
        found.append(
            f"{trained.path.name} does not know the pixel size of its images: nothing was rescaled "
            "(--scale auto reads images where their nuclei are as large as in training)"
        )
    elif unknown and options.scale == "stated":
        others = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        found.append(
            f"{unknown[0]}{others}: pixel size unknown, taken as the run's {trained.um_per_px:.4g} µm "
            "(--um-per-px says it)"
        )
    found += [
        f"{job.name}: coordinates begin at the scanned area, as in QuPath, which lies at ({job.origin[0]}, "
        f"{job.origin[1]}) on the glass; .json and .csv files state it"
        for job in jobs
        if job.origin != (0, 0)
    ]
    found += [line for job in jobs if job.areas is not None for line in job.areas.lines(job.name)]
    passed = [job.name for job in jobs if not job.tiles and job.areas is None]
    if passed and options.regions is not None:
        found.append(f"{passed[0]}: no region of {options.regions} lies on it (they are in pixels, not µm)")
    elif passed:
        others = f" and {len(passed) - 1} more" if len(passed) > 1 else ""
        found.append(f"{passed[0]}{others}: nothing stained was seen (--everywhere looks all the same)")
    if trained.largest_cell_px is None and options.margin_px is None:
        found.append(
            f"{trained.path} does not say how large its cells are: "
            f"margins are for cells of up to {UNKNOWN_CELL_PX:g} px (--margin-px says them)"
        )
    return tuple(found)


def _grid(size: tuple[int, int], trained: TrainedRun, options: PredictOptions) -> Grid:
    cell_px = largest_cell_px(trained)
    margin_px = options.margin_px if options.margin_px is not None else int(np.ceil(MARGIN_CELLS * cell_px))
    best_px = getattr(trained.detector, "best_tile_px", TILE_PX)
    tile_px = options.tile_px or max(min(best_px, LARGEST_TILE_PX), 6 * margin_px)
    try:
        return Grid.of(size, tile_px=tile_px, margin_px=margin_px, band_px=min(cell_px / 2, margin_px))
    except ValueError as error:
        raise BadInputError(str(error), remedy="enlarge --tile-px or reduce --margin-px") from None


def _selection(slide: Slide, grid: Grid, options: PredictOptions, areas: ChosenAreas | None) -> Selection:
    if areas is not None:
        return within_areas([rectangle(*field.box) for field in areas.chosen])
    if options.regions is not None:
        return in_regions(options.regions)
    return EVERYTHING if options.everywhere or len(grid) == 1 else where_stained(slide)
