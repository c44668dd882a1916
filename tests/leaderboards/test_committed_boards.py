"""The boards in the repository are what their results say."""

from pathlib import Path

import pytest

from bmbench.leaderboards.boards.build import check_board
from bmbench.leaderboards.folder import Leaderboard
from bmbench.leaderboards.submissions.gate import validate_folder

pytest.importorskip("jinja2", reason="jinja2 (bmbench[leaderboard]) is not installed")
ROOT = Path(__file__).parents[2] / "leaderboards"
BOARDS = sorted(path.parent for path in ROOT.glob("*/tracks"))
SUBMISSIONS = sorted(path.parent for path in ROOT.glob("*/submissions/*/*/submission.json"))


@pytest.mark.parametrize("folder", BOARDS, ids=lambda folder: folder.name)
def test_boards_are_up_to_date(folder):
    check_board(Leaderboard(folder))


@pytest.mark.parametrize("folder", SUBMISSIONS, ids=lambda folder: folder.name)
def test_submissions_are_valid(folder):
    assert [str(problem) for problem in validate_folder(folder).problems.listed] == []
