"""`bmbench run --from`: a training begins with the weights of a model or run, or says why it cannot."""

import json
import shutil

import numpy as np
import pytest

import bmbench
from bmbench.benchmark.models.record import ModelCard
from bmbench.benchmark.models.start import start_method
from bmbench.benchmark.models.write import write_model
from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.run.begin_or_resume import run
from bmbench.benchmark.run.redecode import redecode
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Silent

pytestmark = pytest.mark.slow
TINY = {
    "width": "2",
    "depth": "2",
    "patch_px": "32",
    "batch": "2",
    "shard": "2",
    "views": "1",
    "tile_px": "256",
    "overlap_px": "32",
}


def options(out, **changes):
    known = {
        "method": "unet_shrink",
        "dataset_options": {"images": "9", "size": "256"},
        "settings": TINY | {"steps": "2"},
        "out": out,
    }
    return RunOptions(**(known | changes))


@pytest.fixture(scope="module")
def first(torch_of_module, tmp_path_factory):
    return run(options(tmp_path_factory.mktemp("first")), Silent()).path


@pytest.fixture(scope="module")
def torch_of_module():
    return pytest.importorskip("torch", reason="networks need torch, which is not installed here")


def weights(folder):
    return load_weights(folder / "checkpoint")


def load_weights(checkpoint):
    from safetensors.numpy import load_file

    return load_file(checkpoint / "weights.safetensors")


def test_a_training_that_learns_nothing_ends_with_the_weights_it_began_with(first, tmp_path):
    """At a learning rate of 0 no step moves a weight; another seed would draw other ones."""
    still = TINY | {"steps": "2", "learning_rate": "0", "weight_decay": "0"}
    again = run(options(tmp_path, settings=still, start=str(first), seed=7), Silent()).path
    fresh = run(options(tmp_path, settings=still, seed=7), Silent()).path
    before, after = weights(first), weights(again)
    assert before.keys() == after.keys()
    assert all((before[name] == after[name]).all() for name in before)
    assert any((before[name] != value).any() for name, value in weights(fresh).items())
    config = json.loads((again / "config.json").read_text())
    assert config["start"]["model"] == str(first)
    assert "start" not in json.loads((fresh / "config.json").read_text())
    assert "begins with the weights of" in (again / "log.txt").read_text()


def test_what_fixes_the_network_comes_from_the_model(first, tmp_path):
    settings = {"steps": "2", "patch_px": "32", "batch": "2", "tile_px": "256", "overlap_px": "32"}
    again = run(options(tmp_path, settings=settings, start=str(first)), Silent()).path
    config = json.loads((again / "config.json").read_text())
    assert (config["settings"]["width"], config["settings"]["depth"]) == (2, 2)
    assert config["options"]["settings"] == settings


def test_a_model_of_half_the_bytes_is_begun_with_too(first, tmp_path):
    model = tmp_path / "half"
    write_model(model, first, card=ModelCard(title="t", finds="cells", licence="CC0", recipe="r"))
    assert start_method(str(model)) == "unet_shrink"
    assert len((model / "checkpoint/weights.safetensors").read_bytes()) < 0.7 * len(
        (first / "checkpoint/weights.safetensors").read_bytes()
    )
    run(options(tmp_path / "runs", start=str(model)), Silent())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"settings": TINY | {"depth": "3"}}, "--set depth=3"),
        ({"method": "unet_sigmoid"}, "a model of another method"),
        ({"artefacts": "class"}, "it learned artefacts as background"),
        ({"classes": ("all",)}, "it told no classes of cells apart .*--classifier crops"),
    ],
)
def test_what_contradicts_the_model_is_refused(first, tmp_path, changes, said):
    with pytest.raises(BadInputError, match=said):
        run(options(tmp_path, start=str(first), **changes), Silent())
    assert not list(tmp_path.iterdir())


def test_a_network_of_classes_begins_one_of_the_same(first, tmp_path):
    named = run(options(tmp_path, classes=("neutrophil",)), Silent()).path
    again = run(options(tmp_path / "again", classes=("neutrophil",), start=str(named), seed=5), Silent()).path
    shapes = [{name: value.shape for name, value in weights(one).items()} for one in (named, again)]
    assert shapes[0] == shapes[1] != {name: value.shape for name, value in weights(first).items()}
    for changes, remedy in (
        ({}, "give --classes with the same"),
        ({"method": "unet_shrink+crops", "classes": ("neutrophil",)}, "no --classifier"),
        # As many classes, but other ones: their weights fit, and would mean something else.
        ({"classes": ("eosinophil",)}, "shall tell the classes eosinophil,other cell.*leave --from out"),
        ({"classes": ("all",)}, "shall tell the classes .*leave --from out"),
    ):
        said = f"it told the classes neutrophil,other cell apart.*{remedy}"
        with pytest.raises(BadInputError, match=said):
            run(options(tmp_path / "other", start=str(named), **changes), Silent())


def test_two_stages_begin_with_a_detector_and_detectors_with_the_first_of_two_stages(first, tmp_path):
    still = {"learning_rate": "1e-30", "optimiser": "adam", "steps": "1"}
    staged = run(
        options(tmp_path, method="unet_shrink+crops", start=str(first), classes=("all",), settings=still),
        Silent(),
    ).path
    assert {path.name for path in (staged / "checkpoint").iterdir()} == {"detector", "classifier"}
    again = run(options(tmp_path / "again", start=str(staged), settings=still), Silent()).path
    for own in (staged / "checkpoint" / "detector", again / "checkpoint"):
        ends = load_weights(own)
        begun = load_weights(first / "checkpoint")
        assert all(np.allclose(ends[name], begun[name], atol=1e-6) for name in begun)
    with pytest.raises(BadInputError, match="redecode a run of unet_shrink,"):
        redecode(staged, tmp_path / "decoded", Silent(), settings={}, n_decodings=2)
    counted = bmbench.load_model(staged).predict(np.full((64, 64, 3), 230, np.uint8))
    assert len(counted) == 0


def test_a_changed_model_is_no_beginning(first, tmp_path):
    changed = shutil.copytree(first, tmp_path / "run")
    (changed / "checkpoint/unet.json").write_text("{}")
    with pytest.raises(BadInputError, match="not as it was"):
        run(options(tmp_path / "out", start=str(changed)), Silent())


def test_a_method_without_weights_says_so(tmp_path):
    blobs = run(options(tmp_path, method="blob_log", settings={}), Silent()).path
    with pytest.raises(BadInputError, match="blob_log cannot begin with the weights"):
        run(options(tmp_path, method="blob_log", settings={}, start=str(blobs)), Silent())
