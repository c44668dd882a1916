"""Commands that look further at finished runs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bmbench.cli.terminal import console, show_run, stoppable
from bmbench.core.errors import BadInputError

TestOn = Annotated[
    list[str] | None,
    typer.Option(
        "--test-on",
        help="Other images to apply the trained run to, unchanged: NAME[,data=FOLDER][,use=all]"
        "[,cell_px=NUMBER][,option=value]; may be repeated.",
    ),
]


class Match(StrEnum):
    """What a hit is."""

    centres = "centres"
    boxes = "boxes"


def try_elsewhere(
    run: Annotated[Path, typer.Option(help="A finished run: the folder that `bmbench run` printed.")],
    on: Annotated[
        list[str],
        typer.Option(help="NAME[,data=FOLDER][,use=all][,cell_px=NUMBER][,option=value]; may be repeated."),
    ],
) -> None:
    """Apply a finished run unchanged to other images: another stain, tissue or laboratory."""
    from bmbench.benchmark.run.apply_to_other_sets import apply_run
    from bmbench.benchmark.run.tables import other_sets_table
    from bmbench.core.console import Terminal

    terminal = console()
    folder = apply_run(run, on, Terminal(terminal))
    terminal.print(other_sets_table(folder))
    terminal.print(f"Written: {folder.elsewhere}", markup=False, soft_wrap=True)


def redecode(
    run: Annotated[Path, typer.Option(help="A finished run: the folder that `bmbench run` printed.")],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting that needs no training: name=value; may be repeated."),
    ] = None,
    decodings: Annotated[
        int, typer.Option(min=0, help="Ways to try on the optimisation images; the best is taken.")
    ] = 0,
    out: Annotated[Path, typer.Option(help="The folder that the new run's directory is made in.")] = Path(
        "runs"
    ),
) -> None:
    """Make cells of what a run's networks see with other settings, without training again: a new run."""
    from bmbench.benchmark.records.options import parse_pairs
    from bmbench.benchmark.records.run_folder import RunDir
    from bmbench.benchmark.run.redecode import changed_settings
    from bmbench.benchmark.run.redecode import redecode as redecode_run
    from bmbench.core.console import Terminal

    terminal, settings = console(), parse_pairs(set_ or [], option="--set")
    if not settings and not decodings:
        raise BadInputError("nothing to change", expected="--set NAME=VALUE, or --decodings N")
    with stoppable():
        folder = redecode_run(run, out, Terminal(terminal), settings=settings, n_decodings=decodings)
    show_run(terminal, folder)
    terminal.print(changed_settings(RunDir.open(run), folder), markup=False, soft_wrap=True)


def artefacts(
    runs: Annotated[list[Path], typer.Argument(help="Finished runs of one data set.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The folder for artefacts.md and artefacts.png.")] = Path(),
    match: Annotated[Match, typer.Option(help="Count by centres or by boxes.")] = Match.centres,
) -> None:
    """What runs get wrong, by what they learned of artefacts: a table and a figure (the study's Figure 8)."""
    from bmbench.benchmark.reproduce.report.error_counts import draw_errors, error_counts, errors_table
    from bmbench.core.files import write_text

    rows = error_counts(runs, geometry="cd" if match == Match.centres else "bb")
    table = errors_table(rows)
    write_text(out / "artefacts.md", table)
    draw_errors(out / "artefacts.png", rows)
    typer.echo(table)
    typer.echo(f"Written: {out / 'artefacts.md'}, {out / 'artefacts.png'}")
