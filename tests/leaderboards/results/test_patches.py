"""The same six patches: chosen from the truth alone, every cell accounted for, pixels where they may be."""

import json

import numpy as np
import pytest
from PIL import Image

from bmbench.core.errors import BadInputError
from bmbench.core.progress import Silent
from bmbench.datasets.formats.coco.columns import read_ground_truth
from bmbench.leaderboards.results.controls import CONTROLS
from bmbench.leaderboards.results.patch_pictures import cut_patches, read_pictures
from bmbench.leaderboards.results.patches import choose_patches, read_patches
from bmbench.leaderboards.results.verify import verify_board
from bmbench.leaderboards.tracks.names import is_id
from tests.leaderboards.conftest import CELL, SIZE


def truth_rows(bench):
    return json.loads(bench.truth.read_text())


@pytest.fixture
def small_truth(bench, make_truth):
    """Two patients with four images each."""
    bench.truth = make_truth("two.json", n_images=8, groups=2)
    bench.track(unit="patient")
    return bench


def test_patches_take_turns_over_patients_and_hold_the_cells_that_lie_in_them(small_truth):
    manifest = small_truth.board.manifest("weak")
    truth = read_ground_truth(small_truth.board.truth(manifest))
    patches = choose_patches(truth, manifest)
    assert [manifest.images[patch.row].group for patch in patches] == ["patient 0", "patient 1"] * 3
    assert len({patch.row for patch in patches}) == 6
    for patch in patches:
        assert patch.size == 6 * CELL
        assert 0 <= patch.x <= SIZE - patch.size
        boxes = [
            row["bbox"]
            for row in truth_rows(small_truth)["annotations"]
            if row["category_id"] == 1 and row["image_id"] == manifest.images[patch.row].id
        ]
        inside = [
            (x - patch.x, y - patch.y)
            for x, y, w, h in boxes
            if 0 <= x + w / 2 - patch.x < patch.size and 0 <= y + h / 2 - patch.y < patch.size
        ]
        found = sorted(mark[:2] for mark in patch.cells)
        assert np.asarray(found) == pytest.approx(np.asarray(sorted(inside)), abs=0.06)


def test_a_truth_answer_hits_every_cell_and_an_empty_one_misses_them(small_truth):
    cells = [
        {"image_id": row["image_id"], "category_id": 1, "bbox": row["bbox"], "score": 0.9}
        for row in truth_rows(small_truth)["annotations"]
        if row["category_id"] == 1
    ]
    small_truth.submit("all-cells", cells)
    small_truth.submit("one-false", [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 4, 4], "score": 0.9}])
    small_truth.score()
    found = read_patches(small_truth.board.patches("weak"))
    for patch, best, worst in zip(
        found.patches, found.answers["all-cells"], found.answers["one-false"], strict=True
    ):
        assert sorted(best.hits) == sorted(patch.cells)
        assert (best.misses, best.false_alarms, worst.hits) == ((), (), ())
        assert sorted(worst.misses) == sorted(patch.cells)
    before = found.patches
    small_truth.submit("another", small_truth.answer(recall=0.5, false=3))
    small_truth.score()
    assert read_patches(small_truth.board.patches("weak")).patches == before
    assert verify_board(small_truth.board, Silent()).count > 100


def test_a_truth_that_is_not_in_the_repository_is_shown_nowhere(bench, tmp_path):
    bench.track(outside=True)
    board = type(bench.board)(bench.board.path, tmp_path / "truths")
    board.truths.mkdir()
    (board.truths / "weak.json").write_bytes(bench.truth.read_bytes())
    bench.board = board
    bench.submit("some-cells", bench.answer(recall=0.9, false=1))
    bench.score()
    assert not board.patches("weak").exists()
    with pytest.raises(BadInputError, match="not in the repository"):
        cut_patches(board, "weak", tmp_path)


def write_images(bench, folder):
    folder.mkdir()
    for number, image in enumerate(truth_rows(bench)["images"]):
        pixels = np.full((SIZE, SIZE, 3), 20 * number, np.uint8)
        Image.fromarray(pixels).save(folder / image["file_name"])


def test_pictures_are_those_of_the_patches(small_truth, tmp_path):
    write_images(small_truth, tmp_path / "images")
    paths = cut_patches(small_truth.board, "weak", tmp_path / "images")
    manifest = small_truth.board.manifest("weak")
    patches = choose_patches(read_ground_truth(small_truth.board.truth(manifest)), manifest)
    for path, patch in zip(paths, patches, strict=True):
        picture = Image.open(path)
        assert picture.size == (6 * CELL, 6 * CELL)
        assert np.asarray(picture).mean() == pytest.approx(20 * patch.row, abs=2)
    assert len(read_pictures(small_truth.board, "weak", 6)) == 6
    paths[0].write_bytes(b"<svg onload=alert(1)>")
    with pytest.raises(BadInputError, match="no JPEG"):
        read_pictures(small_truth.board, "weak", 6)
    paths[0].unlink()
    assert read_pictures(small_truth.board, "weak", 6) == ()


def test_an_image_that_is_missing_or_of_another_size_is_told(small_truth, tmp_path):
    write_images(small_truth, tmp_path / "images")
    Image.new("RGB", (SIZE // 2, SIZE)).save(tmp_path / "images" / "field_00.png")
    with pytest.raises(BadInputError, match="field_00"):
        cut_patches(small_truth.board, "weak", tmp_path / "images")


def test_no_submission_can_take_the_name_of_a_file_of_the_scorer():
    """A submission called "standings" would have been overwritten by the standings, and the board lost."""
    for name in ("standings", "patches", "rater-2", *CONTROLS):
        assert not is_id(name), name
    assert is_id("rater-two")
