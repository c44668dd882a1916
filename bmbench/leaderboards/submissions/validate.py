"""`bmbench validate`: one verdict, the same on a submitter's desk, before a commit and in CI."""

import hashlib
import math
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from msgspec import UnsetType

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
from bmbench.leaderboards.submissions.other_submissions import Others, submitter
from bmbench.leaderboards.submissions.predictions_check import check_predictions
from bmbench.leaderboards.submissions.problems import Problems, pointer, quoted
from bmbench.leaderboards.submissions.sources import Blob, Files
from bmbench.leaderboards.submissions.strict_json import parse
from bmbench.leaderboards.tracks.fields import PREDICTIONS_PATTERN
from bmbench.leaderboards.tracks.manifest import Limits, Manifest
from bmbench.leaderboards.tracks.names import skeleton

_DAY = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A submission that was looked at: its card if that could be read, and everything that is wrong.

    `manifest` and `files` are what it was held against and what it is made of, where it is one submission.
    """

    card: Submission | None
    problems: Problems
    manifest: Manifest | None = None
    files: Files = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        """Whether nothing is wrong."""
        return not len(self.problems)


def validate(
    files: Files,
    manifest: Manifest,
    *,
    folder: str,
    others: Others | None = None,
    author: str | None = None,
    now: int | None = None,
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
    now : int, optional
        When it came, in seconds since 1970; None: it comes now.
    """
    problems = Problems(CARD_FILE)
    data = _read(files.get(CARD_FILE), CARD_BYTES, problems)
    value = parse(data, problems) if data is not None else None
    is_json = data is not None and not len(problems)
    checked = check_card(value, problems) if is_json else Checked(card=None, parts={})
    desk = _Desk(
        manifest=manifest,
        folder=folder,
        others=others or Others(),
        author=None if author is None else author.casefold(),
        now=int(time.time()) if now is None else now,
        problems=problems,
    )
    look_at(checked.parts, _PLACE, desk)
    _check_files(files, checked.parts.get("runs"), desk)
    return Verdict(card=checked.card, problems=problems, manifest=manifest, files=files)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """What a card is held against, and where its faults go. Logins are in small letters."""

    manifest: Manifest
    folder: str
    others: Others
    author: str | None
    now: int
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


def _check_author(contacts: Sequence[str], withdraws: str | None, desk: _Desk) -> None:
    """Who hands in an answer stands first: attempts are counted by that login, which nobody else can use."""
    if desk.author is None or submitter(contacts) == desk.author:
        return
    if desk.author in _small(contacts):
        if withdraws is not None:
            return
        text = "does not begin with who hands it in, for whom the attempt is counted"
        desk.problems.add("E309", "/contacts", text, "put your login first")
    else:
        desk.problems.add("E309", "/contacts", "does not name who hands it in", "put your login first")


def _check_target(name: str, target: str | None, id_: str, contacts: Sequence[str], desk: _Desk) -> None:
    if target is None:
        return
    allowed = desk.others.contacts.get(target)
    if allowed is None or target == id_:
        desk.problems.add("E309", pointer(name), "is not a submission of the track", "check the id")
    elif not _small(allowed) & ({desk.author} if desk.author is not None else _small(contacts)):
        desk.problems.add("E309", pointer(name), "belongs to other contacts", "ask one of them")


def _small(logins: Iterable[str]) -> set[str]:
    """Logins as hosts compare them: A is a."""
    return {login.casefold() for login in logins}


def _check_twins(runs: Sequence[Run], id_: str, supersedes: str | None, desk: _Desk) -> None:
    for row, run in enumerate(runs):
        twin = desk.others.digests.get(run.sha256)
        if twin is not None and twin not in (id_, supersedes):
            text = f"the same predictions stand in {twin}"
            desk.problems.add("E310", pointer("runs", row, "sha256"), text, "hand in each answer once")


def _check_team(
    display: Display, id_: str, contacts: Sequence[str], withdraws: str | None, desk: _Desk
) -> None:
    """A team's name belongs to who used it first, and so do those that are taken for it."""
    if withdraws is not None:
        return
    looks, mine = skeleton(display.team), _small(contacts)
    alike = [id_of for id_of, team in desk.others.teams.items() if id_of != id_ and skeleton(team) == looks]
    if alike and not any(mine & _small(desk.others.contacts[id_of]) for id_of in alike):
        text = f"is the team of {quoted(alike[0])}, or looks like it"
        remedy = "choose another name, or put one of its contacts behind yours"
        desk.problems.add("E313", "/display/team", text, remedy)


def _check_attempts(contacts: Sequence[str], id_: str, withdraws: str | None, desk: _Desk) -> None:
    """How often a login, and all of them together, may answer a track in a time; withdrawals do not count."""
    if withdraws is not None:
        return
    limits, who = desk.manifest.limits, submitter(contacts) if desk.author is None else desk.author
    earlier = {id_of: login for id_of, login in desk.others.submitters.items() if id_of != id_}
    mine = [id_of for id_of, login in earlier.items() if login == who]
    both = (
        (limits.attempts, mine, f"{quoted(who)} has used"),
        (limits.attempts_of_all, list(earlier), "the track has taken"),
    )
    for most, those, words in both:
        if most is None or isinstance(most, UnsetType):
            continue
        counted, wait = _in_period(those, most, desk)
        if counted >= most:
            text = f"{words} the {most} attempts that are allowed{_period(limits)}"
            desk.problems.add("E311", "/contacts/0", text, wait)


def _period(limits: Limits) -> str:
    return "" if isinstance(limits.days, UnsetType) else f" in {limits.days} days"


def _in_period(ids: Sequence[str], most: int, desk: _Desk) -> tuple[int, str]:
    """How many of these submissions count today, and from when on another one may come.

    One of which git does not know when it came has not come yet: it lies on a desk. Where the author is
    known, there is no desk, and it counts.
    """
    days = desk.manifest.limits.days
    if isinstance(days, UnsetType):
        return len(ids), "wait for the next version of the track"
    since = desk.now - days * _DAY
    unknown = -math.inf if desk.author is None else desk.now
    arrived = sorted(desk.others.arrived.get(id_, unknown) for id_ in ids)
    recent = [date for date in arrived if since < date <= desk.now]
    if len(recent) < most:
        return len(recent), ""
    free = datetime.fromtimestamp(recent[len(recent) - most] + days * _DAY, UTC)
    return len(recent), f"hand it in after {free:%Y-%m-%d %H:%M} UTC"


_PLACE: tuple[Check, ...] = (
    (("id",), _check_id),
    (("question",), _check_question),
    (("training",), _check_supervision),
    (("runs",), _check_seeds),
    (("contacts", "withdraws"), _check_author),
    *(((name, "id", "contacts"), partial(_check_target, name)) for name in ("supersedes", "withdraws")),
    (("runs", "id", "supersedes"), _check_twins),
    (("display", "id", "contacts", "withdraws"), _check_team),
    (("contacts", "id", "withdraws"), _check_attempts),
)
"""What a card must be on this track, in this folder, beside these submissions."""
