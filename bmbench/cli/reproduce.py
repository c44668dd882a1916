"""`bmbench reproduce`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bmbench.cli import shared_options as shared
from bmbench.cli.terminal import console, listener, print_json, show_terms, stoppable

if TYPE_CHECKING:
    from bmbench.benchmark.reproduce.options import ReproduceOptions
    from bmbench.benchmark.reproduce.study import Preview, Summary


def reproduce(
    out: Annotated[Path, typer.Option(help="The folder of the study; an unfinished one is resumed.")] = Path(
        "study"
    ),
    dataset: shared.Dataset = "synthetic",
    data: shared.Data = None,
    option: shared.Choices = None,
    artefact: shared.Artefact = None,
    cell: shared.Cell = None,
    groups: shared.Groups = None,
    group_from: shared.GroupFrom = None,
    allow_leaks: shared.AllowLeaks = False,
    profile: shared.Profile = "quick",
    methods: Annotated[
        str | None, typer.Option(help="Names with commas.  [default: all that are installed]")
    ] = None,
    tracks: Annotated[str, typer.Option(help="What to learn from.")] = "precise,weak",
    artefacts: Annotated[str, typer.Option(help="How to train artefacts.")] = "background",
    classes: shared.Classes = None,
    seeds: Annotated[str, typer.Option(help="Each run is repeated with every seed.")] = "0,1,2",
    fold: Annotated[
        list[str] | None,
        typer.Option(help="A data set option that chooses the split; more than one: scored as one test set."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of methods: name=value, or method:name=value."),
    ] = None,
    settings: Annotated[
        list[Path] | None,
        typer.Option(help="A file of settings, or study (its own wording); may be repeated."),
    ] = None,
    search: Annotated[
        int | None,
        typer.Option(min=0, help="Trainings of a search before the runs of each row.  [default: profile]"),
    ] = None,
    jitter_px: shared.Jitter = None,
    test_on: shared.TestOn = None,
    jobs: Annotated[int, typer.Option(min=1, help="Runs side by side, one core each.")] = 1,
    cluster: shared.Cluster = None,
    publish: Annotated[
        str | None,
        typer.Option(help="Keep a copy of the study there, and resume from it: s3://BUCKET/F, file:///…"),
    ] = None,
    redo_changed: Annotated[
        bool,
        typer.Option("--redo-changed", help="Delete finished runs that were changed since; make them anew."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the runs and the time, do nothing.")
    ] = False,
    report_only: Annotated[
        bool, typer.Option("--report-only", help="Write the report of what is finished in --out.")
    ] = False,
    json: shared.Json = False,
) -> None:
    """Run the study's experiments on a data set, for one report.

    The report has the study's tables and figures. The same command resumes where a killed one stood;
    --test-on may be repeated.
    """
    from bmbench.benchmark.records.options import parse_list
    from bmbench.benchmark.reproduce.options import ReproduceOptions, parse_seeds

    if report_only:
        from bmbench.benchmark.reproduce.folder import StudyFolder
        from bmbench.benchmark.reproduce.study import report

        _conclude(report(StudyFolder(out), _ignore if json else _say), json=json)
        return
    options = ReproduceOptions(
        out=out,
        dataset=dataset,
        data=data,
        dataset_options=shared.data_options(option, artefact, cell, groups=groups, group_from=group_from),
        profile=profile,
        methods=tuple(map(shared.named_method, parse_list(methods, option="--methods"))) if methods else (),
        tracks=parse_list(tracks, option="--tracks"),
        artefacts=parse_list(artefacts, option="--artefacts"),
        seeds=parse_seeds(seeds),
        folds=tuple(fold or ()),
        settings=tuple(set_ or ()),
        settings_files=tuple(settings or ()),
        classes=() if classes is None else parse_list(classes, option="--classes"),
        search=search,
        jitter_px=jitter_px,
        allow_leaks=allow_leaks,
        test_on=tuple(test_on or ()),
        jobs=jobs,
        cluster=cluster,
        publish=publish,
        redo_changed=redo_changed,
    )
    if dry_run:
        from bmbench.benchmark.reproduce.study import preview

        _show(preview(options, listener(console(), json=json)), json=json)
    else:
        _run(options, json=json)


def _show(seen: Preview, *, json: bool) -> None:
    if json:
        runs = [{"run": cell.name, "finished": cell in seen.finished} for cell in seen.matrix.cells]
        print_json({"runs": runs, "time": seen.time, "notes": list(seen.matrix.notes)})
        return
    for cell in seen.matrix.cells:
        typer.echo(f"{'finished' if cell in seen.finished else 'to do   '}  {cell.name}")
    for note in seen.matrix.notes:
        typer.echo(f"note: {note}")
    left = len(seen.matrix.cells) - len(seen.finished)
    typer.echo(
        f"{len(seen.matrix.cells)} runs, {left} to do: {seen.time}" if left else "every run is finished"
    )


def _run(options: ReproduceOptions, *, json: bool) -> None:
    from bmbench.benchmark.reproduce.study import reproduce as run_study

    show_terms(options.dataset, options.data)
    with stoppable():
        say = _ignore if json else _say
        summary = run_study(options, listener(console(), json=json), say)
    _conclude(summary, json=json)


def _say(line: str) -> None:
    console().print(line, markup=False, highlight=False, soft_wrap=True)


def _ignore(line: str) -> None:
    """Nothing: with ``--json`` there is one JSON value and no more."""


def _conclude(summary: Summary, *, json: bool) -> None:
    """Where the report is, and an exit code that says whether all of its runs are good."""
    from bmbench.present.words import many

    if json:
        print_json(dataclasses.asdict(summary))
    else:
        console().print(f"Report: {summary.report}", markup=False, soft_wrap=True)
    if summary.failures:
        text = f"{many(len(summary.failures), 'run')} failed; the same command tries them again"
        typer.echo(f"error: {text}", err=True)
    if summary.changed:
        text = f"{many(len(summary.changed), 'run')} left out, changed since the end of the run"
        typer.echo(f"error: {text}; restore the files, or add --redo-changed", err=True)
    if summary.failures or summary.changed:
        raise typer.Exit(1)
