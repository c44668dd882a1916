"""Where submissions come in: a folder on a desk, or what a pull request changes."""

from pathlib import Path

from bmbench.core.errors import BadInputError
from bmbench.leaderboards.submissions.other_submissions import read_others
from bmbench.leaderboards.submissions.problems import Problems, quoted
from bmbench.leaderboards.submissions.sources import changed_paths, commit_files, folder_files, prefix
from bmbench.leaderboards.submissions.validate import Verdict, refuse_retired, validate
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import Manifest
from bmbench.leaderboards.tracks.names import is_id


def validate_folder(folder: Path, *, board: Path | None = None, author: str | None = None) -> Verdict:
    """The verdict on ``BOARD/submissions/<track>/<id>``.

    Raises
    ------
    BadInputError
        If the folder is none, or stands in no leaderboard.
    """
    place = Path(folder).absolute()
    root = Leaderboard(board or _root(place))
    manifest = root.manifest(place.parent.name)
    refuse_retired(manifest)
    beside = read_others(root, manifest.name)
    return validate(folder_files(place), manifest, folder=place.name, others=beside, author=author)


def validate_changes(board: Path, changes: str, *, author: str | None = None) -> Verdict:
    """The verdict on what ``BASE..HEAD`` changes: one submission folder, read as git blobs.

    The track and the submissions beside are those of the checkout, which must be the base.

    Raises
    ------
    BadInputError
        If git does not know the commits.
    """
    base, _, head = changes.partition("..")
    if not head:
        raise BadInputError("not a range of commits", got=quoted(changes), expected="BASE..HEAD")
    root = prefix(board)
    paths = changed_paths(board, base, head)
    folders = {_folder(path, root) for _, path in paths}
    problems = Problems("pull request")
    if len(folders) != 1 or None in folders:
        text = "changes other files than those of one submission folder"
        problems.add("E106", "", text, "one submission a pull request, under submissions/<track>/<id>/")
        return Verdict(card=None, problems=problems)
    track, id_ = next(folder for folder in folders if folder is not None)
    manifest = _manifest(Leaderboard(board), track, problems)
    if any(status != "A" for status, _ in paths):
        text = "changes or deletes files of a submission that is there"
        problems.add("E106", "", text, "hand in a new one that supersedes or withdraws it")
    if manifest is None or len(problems):
        return Verdict(card=None, problems=problems)
    files = commit_files(board, head, f"{root}submissions/{track}/{id_}")
    beside = read_others(Leaderboard(board), track)
    return validate(files, manifest, folder=id_, others=beside, author=author)


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


def _root(place: Path) -> Path:
    if place.parent.parent.name != "submissions":
        raise BadInputError(
            "stands in no leaderboard", where=str(place), expected="BOARD/submissions/<track>/<id>"
        )
    return place.parent.parent.parent
