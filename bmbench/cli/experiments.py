"""Commands that look further at finished runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bmbench.cli.terminal import console

TestOn = Annotated[
    list[str] | None,
    typer.Option(
        "--test-on",
        help="Other images to apply the trained run to, unchanged: NAME[,data=FOLDER][,use=all]"
        "[,cell_px=NUMBER][,option=value]; may be repeated.",
    ),
]


def try_elsewhere(
    run: Annotated[Path, typer.Option(help="A finished run: the folder that `bmbench run` printed.")],
    on: Annotated[
        list[str],
        typer.Option(help="NAME[,data=FOLDER][,use=all][,cell_px=NUMBER][,option=value]; may be repeated."),
    ],
) -> None:
    """Apply a finished run unchanged to other images: another stain, tissue or laboratory."""
    from bmbench.benchmark.console import Terminal
    from bmbench.benchmark.generalise import apply_run
    from bmbench.leaderboards.summary import elsewhere_table

    terminal = console()
    folder = apply_run(run, on, Terminal(terminal))
    terminal.print(elsewhere_table(folder))
    terminal.print(f"Written: {folder.elsewhere}", markup=False, soft_wrap=True)
