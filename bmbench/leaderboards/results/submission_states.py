"""What submissions do to each other: withdraw, supersede, and the maintainers' disputes."""

from collections.abc import Mapping, Sequence

import msgspec

from bmbench.core.files import read_bytes, read_json
from bmbench.leaderboards.results.record import Result, State
from bmbench.leaderboards.submissions.card import CARD_FILE, Submission
from bmbench.leaderboards.submissions.other_submissions import submitter
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import Manifest

DISPUTES_FILE = "disputes.json"
"""A list of ids beside the track's manifest: scores that the maintainers have reason to doubt."""


def settled(board: Leaderboard, manifest: Manifest, results: Sequence[Result]) -> list[Result]:
    """The results with their final state and the number of their submitter's attempt, in the order given.

    A card that withdraws another submission is a note and has no result of its own.
    """
    cards = {result.id: _card(board, manifest, result) for result in results if result.state != "failed"}
    states = _states(results, cards)
    for id_ in _disputes(board, manifest):
        states.setdefault(id_, "disputed")
    attempts = _attempts(results, cards)
    found = []
    for result in results:
        if result.id in cards and cards[result.id].withdraws is not None:
            continue
        state = states.get(result.id, result.state) if result.state == "published" else result.state
        attempt = attempts.get(result.id, 1)
        found.append(msgspec.structs.replace(result, state=state, attempt=attempt))
    return found


def _states(results: Sequence[Result], cards: Mapping[str, Submission]) -> dict[str, State]:
    states: dict[str, State] = {}
    for result in results:
        card = cards.get(result.id)
        if card is None:
            continue
        if card.withdraws is not None:
            states[card.withdraws] = "withdrawn"
        elif card.supersedes is not None and result.state == "published":
            states.setdefault(card.supersedes, "superseded")
    return states


def _attempts(results: Sequence[Result], cards: Mapping[str, Submission]) -> dict[str, int]:
    """Each one's number among those of its submitter, in the order of `results`; failed ones do not count."""
    seen: dict[str, int] = {}
    attempts = {}
    for result in results:
        if result.state == "published" and not result.control:
            who = submitter(cards[result.id].contacts)
            seen[who] = seen.get(who, 0) + 1
            attempts[result.id] = seen[who]
    return attempts


def _card(board: Leaderboard, manifest: Manifest, result: Result) -> Submission:
    folder = board.submission(manifest.name, result.id)
    return msgspec.json.decode(read_bytes(folder / CARD_FILE), type=Submission)


def _disputes(board: Leaderboard, manifest: Manifest) -> list[str]:
    path = board.path / "tracks" / manifest.name / DISPUTES_FILE
    return [str(id_) for id_ in read_json(path)] if path.is_file() else []
