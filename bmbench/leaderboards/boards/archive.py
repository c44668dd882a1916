"""`bmbench leaderboard freeze`: a board as it stands, kept under a name and never changed again.

``archive/<name>/`` is a whole leaderboard: `build` and `verify` work on it as on any other.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from bmbench.core.errors import BadInputError
from bmbench.core.files import read_json, writing_folder
from bmbench.core.gate import copy_file, read_bytes
from bmbench.leaderboards.boards.build import BOARDS, check_board
from bmbench.leaderboards.tracks.about import ABOUT_FILE
from bmbench.leaderboards.tracks.leaderboard_folder import ARCHIVE, FROZEN_FILE, Leaderboard
from bmbench.leaderboards.tracks.names import require_id

_PARTS = ("tracks", "submissions", "results", BOARDS)


def freeze(board: Leaderboard, name: str) -> int:
    """Copy tracks, submissions, results and boards to ``archive/<name>``; how many files it has.

    Raises
    ------
    BadInputError
        If the boards are stale, the name cannot be a folder, or there is a version of that name.
    """
    require_id(name)
    check_board(board)
    target = board.path / ARCHIVE / name
    if target.exists():
        raise BadInputError(
            "a frozen version is never changed", where=str(target), remedy="choose another name"
        )
    target.parent.mkdir(exist_ok=True)
    digests = {}
    with writing_folder(target) as aside:
        for path in _files(board.path):
            place = path.relative_to(board.path).as_posix()
            copy = aside / place
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy_file(path, copy, within=board.path)
            digests[place] = hashlib.sha256(read_bytes(copy)).hexdigest()
        facts = {"schema": "bmbench.frozen/1", "name": name, "files": digests}
        (aside / FROZEN_FILE).write_text(json.dumps(facts, indent=1) + "\n")
    return len(digests) + 1


def _files(board: Path) -> Iterator[Path]:
    if (board / ABOUT_FILE).is_file():
        yield board / ABOUT_FILE
    for part in _PARTS:
        for path in sorted((board / part).rglob("*")):
            hidden = any(place.startswith(".") for place in path.relative_to(board).parts)
            if path.is_file() and not path.is_symlink() and not hidden:
                yield path


def check_frozen(folder: Path) -> int:
    """How many files of a frozen version are as they were; a BadInputError for the first that is not."""
    facts = read_json(folder / FROZEN_FILE)
    files = facts.get("files") if isinstance(facts, dict) else None
    if not isinstance(files, dict):
        raise BadInputError("does not say what was frozen", where=str(folder / FROZEN_FILE))
    for place, digest in files.items():
        found = hashlib.sha256(read_bytes(folder / str(place), within=folder)).hexdigest()
        if found != digest:
            raise BadInputError(
                "a frozen file was changed", where=str(folder / place), expected=str(digest), got=found
            )
    return len(files)
