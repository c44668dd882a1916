"""`bmbench budget`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bmbench.cli import shared_options as shared
from bmbench.cli.terminal import console, listener, print_json, show_terms, stoppable


def budget(
    out: Annotated[
        Path, typer.Option(help="The folder of the runs and of the report; an unfinished one is resumed.")
    ] = Path("budget"),
    dataset: shared.Dataset = "synthetic",
    data: shared.Data = None,
    option: shared.Choices = None,
    artefact: shared.Artefact = None,
    cell: shared.Cell = None,
    groups: shared.Groups = None,
    group_from: shared.GroupFrom = None,
    allow_leaks: shared.AllowLeaks = False,
    profile: shared.Profile = "quick",
    methods: Annotated[str, typer.Option(help="Names with commas.")] = "unet_shrink",
    tracks: Annotated[
        str, typer.Option(help="What to learn from: precise (outlines), weak (circles), drawn.")
    ] = "precise,weak",
    shares: Annotated[
        str, typer.Option(help="Per cent of the training images, with commas.")
    ] = "5,10,20,50,100",
    seeds: Annotated[str, typer.Option(help="Each run is repeated with every seed.")] = "0,1,2",
    circle_s: Annotated[float, typer.Option("--seconds-circle", min=0, help="Of work for a circle.")] = 7.0,
    contour_s: Annotated[
        float, typer.Option("--seconds-contour", min=0, help="Of work for an outline.")
    ] = 79.0,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of methods: name=value, or method:name=value."),
    ] = None,
    jitter_px: shared.Jitter = None,
    jobs: Annotated[int, typer.Option(min=1, help="Runs side by side, one core each.")] = 1,
    cluster: shared.Cluster = None,
    redo_changed: Annotated[
        bool, typer.Option("--redo-changed", help="Delete finished runs that were changed; make them anew.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the runs and the time, do nothing.")
    ] = False,
    json: shared.Json = False,
) -> None:
    """Train on few and on all annotations: score by effort.

    The report has a table and a figure. The same command resumes where a killed one stood.
    """
    from bmbench.benchmark.budget.options import BudgetOptions, parse_shares
    from bmbench.benchmark.budget.plan import plan_budget, run_budget
    from bmbench.benchmark.budget.points import budget_points
    from bmbench.benchmark.budget.report import about, budget_tables, point_record, write_budget
    from bmbench.benchmark.records.options import parse_list
    from bmbench.benchmark.reproduce.options import ReproduceOptions, parse_seeds

    options = BudgetOptions(
        study=ReproduceOptions(
            out=out,
            dataset=dataset,
            data=data,
            dataset_options=shared.data_options(option, artefact, cell, groups=groups, group_from=group_from),
            profile=profile,
            methods=tuple(map(shared.named_method, parse_list(methods, option="--methods"))),
            tracks=parse_list(tracks, option="--tracks"),
            seeds=parse_seeds(seeds),
            settings=tuple(set_ or ()),
            jitter_px=jitter_px,
            allow_leaks=allow_leaks,
            jobs=jobs,
            cluster=cluster,
            redo_changed=redo_changed,
            search=0,
        ),
        shares=parse_shares(parse_list(shares, option="--shares")),
        circle_s=circle_s,
        contour_s=contour_s,
    )
    if dry_run:
        plan = plan_budget(options)
        if json:
            print_json({"runs": plan.lines(), "notes": list(plan.notes)})
        else:
            for line in (*(f"note: {note}" for note in plan.notes), *plan.lines()):
                typer.echo(line)
        return
    show_terms(dataset, data)
    with stoppable():
        plan, failures = run_budget(options, listener(console(), json=json), _ignore if json else _say)
    points = budget_points(plan.studies, options)
    page = write_budget(points, options, plan.notes)
    if json:
        print_json(
            {
                "points": [point_record(point) for point in points],
                "notes": [*plan.notes, *about(options)],
                "failures": [list(one) for one in failures],
                "report": str(page),
            }
        )
    else:
        for table in budget_tables(points):
            console().print(table)
        _say(f"Report: {page}")
    if failures:
        from bmbench.present.words import many

        typer.echo(f"error: {many(len(failures), 'run')} left out; the same command tries again", err=True)
        for name, reason in failures:
            typer.echo(f"error: {name}: {reason}", err=True)
        raise typer.Exit(1)


def _say(line: str) -> None:
    console().print(line, markup=False, highlight=False, soft_wrap=True)


def _ignore(line: str) -> None:
    """Nothing: with ``--json`` there is one JSON value and no more."""
