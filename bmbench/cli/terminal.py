"""Where the commands print, and how they end when somebody stops them."""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from bmbench.core.errors import BadInputError, Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console

    from bmbench.benchmark.records.run_folder import RunDir
    from bmbench.core.progress import Progress


def print_any_sign() -> None:
    """A pipe or a terminal that lacks a sign of ours (cp1252 has no ✓) gets a question mark for it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def console() -> Console:
    """The terminal; as wide as it is, or 80 columns into a file."""
    from rich.console import Console

    return Console()


def print_json(value: Any) -> None:
    """One JSON value on one line, as every ``--json`` prints it."""
    import json

    typer.echo(json.dumps(value, allow_nan=False, default=str))


def listener(terminal: Console, *, json: bool) -> Progress:
    """Who hears of the work: the terminal; with ``--json`` nobody, as there is one JSON value and no more."""
    from bmbench.core.console import Terminal
    from bmbench.core.progress import Silent

    return Silent() if json else Terminal(terminal)


@contextmanager
def stoppable() -> Iterator[None]:
    """End with one sentence and the shell's exit code for Ctrl-C where work that can go on is stopped."""
    try:
        yield
    except Stopped as stopped:
        typer.echo(f"\n{stopped}", err=True)
        raise typer.Exit(130) from None


def is_given(context: typer.Context, parameter: str) -> bool:
    """Whether somebody wrote this option on the command line."""
    return getattr(context.get_parameter_source(parameter), "name", "") == "COMMANDLINE"


def alone(context: typer.Context, name: str, *, beside: tuple[str, ...] = ()) -> None:
    """Nothing, or a BadInputError if an option was given that may not stand beside the one of that name."""
    allowed = (name, *beside)
    given = [option for option in context.params if option not in allowed and is_given(context, option)]
    if given:
        option = given[0].rstrip("_").replace("_", "-")
        raise BadInputError(
            f"--{name} resumes what was asked for then",
            got=f"--{option} as well",
            remedy="leave that out",
        )


def show_terms(dataset: str, data: Path | None) -> None:
    """Licence and citation of a public set on the error stream, the first time that it is used."""
    from bmbench.datasets.fetch.store import terms_at_first_use

    for line in terms_at_first_use(dataset, data):
        typer.echo(line, err=True)


def show_run(terminal: Console, folder: RunDir) -> None:
    """The scores of a finished run, and where to look; its leaderboard row is written."""
    from rich.markup import escape

    from bmbench.benchmark.run.tables import run_tables, write_row

    row = write_row(folder)
    for table in run_tables(folder):
        terminal.print(table)
    terminal.print(
        f"\nRun directory: [bold]{escape(str(folder.path))}[/]  (look at gallery.png and pr_curves.png)",
        soft_wrap=True,
    )
    terminal.print(f"Leaderboard row: {row}", markup=False, highlight=False, soft_wrap=True)
