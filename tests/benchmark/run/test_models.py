"""Runs of several models, and of artefacts as a class, from end to end."""

import dataclasses
import json

import pytest

from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.records.trained_run import load_run
from bmbench.benchmark.run.begin_or_resume import resume, run_in
from bmbench.core.errors import BadInputError, Stopped
from bmbench.core.progress import Silent

TINY = {
    "steps": "3", "width": "4", "depth": "2", "cell_px": "10", "patch_px": "48", "batch": "2", "shard": "1",
    "views": "1", "validate_every": "2",
}  # fmt: skip


class StopsInSecondTraining(Silent):
    """Ctrl-C while the second model is trained."""

    def __init__(self):
        self.trainings = 0

    def track(self, items, *, description, total):
        self.trainings += description == "Training"
        for number, item in enumerate(items):
            if description == "Training" and self.trainings == 2 and number == 1:
                raise KeyboardInterrupt
            yield item


@pytest.fixture(scope="module")
def options(marrow, torch):
    return RunOptions(dataset=str(marrow), settings=TINY, models=2, artefacts="class")


@pytest.fixture(scope="module")
def pair(options, tmp_path_factory):
    return run_in(tmp_path_factory.mktemp("pair") / "run", options, Silent()).path


def weights(folder):
    return (folder / "weights.safetensors").read_bytes()


def test_a_checkpoint_holds_the_models_and_the_first_is_that_of_a_run_of_one(pair, options, tmp_path):
    checkpoint = pair / "checkpoint"
    assert sorted(path.name for path in checkpoint.iterdir()) == ["ensemble.json", "member-1", "member-2"]
    single = run_in(tmp_path / "run", dataclasses.replace(options, models=1), Silent()).path
    assert weights(checkpoint / "member-1") == weights(single / "checkpoint")
    assert weights(checkpoint / "member-2") != weights(single / "checkpoint")
    assert not (pair / "unfinished").exists()


def test_stopped_between_models_it_ends_with_the_same_bytes(pair, options, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(Stopped):
        run_in(folder, options, StopsInSecondTraining())
    first = next((folder / "unfinished").glob("members-*/member-1"))
    kept = weights(first)
    resume(folder, Silent())
    for name in ("checkpoint/member-1", "checkpoint/member-2"):
        assert weights(folder / name) == weights(pair / name)
    assert kept == weights(pair / "checkpoint" / "member-1")
    for name in ("predictions.json", "metrics.json"):
        assert (folder / name).read_bytes() == (pair / name).read_bytes()


def test_the_pair_predicts_on_images_as_in_its_run(bmbench, pair, marrow, tmp_path):
    trained = load_run(pair)
    truth = json.loads((pair / "truth.json").read_text())
    name = truth["images"][0]["file_name"]
    image = next(marrow.rglob(name.rsplit("/", maxsplit=1)[-1]))
    answer = bmbench("predict", image, "--run", pair, "-o", tmp_path / "cells.json", "--threshold", 0)
    assert answer.code == 0, answer.err
    from bmbench.datasets.reading.images import read_rgb

    found = trained.detector.predict(read_rgb(image, (256, 256)))
    written = json.loads((tmp_path / "cells.json").read_text())["detections"]
    assert sorted(row["score"] for row in written) == pytest.approx(sorted(found.confidence), abs=1e-5)
    assert [row["category_id"] for row in written].count(2) == int((found.label == 1).sum())


def test_a_method_that_cannot_join_answers_is_asked_for_one(marrow, tmp_path):
    anchor = RunOptions(method="blob_log", dataset=str(marrow), out=tmp_path)
    with pytest.raises(BadInputError, match=r"blob_log cannot answer as an ensemble.*--models 3"):
        run_in(tmp_path / "run", dataclasses.replace(anchor, models=3), Silent())
    with pytest.raises(BadInputError, match="blob_log cannot learn artefacts as a class"):
        run_in(tmp_path / "run", dataclasses.replace(anchor, artefacts="class"), Silent())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("torch")
def test_the_paper_profile_has_five_models_where_the_method_can(marrow):
    from bmbench.benchmark.run.plan import resolve

    anchor = RunOptions(method="blob_log", dataset=str(marrow), profile="paper")
    assert resolve(anchor, Silent()).profile.models == 1
    assert resolve(dataclasses.replace(anchor, method="unet_shrink"), Silent()).profile.models == 5
