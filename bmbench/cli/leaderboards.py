"""`bmbench submit`, `validate` and `leaderboard …`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bmbench.leaderboards.submissions.validate import Verdict

leaderboard_app = typer.Typer(no_args_is_help=True, help="Score submissions, build and check boards.")

BoardOption = Annotated[
    Path, typer.Option("--board", help="The leaderboard: the folder that holds tracks/ and submissions/.")
]
BoardArgument = Annotated[Path, typer.Argument(help="The folder that holds tracks/ and submissions/.")]
KeyOption = Annotated[Path | None, typer.Option(help="The age identity that opens hidden ground truth.")]
TruthsOption = Annotated[
    Path | None, typer.Option(help="A folder with <track>.json where truth may not lie in the repository.")
]


class Supervised(StrEnum):
    """What was learnt from."""

    precise = "precise"
    weak = "weak"
    both = "both"
    none = "none"


class Question(StrEnum):
    """What a track's submissions may learn from."""

    precise = "precise"
    weak = "weak"
    artefacts = "artefacts"


class Chosen(StrEnum):
    """Where the threshold was chosen."""

    train = "train"
    validation = "validation"
    optimisation = "optimisation"
    not_chosen = "not chosen"


def submit(
    predictions: Annotated[
        list[Path], typer.Argument(help="Run directories, or predictions JSON: one a seed.")
    ],
    track: Annotated[str, typer.Option(help="The track to answer.")],
    contact: Annotated[list[str], typer.Option(help="Your login on the git host; more than one is fine.")],
    team: Annotated[str, typer.Option(help="The team's name on the board.")],
    name: Annotated[str | None, typer.Option(help="The method's name on the board.")] = None,
    board: BoardOption = Path(),
    id_: Annotated[
        str | None, typer.Option("--id", help="The folder's name.  [default: from team and method]")
    ] = None,
    threshold: Annotated[
        list[float] | None, typer.Option(min=0, max=1, help="Score at which predictions count, one a file.")
    ] = None,
    chosen_on: Annotated[
        Chosen | None, typer.Option(help="Which images the threshold was chosen on.")
    ] = None,
    seed: Annotated[list[int] | None, typer.Option(min=0, help="The seed of each file.")] = None,
    family: Annotated[str | None, typer.Option(help="The family of the method, for filters.")] = None,
    annotations: Annotated[Supervised | None, typer.Option(help="What the method learnt from.")] = None,
    external: Annotated[str | None, typer.Option(help="Other data that it learnt from, in words.")] = None,
    code_url: Annotated[str | None, typer.Option(help="Where the code is.")] = None,
    supersedes: Annotated[
        str | None, typer.Option(help="The id of an earlier one that this replaces.")
    ] = None,
    declare: Annotated[
        bool,
        typer.Option("--declare", help="Rules accepted, test images not used, publication allowed."),
    ] = False,
) -> None:
    """Check a submission made from runs or predictions files, and write its folder if it is valid."""
    from bmbench.leaderboards.submissions.prepare import Wishes, prepare
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

    wishes = Wishes(
        track=track,
        team=team,
        contacts=tuple(contact),
        id=id_,
        name=name,
        thresholds=tuple(threshold or ()),
        chosen_on=chosen_on.value if chosen_on else None,
        seeds=tuple(seed or ()),
        family=family,
        annotations=annotations.value if annotations else None,
        external_note=external,
        code_url=code_url,
        supersedes=supersedes,
        declared=declare,
    )
    folder, verdict = prepare(Leaderboard(board), predictions, wishes)
    typer.echo(f"Written: {folder}" if verdict.valid else f"Not written: {folder}")
    _tell(verdict, json=False)


def validate(
    folder: Annotated[Path | None, typer.Argument(help="submissions/<track>/<id> of a leaderboard.")] = None,
    board: Annotated[
        Path | None, typer.Option(help="The leaderboard.  [default: three folders up from the submission]")
    ] = None,
    changes: Annotated[
        str | None, typer.Option(help="BASE..HEAD: check what a pull request changes, from git alone.")
    ] = None,
    author: Annotated[str | None, typer.Option(help="The login of who hands it in (CI knows).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Check a submission: every fault at once, with its place and remedy."""
    from bmbench.leaderboards.submissions.gate import validate_changes, validate_folder

    if changes is not None:
        verdict = validate_changes(board or Path(), changes, author=author)
    elif folder is not None:
        verdict = validate_folder(folder, board=board, author=author)
    else:
        raise typer.BadParameter("give a submission folder, or --changes BASE..HEAD")
    _tell(verdict, json=json)


@leaderboard_app.command()
def init(
    board: BoardArgument,
    track: Annotated[str, typer.Option(help="The new track's name: a folder.")],
    truth: Annotated[
        Path, typer.Option(help="The ground truth as COCO JSON, or a finished run's directory.")
    ],
    title: Annotated[str, typer.Option(help="The question, in a few words.")] = "",
    supervision: Annotated[
        Question | None,
        typer.Option(
            help="What may be learnt from; artefacts: anything.  "
            "[default: as the track is called where that is one of these, else precise]"
        ),
    ] = None,
    unit: Annotated[
        str, typer.Option(help="What is drawn for intervals: patient, slide or image.")
    ] = "image",
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
    weaker_than: Annotated[
        str | None, typer.Option(help="The track of stronger annotations on the same images.")
    ] = None,
    outside: Annotated[
        bool, typer.Option("--outside", help="Leave the ground truth out of the repository.")
    ] = False,
) -> None:
    """Start a track: its manifest and ground truth, with the rules of a run or of the study."""
    from bmbench.leaderboards.tracks.create_track import TrackWishes, create_track, notes_on, track_facts
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
    from bmbench.present.words import many

    wishes = TrackWishes(
        name=track,
        title=title,
        supervision=None if supervision is None else supervision.value,
        unit=unit,
        protocol=protocol,
        iou=iou,
        radius_px=radius,
        controls=tuple(control or ()),
        weaker_than=weaker_than,
        outside=outside,
    )
    facts, file = track_facts(truth, wishes)
    manifest = create_track(Leaderboard(board), file, facts)
    images, units = many(len(manifest.images), "image"), many(manifest.n_units, "unit")
    typer.echo(f"Track {manifest.name}: {images}, {units} ({manifest.unit})")
    for note in notes_on(file, manifest):
        typer.echo(f"note: {note}", err=True)


@leaderboard_app.command("score")
def score_boards(
    board: BoardArgument,
    key: KeyOption = None,
    truths: TruthsOption = None,
    afresh: Annotated[bool, typer.Option("--afresh", help="Score unchanged submissions again, too.")] = False,
) -> None:
    """Score every submission and write results and standings; say which ranks changed."""
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

    count = verify_board(Leaderboard(board, truths), Terminal(Console(stderr=True)), key=key)
    typer.echo(f"{count} numbers recomputed, all as published")


@leaderboard_app.command()
def truth(
    board: BoardArgument,
    data: Annotated[Path, typer.Option(help="The folder of the published data set.")],
    out: Annotated[Path, typer.Option(help="The folder for <track>.json, outside the repository.")],
) -> None:
    """Make ground truth that the repository may not hold from the published data, for --truths."""
    from bmbench.leaderboards.results.make_truths import make_truths
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

    for path in make_truths(Leaderboard(board), data, out):
        typer.echo(f"{path}: as the track names it")


@leaderboard_app.command()
def hide(
    board: BoardArgument,
    track: Annotated[str, typer.Option(help="The track whose truth is to be hidden.")],
    recipient: Annotated[list[str], typer.Option(help="An age public key: age1…")],
) -> None:
    """Encrypt a track's ground truth and commit to it, before the truth was ever in the repository."""
    from bmbench.leaderboards.results.hidden import hide as hide_truth
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

    manifest = hide_truth(Leaderboard(board), track, recipient)
    typer.echo(f"Commitment: {manifest.truth.commitment}")


@leaderboard_app.command()
def reveal(
    board: BoardArgument,
    track: Annotated[str, typer.Option(help="The track that retires.")],
    key: Annotated[Path, typer.Option(help="The age identity.")],
) -> None:
    """Retire a track: put its truth and salt beside it, so that everybody can verify every number."""
    from bmbench.leaderboards.results.hidden import reveal as reveal_truth
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

    manifest = reveal_truth(Leaderboard(board), track, key)
    typer.echo(f"Track {manifest.name} is retired; its truth is what it committed to.")


@leaderboard_app.command()
def schemas(
    folder: Annotated[Path, typer.Argument(help="The folder to write the JSON Schemas to.")],
) -> None:
    """Write the JSON Schemas of submission and track."""
    from bmbench.core.files import write_bytes
    from bmbench.leaderboards.submissions.submit import schemas as texts

    for name, text in texts().items():
        write_bytes(folder / name, text)
    typer.echo(f"{len(texts())} schemas in {folder}")


def _tell(verdict: Verdict, *, json: bool) -> None:
    """Print a verdict; exit with 2 if something is wrong."""
    problems = verdict.problems
    if json:
        import json as json_library

        typer.echo(json_library.dumps({"valid": verdict.valid} | problems.to_json()))
    else:
        for problem in problems.listed:
            typer.echo(str(problem))
        more = problems.count - len(problems.listed)
        if more:
            typer.echo(f"… and {more} more of the kind")
        from bmbench.present.words import many

        typer.echo("valid" if verdict.valid else f"not valid: {many(problems.count, 'problem')}")
    if not verdict.valid:
        raise typer.Exit(2)
