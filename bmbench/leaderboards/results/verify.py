"""`bmbench leaderboard verify`: every published number, recomputed from submissions and truth."""

import json
from dataclasses import dataclass
from pathlib import Path

from bmbench.benchmark.verify.differences import leaves
from bmbench.core.errors import BadInputError
from bmbench.core.files import read_json
from bmbench.core.progress import Progress
from bmbench.leaderboards.results.publish import score_files
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

_COUNTS = "counts"
"""What older files do not hold: a board says that it does not know their counts, so no number is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """How many numbers were recomputed, and the tracks whose truth is hidden from who did it."""

    count: int
    hidden: tuple[str, ...]


def verify_board(board: Leaderboard, progress: Progress, *, key: Path | None = None) -> Verified:
    """How many published numbers were recomputed and found to be as published.

    A hidden track is verified with the key, or by anybody once it retired. Without the key it is
    left out, and no other track is.

    Raises
    ------
    BadInputError
        For the first number, text or file that differs.
    """
    every = board.manifests()
    tracks = [track for track in every if key is not None or track.truth.visibility == "public"]
    files = score_files(board, progress, key=key, afresh=True, tracks=tracks)
    published = {path for track in tracks for path in board.results(track.name).glob("[!.]*.json")}
    for path in sorted(published ^ set(files)):
        fault = "was published and has no submission" if path in published else "is not published"
        raise BadInputError(fault, where=str(path))
    count = sum(_same_numbers(path, data) for path, data in files.items())
    names = {track.name for track in tracks}
    return Verified(count=count, hidden=tuple(track.name for track in every if track.name not in names))


def _same_numbers(path: Path, data: bytes) -> int:
    """How many numbers a published file holds; BadInputError for the first thing that differs."""
    count, recorded, found = 0, read_json(path), json.loads(data)
    if isinstance(recorded, dict) and _COUNTS not in recorded:
        found.pop(_COUNTS, None)
    for leaf in leaves(recorded, found):
        if _retired(leaf.place):
            continue
        if not leaf.is_same:
            raise BadInputError(
                "a published value is not what comes out",
                where=f"{path}#{leaf.place}",
                expected=str(leaf.found)[:40],
                got=str(leaf.recorded)[:40],
            )
        count += leaf.is_number
    return count


def _retired(place: str) -> bool:
    """The manifest's digest: it changes when a track retires, and moves no number."""
    return place == "/digests/track"
