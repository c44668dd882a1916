"""`bmbench leaderboard evaluate`: a submitter's container on images that stay with the host."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bmbench.cli.hidden_tracks import BoardArgument


class ContainerEngine(StrEnum):
    """What runs containers."""

    podman = "podman"
    docker = "docker"


def evaluate(
    board: BoardArgument,
    track: Annotated[str, typer.Option(help="The track whose images are to be answered.")],
    images: Annotated[Path, typer.Option(help="The folder of its images.")],
    out: Annotated[Path, typer.Option(help="The predictions, as `bmbench submit` takes them.")],
    image: Annotated[str | None, typer.Option(help="The container image, NAME@sha256:DIGEST.")] = None,
    command: Annotated[str | None, typer.Option(help="A program of your own instead: a dry run.")] = None,
    engine: Annotated[
        ContainerEngine, typer.Option(help="What runs the container.")
    ] = ContainerEngine.podman,
    seconds: Annotated[float, typer.Option(min=0.1, help="Most seconds an image.")] = 120.0,
    memory: Annotated[int, typer.Option(min=64, help="Most memory, MB.")] = 8192,
    cpus: Annotated[float, typer.Option(min=0.1, help="Cores.")] = 2.0,
) -> None:
    """Answer a track's images by a container, one by one.

    It has no network and nothing to write to but memory. The predictions then go the way of all others.
    """
    import shlex

    from rich.console import Console

    from bmbench.core.console import Terminal
    from bmbench.leaderboards.hosting.evaluate import engine_there
    from bmbench.leaderboards.hosting.evaluate import evaluate as evaluate_track
    from bmbench.leaderboards.hosting.one_image import ProgramLimits, container, own_program
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
    from bmbench.present.words import many

    if (image is None) == (command is None):
        raise typer.BadParameter("give --image, or --command for a dry run without a container")
    if image is not None:
        program = container(image, engine.value)
        engine_there(engine.value)
    else:
        program = own_program(shlex.split(command or ""))
        typer.echo("note: without a container nothing keeps the program from network and disk", err=True)
    limits = ProgramLimits(seconds=seconds, memory_mb=memory, cpus=cpus)
    manifest = Leaderboard(board).manifest(track)
    found = evaluate_track(
        manifest, images, program, limits, out=out, progress=Terminal(Console(stderr=True))
    )
    typer.echo(
        f"{many(len(found.seconds), 'image')}, {many(found.n_detections, 'detection')}; "
        f"{sum(found.seconds) / len(found.seconds):.2f} s an image, the slowest {max(found.seconds):.2f} s"
    )
    typer.echo(f"{out}: hand it in with bmbench submit {out} --board {board} --track {track}")
