"""`bmbench datasets answers`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bmbench.cli import shared_options as shared
from bmbench.cli.terminal import console


def answers(
    source: Annotated[
        str, typer.Argument(help="What a program wrote: a file, or a folder of one an image; FORMAT:PATH.")
    ],
    out: Annotated[Path, typer.Argument(help="The predictions file to write.")],
    truth: Annotated[Path, typer.Option(help="The images and classes, as COCO JSON.")],
    class_: Annotated[
        list[str] | None,
        typer.Option("--class", help="NAME=CLASS of the truth, NAME=- to leave out, *=CLASS for all others."),
    ] = None,
    confidence: Annotated[
        float | None, typer.Option(min=0, max=1, help="That of every detection which has none.")
    ] = None,
    option: shared.Choices = None,
) -> None:
    """Take in what another program found.

    The predictions file that comes of it can be scored, compared and submitted.
    """
    from bmbench.datasets.exchange.answers import declaration, write_answers

    declared = declaration(class_ or (), confidence, shared.data_options(option, None, None))
    written = write_answers(Path(source), truth, out, declared)
    for note in written.notes:
        typer.echo(f"note: {note}", err=True)
    console().print(
        f"{written.detections:,} detections on {written.images:,} images in {out}",
        markup=False,
        soft_wrap=True,
    )
