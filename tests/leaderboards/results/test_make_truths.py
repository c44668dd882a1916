"""A board without its ground truth: made again from the published files, and never another one."""

import msgspec
import numpy as np
import pytest
from PIL import Image

from bmbench.core.dataset import LoadRequest
from bmbench.core.errors import BadInputError
from bmbench.datasets import open_dataset
from bmbench.datasets.formats.coco.samples import write_coco
from bmbench.leaderboards.results.make_truths import make_truths
from bmbench.leaderboards.tracks.create_track import write_manifest
from bmbench.leaderboards.tracks.manifest import Rules

FIELDS = {"test_fields": "00+01"}


@pytest.fixture
def published(tmp_path):
    """A folder laid out as the published data set: five fields with a few nuclei each."""
    folder, rng = tmp_path / "published", np.random.default_rng(5)
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for field in range(5):
        labels = np.zeros((96, 128), np.uint16)
        for number in range(1, 7):
            x, y = 20 * number - 10 + int(rng.integers(0, 4)), int(rng.integers(5, 70))
            labels[y : y + 14, x : x + 12] = number
        Image.fromarray(labels).save(folder / "labels" / f"field_{field:02d}.png")
        pixels = np.where(labels[..., None] > 0, 90, 230).astype(np.uint8).repeat(3, axis=2)
        Image.fromarray(pixels).save(folder / "images" / f"field_{field:02d}.png")
    return folder


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


def test_a_board_with_its_truth_needs_none(bench, tmp_path):
    bench.track()
    with pytest.raises(BadInputError, match="every track holds its ground truth"):
        make_truths(bench.board, tmp_path, tmp_path / "truths")
