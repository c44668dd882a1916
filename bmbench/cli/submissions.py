"""`bmbench submit` and `validate`."""

from __future__ import annotations

import io
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
    cost: Annotated[
        list[str] | None,
        typer.Option(help="What it costs: hardware=…, ms_per_image=…; may be repeated."),
    ] = None,
    declare: Annotated[
        bool,
        typer.Option("--declare", help="Rules accepted, test images not used, publication allowed."),
    ] = False,
    open_: Annotated[
        bool, typer.Option("--open", help="Open the pull request with gh or glab, or say how without them.")
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
        costs=tuple(cost or ()),
        declared=declare,
    )
    folder, verdict = prepare(Leaderboard(board), predictions, wishes)
    typer.echo(f"Written: {folder}" if verdict.valid else f"Not written: {folder}")
    _tell(verdict, Leaderboard(board), json=False)
    if open_:
        from bmbench.leaderboards.submissions.open_request import open_request, shown

        done, rest = open_request(board, folder, contact[0])
        for line in done:
            typer.echo(f"Done: {shown(line)}")
        if rest:
            typer.echo(f"To open the pull request, in {board.absolute()}:")
        for line in rest:
            typer.echo(f"    {shown(line)}")


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
    comment: Annotated[
        Path | None, typer.Option(help="Write the verdict to a file, as a comment in Markdown (CI).")
    ] = None,
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
    _tell(verdict, place, json=json, comment=comment)


def _tell(verdict: Verdict, board: Leaderboard, *, json: bool, comment: Path | None = None) -> None:
    """Print a verdict, and write it as a comment if that is wanted; exit with 2 if something is wrong."""
    from bmbench.leaderboards.submissions.understood import understand

    found = understand(board, verdict)
    if json:
        import json as json_library

        read = None if found is None else asdict(found)
        told = {"valid": verdict.valid, "understood": read} | verdict.problems.to_json()
        typer.echo(json_library.dumps(told))
    else:
        typer.echo(_text(verdict, found))
    if comment is not None:
        from bmbench.core.files import write_text

        # In a fence nothing is taken for Markdown; what a stranger wrote is quoted without back quotes.
        write_text(comment, f"{_MARK}\n```text\n{_text(verdict, found)}\n```\n")
    if not verdict.valid:
        raise typer.Exit(2)


_MARK = "<!-- bmbench -->"
"""The first line of a comment on a pull request, by which a later one finds it."""


def _text(verdict: Verdict, found: Understood | None) -> str:
    """What was understood, every kind of problem, and the verdict as the last line."""
    from bmbench.present.words import many

    problems = verdict.problems
    lines = [] if found is None else [_table(found), *(f"Look: {doubt}" for doubt in found.doubts)]
    lines += [str(problem) for problem in problems.listed]
    more = problems.count - sum(problem.times for problem in problems.listed)
    if more:
        lines.append(f"… and {more:,} more of other kinds")
    if not verdict.valid:
        lines.append(f"not valid: {many(problems.count, 'problem')}")
    else:
        lines.append("valid" if verdict.card is not None else "no submission in it: nothing to check here")
    return "\n".join(lines)


def _table(found: Understood) -> str:
    from rich.console import Console

    from bmbench.leaderboards.submissions.understood import table
    from bmbench.present.terminal import terminal_table

    header, rows = table(found)
    shown = terminal_table(header[0], header[1:])
    for row in rows:
        shown.add_row(*row)
    page = Console(width=80, file=io.StringIO(), color_system=None)
    with page.capture() as captured:
        page.print(shown)
    return captured.get().strip("\n")
