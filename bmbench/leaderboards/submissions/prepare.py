"""What a submitter wishes and what the runs know, put together to a card's facts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmbench.core.errors import BadInputError
from bmbench.datasets.formats.read_ahead import is_folder_of_answers
from bmbench.leaderboards.submissions.other_submissions import read_others
from bmbench.leaderboards.submissions.submit import (
    SubmissionFacts,
    SubmittedFile,
    parsed_costs,
    read_run,
    submit,
)
from bmbench.leaderboards.submissions.validate import Verdict, refuse_retired
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import Manifest
from bmbench.leaderboards.tracks.names import is_id, name_fault, require_id
from bmbench.present.words import many


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The options of `bmbench submit`, as they were given; None or () where they were not."""

    track: str
    team: str
    contacts: Sequence[str]
    id: str | None = None
    name: str | None = None
    thresholds: Sequence[float] = ()
    chosen_on: str | None = None
    seeds: Sequence[int] = ()
    family: str | None = None
    annotations: str | None = None
    external_note: str | None = None
    code_url: str | None = None
    supersedes: str | None = None
    costs: Sequence[str] = ()
    declared: bool = False


def prepare(board: Leaderboard, paths: Sequence[Path], wishes: Wishes) -> tuple[Path, Verdict]:
    """The new submission's folder, which is written if it is valid, and the verdict on it.

    Raises
    ------
    BadInputError
        If something that a predictions file does not say was not given either, no id can be made of the
        names, or the files cannot be read.
    """
    manifest = board.manifest(wishes.track)
    refuse_retired(manifest)
    for option, name in (("--team", wishes.team), ("--name", wishes.name)):
        fault = None if name is None else name_fault(name)
        if fault is not None:
            raise BadInputError(fault, where=option, remedy="choose a plain name")
    known: dict[str, Any] = {}
    answers = []
    for row, path in enumerate(paths):
        if path.is_dir() and not is_folder_of_answers(path):
            answer, found = read_run(path, manifest)
            known |= found
        else:
            answer = _answer(path, row, len(paths), wishes)
        answers.append(answer)
    facts = _facts(known, wishes, manifest)
    folder = board.submission(manifest.name, _id(wishes, facts.name))
    return folder, submit(answers, facts, manifest, folder=folder, others=read_others(board, manifest.name))


def _answer(path: Path, row: int, n: int, wishes: Wishes) -> SubmittedFile:
    if len(wishes.thresholds) != n:
        raise BadInputError(
            "the score at which predictions count is not known",
            where=str(path),
            expected=many(n, "threshold"),
            got=str(len(wishes.thresholds)),
            remedy="give --threshold once a file; choose it on validation images, never on test",
        )
    if wishes.seeds and len(wishes.seeds) != n:
        raise BadInputError("not every file has a seed", expected=many(n, "seed"), got=str(len(wishes.seeds)))
    seed = wishes.seeds[row] if wishes.seeds else row
    return SubmittedFile(path=path, seed=seed, threshold=wishes.thresholds[row])


def _facts(known: dict[str, Any], wishes: Wishes, manifest: Manifest) -> SubmissionFacts:
    given = {
        "name": wishes.name,
        "family": wishes.family,
        "annotations": wishes.annotations,
        "threshold_chosen_on": wishes.chosen_on,
        "external_note": wishes.external_note,
        "code_url": wishes.code_url,
        "supersedes": wishes.supersedes,
    }
    costs = parsed_costs(wishes.costs)
    merged = known | {name: value for name, value in given.items() if value is not None} | costs
    options = {
        "name": "--name",
        "family": "--family",
        "annotations": "--annotations",
        "threshold_chosen_on": "--chosen-on",
    }
    if costs and "hardware" not in merged:
        raise BadInputError(
            "costs say little without what they were measured on", remedy="give --cost 'hardware=one A100'"
        )
    missing = [option for name, option in options.items() if name not in merged]
    if missing:
        remedy = f"give {', '.join(missing)}"
        raise BadInputError(
            "a predictions file does not say how it was made", where=manifest.name, remedy=remedy
        )
    return SubmissionFacts(team=wishes.team, contacts=wishes.contacts, declared=wishes.declared, **merged)


def _id(wishes: Wishes, name: str) -> str:
    """The id that was given, or the one that team and method make; it is a folder's name, never a path."""
    if wishes.id is not None:
        return require_id(wishes.id)
    names = f"{wishes.team} {name}"
    made = re.sub(r"[^a-z0-9]+", "-", names.lower()).strip("-")[:48].rstrip("-")
    if not is_id(made):
        raise BadInputError(
            "no id can be made of team and method",
            where=names,
            expected="3 to 48 of a-z, 0-9 and -",
            got=repr(made),
            remedy="give --id",
        )
    return made
