"""`bmbench crops`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bmbench.cli.terminal import console


def crops(
    found: Annotated[
        Path, typer.Argument(help="A predictions file: .csv of predict or count, .json.", show_default=False)
    ],
    images: Annotated[
        list[Path] | None, typer.Argument(help="Its images, or folders of them.", show_default=False)
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="A folder of pictures; with --labels a predictions file.")
    ] = Path("crops"),
    labels: Annotated[
        Path | None,
        typer.Option(help="A table of classes, or the folder of crops whose tables have them."),
    ] = None,
    names: Annotated[
        Path | None, typer.Option(help="A COCO file with the classes of a .json.", show_default=False)
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Leave out cells below this.  [default: none]")
    ] = None,
    side_px: Annotated[
        int | None, typer.Option(min=8, max=4096, help="Side of a picture.  [default: 1.75 mean cells]")
    ] = None,
) -> None:
    """Cut out found cells; put classes back.

    Whoever names cells, a person or a program, gets a picture of each and fills in a table.
    """
    from bmbench.benchmark.counting.found import read_found
    from bmbench.benchmark.counting.labels import labelled, write_cells, write_labelled
    from bmbench.core.console import Terminal
    from bmbench.datasets.slides import slide_files

    terminal = console()
    pictures = slide_files(images) if images else []
    cells = read_found(found, pictures, threshold=threshold, names=names)
    if labels is None:
        said = write_cells(cells, out, Terminal(terminal), side_px=side_px)
    else:
        cells, said = labelled(cells, labels)
        write_labelled(cells, out)
    terminal.print(said, markup=False, highlight=False, soft_wrap=True)
    terminal.print(f"Written: {out}", markup=False, soft_wrap=True)
