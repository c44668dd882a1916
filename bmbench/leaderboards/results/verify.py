"""`bmbench leaderboard verify`: every published number, recomputed from submissions and truth."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bmbench.core.errors import BadInputError
from bmbench.core.files import read_json
from bmbench.core.progress import Progress
from bmbench.leaderboards.results.publish import score_files
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

_TOLERANCE = 1e-6
"""Relative: a sum in another order differs in the last digits, a score that was changed by hand in more."""


def verify_board(board: Leaderboard, progress: Progress, *, key: Path | None = None) -> int:
    """How many published numbers were recomputed and found to be as published.

    A hidden track is verified with the key, or by anybody once its truth was revealed.

    Raises
    ------
    BadInputError
        For the first number, text or file that differs.
    """
    files = score_files(board, progress, key=key, afresh=True)
    published = set((board.path / "results").glob("*/[!.]*.json"))
    for path in sorted(published ^ set(files)):
        fault = "was published and has no submission" if path in published else "is not published"
        raise BadInputError(fault, where=str(path))
    count = 0
    for path, data in files.items():
        for place, here, there in _leaves(read_json(path), json.loads(data), ""):
            if _retired(place):
                continue
            if not _same(here, there):
                raise BadInputError(
                    "a published value is not what comes out",
                    where=f"{path}#{place}",
                    expected=str(there)[:40],
                    got=str(here)[:40],
                )
            count += isinstance(there, (int, float)) and not isinstance(there, bool)
    return count


def _leaves(here: Any, there: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(here, dict) and isinstance(there, dict):
        for key in sorted({*here, *there}):
            yield from _leaves(here.get(key), there.get(key), f"{place}/{key}")
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        for row, (one, other) in enumerate(zip(here, there, strict=True)):
            yield from _leaves(one, other, f"{place}/{row}")
    else:
        yield place, here, there


def _same(here: Any, there: Any) -> bool:
    numbers = [isinstance(value, (int, float)) and not isinstance(value, bool) for value in (here, there)]
    if all(numbers):
        return math.isclose(here, there, rel_tol=_TOLERANCE, abs_tol=1e-7)
    return bool(here == there)


def _retired(place: str) -> bool:
    """The manifest's digest: it changes when a track retires, and moves no number."""
    return place == "/digests/track"
