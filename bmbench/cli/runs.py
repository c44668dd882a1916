"""Commands that make runs, and that look further at finished ones."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bmbench.cli import shared_options as shared
from bmbench.cli.terminal import (
    alone,
    console,
    is_given,
    listener,
    print_json,
    show_run,
    show_terms,
    stoppable,
)
from bmbench.core.errors import BadInputError


class Match(StrEnum):
    """What a hit is."""

    centres = "centres"
    boxes = "boxes"


class SecondStage(StrEnum):
    """What tells the classes of cells that a method finds."""

    crops = "crops"


def run(
    context: typer.Context,
    method: shared.Method = "unet_shrink",
    dataset: shared.Dataset = "synthetic",
    data: shared.Data = None,
    option: shared.Choices = None,
    artefact: shared.Artefact = None,
    cell: shared.Cell = None,
    groups: shared.Groups = None,
    group_from: shared.GroupFrom = None,
    allow_leaks: shared.AllowLeaks = False,
    track: shared.Track = None,
    profile: shared.Profile = "quick",
    artefacts: shared.Artefacts = "background",
    classes: shared.Classes = None,
    classifier: Annotated[
        SecondStage | None,
        typer.Option(help="A second network that tells the classes of what the method finds."),
    ] = None,
    jitter_px: shared.Jitter = None,
    seed: shared.Seed = 0,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the method: name=value.")
    ] = None,
    settings: shared.Settings = None,
    retrain: Annotated[
        bool | None,
        typer.Option(
            "--retrain/--no-retrain",
            help="Fit again with the optimisation images as well.  [default: profile]",
            show_default=False,
        ),
    ] = None,
    models: Annotated[
        int | None, typer.Option(min=1, help="Models that answer together.  [default: profile]")
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", help="Begin with the weights of a model or run: a name, or a folder."),
    ] = None,
    test_on: shared.TestOn = None,
    devices: Annotated[
        int,
        typer.Option(min=1, help="Graphics cards (or processes) that train together, to the same result."),
    ] = 1,
    log: Annotated[
        list[str] | None,
        typer.Option(help="Also tell tensorboard, mlflow or wandb, in OUT/logs; may be repeated."),
    ] = None,
    out: shared.Out = Path("runs"),
    resume: Annotated[
        Path | None, typer.Option(help="Resume the run in this directory, as it was begun.")
    ] = None,
    json: shared.Json = False,
) -> None:
    """Train a method, choose its threshold, predict and score.

    The results are drawn, too. --resume resumes a stopped run; --test-on may be repeated.
    """
    from bmbench.benchmark.models.start import start_method
    from bmbench.benchmark.records.options import RunOptions, parse_list, parse_pairs
    from bmbench.benchmark.records.settings_files import with_settings
    from bmbench.benchmark.run.begin_or_resume import resume as resume_run
    from bmbench.benchmark.run.begin_or_resume import run as run_benchmark

    terminal = console()
    progress = listener(terminal, json=json)
    options = RunOptions(
        method=method,
        dataset=dataset,
        data=data,
        dataset_options=shared.data_options(option, artefact, cell, groups=groups, group_from=group_from),
        allow_leaks=allow_leaks,
        track=track,
        profile=profile,
        artefacts=artefacts,
        classes=() if classes is None else parse_list(classes, option="--classes"),
        jitter_px=jitter_px,
        seed=seed,
        settings=parse_pairs(set_ or [], option="--set"),
        retrain=retrain,
        models=models,
        start=from_,
        test_on=tuple(test_on or ()),
        devices=devices,
        log=tuple(log or ()),
        out=out,
    )
    with stoppable():
        if resume is None:
            if from_ is not None and not is_given(context, "method"):
                options = replace(options, method=start_method(from_))
            if settings is not None:
                given = [name for name in ("method", "profile") if is_given(context, name)]
                options = with_settings(options, settings, given=given)
            if classifier is not None and not options.method.endswith(f"+{classifier.value}"):
                options = replace(options, method=f"{options.method}+{classifier.value}")
            show_terms(dataset, data)
            folder = run_benchmark(options, progress)
        else:
            alone(context, "resume", beside=("devices", "log", "json"))
            folder = resume_run(resume, progress, devices=devices, log=options.log)
    if json:
        print_json({"folder": str(folder.path), **folder.read("metrics.json")})
    else:
        show_run(terminal, folder)


def apply_to_other_sets(
    on: Annotated[
        list[str],
        typer.Option(help="NAME[,data=DIR][,use=all][,cell_px=N][,name=value]; may be repeated."),
    ],
    run: shared.Run = None,
    model: shared.Model = None,
    scale: shared.Scale = shared.ScaleOf.stated,
    standardise: shared.Standardise = False,
    out: Annotated[
        Path | None,
        typer.Option(help="The folder for the results of a model.  [default: elsewhere/NAME]"),
    ] = None,
    json: shared.Json = False,
) -> None:
    """Apply a finished run, or a model, unchanged to other images.

    They may be of another stain, tissue or laboratory. The results of a run lie in its folder.
    """
    from bmbench.benchmark.models.places import is_model
    from bmbench.benchmark.protocol.adjustment import Adjusting
    from bmbench.benchmark.run.apply_to_other_sets import apply_model, apply_run
    from bmbench.benchmark.run.tables import other_sets_record, other_sets_table

    terminal, own = console(), None
    heard = listener(terminal, json=json)
    asked = Adjusting.of(scale=scale.value, standardise=standardise)
    place = shared.trained_place(run, model)
    if is_model(place):
        elsewhere = out or Path("elsewhere") / place.name
        apply_model(place, on, heard, out=elsewhere, asked=asked)
    else:
        if out is not None:
            raise BadInputError("--out: the results of a run lie in its folder", remedy="leave it out")
        own = apply_run(place, on, heard, asked=asked)
        elsewhere = own.elsewhere
    if json:
        print_json(other_sets_record(elsewhere, own))
        return
    terminal.print(other_sets_table(elsewhere, own))
    terminal.print(f"Written: {elsewhere}", markup=False, soft_wrap=True)


def redecode(
    run: Annotated[Path, typer.Option(help="A finished run: the folder that `bmbench run` printed.")],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting that needs no training: name=value; may be repeated."),
    ] = None,
    decodings: Annotated[
        int, typer.Option(min=0, help="Ways to try on the optimisation images; the best is taken.")
    ] = 0,
    out: shared.Out = Path("runs"),
    json: shared.Json = False,
) -> None:
    """Decode a trained run's maps with other settings.

    Nothing is trained again; the result is a new run.
    """
    from bmbench.benchmark.records.options import parse_pairs
    from bmbench.benchmark.records.run_folder import RunDir
    from bmbench.benchmark.run.redecode import changed_settings
    from bmbench.benchmark.run.redecode import redecode as redecode_run

    terminal, settings = console(), parse_pairs(set_ or [], option="--set")
    if not settings and not decodings:
        raise BadInputError("nothing to change", expected="--set NAME=VALUE, or --decodings N")
    with stoppable():
        heard = listener(terminal, json=json)
        folder = redecode_run(run, out, heard, settings=settings, n_decodings=decodings)
    if json:
        print_json(
            {"folder": str(folder.path), "settings": folder.config().settings, **folder.read("metrics.json")}
        )
        return
    show_run(terminal, folder)
    terminal.print(changed_settings(RunDir.open(run), folder), markup=False, soft_wrap=True)


def artefacts(
    runs: Annotated[list[Path], typer.Argument(help="Finished runs of one data set.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The folder for artefacts.md and artefacts.png.")] = Path(),
    match: Annotated[Match, typer.Option(help="Count by centres or by boxes.")] = Match.centres,
) -> None:
    """Count what runs get wrong, by what they learned of artefacts.

    It is a table and a figure: the study's Figure 8.
    """
    from bmbench.benchmark.reproduce.report.error_counts import draw_errors, error_counts, errors_table
    from bmbench.core.files import write_text

    rows = error_counts(runs, geometry="cd" if match == Match.centres else "bb")
    table = errors_table(rows)
    write_text(out / "artefacts.md", table)
    draw_errors(out / "artefacts.png", rows)
    typer.echo(table)
    typer.echo(f"Written: {out / 'artefacts.md'}, {out / 'artefacts.png'}")
