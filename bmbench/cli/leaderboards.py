"""`bmbench leaderboard …`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bmbench.cli.container_lane import evaluate
from bmbench.cli.hidden_tracks import BoardArgument, KeyOption, hide, rekey, retire

leaderboard_app = typer.Typer(no_args_is_help=True, help="Score submissions, build and check boards.")

PackageOption = Annotated[
    str | None,
    typer.Option(help="The bmbench of the CI: git+https://…@COMMIT, a wheel, or https://….whl#sha256=…"),
]
MaintainersOption = Annotated[
    str | None, typer.Option(help="Who owns what is no submission: @login or @organisation/team.")
]
TruthsOption = Annotated[
    Path | None, typer.Option(help="A folder with <track>.json where truth may not lie in the repository.")
]


class HostedOn(StrEnum):
    """A git host whose CI runs a board."""

    github = "github"
    gitlab = "gitlab"


class TrackSupervision(StrEnum):
    """What a track's submissions may learn from."""

    precise = "precise"
    weak = "weak"
    artefacts = "artefacts"


@leaderboard_app.command()
def init(
    board: BoardArgument,
    track: Annotated[str, typer.Option(help="The new track's name: a folder.")],
    truth: Annotated[
        Path, typer.Option(help="The ground truth as COCO JSON, or a finished run's directory.")
    ],
    title: Annotated[str, typer.Option(help="The question, in a few words.")] = "",
    supervision: Annotated[
        TrackSupervision | None,
        typer.Option(help="What may be learnt from.  [default: as the track is called, else precise]"),
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(help="patient, slide, group or image.  [default: group where images have one]"),
    ] = None,
    independent: Annotated[
        bool, typer.Option("--independent", help="Images are units although they have groups.")
    ] = False,
    family: Annotated[
        str | None,
        typer.Option(help="Whose pairs are tested: all, teams, or ids with commas.  [default: all]"),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(help="paper, voc2007, voc2010 or kainz.  [default: that of the run, or paper]"),
    ] = None,
    iou: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Matching limit of boxes.  [default: that of the run, or 0.5]"),
    ] = None,
    radius: Annotated[
        float | None,
        typer.Option(min=0, help="Matching limit of centres, px.  [default: that of the run, or 55]"),
    ] = None,
    control: Annotated[list[str] | None, typer.Option(help="Id of a submission that is a control.")] = None,
    rater: Annotated[
        list[Path] | None,
        typer.Option(help="Another rater's ground truth of all images: a human line among the controls."),
    ] = None,
    weaker_than: Annotated[
        str | None, typer.Option(help="The track of stronger annotations on the same images.")
    ] = None,
    outside: Annotated[
        bool, typer.Option("--outside", help="Leave the ground truth out of the repository.")
    ] = False,
    attempts: Annotated[
        int, typer.Option(min=0, help="Answers that one login may hand in within --days; 0: any number.")
    ] = 5,
    days: Annotated[int, typer.Option(min=1, max=3650, help="The time that attempts are counted in.")] = 30,
    host: Annotated[
        HostedOn | None, typer.Option(help="Write the workflows of a git host, too: see leaderboard host.")
    ] = None,
    package: PackageOption = None,
    maintainers: MaintainersOption = None,
) -> None:
    """Start a track: its manifest and ground truth.

    It has the rules of a run or of the study. On a track for artefacts anything may be learnt from.
    """
    from bmbench.leaderboards.tracks.create_track import TrackWishes, create_track, notes_on, track_facts
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
    from bmbench.present.words import many

    wishes = TrackWishes(
        name=track,
        title=title,
        supervision=None if supervision is None else supervision.value,
        unit=unit,
        independent=independent,
        family=family,
        protocol=protocol,
        iou=iou,
        radius_px=radius,
        controls=tuple(control or ()),
        weaker_than=weaker_than,
        raters=tuple(rater or ()),
        outside=outside,
        attempts=attempts,
        days=days,
    )
    if host is not None:
        _write_host(board, host, package, maintainers)
    facts, file = track_facts(truth, wishes)
    manifest = create_track(Leaderboard(board), file, facts)
    images, units = many(len(manifest.images), "image"), many(manifest.n_units, "unit")
    typer.echo(f"Track {manifest.name}: {images}, {units} ({manifest.unit})")
    allowed = (
        f"{many(attempts, 'attempt')} a login in {many(days, 'day')}"
        if attempts
        else "any number of attempts"
    )
    typer.echo(f"Allowed: {allowed} (limits in track.json)")
    for note in notes_on(file, manifest):
        typer.echo(f"note: {note}", err=True)


@leaderboard_app.command("host")
def write_host(
    board: BoardArgument,
    on: Annotated[HostedOn, typer.Option(help="Where the repository lives.")],
    package: PackageOption = None,
    maintainers: MaintainersOption = None,
) -> None:
    """Write the workflows and scripts of a git host.

    Pinned packages, rules and a README with every setting go along. Files that are there are never changed.
    """
    _write_host(board, on, package, maintainers)


def _write_host(board: Path, on: HostedOn, package: str | None, maintainers: str | None) -> None:
    from bmbench.leaderboards.hosting.write_template import HostWishes, write_template

    if package is None or maintainers is None:
        raise typer.BadParameter("a host needs --package (which bmbench its CI installs) and --maintainers")
    wishes = HostWishes(platform=on.value, package=package, maintainers=maintainers)
    written = write_template(board, wishes)
    for name in written.new:
        typer.echo(f"Written: {board / name}")
    for name in written.kept:
        typer.echo(f"Kept as it was, the template has another one: {board / name}")
    typer.echo(
        f"What to set on the host: {board}/README.md; what is missing: bmbench leaderboard doctor {board}"
    )


@leaderboard_app.command()
def doctor(board: BoardArgument, key: KeyOption = None) -> None:
    """Say what is missing before a board can live on its host.

    Files, pins, branches, limits and keys are looked at; nothing is changed.
    """
    from bmbench.leaderboards.hosting.doctor import examine
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
    from bmbench.present.words import many

    findings = examine(Leaderboard(board), key=key)
    for found in sorted(findings, key=lambda one: ("fault", "look", "fine").index(one.sort)):
        typer.echo(f"{found.sort:<6} {found.text}")
    faults = sum(found.sort == "fault" for found in findings)
    typer.echo(f"{many(faults, 'fault')}" if faults else "no fault found here; `look` is for a person")
    if faults:
        raise typer.Exit(2)


@leaderboard_app.command("score")
def score_boards(
    board: BoardArgument,
    key: KeyOption = None,
    truths: TruthsOption = None,
    afresh: Annotated[bool, typer.Option("--afresh", help="Score unchanged submissions again, too.")] = False,
) -> None:
    """Score every submission and say which ranks changed.

    Results and standings are written.
    """
    from rich.console import Console

    from bmbench.core.console import Terminal
    from bmbench.leaderboards.results.publish import score_board
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

    changes = score_board(Leaderboard(board, truths), Terminal(Console(stderr=True)), key=key, afresh=afresh)
    for change in changes:
        typer.echo(str(change))
    typer.echo(f"{len(changes)} rank sets changed")


@leaderboard_app.command()
def build(
    board: BoardArgument,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if the boards are stale.")
    ] = False,
) -> None:
    """Make Markdown boards, plots and the site from the results."""
    from bmbench.leaderboards.boards.build import build_board, check_board
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

    if check:
        check_board(Leaderboard(board))
        typer.echo("The boards are up to date.")
        return
    count = build_board(Leaderboard(board))
    typer.echo(
        f"{count} files written; begin with {board}/boards/README.md or {board}/boards/site/index.html"
    )


@leaderboard_app.command()
def verify(board: BoardArgument, key: KeyOption = None, truths: TruthsOption = None) -> None:
    """Score everything again and compare every published number."""
    from rich.console import Console

    from bmbench.core.console import Terminal
    from bmbench.leaderboards.results.verify import verify_board
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

    found = verify_board(Leaderboard(board, truths), Terminal(Console(stderr=True)), key=key)
    typer.echo(f"{found.count} numbers recomputed, all as published")
    for track in found.hidden:
        typer.echo(
            f"Track {track} is hidden: whoever has the key verifies it (--key), everybody once it retires"
        )


@leaderboard_app.command()
def patches(
    board: BoardArgument,
    track: Annotated[str, typer.Option(help="The track's name.")],
    data: Annotated[
        Path | None, typer.Option(help="The folder of the images.  [default: none, for embedded data]")
    ] = None,
) -> None:
    """Cut the six patches that the site shows any two submissions on.

    They go beside the track as small JPEG files; a track whose ground truth is outside has none.
    """
    from bmbench.leaderboards.results.patch_pictures import cut_patches
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

    for path in cut_patches(Leaderboard(board), track, data):
        typer.echo(str(path))


@leaderboard_app.command()
def freeze(
    board: BoardArgument,
    name: Annotated[str, typer.Argument(help="The name of this version, such as 2026-11.")],
) -> None:
    """Keep the board as it stands under archive/NAME.

    It is a whole leaderboard of its own, so build and verify work on it; it is never changed again.
    """
    from bmbench.leaderboards.boards.archive import freeze
    from bmbench.leaderboards.boards.build import build_board
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

    count = freeze(Leaderboard(board), name)
    build_board(Leaderboard(board))
    typer.echo(f"{count} files in {board}/archive/{name}; the boards name it")


@leaderboard_app.command()
def truth(
    board: BoardArgument,
    data: Annotated[Path, typer.Option(help="The folder of the published data set.")],
    out: Annotated[Path, typer.Option(help="The folder for <track>.json, outside the repository.")],
) -> None:
    """Make ground truth that the repository may not hold.

    It is made from the published data, for --truths.
    """
    from bmbench.leaderboards.results.make_truths import make_truths
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

    for path in make_truths(Leaderboard(board), data, out):
        typer.echo(f"{path}: as the track names it")


for command in (evaluate, hide, rekey, retire):
    leaderboard_app.command()(command)


@leaderboard_app.command()
def schemas(
    folder: Annotated[Path, typer.Argument(help="The folder to write the JSON Schemas to.")],
) -> None:
    """Write the JSON Schemas of submission, track and about.json."""
    from bmbench.core.files import write_bytes
    from bmbench.leaderboards.submissions.schemas import schemas as texts

    for name, text in texts().items():
        write_bytes(folder / name, text)
    typer.echo(f"{len(texts())} schemas in {folder}")
