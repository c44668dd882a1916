"""Score every track of a leaderboard, write what may be seen, and say which ranks changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bmbench.core.errors import BadInputError
from bmbench.core.files import write_bytes
from bmbench.core.progress import Progress
from bmbench.leaderboards.results.hidden_scores import published
from bmbench.leaderboards.results.hidden_standings import hidden_standings
from bmbench.leaderboards.results.hidden_truth import opened
from bmbench.leaderboards.results.patches import may_be_shown, patches_of
from bmbench.leaderboards.results.record import Result, canonical
from bmbench.leaderboards.results.score_submission import Judge, judge
from bmbench.leaderboards.results.score_track import score_track
from bmbench.leaderboards.results.standings import standings
from bmbench.leaderboards.results.standings_record import Standings, read_standings
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class RankChange:
    """A submission whose rank set by a metric is another one than before; None: it was, or is, not ranked."""

    track: str
    metric: str
    id: str
    before: tuple[int, int] | None
    after: tuple[int, int] | None

    def __str__(self) -> str:
        before, after = (_words(ranks) for ranks in (self.before, self.after))
        return f"{self.track} {self.metric} {self.id}: {before} → {after}"


def score_board(
    board: Leaderboard, progress: Progress, *, key: Path | None = None, afresh: bool = False
) -> tuple[RankChange, ...]:
    """Write the results and standings of every track; the rank sets that changed by it.

    Parameters
    ----------
    key : Path, optional
        An age identity, for tracks with hidden truth.
    afresh : bool
        Whether results are made again whose inputs have not changed.

    Raises
    ------
    BadInputError
        If a track cannot be scored. Nothing is written then.
    """
    files = score_files(board, progress, key=key, afresh=afresh)
    changes = [change for manifest in board.manifests() for change in _changes(board, manifest, files)]
    for path in _stale(board, files):
        path.unlink()
    for path, data in files.items():
        write_bytes(path, data)
    return tuple(changes)


def score_files(
    board: Leaderboard,
    progress: Progress,
    *,
    key: Path | None = None,
    afresh: bool = False,
    tracks: Sequence[Manifest] | None = None,
) -> dict[Path, bytes]:
    """Every file that `score_board` writes, by path; those of some tracks where only they are asked for."""
    from bmbench.datasets.formats.coco.columns import read_ground_truth

    manifests = board.manifests() if tracks is None else tracks
    full: dict[str, Sequence[Result]] = {}
    seen: dict[str, Sequence[Result]] = {}
    benches: dict[str, Judge] = {}
    for manifest in manifests:
        with opened(board, manifest, key) as truth:
            scored = score_track(board, manifest, truth.path, progress, afresh=afresh)
            if may_be_shown(board, manifest):
                benches[manifest.name] = judge(manifest, read_ground_truth(truth.path))
        # Through the rounding of files, so that kept results and those made afresh are the same.
        full[manifest.name] = [_as_filed(one) for one in scored]
        seen[manifest.name] = [_as_filed(published(one, manifest, truth.salt)) for one in scored]
    # What compares two tracks would tell of the hidden one.
    public = {track.name: full[track.name] for track in manifests if track.truth.visibility == "public"}
    files: dict[Path, bytes] = {}
    for manifest in manifests:
        name = manifest.name
        files |= {board.result(name, result.id): canonical(result) for result in seen[name]}
        table = standings(manifest, full[name], public)
        if manifest.truth.visibility == "hidden":
            table = hidden_standings(table, manifest, seen[name])
        files[board.standings(name)] = canonical(table)
        if name in benches:
            files[board.patches(name)] = canonical(patches_of(board, benches[name], table, full[name]))
    return files


def _as_filed(result: Result) -> Result:
    return msgspec.json.decode(canonical(result), type=Result)


def _stale(board: Leaderboard, files: Mapping[Path, bytes]) -> Iterator[Path]:
    """Result files of submissions that are no longer there."""
    for path in sorted((board.path / "results").glob("*/[!.]*.json")):
        if path not in files:
            yield path


def _changes(board: Leaderboard, manifest: Manifest, files: Mapping[Path, bytes]) -> Iterator[RankChange]:
    path = board.standings(manifest.name)
    if not path.is_file():
        return
    try:
        before = _ranks(read_standings(path))
    except BadInputError:
        return
    after = _ranks(msgspec.json.decode(files[path], type=Standings))
    for metric, id_ in sorted({*before, *after}):
        old, new = before.get((metric, id_)), after.get((metric, id_))
        if old != new:
            yield RankChange(track=manifest.name, metric=metric, id=id_, before=old, after=new)


def _ranks(table: Standings) -> dict[tuple[str, str], tuple[int, int]]:
    return {(metric.name, place.id): place.ranks for metric in table.metrics for place in metric.places}


def _words(ranks: tuple[int, int] | None) -> str:
    if ranks is None:
        return "not ranked"
    return f"rank {ranks[0]}" if ranks[0] == ranks[1] else f"rank {ranks[0]}–{ranks[1]}"
