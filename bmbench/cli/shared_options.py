"""Options that several commands share, each typed once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bmbench.core.plugins import trust


class ScaleOf(StrEnum):
    """Where the scale of images comes from."""

    stated = "stated"
    auto = "auto"
    shared = "shared"


class AreasFrom(StrEnum):
    """Where the areas of a slide come from."""

    auto = "auto"


def named_method(name: str) -> str:
    """The name; a place ``package.module:METHOD`` that stands on the command line may be imported."""
    return trust("bmbench.methods", name)


def named_metrics(names: list[str] | None) -> list[str] | None:
    """The names; likewise for ``package.module:SCORER``."""
    return None if names is None else [trust("bmbench.metrics", name) for name in names]


Method = Annotated[
    str,
    typer.Option(
        callback=named_method, help="A name that `bmbench methods` lists, or package.module:METHOD."
    ),
]
Metric = Annotated[
    list[str] | None,
    typer.Option(
        callback=named_metrics, help="A metric of a plug-in, or package.module:SCORER; may be repeated."
    ),
]
Dataset = Annotated[str, typer.Option(help="A name that `bmbench datasets list` shows, or a file or folder.")]
Data = Annotated[Path | None, typer.Option(help="The folder that holds the data set, or its images.")]
Choices = Annotated[list[str] | None, typer.Option("--option", help="A choice of the data set: name=value.")]
Artefact = Annotated[
    list[str] | None, typer.Option(help="A class whose objects are artefacts, which are not counted.")
]
Cell = Annotated[list[str] | None, typer.Option(help="A class of cells, though its name says artefact.")]
Groups = Annotated[
    Path | None,
    typer.Option(help="A table (CSV) of images and their patients or slides.", show_default=False),
]
GroupFrom = Annotated[
    str | None,
    typer.Option(help="Regular expression of image names: its bracket is the patient or slide."),
]
AllowLeaks = Annotated[
    bool,
    typer.Option("--allow-leaks", help="Take a split whose subsets share pictures or groups; it is shown."),
]
Track = Annotated[
    str | None,
    typer.Option(
        help="Learn from what is drawn, weak, precise.  [default: drawn; weak of known sets]",
        show_default=False,
    ),
]
Profile = Annotated[str, typer.Option(help="How much work: quick (CPU minutes) or paper (GPU hours).")]
Classes = Annotated[
    str | None,
    typer.Option(help="Classes of cells to tell apart: all, or names with commas.  [default: none]"),
]
Artefacts = Annotated[
    str, typer.Option(help="Train cell-like artefacts as background, foreground, or a class.")
]
Jitter = Annotated[
    float | None,
    typer.Option(min=0, help="Jitter of simulated circles in px.  [default: 3 px scaled to the cells]"),
]
Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same answer.")]
Out = Annotated[Path, typer.Option(help="The folder that the new directory is made in.")]
Cluster = Annotated[
    str | None,
    typer.Option(help="Dask workers that do the work: local:N, or a scheduler (tls://HOST:8786)."),
]
TestOn = Annotated[
    list[str] | None,
    typer.Option(help="Other test images: NAME[,data=DIR][,use=all][,cell_px=N][,name=value]"),
]
Settings = Annotated[
    Path | None,
    typer.Option(help="A file of settings (a search's settings.json), or study."),
]
Run = Annotated[
    Path | None,
    typer.Option(help="A finished run: the folder that `bmbench run` printed.", show_default=False),
]
Model = Annotated[
    str | None,
    typer.Option(help="A model: a name that `bmbench models` lists, or a folder.", show_default=False),
]
Scale = Annotated[
    ScaleOf,
    typer.Option(
        metavar="HOW", help="Size images as stated, or by nuclei of each (auto) or of all (shared)."
    ),
]
Standardise = Annotated[
    bool, typer.Option("--standardise", help="Move the colours of images to those of the training images.")
]
Areas = Annotated[
    AreasFrom | None,
    typer.Option(metavar="auto", help="Choose areas that can be counted in; --regions takes drawn ones."),
]
AreasCells = Annotated[
    int | None, typer.Option(min=1, help="Cells that the chosen areas are to hold.  [default: 500]")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]


def trained_place(run: Path | None, model: str | None) -> Path:
    """The folder that one of ``--run`` and ``--model`` names.

    Raises
    ------
    BadInputError
        If both are given, or neither, or there is no such model.
    """
    from bmbench.benchmark.models.places import find_model
    from bmbench.core.errors import BadInputError

    if (run is None) == (model is None):
        raise BadInputError(
            "neither --run nor --model" if run is None else "--run and --model",
            expected="one of the two: --model NAME (bmbench models lists them), or --run FOLDER",
        )
    return run if run is not None else find_model(str(model))


def areas_cells(areas: AreasFrom | None, cells: int | None) -> int | None:
    """The cells that chosen areas are to hold; None where no areas are to be chosen.

    Raises
    ------
    BadInputError
        If a number of cells is given without areas.
    """
    from bmbench.benchmark.areas.choose import WANTED
    from bmbench.core.errors import BadInputError

    if areas is None:
        if cells is not None:
            raise BadInputError("--areas-cells without --areas", remedy="add --areas auto")
        return None
    return cells or WANTED


def data_options(
    option: list[str] | None,
    artefact: list[str] | None = None,
    cell: list[str] | None = None,
    *,
    groups: Path | None = None,
    group_from: str | None = None,
) -> dict[str, str]:
    """The choices of a data set: those of ``--option``, and of the options that have a name of their own."""
    from bmbench.benchmark.records.options import parse_pairs

    chosen = parse_pairs(option or [], option="--option")
    for name, classes in (("artefact", artefact), ("cell", cell)):
        if classes:
            chosen[name] = "\n".join([*filter(None, [chosen.get(name)]), *classes])
    if groups is not None:
        # It means the same from any folder.
        chosen["groups"] = str(groups.expanduser().absolute())
    if group_from is not None:
        chosen["group_from"] = group_from
    return chosen


class By(StrEnum):
    """What a split keeps whole."""

    group = "group"
    image = "image"


class Shape(StrEnum):
    """What becomes of imported shapes."""

    as_drawn = "as-drawn"
    circles = "circles"
