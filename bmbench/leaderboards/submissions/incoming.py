"""Where submissions come in: a folder on a desk, or what a pull request changes."""

from collections.abc import Sequence
from pathlib import Path

from bmbench.core.errors import BadInputError
from bmbench.leaderboards.submissions.card import CARD_BYTES
from bmbench.leaderboards.submissions.other_submissions import read_others, read_others_of_commit
from bmbench.leaderboards.submissions.problems import Problems, quoted
from bmbench.leaderboards.submissions.sources import (
    brought_blobs,
    changed_paths,
    commit_files,
    first_parents,
    folder_files,
    prefix,
)
from bmbench.leaderboards.submissions.validate import Verdict, refuse_retired, validate
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import Manifest
from bmbench.leaderboards.tracks.names import is_id

_NOT_BY_HAND = ("submissions", "results", "boards")
"""Folders that a pull request may touch by adding one submission, and in no other way."""


def validate_folder(folder: Path, *, board: Path | None = None, author: str | None = None) -> Verdict:
    """The verdict on ``BOARD/submissions/<track>/<id>``.

    Raises
    ------
    BadInputError
        If the folder is none, or stands in no leaderboard.
    """
    place = Path(folder).absolute()
    root = Leaderboard(board or board_of(place))
    manifest = root.manifest(place.parent.name)
    refuse_retired(manifest)
    beside = read_others(root, manifest.name)
    return validate(folder_files(place), manifest, folder=place.name, others=beside, author=author)


def validate_changes(board: Path, changes: str, *, author: str | None = None) -> Verdict:
    """The verdict on what ``BASE..HEAD`` changes: one submission folder, read as git blobs.

    The track and the submissions beside are those of the checkout, which must be the base. What touches no
    submission is for the maintainers to look at: nothing is wrong with it here, and it has no card.

    Raises
    ------
    BadInputError
        If git does not know the commits.
    """
    base, head = _ends(changes)
    return _validate_change(Leaderboard(board), base, head, author=author)


def validate_queue(board: Path, changes: str) -> Verdict:
    """The verdict on a merge queue: each commit from BASE to HEAD is a pull request of its own.

    Each is held against those before it, so that two which are valid alone and not together are found. Who
    handed them in is not known here: that was looked at when they came.
    """
    base, head = _ends(changes)
    verdict = Verdict(card=None, problems=Problems("merge queue"))
    for commit in first_parents(board, base, head):
        verdict = _validate_change(Leaderboard(board), f"{commit}^", commit, author=None, queued=True)
        if not verdict.valid:
            break
    return verdict


def _ends(changes: str) -> tuple[str, str]:
    base, _, head = changes.partition("..")
    if not (base and head) or changes.startswith("-"):
        raise BadInputError("not a range of commits", got=quoted(changes), expected="BASE..HEAD")
    return base, head


def _validate_change(
    board: Leaderboard, base: str, head: str, *, author: str | None, queued: bool = False
) -> Verdict:
    root = prefix(board.path)
    paths = changed_paths(board.path, base, head)
    problems = Problems("pull request")
    if not any(path.startswith(tuple(f"{root}{folder}/" for folder in _NOT_BY_HAND)) for _, path in paths):
        return Verdict(card=None, problems=problems)
    place = _only_folder(paths, root, problems)
    manifest = _manifest(board, place[0], problems) if place is not None else None
    if place is None or manifest is None or len(problems):
        return Verdict(card=None, problems=problems)
    track, id_ = place
    folder = f"{root}submissions/{track}/{id_}"
    _check_history(brought_blobs(board.path, base, head), folder, manifest, problems)
    if len(problems):
        return Verdict(card=None, problems=problems)
    files = commit_files(board.path, head, folder)
    beside = read_others_of_commit(board, track, base) if queued else read_others(board, track)
    return validate(files, manifest, folder=id_, others=beside, author=author)


def _only_folder(paths: Sequence[tuple[str, str]], root: str, problems: Problems) -> tuple[str, str] | None:
    """(track, id) of the one submission that is added; None, with the problem, if it is not one."""
    folders = {_folder(path, root) for _, path in paths}
    if len(folders) != 1 or None in folders:
        text = "changes other files than those of one submission folder"
        problems.add("E106", "", text, "one submission a pull request, under submissions/<track>/<id>/")
        return None
    if any(status != "A" for status, _ in paths):
        text = "changes or deletes files of a submission that is there"
        problems.add("E106", "", text, "hand in a new one that supersedes or withdraws it")
    return next(folder for folder in folders if folder is not None)


def _check_history(
    blobs: Sequence[tuple[int, str]], folder: str, manifest: Manifest, problems: Problems
) -> None:
    """What stands in an earlier commit is kept for ever where merges are not squashed."""
    most = _most_bytes(manifest)
    elsewhere = [path for _, path in blobs if not path.startswith(f"{folder}/")]
    size = sum(size for size, _ in blobs)
    remedy = "squash the branch to one commit: git reset --soft, git commit, git push --force"
    if elsewhere:
        text = f"an earlier commit holds {quoted(elsewhere[0])}, which is not the submission's"
        problems.add("E107", "", text, remedy)
    elif size > most:
        problems.add("E107", "", f"its commits hold {size:,} bytes, allowed are {most:,}", remedy)


def _most_bytes(manifest: Manifest) -> int:
    """What the files of a submission may have, twice: people correct themselves."""
    return 2 * (CARD_BYTES + manifest.limits.seeds * manifest.limits.predictions_bytes)


def _manifest(board: Leaderboard, track: str, problems: Problems) -> Manifest | None:
    if not (board.path / "tracks" / track).is_dir():
        problems.add("E307", "", "there is no such track", "see the folder tracks/")
        return None
    manifest = board.manifest(track)
    refuse_retired(manifest)
    return manifest


def _folder(path: str, root: str) -> tuple[str, str] | None:
    """(track, id) of a path ``submissions/<track>/<id>/<file>``; None for any other path."""
    if not path.startswith(root):
        return None
    parts = path.removeprefix(root).split("/")
    if len(parts) != 4 or parts[0] != "submissions" or not (is_id(parts[1]) and is_id(parts[2])):
        return None
    return parts[1], parts[2]


def board_of(folder: Path) -> Path:
    """The leaderboard that a submission's folder stands in; BadInputError if it is none."""
    place = Path(folder).absolute()
    if not place.exists():
        raise BadInputError("file not found", where=str(folder), remedy="check the path")
    if place.parent.parent.name != "submissions":
        raise BadInputError(
            "stands in no leaderboard",
            where=str(place),
            expected="BOARD/submissions/<track>/<id>",
            remedy="give the folder of one submission, where `bmbench submit` wrote it",
        )
    return place.parent.parent.parent
