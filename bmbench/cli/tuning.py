"""`bmbench tune`."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bmbench.cli import shared_options as shared
from bmbench.cli.terminal import alone, console, is_given, listener, print_json, show_terms, stoppable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from bmbench.benchmark.search.search import Tuning
    from bmbench.benchmark.workers.cluster import Cluster


def tune(
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
    jitter_px: shared.Jitter = None,
    seed: shared.Seed = 0,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="A setting that is not searched: name=value.")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="A file of settings that are not searched, or study.")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Trainings to make.  [default: 20]", show_default=False)
    ] = None,
    decodings: Annotated[
        int, typer.Option(min=0, help="Ways to decode that are tried on each training.")
    ] = 16,
    cluster: shared.Cluster = None,
    at_once: Annotated[
        int, typer.Option(min=1, help="Trials of one round; part of what a search finds, as the seed is.")
    ] = 1,
    store: Annotated[
        str | None,
        typer.Option(help="A database that keeps the trials: postgresql://USER@HOST/DATABASE."),
    ] = None,
    out: shared.Out = Path("runs"),
    resume: Annotated[
        Path | None, typer.Option(help="Resume the search in this directory; --trials may add to it.")
    ] = None,
    json: shared.Json = False,
) -> None:
    """Search for better settings of a method.

    Each trial learns from the training images, stops by the validation images and is judged by the
    optimisation images.
    """
    from bmbench.benchmark.records.options import RunOptions, parse_pairs
    from bmbench.benchmark.records.settings_files import with_settings
    from bmbench.benchmark.search.plan import TuneOptions
    from bmbench.benchmark.search.postgresql import Database
    from bmbench.benchmark.search.search import resume_tuning
    from bmbench.benchmark.search.search import tune as search
    from bmbench.benchmark.search.table import tuning_table

    run = RunOptions(
        method=method,
        dataset=dataset,
        data=data,
        dataset_options=shared.data_options(option, artefact, cell, groups=groups, group_from=group_from),
        allow_leaks=allow_leaks,
        track=track,
        profile=profile,
        artefacts=artefacts,
        jitter_px=jitter_px,
        seed=seed,
        settings=parse_pairs(set_ or [], option="--set"),
        models=1,
        out=out,
    )
    terminal = console()
    heard = listener(terminal, json=json)
    with stoppable(), _workers(cluster, terminal, json=json) as workers:
        if resume is None:
            if settings is not None:
                given = [name for name in ("method", "profile") if is_given(context, name)]
                run = with_settings(run, settings, given=given)
            show_terms(dataset, data)
            options = TuneOptions(
                run=run,
                trials=trials or 20,
                decodings=decodings,
                at_once=at_once,
                store=None if store is None else Database.parse(store),
            )
            found = search(options, heard, cluster=workers)
        else:
            alone(context, "resume", beside=("trials", "cluster", "store", "json"))
            found = resume_tuning(resume, heard, trials=trials, cluster=workers, store=store)
    if json:
        print_json({**found.to_json(), "retrain": run_command(found)})
        return
    terminal.print(tuning_table(found))
    terminal.print(f"\nSearch directory: [bold]{found.path}[/]", soft_wrap=True)
    terminal.print("Retrain with the best settings and look once at the test images:")
    terminal.print(f"  {run_command(found)}", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _workers(address: str | None, terminal: Console, *, json: bool) -> Iterator[Cluster | None]:
    if address is None:
        yield None
        return
    from bmbench.benchmark.workers.cluster import connected

    with connected(address, lambda line: None if json else terminal.print(line, markup=False)) as cluster:
        yield cluster


def run_command(found: Tuning) -> str:
    """The command that makes a run with the settings of a search, on its data."""
    from bmbench.adapters import METHODS
    from bmbench.benchmark.records.options import RunOptions

    plain, asked = RunOptions(), found.run
    words = ["bmbench", "run", "--settings", str(found.settings), "--retrain"]
    if (place := METHODS.named_place(asked.method)) is not None:
        words += ["--method", place]
    for name in ("dataset", "data", "track", "artefacts", "jitter_px", "seed"):
        if (value := getattr(asked, name)) != getattr(plain, name):
            words += [f"--{name.replace('_', '-')}", str(value)]
    for name, value in asked.dataset_options.items():
        words += ["--option", f"{name}={value}"]
    words += ["--allow-leaks"] if asked.allow_leaks else []
    return shlex.join(words)
