"""How a track is founded: from a run or from a truth file alone, whole or not at all."""

import shutil

import pytest

from bmbench.benchmark.options import RunOptions
from bmbench.benchmark.run import run
from bmbench.core.progress import Silent
from bmbench.leaderboards.folder import Leaderboard


@pytest.fixture(scope="module")
def own_run(marrow, tmp_path_factory):
    """A finished run on a user's own images, which lie no longer where they lay."""
    folder = tmp_path_factory.mktemp("own")
    shutil.copytree(marrow, folder / "smears")
    options = RunOptions(method="blob_log", dataset=str(folder / "smears"), out=folder / "runs")
    path = run(options, Silent()).path
    shutil.rmtree(folder / "smears")
    return path


@pytest.mark.parametrize("truth", [".", "truth.json"])
def test_a_run_on_a_users_own_data_founds_a_track_and_answers_it(bmbench, own_run, tmp_path, truth):
    """By the run's directory, which knows the hash of the data, or by its truth file alone."""
    init = ("leaderboard", "init", tmp_path, "--track", "weak", "--truth", own_run / truth)
    assert bmbench(*init).code == 0
    who = ("--team", "Marrow Lab", "--contact", "marrow-lab", "--declare")
    answer = bmbench("submit", own_run, "--board", tmp_path, "--track", "weak", *who)
    assert (answer.code, answer.out.splitlines()[-1]) == (0, "valid")
    manifest = Leaderboard(tmp_path).manifest("weak")
    assert (manifest.data.name, manifest.data.licence) == ("smears" if truth == "." else "truth", "")
