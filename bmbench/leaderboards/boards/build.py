"""`bmbench leaderboard build`: the folder ``boards/``, whole or not at all."""

import importlib.util
import math

from bmbench.core.asides import sweep
from bmbench.core.errors import BadInputError, MissingExtraError
from bmbench.core.files import writing_folder
from bmbench.core.gate import read_bytes
from bmbench.core.locks import only_one
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

BOARDS = "boards"


def board_files(board: Leaderboard) -> dict[str, bytes]:
    """Every file of ``boards/``, by path: made of tracks, results, `about.json` and names in the archive.

    Raises
    ------
    MissingExtraError
        If jinja2 is not installed.
    """
    if importlib.util.find_spec("jinja2") is None:
        raise MissingExtraError("jinja2, which boards are made with,", extra="leaderboard")
    from bmbench.leaderboards.boards.exports.all_files import exports
    from bmbench.leaderboards.boards.markdown_boards import markdown
    from bmbench.leaderboards.boards.page import read_page
    from bmbench.leaderboards.boards.site import site
    from bmbench.leaderboards.tracks.about import read_about

    about = read_about(board.path)
    pages = [read_page(board, manifest) for manifest in board.manifests()]
    archive = board.archive()
    below = site(pages, about, archive) | exports(pages, about)
    texts = markdown(pages, about, archive) | {f"site/{name}": text for name, text in below.items()}
    return {name: text.encode() for name, text in sorted(texts.items())}


def build_board(board: Leaderboard) -> int:
    """Write ``boards/``; how many files it has.

    The folder is made aside and takes the old one's place in one step, so a reader, a second build or a
    kill at any moment sees the old boards or the new ones.

    Raises
    ------
    BadInputError
        If a track was not scored.
    RunFailedError
        If the disk refuses.
    """
    texts = board_files(board)
    with only_one(board.path, wait_s=math.inf):
        sweep(board.path, again=True)
        with writing_folder(board.path / BOARDS, replace=True) as aside:
            for name, data in texts.items():
                path = aside / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
    return len(texts)


def check_board(board: Leaderboard) -> None:
    """Nothing, or a BadInputError that names the first files of ``boards/`` that are stale."""
    texts = board_files(board)
    target = board.path / BOARDS
    there = {
        path.relative_to(target).as_posix(): path for path in sorted(target.rglob("*")) if path.is_file()
    }
    wrong = [name for name, data in texts.items() if name not in there or read_bytes(there[name]) != data]
    wrong += [name for name in there if name not in texts]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise BadInputError(
            "the boards are stale",
            where=str(target),
            got=", ".join(wrong[:3]) + more,
            remedy=f"bmbench leaderboard build {board.path}",
        )
