"""Boards from the runs of a suite: the folds of a set are one track, and no count is another one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bmbench.benchmark.suite import SuiteOptions, read_suite, run_suite
from bmbench.core.progress import Silent
from bmbench.leaderboards.boards.build import check_board
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

pytest.importorskip("jinja2", reason="jinja2 (bmbench[leaderboard]) is not installed")
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SUITE = """
schema = "bmbench.suite/1"
name = "tiny"
methods = ["blob_log"]

[[sets]]
name = "published"
dataset = "dsb_purple"
folder = "published"
fold_by = "test_fields"
folds = ["00", "01"]
settings = ["n_blobs=1", "n_scales=1"]
"""


@pytest.fixture
def script(monkeypatch):
    """The module of the script."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import make_suite_boards

    yield make_suite_boards
    sys.modules.pop("make_suite_boards", None)


def test_a_moved_confidence_stays_on_its_side_and_in_its_order(script):
    for threshold in (0.0, 0.03, 0.5, 0.9, 1.0):
        places = [number / 200 for number in range(201)]
        found = [script.moved(one, threshold) for one in places]
        assert found == sorted(found)
        assert all((new >= 0.5) == (old >= threshold) for old, new in zip(places, found, strict=True))
        assert 0 <= min(found) <= max(found) <= 1
    assert script.moved(1 - 1e-12, 1.0) == 0.4999


@pytest.mark.slow
def test_the_board_of_folds_counts_what_the_runs_count(script, published, tmp_path, monkeypatch):
    path, out, boards = tmp_path / "tiny.toml", tmp_path / "out", tmp_path / "boards"
    path.write_text(SUITE)
    run_suite(SuiteOptions(suite=read_suite(path), out=out, root=published.parent), Silent(), lambda _: None)
    root = ("--data-root", str(published.parent))
    monkeypatch.setattr(sys, "argv", ["", str(path), str(out), str(boards), *root])
    assert script.main() == 0
    counts = [json.loads(one.read_text())["cd"] for one in out.glob("sets/published/runs/*/metrics.json")]
    assert len(counts) == 2
    tp, fp, fn = (sum(one[name] for one in counts) for name in ("tp", "fp", "fn"))
    result = json.loads((boards / "published/results/weak/blob-log.json").read_text())
    assert result["metrics"]["cd.f1"]["value"] == pytest.approx(2 * tp / (2 * tp + fp + fn))
    page = (boards / "published/boards/weak.md").read_text("utf-8")
    assert "test_fields=00, test_fields=01" in page
    assert not list(boards.rglob("truth*"))
    # One run is lost: no board is made of what is left, and nothing is retired.
    next(iter(out.glob("sets/published/runs/*/metrics.json"))).unlink()
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--retire", str(boards / "published")])
    assert script.main() == 1
    assert not (boards / "published/RETIRED.md").exists()
    monkeypatch.undo()
    script.retire([boards / "published"], Path("leaderboards/marrow"), published.parent)
    assert "leaderboards/marrow" in (boards / "published/RETIRED.md").read_text("utf-8")
    assert "the track is retired" in (boards / "published/boards/weak.md").read_text("utf-8")
    assert (
        json.loads((boards / "published/results/weak/blob-log.json").read_text())["metrics"]
        == result["metrics"]
    )
    check_board(Leaderboard(boards / "published"))
