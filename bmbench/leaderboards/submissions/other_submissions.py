"""What the submissions of a track that are there already say about who they belong to, and since when."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bmbench.leaderboards.submissions.card import CARD_BYTES, CARD_FILE
from bmbench.leaderboards.submissions.sources import (
    Files,
    arrivals,
    commit_files,
    commit_folders,
    folder_files,
    prefix,
)
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """The submissions of the track that are there already.

    `contacts` and `teams` by id; `digests` of predictions files → id; `submitters` are the logins that
    handed in an answer, by id, in small letters; `arrived` says when, in seconds since 1970, where git
    knows.
    """

    contacts: Mapping[str, Collection[str]] = field(default_factory=dict)
    teams: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    submitters: Mapping[str, str] = field(default_factory=dict)
    arrived: Mapping[str, int] = field(default_factory=dict)


def read_others(board: Leaderboard, track: str) -> Others:
    """What the submissions of a track say about who they belong to; cards that cannot be read say nothing."""
    folders = [path for path in board.submissions(track) if path.is_dir() and not path.is_symlink()]
    return _others(((path.name, folder_files(path)) for path in folders), arrivals(board.path, track))


def read_others_of_commit(board: Leaderboard, track: str, commit: str) -> Others:
    """The same of a commit, whose files are not checked out."""
    folder = f"{prefix(board.path)}submissions/{track}"
    names = commit_folders(board.path, commit, folder)
    files = ((name, commit_files(board.path, commit, f"{folder}/{name}")) for name in names)
    return _others(files, arrivals(board.path, track, commit))


def submitter(contacts: Iterable[str]) -> str:
    """The login that a card's attempt is counted for: its first contact. Hosts do not tell A from a."""
    return next(iter(contacts)).casefold()


def _others(folders: Iterable[tuple[str, Files]], arrived: Mapping[str, int]) -> Others:
    contacts: dict[str, list[str]] = {}
    teams: dict[str, str] = {}
    digests: dict[str, str] = {}
    submitters: dict[str, str] = {}
    for name, files in folders:
        card = _card_of(files)
        try:
            logins = [str(login) for login in card["contacts"]]
            team = str(card["display"]["team"])
            runs = [str(run["sha256"]) for run in card["runs"]]
            if runs:
                submitters[name] = submitter(logins)
        except (KeyError, TypeError, StopIteration):
            continue
        contacts[name], teams[name] = logins, team
        digests |= dict.fromkeys(runs, name)
    return Others(contacts=contacts, teams=teams, digests=digests, submitters=submitters, arrived=arrived)


def _card_of(files: Files) -> dict[str, Any]:
    blob = files.get(CARD_FILE)
    if blob is None or not blob.regular or blob.size > CARD_BYTES:
        return {}
    try:
        value = json.loads(blob.read())
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
