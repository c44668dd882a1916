"""`bmbench submit` and `validate`."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bmbench.leaderboards.submissions.understood import Understood
    from bmbench.leaderboards.submissions.validate import Verdict
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard


class Supervised(StrEnum):
    """What was learnt from."""

    precise = "precise"
    weak = "weak"
    both = "both"
    none = "none"


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
    board: Annotated[
        Path, typer.Option(help="The leaderboard: the folder that holds tracks/ and submissions/.")
    ] = Path(),
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
    """Check a submission, and write its folder if it is valid.

    It is made from runs or predictions files.
    """
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
    _tell(verdict, Leaderboard(board), json=False)


def validate(
    folder: Annotated[Path | None, typer.Argument(help="submissions/<track>/<id> of a leaderboard.")] = None,
    board: Annotated[
        Path | None, typer.Option(help="The leaderboard.  [default: three folders up from the submission]")
    ] = None,
    changes: Annotated[
        str | None, typer.Option(help="BASE..HEAD: check what a pull request changes, from git alone.")
    ] = None,
    queue: Annotated[
        str | None, typer.Option(help="BASE..HEAD: the same, each commit a pull request (a merge queue).")
    ] = None,
    author: Annotated[str | None, typer.Option(help="The login of who hands it in (CI knows).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Check a submission: every fault with its place and remedy.

    All of them are said at once.
    """
    from bmbench.leaderboards.submissions.incoming import (
        board_of,
        validate_changes,
        validate_folder,
        validate_queue,
    )
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

    place = Leaderboard(board or Path())
    if queue is not None:
        verdict = validate_queue(place.path, queue)
    elif changes is not None:
        verdict = validate_changes(place.path, changes, author=author)
    elif folder is not None:
        place = Leaderboard(board or board_of(folder))
        verdict = validate_folder(folder, board=board, author=author)
    else:
        raise typer.BadParameter("give a submission folder, --changes BASE..HEAD or --queue BASE..HEAD")
    _tell(verdict, place, json=json)


def _verdict(verdict: Verdict) -> str:
    """The last line of what is in order."""
    return "valid" if verdict.card is not None else "no submission in it: nothing to check here"


def _show(found: Understood) -> None:
    """Print what was understood: one short table, and what is doubtful."""
    from bmbench.cli.terminal import console
    from bmbench.leaderboards.submissions.understood import table
    from bmbench.present.terminal import terminal_table

    header, rows = table(found)
    shown = terminal_table(header[0], header[1:])
    for row in rows:
        shown.add_row(*row)
    console().print(shown)
    for doubt in found.doubts:
        typer.echo(f"Look: {doubt}")


def _tell(verdict: Verdict, board: Leaderboard, *, json: bool) -> None:
    """Print a verdict; exit with 2 if something is wrong."""
    from bmbench.leaderboards.submissions.understood import understand

    problems = verdict.problems
    found = understand(board, verdict)
    if found is not None and not json:
        _show(found)
    if json:
        import json as json_library

        read = None if found is None else asdict(found)
        typer.echo(json_library.dumps({"valid": verdict.valid, "understood": read} | problems.to_json()))
    else:
        for problem in problems.listed:
            typer.echo(str(problem))
        more = problems.count - sum(problem.times for problem in problems.listed)
        if more:
            typer.echo(f"… and {more:,} more of other kinds")
        from bmbench.present.words import many

        typer.echo(_verdict(verdict) if verdict.valid else f"not valid: {many(problems.count, 'problem')}")
    if not verdict.valid:
        raise typer.Exit(2)
