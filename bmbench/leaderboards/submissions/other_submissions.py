"""What the submissions of a track that are there already say about who they belong to."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bmbench.leaderboards.submissions.card import CARD_BYTES, CARD_FILE
from bmbench.leaderboards.submissions.sources import folder_files
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """The submissions of the track that are there already.

    `contacts` by id; `digests` of predictions files → id; `teams` by id.
    """

    contacts: Mapping[str, Collection[str]] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    teams: Mapping[str, str] = field(default_factory=dict)


def read_others(board: Leaderboard, track: str) -> Others:
    """What the submissions of a track say about who they belong to; cards that cannot be read say nothing."""
    contacts: dict[str, list[str]] = {}
    digests: dict[str, str] = {}
    teams: dict[str, str] = {}
    for folder in board.submissions(track):
        card = _card_of(folder)
        try:
            contacts[folder.name] = [str(login) for login in card["contacts"]]
            teams[folder.name] = str(card["display"]["team"])
            digests |= {str(run["sha256"]): folder.name for run in card["runs"]}
        except (KeyError, TypeError):
            continue
    return Others(contacts=contacts, digests=digests, teams=teams)


def _card_of(folder: Path) -> dict[str, Any]:
    if folder.is_symlink() or not folder.is_dir():
        return {}
    blob = folder_files(folder).get(CARD_FILE)
    if blob is None or not blob.regular or blob.size > CARD_BYTES:
        return {}
    try:
        value = json.loads(blob.read())
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
