"""Models as folders: made from a run, found, loaded, refused where they are damaged; their cards."""

import json
import shutil

import numpy as np
import pytest

import bmbench
from bmbench.benchmark.models.places import find_model, load_model, load_trained, shipped_models
from bmbench.benchmark.models.record import LearnedSet, MeasuredScore, ModelCard, read_model
from bmbench.benchmark.models.table import card_parts, model_record, models_table
from bmbench.benchmark.models.write import write_model, write_scores
from bmbench.benchmark.protocol.adjustment import Adjusting
from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.run.apply_to_other_sets import apply_model
from bmbench.benchmark.run.begin_or_resume import run
from bmbench.benchmark.verify.verify import verify
from bmbench.cli.models import models
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.progress import Silent
from bmbench.datasets.synthetic.dataset import sample
from bmbench.present.html import text_of

SMALL = {"images": "9", "size": "256"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of the blob detector, which needs no torch."""
    options = RunOptions(method="blob_log", dataset_options=SMALL, out=tmp_path_factory.mktemp("runs"))
    return run(options, Silent()).path


@pytest.fixture(scope="module")
def card():
    names = [sample(number, size_px=256).name for number in range(6)]
    learned = LearnedSet(
        dataset="synthetic", licence="Apache-2.0", citation="ours", images=6, cells=40, names=names
    )
    return ModelCard(
        title="dark blobs",
        finds="cells",
        licence="CC0",
        recipe="bmbench run",
        data=[learned],
        limits=["It fails [elsewhere]."],
    )


@pytest.fixture(scope="module")
def blobs(finished, card, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "blobs"
    write_model(folder, finished, card=card)
    return folder


@pytest.fixture
def damaged(blobs, tmp_path):
    return shutil.copytree(blobs, tmp_path / "blobs")


def test_a_model_finds_what_its_run_finds(finished, blobs):
    image = sample(7, size_px=256).load()
    ours, theirs = load_trained(blobs), load_trained(finished)
    assert np.array_equal(ours.detector.predict(image).xy, theirs.detector.predict(image).xy)
    same = ("classes", "method", "um_per_px", "largest_cell_px", "mean_cell_px", "threshold", "appearance")
    assert all(getattr(ours, name) == getattr(theirs, name) for name in same)
    assert ours.digest == theirs.digest


def test_a_model_is_found_by_name_and_by_path_and_a_run_too(blobs, finished):
    assert find_model(str(blobs)) == blobs
    assert find_model(finished) == finished
    for name, folder in shipped_models().items():
        assert find_model(name) == folder
    with pytest.raises(UnknownNameError, match="unknown model 'marow-smal'"):
        find_model("marow-smal")
    with pytest.raises(BadInputError, match="neither a model nor a run"):
        find_model(blobs.parent)
    with pytest.raises(BadInputError, match="not found"):
        find_model(blobs / "there" / "is" / "none")


def test_a_changed_file_is_refused(damaged):
    (damaged / "checkpoint/blob_log.json").write_text("{}")
    with pytest.raises(BadInputError, match="not as it was when it was finished"):
        load_model(damaged)


def test_verify_says_what_changed_in_a_model(blobs, damaged):
    assert verify(blobs).found == []
    (damaged / "checkpoint/blob_log.json").write_text("{}")
    (damaged / "more.txt").write_text("x")
    assert [(one.file.name, one.fault) for one in verify(damaged).found] == [
        ("blob_log.json", "changed"),
        ("more.txt", "added"),
    ]


def test_a_model_without_a_manifest_is_refused(damaged):
    (damaged / "manifest.json").unlink()
    with pytest.raises(BadInputError, match="manifest"):
        load_model(damaged)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"schema": "bmbench.model/9"}, "newer bmbench"),
        ({"name": "../../etc"}, "name"),
        ({"threshold": 7}, "threshold"),
        ({"um_per_px": -1}, "um_per_px"),
        ({"appearance": {"nucleus_px": 0, "mean": [1, 2, 3], "deviation": [1, 2, 3]}}, "nucleus_px"),
        ({"appearance": None}, "appearance"),
        ({"card": {"title": "no licence"}}, "card"),
    ],
)
def test_a_record_that_is_none_is_refused_with_the_place(damaged, change, word):
    file = damaged / "model.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(BadInputError, match=word):
        read_model(damaged)


def test_a_link_out_of_the_folder_is_not_followed(damaged, tmp_path):
    file = damaged / "model.json"
    file.rename(tmp_path / "elsewhere.json")
    file.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(BadInputError, match="leads out of the folder"):
        read_model(damaged)


def test_a_model_is_tested_on_other_images_and_not_on_those_it_has_learned_from(blobs, tmp_path):
    pytest.importorskip("cv2", reason="images are resized by OpenCV")
    asked = Adjusting(measured_scale=True, standardise=True)
    wish = "synthetic,images=9,size=256"
    out = apply_model(blobs, [f"{wish},seed=3"], Silent(), out=tmp_path / "out", asked=asked)
    (folder,) = [path for path in out.iterdir() if path.is_dir()]
    scores = json.loads((folder / "metrics.json").read_text())
    assert folder.name.endswith("-scale=auto-standardised")
    assert scores["cd"]["threshold"] == read_model(blobs).threshold
    with pytest.raises(BadInputError, match="has learned from marrow_s0_000"):
        apply_model(blobs, [f"{wish},use=all"], Silent(), out=tmp_path / "out")
    assert json.loads((folder / "metrics.json").read_text()) == scores


def test_scores_take_the_place_of_older_ones_on_the_card(damaged):
    old = MeasuredScore(on="kainz", how="--scale auto", images=8, groups=5, cells=3000, f1=0.5)
    other = MeasuredScore(on="plasma_cd138", how="", images=101, groups=5, cells=9400, f1=0.6)
    new = MeasuredScore(
        on="kainz", how="--scale auto", images=8, groups=5, cells=3000, f1=0.8, f1_ci=(0.7, 0.9)
    )
    write_scores(damaged, [old, other])
    write_scores(damaged, [new])
    assert read_model(damaged).card.scores == [other, new]
    assert load_model(damaged).threshold == read_model(damaged).threshold
    text = text_of(iter(card_parts(damaged)))
    assert "0.800 [0.700, 0.900]" in text
    assert "It fails [elsewhere]." in text
    assert model_record(damaged)["card"]["scores"][1]["f1"] == 0.8


def test_cards_fit_80_columns(capsys):
    for name in shipped_models():
        models(name)
        printed = capsys.readouterr().out
        assert max(map(len, printed.splitlines())) <= 80
        assert "\n  dsb_purple (CC0)" in printed


def test_every_model_that_comes_with_the_package_is_whole_and_small():
    for name, folder in shipped_models().items():
        record = read_model(folder)
        assert record.name == name
        assert model_record(folder)["size_mb"] < 3
        assert {one.dataset for one in record.card.data} & {"kainz", "kainz_mbm", "plasma_cd138"} == set()
        assert record.card.limits
    assert "licence" in text_of(iter([models_table()]))


def test_the_front_door_takes_models(blobs):
    model = bmbench.load_model(blobs)
    assert repr(model) == "Model(blobs: dark blobs)"
    image = sample(7, size_px=256).load()
    plain, adjusted = model.predict(image), model.predict(image, scale="auto", standardise=True)
    assert len(plain) > 0
    assert any(note.startswith("scale: nuclei of") for note in adjusted.notes)
    with pytest.raises(UnknownNameError, match="unknown scale 'automatic'"):
        model.predict(image, scale="automatic")


def test_a_run_that_is_not_as_it_was_becomes_no_model(finished, card, tmp_path):
    changed = shutil.copytree(finished, tmp_path / "run")
    (changed / "checkpoint/blob_log.json").write_text("{}")
    with pytest.raises(BadInputError, match="not as it was"):
        write_model(tmp_path / "model", changed, card=card)
    assert not (tmp_path / "model").exists()
