"""No run begins on a split whose subsets share a picture or a group, unless somebody allows it."""

import json

import numpy as np
import pytest
from PIL import Image

from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.reproduce.options import ReproduceOptions
from bmbench.benchmark.run.begin_or_resume import run
from bmbench.benchmark.run.tables import write_row
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Silent

FAST = {"n_blobs": "1", "n_scales": "1"}
N_TRAIN, N_TEST = 6, 5


@pytest.fixture
def leaking(tmp_path):
    """Eleven images of discs; the first test image is the first training image, mirrored."""
    rng = np.random.default_rng(0)
    down, right = np.ogrid[:64, :64]
    images, annotations = [], []
    for _ in range(N_TRAIN + N_TEST):
        pixels = rng.integers(200, 230, (64, 64, 3)).astype(np.uint8)
        x, y = rng.integers(16, 48, 2).tolist()
        pixels[(right - x) ** 2 + (down - y) ** 2 < 64] = 60
        images.append(pixels)
        annotations.append([x - 8, y - 8, 16, 16])
    images[N_TRAIN] = images[0][:, ::-1]
    x, y, *size = annotations[0]
    annotations[N_TRAIN] = [64 - x - 16, y, *size]
    for number, pixels in enumerate(images):
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    value = {
        "images": [
            {
                "id": n,
                "file_name": f"{n}.png",
                "width": 64,
                "height": 64,
                "split": "train" if n < N_TRAIN else "test",
            }
            for n in range(len(images))
        ],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 1, "bbox": box} for n, box in enumerate(annotations)
        ],
        "categories": [{"id": 1, "name": "cell"}],
    }
    (tmp_path / "gt.json").write_text(json.dumps(value))
    return tmp_path / "gt.json"


def options(file, **changes):
    return RunOptions(
        method="blob_log", dataset=str(file), settings=FAST, out=file.parent / "runs", **changes
    )


def test_a_mirrored_copy_in_two_subsets_stops_a_run_and_says_the_options(leaking):
    with pytest.raises(
        BadInputError, match=r"0\.png .* and 6\.png \(test\) are the same picture.*--allow-leaks"
    ):
        run(options(leaking), Silent())
    assert not (leaking.parent / "runs").exists()


def test_what_is_allowed_is_told_recorded_and_shown(leaking):
    told = []

    class Heard(Silent):
        def tell(self, text):
            told.append(text)

    folder = run(options(leaking, allow_leaks=True), Heard())
    config = json.loads((folder.path / "config.json").read_text())
    assert len(config["leaks"]) == 1
    assert config["options"]["allow_leaks"] is True
    assert any(line.startswith("subsets are not apart, as was allowed: 0.png") for line in told)
    assert "subsets not apart" in write_row(folder)


def test_a_group_in_two_subsets_is_a_leak(leaking):
    with pytest.raises(BadInputError, match="group 0 lies in train and in test"):
        run(options(leaking, dataset_options={"group_from": r"\d$"}), Silent())


def test_searches_and_studies_refuse_it_too(leaking, bmbench):
    for command in (
        ("tune", "--method", "blob_log", "--trials", "1"),
        ("reproduce", "--methods", "blob_log", "--seeds", "0", "--out", leaking.parent / "study"),
    ):
        answer = bmbench(*command, "--dataset", leaking)
        assert answer.code != 0
        assert "are the same picture" in answer.err + answer.out
    assert ReproduceOptions(out=leaking.parent).allow_leaks is False


def test_a_computed_split_keeps_copies_together(leaking):
    value = json.loads(leaking.read_text())
    for record in value["images"]:
        del record["split"]
    leaking.write_text(json.dumps(value))
    for seed in range(4):
        folder = run(options(leaking, seed=seed), Silent())
        assert json.loads((folder.path / "config.json").read_text())["leaks"] == []
