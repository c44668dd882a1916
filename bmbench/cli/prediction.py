"""`bmbench predict`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from bmbench.cli import shared_options as shared
from bmbench.cli.terminal import console, print_json, stoppable


def predict(
    images: Annotated[
        list[Path], typer.Argument(help="Images, slides, folders of them.", show_default=False)
    ],
    run: shared.Run = None,
    model: shared.Model = None,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out",
            "-o",
            help="A .geojson, .geojson.gz, .json (COCO) or .csv file, or a folder.",
        ),
    ] = None,
    form: Annotated[
        str | None, typer.Option("--to", help="What a folder gets: geojson, geojson.gz, json or csv.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Leave out cells below this confidence.  [default: the run's own]"),
    ] = None,
    scale: shared.Scale = shared.ScaleOf.stated,
    standardise: shared.Standardise = False,
    at: Annotated[
        str | None,
        typer.Option(help="f1, recall=0.95, precision=0.9 or miss=0.1@0.9, on the run's own images."),
    ] = None,
    um_per_px: Annotated[
        float | None, typer.Option(min=0, help="Pixel size of the images.  [default: as their files say]")
    ] = None,
    regions: Annotated[Path | None, typer.Option(help="GeoJSON areas to look at, of one slide.")] = None,
    everywhere: Annotated[bool, typer.Option("--everywhere", help="Look at empty glass too.")] = False,
    areas: shared.Areas = None,
    areas_cells: shared.AreasCells = None,
    tile_px: Annotated[
        int | None, typer.Option(min=64, help="Side of a tile.  [default: the best for the method]")
    ] = None,
    margin_px: Annotated[
        int | None, typer.Option(min=0, help="Margin of a tile.  [default: 1.5 of the largest cell]")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="A COCO file whose image ids the .json output takes.")
    ] = None,
    white: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="White in 16-bit images.  [default: the run's, or one for all]"),
    ] = None,
    crops: Annotated[Path | None, typer.Option(help="A folder for a picture of every cell.")] = None,
    crop_px: Annotated[int | None, typer.Option(min=8, max=4096, help="Side of these pictures, px.")] = None,
    json: shared.Json = False,
) -> None:
    """Find cells on images and whole slides.

    With a model that comes with bmbench, or with a trained run. The same command resumes where a killed
    one stood; --out may be repeated.
    """
    from bmbench.benchmark.areas.area_files import FOLDER as AREAS
    from bmbench.benchmark.prediction.options import PredictOptions, artefact_line, predicted_table
    from bmbench.benchmark.prediction.predict import predict as predict_images
    from bmbench.core.console import Terminal
    from bmbench.core.progress import Silent
    from bmbench.metrics.operating_point import WantedPoint

    options = PredictOptions(
        run=shared.trained_place(run, model),
        images=tuple(images),
        out=tuple(out or [Path("predictions")]),
        form=form,
        threshold=threshold,
        at=None if at is None else WantedPoint.parsed(at),
        um_per_px=um_per_px,
        tile_px=tile_px,
        margin_px=margin_px,
        regions=regions,
        everywhere=everywhere,
        areas_cells=shared.areas_cells(areas, areas_cells),
        truth=truth,
        crops=crops,
        crop_px=crop_px,
        white=white,
        scale=scale.value,
        standardise=standardise,
    )
    terminal = console()
    with stoppable():
        report = predict_images(options, Silent() if json else Terminal(terminal))
    if json:
        print_json(dataclasses.asdict(report))
        return
    terminal.print(predicted_table(report))
    if report.artefacts is not None:
        terminal.print(artefact_line(report.artefacts), markup=False, highlight=False, soft_wrap=True)
    for line in report.adjusted:
        terminal.print(line, markup=False, soft_wrap=True)
    for note in report.notes:
        terminal.print(f"note: {note}", markup=False, soft_wrap=True)
    beside = dict.fromkeys(path.parent for path in report.files if path.parent.name == AREAS)
    written = ", ".join(str(path) for path in (*options.out, *((crops,) if crops else ()), *beside))
    terminal.print(f"Written: {written}", markup=False, soft_wrap=True)
    if report.broken:
        for sentence in report.broken:
            typer.echo(f"error: {sentence}", err=True)
        many = len(report.images)
        typer.echo(f"{len(report.broken)} could not be read, {many} others are predicted", err=True)
        raise typer.Exit(2)
    if any(".geojson" in path.name for path in report.files):
        terminal.print("In QuPath: open the image, then drag its .geojson file onto it", soft_wrap=True)
