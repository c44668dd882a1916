"""`bmbench score` and `compare`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bmbench.cli import shared_options as shared
from bmbench.cli.terminal import console

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table

    from bmbench.benchmark.scoring.chosen_point import PointRequest
    from bmbench.benchmark.scoring.reports import ComparisonReport, ScoreReport


class Assignment(StrEnum):
    """How predictions are given to cells."""

    greedy = "greedy"
    hungarian = "hungarian"


class ApKind(StrEnum):
    """Which area under the curve."""

    all = "all"
    eleven = "11"
    hundred_and_one = "101"


AssignmentOption = Annotated[Assignment | None, typer.Option(help="How predictions are given to cells.")]
IouOption = Annotated[float | None, typer.Option(min=0, max=1, help="Matching limit of boxes.")]
RadiusOption = Annotated[
    list[str] | None,
    typer.Option(metavar="PX…", help="Matching limit of centres; CLASS=PX for one class of cells."),
]
MicronOption = Annotated[
    list[str] | None,
    typer.Option(metavar="UM…", help="The same in µm, by the um_per_px of each image."),
]
ApOption = Annotated[ApKind | None, typer.Option(help="Area under the curve: all points, 11 or 101.")]
OutlinesOption = Annotated[
    bool,
    typer.Option(
        "--outlines", help="Match outlines: mask IoU for boxes, centre inside the cell for centres."
    ),
]
PerClassOption = Annotated[
    bool, typer.Option("--per-class", help="Score each category of cells by itself; AP is their mean.")
]
MostOption = Annotated[
    int | None,
    typer.Option(min=1, help="Predictions of one image that count, the surest first.  [default: all]"),
]


class Unit(StrEnum):
    """What varies from test set to test set."""

    group = "group"
    image = "image"


UnitOption = Annotated[
    Unit | None, typer.Option(help="What intervals rest on.  [default: group where images have one]")
]
IndependentOption = Annotated[
    bool, typer.Option("--independent", help="With --unit image: take images of one group for several.")
]
OldOption = Annotated[int | None, typer.Option(hidden=True)]


def _no_longer(**options: int | None) -> None:
    """One line about options that older scripts give: intervals are in closed form."""
    given = [f"--{name}" for name, value in options.items() if value is not None]
    if given:
        typer.echo(f"note: without effect: {' and '.join(given)}; intervals are not drawn any more", err=True)


def score(
    predictions: Annotated[
        Path, typer.Argument(help="A run's predictions.json, COCO, GeoJSON, YOLO, CSV, masks, ROIs.")
    ],
    truth: Annotated[Path, typer.Option(help="The ground truth, as COCO JSON.")],
    protocol: Annotated[
        str,
        typer.Option(help="paper, coco, voc2007, voc2010, kainz, monkey, midog, ocelot, hovernet, stardist."),
    ] = "paper",
    assignment: AssignmentOption = None,
    iou: IouOption = None,
    radius: RadiusOption = None,
    radius_um: MicronOption = None,
    outlines: OutlinesOption = False,
    threshold: Annotated[
        float | None,
        typer.Option(help="Confidence at which F1 is given.  [default: the best one here, an oracle]"),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(help="f1, recall=0.95, precision=0.9 or miss=0.1@0.9: the threshold for it."),
    ] = None,
    chosen_on: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="PREDICTIONS TRUTH",
            help="Optimisation images that --at chooses on.  [default: those scored, an oracle]",
        ),
    ] = None,
    ap: ApOption = None,
    per_class: PerClassOption = False,
    max_detections: MostOption = None,
    unit: UnitOption = None,
    independent: IndependentOption = False,
    rater: Annotated[
        list[Path] | None, typer.Option(help="Another rater's ground truth of the same images, as COCO JSON.")
    ] = None,
    details: Annotated[
        bool,
        typer.Option(
            "--details", help="Also how hits lie, how images are counted, FROC, scores by matching limit."
        ),
    ] = False,
    metric: shared.Metric = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write --details as figures and JSON into this folder."),
    ] = None,
    bootstrap: OldOption = None,
    seed: OldOption = None,
    artefact: shared.Artefact = None,
    cell: shared.Cell = None,
    json: shared.Json = False,
) -> None:
    """Score a predictions file against ground truth."""
    _no_longer(bootstrap=bootstrap, seed=seed)
    from bmbench.benchmark.scoring.score_files import score_files
    from bmbench.core.artefacts import Declared
    from bmbench.core.files import require_folder
    from bmbench.metrics.protocol import resolve_protocol
    from bmbench.metrics.radii import parsed_radii
    from bmbench.statistics.units import WantedUnits

    if out is not None:
        require_folder(out)

    rules = resolve_protocol(
        protocol,
        assignment=assignment,
        iou=iou,
        ap=ap,
        per_class=per_class or None,
        outlines=outlines or None,
        max_detections=max_detections,
        **parsed_radii(radius or (), radius_um or ()),
    )
    report = score_files(
        predictions,
        [truth, *(rater or ())],
        rules,
        threshold=_threshold(threshold, at, chosen_on),
        units=WantedUnits(name=None if unit is None else unit.value, independent=independent),
        details=details or out is not None,
        metrics=tuple(metric or ()),
        declared=Declared(artefacts=tuple(artefact or ()), cells=tuple(cell or ())),
    )
    from bmbench.benchmark.scoring.tables import score_tables

    _print(report, score_tables(report, title=predictions.name), json=json)
    if out is not None:
        from bmbench.benchmark.drawing.score_figures import write_score_folder

        written = write_score_folder(out, report, title=predictions.name)
        typer.echo(f"Written to {out}: {', '.join(path.name for path in written)}", err=True)


def _threshold(
    given: float | None, at: str | None, chosen_on: tuple[Path, Path] | None
) -> float | PointRequest | None:
    """The threshold, or the wish that it is chosen by; what excludes one another is refused."""
    from bmbench.core.errors import BadInputError

    if at is None and chosen_on is None:
        return given
    if at is None or given is not None:
        raise BadInputError(
            "--chosen-on" if at is None else "--at",
            expected="--at beside it" if at is None else "no --threshold beside it",
            got="none" if at is None else f"--threshold {given:g}",
            remedy="add, for example, --at recall=0.95" if at is None else "leave one of them out",
        )
    from bmbench.benchmark.scoring.chosen_point import PointRequest
    from bmbench.metrics.operating_point import WantedPoint

    return PointRequest(wanted=WantedPoint.parsed(at), chosen_on=chosen_on)


def compare(
    first: Annotated[Path, typer.Argument(help="A predictions file, or a finished run.")],
    second: Annotated[Path, typer.Argument(help="Another one on the same images.")],
    truth: Annotated[
        Path | None, typer.Option(help="The ground truth, as COCO JSON.  [default: that of the first run]")
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="As in `bmbench score`.  [default: that of the first run, or paper]")
    ] = None,
    assignment: AssignmentOption = None,
    iou: IouOption = None,
    radius: RadiusOption = None,
    radius_um: MicronOption = None,
    outlines: OutlinesOption = False,
    threshold: Annotated[
        float | None,
        typer.Option(help="Confidence at which F1 is given.  [default: a run's own, else the best here]"),
    ] = None,
    ap: ApOption = None,
    per_class: PerClassOption = False,
    max_detections: MostOption = None,
    unit: UnitOption = None,
    independent: IndependentOption = False,
    more_first: Annotated[
        list[Path] | None, typer.Option(help="Another training (seed) of the first method.")
    ] = None,
    more_second: Annotated[list[Path] | None, typer.Option(help="Likewise of the second one.")] = None,
    bootstrap: OldOption = None,
    seed: OldOption = None,
    artefact: shared.Artefact = None,
    cell: shared.Cell = None,
    json: shared.Json = False,
) -> None:
    """Compare two predictions files or runs on the same images.

    Differences with their 95 % intervals, and a test that is corrected for all of them. With several
    trainings of each method it speaks of the methods.
    """
    _no_longer(bootstrap=bootstrap, seed=seed)
    from bmbench.benchmark.scoring.compare_files import ComparisonRequest, compare_predictions
    from bmbench.core.artefacts import Declared
    from bmbench.metrics.radii import parsed_radii

    changes = {
        "assignment": assignment,
        "iou": iou,
        "ap": ap,
        "per_class": per_class or None,
        "outlines": outlines or None,
        "max_detections": max_detections,
        **parsed_radii(radius or (), radius_um or ()),
    }
    asked = ComparisonRequest(
        first=[first, *(more_first or ())],
        second=[second, *(more_second or ())],
        truth=truth,
        protocol=protocol,
        changes=changes,
        threshold=threshold,
        declared=Declared(artefacts=tuple(artefact or ()), cells=tuple(cell or ())),
        unit=None if unit is None else unit.value,
        independent=independent,
    )
    report = compare_predictions(asked)
    from bmbench.benchmark.scoring.tables import comparison_table

    _print(report, [comparison_table(report)], json=json)


def _print(report: ScoreReport | ComparisonReport, tables: Iterable[Table], *, json: bool) -> None:
    for note in report.notes:
        typer.echo(f"note: {note}", err=True)
    if json:
        import json as json_library

        typer.echo(json_library.dumps(report.to_json(), allow_nan=False))
        return
    for table in tables:
        console().print(table)
