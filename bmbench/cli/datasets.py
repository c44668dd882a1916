"""`bmbench datasets …`: each command parses, calls one function and prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bmbench.cli import shared_options as shared
from bmbench.cli.terminal import console, is_given, print_json, show_terms
from bmbench.core.errors import BadInputError

app = typer.Typer(no_args_is_help=True, help="List, describe, get, convert, split and make data sets.")

Name = Annotated[str, typer.Argument(help="A name that `bmbench datasets list` shows, PATH or FORMAT:PATH.")]


@app.command("list")
def list_datasets(
    dataset: Annotated[str | None, typer.Argument(help="One of the names: its whole card.")] = None,
    json: shared.Json = False,
) -> None:
    """Every data set that bmbench knows, or the card of one."""
    from bmbench.present.dataset_tables import card_record, card_table, datasets_record, datasets_table

    if json:
        print_json(datasets_record() if dataset is None else card_record(dataset))
        return
    console().print(datasets_table() if dataset is None else card_table(dataset))


@app.command()
def info(
    dataset: Name,
    data: shared.Data = None,
    option: shared.Choices = None,
    artefact: shared.Artefact = None,
    cell: shared.Cell = None,
    groups: shared.Groups = None,
    group_from: shared.GroupFrom = None,
    page: Annotated[Path | None, typer.Option(help="Write a page with pictures here (HTML).")] = None,
    json: shared.Json = False,
) -> None:
    """Counts, cell sizes, faults, licence and citation of a set.

    Counts are by class and subset.
    """
    from bmbench.core.console import Terminal
    from bmbench.core.progress import Silent
    from bmbench.present.dataset_tables import describe_dataset, described_record

    show_terms(dataset, data)
    terminal = console()
    options = shared.data_options(option, artefact, cell, groups=groups, group_from=group_from)
    if json and page is None:
        print_json(described_record(dataset, Silent(), data=data, options=options))
        return
    for table in describe_dataset(dataset, Terminal(terminal), data=data, options=options, page=page):
        terminal.print(table)
    if page is not None:
        terminal.print(f"Page: [bold]{page}[/]", soft_wrap=True)


@app.command()
def fetch(
    dataset: Annotated[str, typer.Argument(help="A name that `bmbench datasets list` shows.")],
    source: Annotated[
        Path | None, typer.Option("--from", help="A folder with the files, or the archive, on disk.")
    ] = None,
    pin: Annotated[
        str | None, typer.Option("--sha256", help="What the archive's SHA-256 must be, where none is known.")
    ] = None,
) -> None:
    """Get the files of a data set, checked against pinned checksums.

    Of a set that cannot be downloaded it says where the files are to be had.
    """
    from bmbench.core.console import Terminal
    from bmbench.datasets import DATASETS
    from bmbench.datasets.fetch.fetch import fetch as get
    from bmbench.datasets.fetch.store import note_shown, terms

    terminal = console()
    card = DATASETS.get(dataset).card
    for name, text in terms(card):
        terminal.print(f"{name}: {text}", highlight=False, markup=False, soft_wrap=True)
    note_shown(card)
    got = get(dataset, Terminal(terminal), source=source, pin=pin)
    for note in got.notes:
        typer.echo(note, err=True)
    where = "It is part of bmbench." if got.folder is None else f"It lies in {got.folder}."
    terminal.print(where, markup=False, soft_wrap=True)


@app.command()
def convert(
    dataset: Name,
    out: Annotated[Path, typer.Argument(help="A new folder, or a file with an ending of the format.")],
    to: Annotated[str, typer.Option(help="The format; `bmbench datasets formats` lists them.")],
    data: shared.Data = None,
    option: shared.Choices = None,
    artefact: shared.Artefact = None,
    cell: shared.Cell = None,
    groups: shared.Groups = None,
    group_from: shared.GroupFrom = None,
    images: Annotated[bool, typer.Option(help="Copy the images into the folder as well.")] = True,
) -> None:
    """Write a data set in another format.

    What that format cannot carry is named.
    """
    from bmbench.core.console import Terminal
    from bmbench.datasets.exchange.convert import convert as write
    from bmbench.datasets.exchange.convert import open_contents

    terminal = console()
    show_terms(dataset, data)
    content = open_contents(
        dataset,
        data=data,
        options=shared.data_options(option, artefact, cell, groups=groups, group_from=group_from),
    )
    done = write(content, out, to=to, progress=Terminal(terminal), copy_images=images)
    for line in done.notes:
        typer.echo(f"note: {line}", err=True)
    for line in done.warnings:
        typer.echo(f"warning: {line}", err=True)
    terminal.print(
        f"{done.objects:,} objects on {done.images:,} images in {done.path}", markup=False, soft_wrap=True
    )


@app.command()
def formats() -> None:
    """Every format, its files, and what it can carry."""
    from bmbench.present.dataset_tables import formats_table

    console().print(formats_table())


@app.command()
def split(
    context: typer.Context,
    dataset: Name,
    out: Annotated[Path | None, typer.Argument(help="The COCO file to write, beside the images.")] = None,
    data: shared.Data = None,
    option: shared.Choices = None,
    artefact: shared.Artefact = None,
    cell: shared.Cell = None,
    groups: shared.Groups = None,
    group_from: shared.GroupFrom = None,
    sizes: Annotated[
        str, typer.Option(help="Images, or shares, of train, validation, optimisation and test.")
    ] = "56,11,11,22",
    by: Annotated[shared.By, typer.Option(help="What stays in one subset.")] = shared.By.group,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same split.")] = 0,
    check: Annotated[
        bool, typer.Option("--check", help="Only check the split that the files state.")
    ] = False,
) -> None:
    """Split images into four subsets with about the same classes.

    What leaks is refused. Without OUT, the split that the files state is checked and shown.
    """
    from bmbench.core.console import Terminal
    from bmbench.datasets.exchange.convert import open_contents
    from bmbench.datasets.exchange.split_files import (
        SplitPlan,
        check_split,
        parse_sizes,
        split_content,
        write_split,
    )
    from bmbench.present.dataset_tables import balance_table

    if check or out is None:
        _only_looks(context, out, check=check)
    terminal = console()
    listener = Terminal(terminal)
    show_terms(dataset, data)
    content = open_contents(
        dataset,
        data=data,
        options=shared.data_options(option, artefact, cell, groups=groups, group_from=group_from),
        seed=seed,
    )
    if out is None:
        table, title = check_split(content, listener, dataset), "split as the files state it"
        terminal.print(balance_table(table, content.categories, title=title))
        return
    plan = SplitPlan(sizes=parse_sizes(sizes), by=by.value, seed=seed)
    result = split_content(content, plan, listener)
    for note in (*result.notes, *write_split(out, result)):
        typer.echo(f"note: {note}", err=True)
    terminal.print(balance_table(result.table, content.categories))
    terminal.print(f"Split (seed {seed}) in {out}", markup=False, soft_wrap=True)


def _only_looks(context: typer.Context, out: Path | None, *, check: bool) -> None:
    """Nothing, or a BadInputError if a split that is only looked at is asked to be another one."""
    given = [f"--{name}" for name in ("sizes", "by", "seed") if is_given(context, name)]
    if check and (out is not None or given):
        raise BadInputError(
            "--check looks at the split that the files state",
            got=f"{given[0] if out is None else out} as well",
            remedy="leave that out",
        )
    if given:
        raise BadInputError(
            f"{given[0]} is for a new split",
            expected="a file to write it to",
            remedy=f"name one after the data set, or leave {given[0]} out",
        )


@app.command()
def weaken(
    dataset: Name,
    out: Annotated[Path, typer.Argument(help="The COCO file to write, beside the images.")],
    data: shared.Data = None,
    option: shared.Choices = None,
    artefact: shared.Artefact = None,
    cell: shared.Cell = None,
    groups: shared.Groups = None,
    group_from: shared.GroupFrom = None,
    jitter_px: Annotated[
        float | None, typer.Option(min=0, help="Jitter of the centres, px.  [default: 3 px, scaled]")
    ] = None,
    radius_px: Annotated[
        float | None, typer.Option(min=0, help="Radius for points that have none, px.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same circles.")] = 0,
) -> None:
    """Write the circles that a quick annotator would draw."""
    from bmbench.datasets.exchange.convert import open_contents
    from bmbench.datasets.exchange.weaken_files import weaken_content, write_beside

    show_terms(dataset, data)
    content = open_contents(
        dataset,
        data=data,
        options=shared.data_options(option, artefact, cell, groups=groups, group_from=group_from),
    )
    weak, jitter = weaken_content(content, seed=seed, jitter_px=jitter_px, radius_px=radius_px)
    for note in write_beside(out, weak):
        typer.echo(f"note: {note}", err=True)
    count = sum(len(sample.annotations) for sample in weak.samples)
    console().print(f"{count:,} circles, jitter {jitter:.2f} px, in {out}", markup=False, soft_wrap=True)


@app.command("import")
def import_corrections(
    corrected: Annotated[Path, typer.Argument(help="Corrected files: GeoJSON of QuPath, JSON of LabelMe …")],
    out: Annotated[Path, typer.Argument(help="The COCO file to write, beside the images.")],
    images: Annotated[
        Path | None, typer.Option("--images", "--data", help="The folder of the images.")
    ] = None,
    predicted: Annotated[
        Path | None, typer.Option(help="What was predicted, to count what was changed.")
    ] = None,
    shape: Annotated[
        shared.Shape, typer.Option(help="Keep outlines, or make circles of all shapes.")
    ] = shared.Shape.as_drawn,
    artefact: shared.Artefact = None,
    cell: shared.Cell = None,
    into: Annotated[Path | None, typer.Option(help="A set to add the corrected images to.")] = None,
) -> None:
    """Take in predictions that were corrected in another program.

    What comes of it is ready to train on.
    """
    from bmbench.core.artefacts import Declared
    from bmbench.datasets.exchange.correction import changes, first_set, import_corrected
    from bmbench.datasets.exchange.weaken_files import write_beside
    from bmbench.present.dataset_tables import changes_line

    content = import_corrected(
        corrected,
        images=images,
        shape=shape.value,
        declared=Declared(artefacts=tuple(artefact or ()), cells=tuple(cell or ())),
        into=None if into is None else first_set(into, images),
    )
    # Counted before anything is written: what fails leaves nothing behind.
    counted = None if predicted is None else changes_line(changes(predicted, corrected))
    for note in (*content.notes, *write_beside(out, content)):
        typer.echo(f"note: {note}", err=True)
    if counted is not None:
        console().print(counted, markup=False, soft_wrap=True)
    count = sum(len(sample.annotations) for sample in content.samples)
    console().print(
        f"{count:,} objects on {len(content.samples):,} images in {out}", markup=False, soft_wrap=True
    )


@app.command()
def synthesise(
    out: Annotated[Path, typer.Argument(help="A new or empty folder for images and annotations.")],
    images: Annotated[int, typer.Option(min=1, help="How many patches.")] = 36,
    size: Annotated[int, typer.Option(min=256, max=2048, help="Width and height of a patch, px.")] = 512,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same patches.")] = 0,
) -> None:
    """Draw synthetic bone-marrow smears, as PNG and COCO JSON.

    They have contours and artefacts.
    """
    from bmbench.core.console import Terminal
    from bmbench.datasets.synthetic import synthesise as draw

    terminal = console()
    draw(out, n_images=images, size_px=size, seed=seed, progress=Terminal(terminal))
    terminal.print(f"{images} patches in [bold]{out}[/]; train on them: bmbench run --dataset {out}")
