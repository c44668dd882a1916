"""The `bmbench` command: each command parses, calls one function and prints."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bmbench.cli.datasets import app as datasets_app
from bmbench.cli.experiments import TestOn, artefacts, redecode, try_elsewhere
from bmbench.cli.leaderboards import leaderboard_app, submit, validate
from bmbench.cli.reproduce import reproduce
from bmbench.cli.scores import compare, score
from bmbench.cli.terminal import alone, is_given, show_run, show_terms, stoppable
from bmbench.cli.terminal import console as _console
from bmbench.cli.tuning import tune
from bmbench.core.errors import BmbenchError

app = typer.Typer(
    name="bmbench",
    help="Benchmark the localisation of haematopoietic cells in bone-marrow microscopy.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def run(
    context: typer.Context,
    method: Annotated[str, typer.Option(help="What to train; `bmbench methods` lists them.")] = "unet_shrink",
    dataset: Annotated[
        str, typer.Option(help="A name that `bmbench datasets list` shows, or a COCO JSON file.")
    ] = "synthetic",
    data: Annotated[Path | None, typer.Option(help="The folder that holds the data set.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="A choice of the data set: name=value.")] = None,
    track: Annotated[
        str, typer.Option(help="What to learn from: weak circles or precise contours.")
    ] = "weak",
    profile: Annotated[
        str, typer.Option(help="How much work: quick (CPU minutes) or paper (GPU hours).")
    ] = "quick",
    artefacts: Annotated[
        str, typer.Option(help="Train cell-like artefacts as background, foreground, or a class.")
    ] = "background",
    classes: Annotated[
        str | None,
        typer.Option(help="Classes of cells to tell apart: all, or names with commas.  [default: none]"),
    ] = None,
    jitter_px: Annotated[
        float | None,
        typer.Option(min=0, help="Jitter of simulated circles in px.  [default: 3 px scaled to the cells]"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same predictions.")] = 0,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the method: name=value.")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="Method, profile and settings from the settings.json of a search.")
    ] = None,
    retrain: Annotated[
        bool | None,
        typer.Option(
            "--retrain/--no-retrain",
            help="Fit again on train + optimisation images once the threshold is chosen.  [default: profile]",
            show_default=False,
        ),
    ] = None,
    models: Annotated[
        int | None, typer.Option(min=1, help="Models that answer together.  [default: profile]")
    ] = None,
    test_on: TestOn = None,
    devices: Annotated[
        int,
        typer.Option(min=1, help="Graphics cards (or processes) that train together, to the same result."),
    ] = 1,
    out: Annotated[Path, typer.Option(help="The folder that run directories are made in.")] = Path("runs"),
    resume: Annotated[
        Path | None, typer.Option(help="Go on with the run in this directory, as it was begun.")
    ] = None,
) -> None:
    """Train a method, choose its threshold, predict, score and draw; --resume goes on with a stopped run."""
    from rich.console import Console

    from bmbench.benchmark.records.options import RunOptions, parse_pairs
    from bmbench.benchmark.records.settings_file import with_settings
    from bmbench.benchmark.reproduce.options import parse_list
    from bmbench.benchmark.run.run import resume as resume_run
    from bmbench.benchmark.run.run import run as run_benchmark
    from bmbench.core.console import Terminal

    options = RunOptions(
        method=method,
        dataset=dataset,
        data=data,
        dataset_options=parse_pairs(option or [], option="--option"),
        track=track,
        profile=profile,
        artefacts=artefacts,
        classes=() if classes is None else parse_list(classes, option="--classes"),
        jitter_px=jitter_px,
        seed=seed,
        settings=parse_pairs(set_ or [], option="--set"),
        retrain=retrain,
        models=models,
        test_on=tuple(test_on or ()),
        devices=devices,
        out=out,
    )
    console = Console()
    with stoppable():
        if resume is None:
            if settings is not None:
                given = [name for name in ("method", "profile") if is_given(context, name)]
                options = with_settings(options, settings, given=given)
            show_terms(dataset, data)
            folder = run_benchmark(options, Terminal(console))
        else:
            alone(context, "resume", beside=("devices",))
            folder = resume_run(resume, Terminal(console), devices=devices)
    show_run(console, folder)


def predict(
    images: Annotated[
        list[Path], typer.Argument(help="Images, slides, folders of them.", show_default=False)
    ],
    run: Annotated[Path, typer.Option(help="A finished run: the folder that `bmbench run` printed.")],
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out",
            "-o",
            help="A .geojson, .geojson.gz, .json (COCO) or .csv file, or a folder; may be repeated.",
        ),
    ] = None,
    form: Annotated[
        str | None, typer.Option("--to", help="What a folder gets: geojson, geojson.gz, json or csv.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Leave out cells below this confidence.  [default: the run's own]"),
    ] = None,
    um_per_px: Annotated[
        float | None, typer.Option(min=0, help="Pixel size of the images.  [default: as their files say]")
    ] = None,
    regions: Annotated[Path | None, typer.Option(help="GeoJSON areas to look at, of one slide.")] = None,
    everywhere: Annotated[bool, typer.Option("--everywhere", help="Look at empty glass too.")] = False,
    tile_px: Annotated[
        int | None, typer.Option(min=64, help="Side of a tile.  [default: what the method likes best]")
    ] = None,
    margin_px: Annotated[
        int | None, typer.Option(min=0, help="Margin of a tile.  [default: 1.5 of the largest cell]")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="A COCO file whose image ids the .json output takes.")
    ] = None,
    crops: Annotated[Path | None, typer.Option(help="A folder for a picture of every cell.")] = None,
    crop_px: Annotated[int | None, typer.Option(min=8, max=4096, help="Side of these pictures, px.")] = None,
) -> None:
    """Find the cells on images and whole slides with a trained run; the same call goes on if killed."""
    from bmbench.benchmark.prediction.options import PredictOptions
    from bmbench.benchmark.prediction.predict import predict as predict_images
    from bmbench.benchmark.prediction.table import predicted_table
    from bmbench.core.console import Terminal

    options = PredictOptions(
        run=run,
        images=tuple(images),
        out=tuple(out or [Path("predictions")]),
        form=form,
        threshold=threshold,
        um_per_px=um_per_px,
        tile_px=tile_px,
        margin_px=margin_px,
        regions=regions,
        everywhere=everywhere,
        truth=truth,
        crops=crops,
        crop_px=crop_px,
    )
    console = _console()
    with stoppable():
        report = predict_images(options, Terminal(console))
    console.print(predicted_table(report))
    for note in report.notes:
        console.print(f"note: {note}", markup=False, soft_wrap=True)
    written = ", ".join(str(path) for path in options.out + ((crops,) if crops else ()))
    console.print(f"Written: {written}", markup=False, soft_wrap=True)
    if any(".geojson" in path.name for path in report.files):
        console.print("In QuPath: open the image, then drag its .geojson file onto it", soft_wrap=True)


def methods() -> None:
    """Every method, its family, what it needs, whether it is installed."""
    from bmbench.benchmark.run.tables import methods_table

    _console().print(methods_table())


for _command in (
    run,
    tune,
    reproduce,
    redecode,
    predict,
    score,
    compare,
    artefacts,
    submit,
    validate,
    methods,
):
    app.command()(_command)
app.command("test")(try_elsewhere)
app.add_typer(datasets_app, name="datasets")
app.add_typer(leaderboard_app, name="leaderboard")


def main() -> None:
    """The entry point: a user's mistake is one sentence and an exit code, a bug keeps its traceback."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        app(args=arguments)
    except BmbenchError as error:
        if "--debug" in sys.argv:
            raise
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
