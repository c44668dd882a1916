"""The boards in the repository are what their results say, and the results what their submissions say."""

import hashlib
import json
from pathlib import Path

import msgspec
import pytest

from bmbench.datasets.formats.coco.columns import read_ground_truth
from bmbench.leaderboards.boards.build import check_board
from bmbench.leaderboards.results.make_truths import make_truths
from bmbench.leaderboards.results.patches import may_be_shown, patches_of
from bmbench.leaderboards.results.record import canonical, read_result
from bmbench.leaderboards.results.score_submission import judge
from bmbench.leaderboards.results.standings import standings
from bmbench.leaderboards.results.standings_record import read_standings
from bmbench.leaderboards.submissions.card import CARD_FILE
from bmbench.leaderboards.submissions.incoming import validate_folder
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

pytest.importorskip("jinja2", reason="jinja2 (bmbench[leaderboard]) is not installed")
ROOT = Path(__file__).parents[2] / "leaderboards"
BOARDS = sorted(path.parent for place in ("*", "*/*") for path in ROOT.glob(f"{place}/tracks"))
TRACKS = sorted(path.parent for board in BOARDS for path in board.glob("tracks/*/track.json"))
SUBMISSIONS = sorted(
    path.parent for board in BOARDS for path in board.glob("submissions/*/*/submission.json")
)
DATA = {"kainz_mbm": "kainz_bm"}
"""Boards whose published files lie in a folder of another name."""


@pytest.mark.parametrize("folder", BOARDS, ids=lambda folder: folder.name)
def test_boards_are_up_to_date(folder):
    check_board(Leaderboard(folder))


@pytest.mark.parametrize("folder", SUBMISSIONS, ids=lambda folder: folder.name)
def test_submissions_are_valid(folder):
    assert [str(problem) for problem in validate_folder(folder).problems.listed] == []


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def results_of(folder):
    board = Leaderboard(folder.parents[1])
    found = [read_result(path) for path in board.result_files(folder.name)]
    return board, board.manifest(folder.name), sorted(found, key=lambda one: (one.control, one.id))


@pytest.mark.parametrize("folder", TRACKS, ids=lambda folder: f"{folder.parents[1].name}-{folder.name}")
def test_results_were_made_from_these_submissions_of_this_track(folder):
    board, manifest, results = results_of(folder)
    track = hashlib.sha256(canonical(manifest)).hexdigest()
    for result in results:
        assert (result.digests.track, result.digests.truth) == (track, manifest.truth.sha256)
        place = board.submission(manifest.name, result.id)
        if not place.exists():
            assert (result.control, result.card.team) == (True, "control")
            continue
        assert result.digests.card == sha256(place / CARD_FILE)
        runs = json.loads((place / CARD_FILE).read_text())["runs"]
        assert list(result.digests.predictions) == [sha256(place / run["predictions"]) for run in runs]
    handed_in = {path.name for path in board.submissions(manifest.name)}
    assert handed_in <= {result.id for result in results}


@pytest.mark.parametrize("folder", TRACKS, ids=lambda folder: f"{folder.parents[1].name}-{folder.name}")
def test_standings_are_what_the_results_say(folder):
    board, manifest, results = results_of(folder)
    everything = {track.name: results_of(folder.parent / track.name)[2] for track in board.manifests()}
    table = canonical(standings(manifest, results, everything))
    assert json.loads(table) == json.loads(board.standings(manifest.name).read_bytes())


@pytest.mark.parametrize("folder", BOARDS, ids=lambda folder: folder.name)
def test_the_published_files_give_the_truth_of_the_board(folder, shared_data, tmp_path):
    manifests = Leaderboard(folder).manifests()
    if all(isinstance(manifest.data.options, msgspec.UnsetType) for manifest in manifests):
        pytest.skip("the board holds its ground truth")
    made = make_truths(Leaderboard(folder), shared_data / DATA.get(folder.name, folder.name), tmp_path)
    assert len(made) == len(manifests)


def test_nothing_of_the_published_data_is_in_the_repository():
    """Where the ground truth lies outside, no image and no annotation may lie inside."""
    for track in TRACKS:
        facts = json.loads((track / "track.json").read_text())
        if "options" not in facts["data"]:
            continue
        assert sorted(path.name for path in track.iterdir()) == ["track.json"]
        inside = {path.suffix for path in track.parents[1].rglob("*") if path.is_file()}
        assert inside <= {".json", ".md", ".svg", ".html", ".csv", ".xml", ".cff"}


@pytest.mark.parametrize("folder", TRACKS, ids=lambda folder: f"{folder.parents[1].name}-{folder.name}")
def test_patches_are_what_the_submissions_did(folder):
    board, manifest, results = results_of(folder)
    path = board.patches(manifest.name)
    if not may_be_shown(board, manifest):
        assert not path.exists()
        return
    bench = judge(manifest, read_ground_truth(board.truth(manifest)))
    found = patches_of(board, bench, read_standings(board.standings(manifest.name)), results)
    assert canonical(found) == path.read_bytes()
