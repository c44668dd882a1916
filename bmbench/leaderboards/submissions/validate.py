"""`bmbench validate`: one verdict, the same on a submitter's desk, before a commit and in CI."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bmbench.core.errors import BadInputError
from bmbench.leaderboards.submissions.card import CARD_BYTES, CARD_FILE
from bmbench.leaderboards.submissions.card_check import check_card
from bmbench.leaderboards.submissions.predictions_check import check_predictions
from bmbench.leaderboards.submissions.problems import Problems, pointer, quoted
from bmbench.leaderboards.submissions.strict_json import parse

if TYPE_CHECKING:
    from bmbench.leaderboards.manifest import Manifest
    from bmbench.leaderboards.submissions.card import Submission
    from bmbench.leaderboards.submissions.sources import Blob, Files


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """The submissions of the track that are there already.

    `contacts` by id; `digests` of predictions files → id; `teams` by id.
    """

    contacts: Mapping[str, Collection[str]] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    teams: Mapping[str, str] = field(default_factory=dict)


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
    card = check_card(value, problems) if data is not None and not len(problems) else None
    if card is not None:
        _check_place(card, manifest, folder, problems)
        _check_others(card, manifest, others or Others(), author, problems)
    expected = {CARD_FILE} | ({run.predictions for run in card.runs} if card else set())
    for name in files:
        if name not in expected and (card is not None or not name.startswith("predictions-s")):
            problems.file = quoted(name)[1:-1]
            problems.add("E102", "", "does not belong to the submission", "take it out")
    for row, run in enumerate(card.runs if card else ()):
        problems.file = run.predictions
        place = pointer("runs", row, "sha256")
        _check_file(files.get(run.predictions), run.sha256, place, manifest, problems)
    return Verdict(card=card, problems=problems)


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


def _check_file(blob: Blob | None, sha256: str, place: str, manifest: Manifest, problems: Problems) -> None:
    data = _read(blob, manifest.limits.predictions_bytes, problems)
    if data is None:
        return
    if hashlib.sha256(data).hexdigest() != sha256:
        problems.add("E308", "", f"is not the file of {CARD_FILE}#{place}", "write both with bmbench submit")
    before = len(problems)
    value = parse(data, problems)
    if len(problems) == before:
        check_predictions(value, manifest, problems)


def _check_place(card: Submission, manifest: Manifest, folder: str, problems: Problems) -> None:
    if card.id != folder:
        problems.add("E105", "/id", "is not the name of the folder", "name the folder after the id")
    asked = card.question
    facts = (
        ("track", asked.track, manifest.name),
        ("version", asked.version, manifest.version),
        ("data_sha256", asked.data_sha256, manifest.data.sha256),
    )
    for name, got, expected in facts:
        if got != expected:
            text = f"is {quoted(got)}, the track has '{expected}'"
            problems.add("E307", pointer("question", name), text, "answer the track as it is now")
    if manifest.supervision == "weak" and card.training.annotations not in {"weak", "none"}:
        remedy = "hand it in on a track of precise annotations"
        problems.add("E312", "/training/annotations", "the track is about weak annotations", remedy)
    if len(card.runs) > manifest.limits.seeds:
        problems.add("E303", "/runs", f"more than {manifest.limits.seeds} seeds", "hand in fewer")


def _check_others(
    card: Submission, manifest: Manifest, others: Others, author: str | None, problems: Problems
) -> None:
    if author is not None and author not in card.contacts:
        problems.add("E309", "/contacts", "does not name who hands it in", "add your login")
    for name in ("supersedes", "withdraws"):
        target = getattr(card, name)
        if target is None:
            continue
        allowed = others.contacts.get(target)
        if allowed is None or target == card.id:
            problems.add("E309", pointer(name), "is not a submission of the track", "check the id")
        elif not set(allowed) & ({author} if author is not None else set(card.contacts)):
            problems.add("E309", pointer(name), "belongs to other contacts", "ask one of them")
    for row, run in enumerate(card.runs):
        twin = others.digests.get(run.sha256)
        if twin is not None and twin not in (card.id, card.supersedes):
            text = "the same predictions stand in another submission"
            problems.add("E310", pointer("runs", row, "sha256"), text, "hand in each answer once")
    _check_attempts(card, manifest, others, problems)


def _check_attempts(card: Submission, manifest: Manifest, others: Others, problems: Problems) -> None:
    most = manifest.limits.attempts
    if most is None or card.withdraws is not None:
        return
    team = card.display.team.casefold()
    earlier = sum(name.casefold() == team for id_, name in others.teams.items() if id_ != card.id)
    if earlier >= most:
        text = f"the team has used its {most} attempts"
        problems.add("E311", "/display/team", text, "wait for the next version of the track")
