"""`bmbench count`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bmbench.cli import shared_options as shared
from bmbench.cli.terminal import console, is_given, print_json, stoppable

if TYPE_CHECKING:
    from bmbench.benchmark.counting.options import CountReport


_COUNTING = (
    "images",
    "out",
    "groups",
    "group_from",
    "names",
    "lineages",
    "cut_off",
    "threshold",
    "overlays",
    "json",
)
"""Options that belong to counting and not to finding."""


def count(
    context: typer.Context,
    images: Annotated[
        list[Path],
        typer.Argument(help="Images, slides, folders; or one file of cells, and images.", show_default=False),
    ],
    run: shared.Run = None,
    model: shared.Model = None,
    scale: shared.Scale = shared.ScaleOf.stated,
    standardise: shared.Standardise = False,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="A new folder for tables, pictures and the report.")
    ] = Path("counts"),
    groups: shared.Groups = None,
    group_from: shared.GroupFrom = None,
    names: Annotated[
        Path | None,
        typer.Option(help="A COCO file with the classes of a predictions .json.", show_default=False),
    ] = None,
    lineages: Annotated[
        Path | None, typer.Option(help="A table (CSV) of classes and lineages.", show_default=False)
    ] = None,
    cut_off: Annotated[
        list[str] | None, typer.Option(help="A cut-off in per cent: NAME=10; may be repeated.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Leave out cells below this confidence.  [default: the run's own]"),
    ] = None,
    um_per_px: Annotated[
        float | None, typer.Option(min=0, help="Pixel size of the images.  [default: as their files say]")
    ] = None,
    regions: Annotated[Path | None, typer.Option(help="GeoJSON areas to count in, of one slide.")] = None,
    everywhere: Annotated[bool, typer.Option("--everywhere", help="Look at empty glass too.")] = False,
    areas: shared.Areas = None,
    areas_cells: shared.AreasCells = None,
    white: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="White in 16-bit images.  [default: the run's, or one for all]"),
    ] = None,
    overlays: Annotated[
        bool, typer.Option("--overlays/--no-overlays", help="A picture of each image.")
    ] = True,
    json: shared.Json = False,
) -> None:
    """Count cells on images and slides by class, with limits.

    Or those of a file of predictions (.json, .csv) or annotations (COCO): bmbench count found.csv images.
    The same command resumes where a killed one stood.
    """
    from bmbench.benchmark.counting.count import count as count_images
    from bmbench.benchmark.counting.options import CountOptions, predictions_among, require_file_alone
    from bmbench.benchmark.prediction.options import PredictOptions
    from bmbench.core.console import Terminal
    from bmbench.core.progress import Silent

    file = predictions_among(images)
    if file is not None:
        finding = [name for name in context.params if name not in _COUNTING and is_given(context, name)]
        require_file_alone(file, [f"--{name.replace('_', '-')}" for name in finding])
    options = CountOptions(
        predict=PredictOptions(
            run=Path() if file is not None else shared.trained_place(run, model),
            images=tuple(path for path in images if path != file),
            threshold=threshold,
            um_per_px=um_per_px,
            regions=regions,
            everywhere=everywhere,
            areas_cells=shared.areas_cells(areas, areas_cells),
            white=white,
            scale=scale.value,
            standardise=standardise,
        ),
        out=out,
        group_choices=shared.data_options(None, groups=groups, group_from=group_from),
        lineages=lineages,
        cut_offs=_cut_offs(cut_off or []),
        overlays=overlays,
        found=file,
        names=names,
    )
    with stoppable():
        report = count_images(options, Silent() if json else Terminal(console()))
    if json:
        print_json(report.to_json())
    else:
        _show(report, out)
    if report.broken:
        for sentence in report.broken:
            typer.echo(f"error: {sentence}", err=True)
        typer.echo(
            f"{len(report.broken)} could not be read, {len(report.images)} others are counted", err=True
        )
        raise typer.Exit(2)


def _show(report: CountReport, out: Path) -> None:
    from bmbench.benchmark.counting.tables import report_lines, report_tables

    terminal = console()
    for table in report_tables(report):
        terminal.print(table)
    for line in report_lines(report):
        terminal.print(line, markup=False, highlight=False, soft_wrap=True)
    for note in report.notes:
        terminal.print(f"note: {note}", markup=False, soft_wrap=True)
    names = ", ".join(path.name for path in report.files)
    terminal.print(f"Written to {out}: {names}", markup=False, soft_wrap=True)


def _cut_offs(texts: list[str]) -> dict[str, tuple[float, ...]]:
    """The cut-offs as shares by name."""
    from bmbench.benchmark.records.options import parse_pairs
    from bmbench.core.errors import BadInputError
    from bmbench.core.numerals import numeral

    found: dict[str, tuple[float, ...]] = {}
    for text in texts:
        ((name, value),) = parse_pairs([text], option="--cut-off").items()
        try:
            percent = float(numeral(value))
        except ValueError:
            percent = -1.0
        if not 0 < percent < 100:
            raise BadInputError(
                f"--cut-off {text}", expected="a number of per cent between 0 and 100", got=value
            )
        found[name] = (*found.get(name, ()), percent / 100)
    return found
