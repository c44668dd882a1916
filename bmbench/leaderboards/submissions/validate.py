"""`bmbench validate`: one verdict, the same on a submitter's desk, before a commit and in CI."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from bmbench.core.errors import BadInputError
from bmbench.leaderboards.submissions.card import (
    CARD_BYTES,
    CARD_FILE,
    Display,
    Question,
    Run,
    Submission,
    Training,
)
from bmbench.leaderboards.submissions.card_check import Check, Checked, check_card, look_at
from bmbench.leaderboards.submissions.other_submissions import Others
from bmbench.leaderboards.submissions.predictions_check import check_predictions
from bmbench.leaderboards.submissions.problems import Problems, pointer, quoted
from bmbench.leaderboards.submissions.sources import Blob, Files
from bmbench.leaderboards.submissions.strict_json import parse
from bmbench.leaderboards.tracks.fields import PREDICTIONS_PATTERN
from bmbench.leaderboards.tracks.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A submission that was looked at: its card if that could be read, and everything that is wrong."""

    card: Submission | None
    problems: Problems

    @property
    def valid(self) -> bool:
        """Whether nothing is wrong."""
        return not len(self.problems)


def validate(
    files: Files, manifest: Manifest, *, folder: str, others: Others | None = None, author: str | None = None
) -> Verdict:
    """The verdict on the files of one submission.

    Parameters
    ----------
    folder : str
        The name of the submission's folder, which must be its id.
    others : Others, optional
        The submissions beside it: what supersedes or withdraws one must be allowed to.
    author : str, optional
        The login of who hands it in, where that is known for certain (CI).
    """
    problems = Problems(CARD_FILE)
    data = _read(files.get(CARD_FILE), CARD_BYTES, problems)
    value = parse(data, problems) if data is not None else None
    is_json = data is not None and not len(problems)
    checked = check_card(value, problems) if is_json else Checked(card=None, parts={})
    desk = _Desk(
        manifest=manifest, folder=folder, others=others or Others(), author=author, problems=problems
    )
    look_at(checked.parts, _PLACE, desk)
    _check_files(files, checked.parts.get("runs"), desk)
    return Verdict(card=checked.card, problems=problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """What a card is held against, and where its faults go."""

    manifest: Manifest
    folder: str
    others: Others
    author: str | None
    problems: Problems


def refuse_retired(manifest: Manifest) -> None:
    """Nothing, or a BadInputError if the track takes no new submissions."""
    if manifest.retired:
        remedy = "choose another track, or its next version"
        raise BadInputError("the track is retired", where=manifest.name, remedy=remedy)


def _read(blob: Blob | None, most: int, problems: Problems) -> bytes | None:
    """The bytes of a file whose kind and size are allowed: both are looked at before it is opened."""
    if blob is None:
        problems.add("E101", "", "is not there", "add it")
    elif not blob.regular:
        problems.add("E103", "", "is a link, a folder or an executable", "put a plain file there")
    elif blob.size > most:
        problems.add("E104", "", f"has {blob.size:,} bytes, allowed are {most:,}", "make it smaller")
    else:
        return blob.read()
    return None


def _check_files(files: Files, runs: Sequence[Run] | None, desk: _Desk) -> None:
    """The files beside the card: those of its runs, or what is named so where the runs cannot be read."""
    problems, manifest = desk.problems, desk.manifest
    digests: Mapping[str, str | None]
    if runs is None:
        named = [name for name in files if re.fullmatch(PREDICTIONS_PATTERN, name)]
        digests = dict.fromkeys(named[: manifest.limits.seeds])
    else:
        named = [run.predictions for run in runs]
        digests = {run.predictions: run.sha256 for run in runs}
    for name in files:
        if name != CARD_FILE and name not in named:
            problems.file = quoted(name)[1:-1]
            problems.add("E102", "", "does not belong to the submission", "take it out")
    for row, (name, sha256) in enumerate(digests.items()):
        problems.file = name
        data = _read(files.get(name), manifest.limits.predictions_bytes, problems)
        if data is None:
            continue
        if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
            place = pointer("runs", row, "sha256")
            problems.add(
                "E308", "", f"is not the file of {CARD_FILE}#{place}", "write both with bmbench submit"
            )
        before = len(problems)
        value = parse(data, problems)
        if len(problems) == before:
            check_predictions(value, manifest, problems)


def _check_id(id_: str, desk: _Desk) -> None:
    if id_ != desk.folder:
        desk.problems.add("E105", "/id", "is not the name of the folder", "name the folder after the id")


def _check_question(asked: Question, desk: _Desk) -> None:
    manifest = desk.manifest
    facts = (
        ("track", asked.track, manifest.name),
        ("version", asked.version, manifest.version),
        ("data_sha256", asked.data_sha256, manifest.data.sha256),
    )
    for name, got, expected in facts:
        if got != expected:
            text = f"is {quoted(got)}, the track has '{expected}'"
            desk.problems.add("E307", pointer("question", name), text, "answer the track as it is now")


def _check_supervision(training: Training, desk: _Desk) -> None:
    if desk.manifest.supervision == "weak" and training.annotations not in {"weak", "none"}:
        remedy = "hand it in on a track of precise annotations"
        desk.problems.add("E312", "/training/annotations", "the track is about weak annotations", remedy)


def _check_seeds(runs: Sequence[Run], desk: _Desk) -> None:
    most = desk.manifest.limits.seeds
    if len(runs) > most:
        desk.problems.add("E303", "/runs", f"more than {most} seeds", "hand in fewer")


def _check_author(contacts: Sequence[str], desk: _Desk) -> None:
    if desk.author is not None and desk.author not in contacts:
        desk.problems.add("E309", "/contacts", "does not name who hands it in", "add your login")


def _check_target(name: str, target: str | None, id_: str, contacts: Sequence[str], desk: _Desk) -> None:
    if target is None:
        return
    allowed = desk.others.contacts.get(target)
    if allowed is None or target == id_:
        desk.problems.add("E309", pointer(name), "is not a submission of the track", "check the id")
    elif not set(allowed) & ({desk.author} if desk.author is not None else set(contacts)):
        desk.problems.add("E309", pointer(name), "belongs to other contacts", "ask one of them")


def _check_twins(runs: Sequence[Run], id_: str, supersedes: str | None, desk: _Desk) -> None:
    for row, run in enumerate(runs):
        twin = desk.others.digests.get(run.sha256)
        if twin is not None and twin not in (id_, supersedes):
            text = "the same predictions stand in another submission"
            desk.problems.add("E310", pointer("runs", row, "sha256"), text, "hand in each answer once")


def _check_attempts(display: Display, id_: str, withdraws: str | None, desk: _Desk) -> None:
    most = desk.manifest.limits.attempts
    if most is None or withdraws is not None:
        return
    team = display.team.casefold()
    earlier = sum(name.casefold() == team for other, name in desk.others.teams.items() if other != id_)
    if earlier >= most:
        text = f"the team has used its {most} attempts"
        desk.problems.add("E311", "/display/team", text, "wait for the next version of the track")


_PLACE: tuple[Check, ...] = (
    (("id",), _check_id),
    (("question",), _check_question),
    (("training",), _check_supervision),
    (("runs",), _check_seeds),
    (("contacts",), _check_author),
    *(((name, "id", "contacts"), partial(_check_target, name)) for name in ("supersedes", "withdraws")),
    (("runs", "id", "supersedes"), _check_twins),
    (("display", "id", "withdraws"), _check_attempts),
)
"""What a card must be on this track, in this folder, beside these submissions."""
