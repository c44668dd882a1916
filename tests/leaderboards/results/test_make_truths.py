"""A board without its ground truth: made again from the published files, and never another one."""

import msgspec
import numpy as np
import pytest
from PIL import Image

from bmbench.core.dataset import LoadRequest
from bmbench.core.errors import BadInputError
from bmbench.datasets import open_dataset
from bmbench.datasets.formats.coco.samples import write_coco
from bmbench.leaderboards.results.make_truths import load_tested, make_truths
from bmbench.leaderboards.tracks.create_track import write_manifest
from bmbench.leaderboards.tracks.manifest import Rules

FIELDS = {"test_fields": "00+01"}


@pytest.fixture
def board(bench, published, tmp_path):
    """A track on two of the fields whose ground truth lies outside, with one submission."""
    split = open_dataset("dsb_purple").load(LoadRequest(data=published, options=FIELDS))
    bench.truth = tmp_path / "of-a-run.json"
    write_coco(bench.truth, split.samples["test"], split.categories)
    bench.track(data_name="dsb_purple", data_options=FIELDS, outside=True, rules=Rules(radius_px=7))
    manifest = bench.board.manifest("weak")
    write_manifest(bench.board.path / "tracks" / "weak", msgspec.structs.replace(manifest, replicates=300))
    rows = bench.answer(recall=0.0, false=0)
    rows += [{"image_id": "field_00", "category_id": 1, "bbox": [10, 30, 12, 14], "score": 0.9}]
    bench.submit("first-one", rows)
    return bench.board.path


def test_a_new_user_verifies_a_board_from_the_published_files(bmbench, board, published, tmp_path):
    done = bmbench("leaderboard", "score", board)
    assert (done.code, "bmbench leaderboard truth" in done.err) == (2, True)
    truths = tmp_path / "truths"
    assert bmbench("leaderboard", "truth", board, "--data", published, "--out", truths).code == 0
    assert (truths / "weak.json").read_bytes() == (tmp_path / "of-a-run.json").read_bytes()
    assert bmbench("leaderboard", "score", board, "--truths", truths).code == 0
    assert bmbench("leaderboard", "build", board).code == 0
    assert bmbench("leaderboard", "build", board, "--check").code == 0
    assert "all as published" in bmbench("leaderboard", "verify", board, "--truths", truths).out
    # Neither an image nor an annotation got into the repository.
    assert not [path for path in board.rglob("*") if path.suffix == ".png" or path.name.startswith("truth")]
    assert b"test_fields=00+01" in (board / "boards" / "weak.md").read_bytes()


def test_other_data_give_no_truth(board, published, tmp_path):
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

    path = published / "labels" / "field_01.png"
    labels = np.array(Image.open(path))
    labels[labels == 3] = 0
    Image.fromarray(labels).save(path)
    with pytest.raises(BadInputError, match="another ground truth than the track weak names"):
        make_truths(Leaderboard(board), published, tmp_path / "truths")
    assert not (tmp_path / "truths").exists()


def test_the_images_of_all_folds_are_one_truth_and_none_is_tested_twice(published):
    folds = ("test_fields=01", "test_fields=00")
    split = load_tested("dsb_purple", published, {}, folds)
    assert [sample.name for sample in split.samples["test"]] == ["field_01.png", "field_00.png"]
    with pytest.raises(BadInputError, match="tested in two folds"):
        load_tested("dsb_purple", published, {}, (*folds, "test_fields=00+02"))


def test_a_board_with_its_truth_needs_none(bench, tmp_path):
    bench.track()
    with pytest.raises(BadInputError, match="every track holds its ground truth"):
        make_truths(bench.board, tmp_path, tmp_path / "truths")
