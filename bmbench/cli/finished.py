"""`bmbench table`, `view` and `report`: what is made of finished runs for use elsewhere."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bmbench.cli import shared_options as shared
from bmbench.cli.terminal import print_json


class TableLevel(StrEnum):
    """What a row of a table is."""

    run = "run"
    image = "image"
    object = "object"


class ChecklistName(StrEnum):
    """Checklists that are filled from a run."""

    claim = "claim"
    card = "card"
    bias = "bias"


def table(
    runs: Annotated[list[Path], typer.Argument(help="Finished runs.", show_default=False)],
    level: Annotated[TableLevel, typer.Option(help="What a row is.")] = TableLevel.run,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="A file, .csv or .parquet.  [default: CSV on the terminal]"),
    ] = None,
    json: shared.Json = False,
) -> None:
    """Write runs, images or objects as a table for other programs.

    One row a run, an image or an object, for each way of matching; docs/files.md has the columns.
    """
    from bmbench.benchmark.finished.table_files import csv_text, records, write_columns
    from bmbench.benchmark.finished.tables import table_of

    columns = table_of(runs, level.value)
    if out is not None:
        write_columns(out, columns)
    if json:
        print_json(records(columns))
    elif out is None:
        sys.stdout.write(csv_text(columns))
    else:
        typer.echo(f"Written: {out}")


def view(
    run: Annotated[Path, typer.Argument(help="A finished run.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The HTML file to write.  [default: one in the temporary folder]"),
    ] = None,
    browser: Annotated[bool, typer.Option(help="Whether to open it in the browser.")] = True,
) -> None:
    """Look at a run in the browser: scores, curves, errors, images.

    It is one file with everything inside: no server, no network.
    """
    from tempfile import mkdtemp

    from bmbench.benchmark.finished.page import run_page
    from bmbench.core.files import require_ending, write_text

    if out is not None:
        require_ending(out, ".html", ".htm")
    page = run_page(run)
    path = out or Path(mkdtemp(prefix="bmbench-")) / f"{run.resolve().name}.html"
    write_text(path, page)
    typer.echo(f"Written: {path}")
    if browser:
        import webbrowser

        if not webbrowser.open(path.resolve().as_uri()):
            typer.echo("note: no browser was found; open the file by hand", err=True)


def report(
    run: Annotated[Path, typer.Argument(help="A finished run.", show_default=False)],
    checklist: Annotated[
        ChecklistName, typer.Option(help="CLAIM 2024, a model card, or BIAS for challenges.")
    ] = ChecklistName.claim,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="A Markdown file.  [default: the terminal]")
    ] = None,
    json: shared.Json = False,
) -> None:
    """Fill a reporting checklist from what a run has recorded.

    Every item says whether it comes from the run, is to be written by you, or does not apply.
    """
    from bmbench.benchmark.finished.checklists import checklist_text, filled
    from bmbench.core.files import require_ending, write_text

    if out is not None:
        require_ending(out, ".md", ".markdown", ".txt")
    answers = filled(run, checklist.value)
    text = checklist_text(run, checklist.value, answers)
    if out is not None:
        write_text(out, text)
    if json:
        print_json([answer.to_json() for answer in answers])
    elif out is None:
        typer.echo(text, nl=False)
    else:
        typer.echo(f"Written: {out}")
