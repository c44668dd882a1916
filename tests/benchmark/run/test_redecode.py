"""`bmbench redecode`: the networks of a run, its maps cut in other ways."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.run.begin_or_resume import run_in
from bmbench.benchmark.run.redecode import changed_settings, redecode
from bmbench.benchmark.scoring.score_files import evaluate_files
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Silent
from bmbench.metrics.protocol import resolve_protocol

TINY = {
    "steps": "6", "width": "4", "depth": "2", "cell_px": "10", "patch_px": "48", "batch": "2", "shard": "1",
    "views": "1", "validate_every": "3",
}  # fmt: skip
CUT = {"seeds": "map", "rise": "0.07", "lowest": "0.15", "smooth": "0.15"}
FLOODED = {"flooding": "background", "surround": "0.2", "lowest": "0.15", "undo": "1.2"}
RESULTS = ("predictions.json", "truth.json", "optimisation/predictions.json")


@pytest.fixture(scope="module")
def options(marrow, torch):
    return RunOptions(dataset=str(marrow), settings=TINY)


@pytest.fixture(scope="module")
def trained(options, tmp_path_factory):
    return run_in(tmp_path_factory.mktemp("trained") / "run", options, Silent()).path


def contents(folder, names):
    return {name: (folder / name).read_bytes() for name in names}


def settings_of(folder):
    return json.loads((folder / "config.json").read_bytes())["settings"]


@pytest.mark.parametrize(("models", "cut"), [(1, CUT), (2, CUT), (1, FLOODED)])
def test_it_is_the_run_that_had_these_settings_from_its_beginning(options, models, cut, tmp_path):
    asked = dataclasses.replace(options, models=models)
    first = run_in(tmp_path / "first", asked, Silent()).path
    again = redecode(first, tmp_path / "again", Silent(), settings=cut).path
    whole = dataclasses.replace(asked, settings=TINY | cut)
    wanted = run_in(tmp_path / "wanted", whole, Silent()).path
    checkpoint = [str(path.relative_to(wanted)) for path in (wanted / "checkpoint").rglob("*.*")]
    assert contents(again, (*RESULTS, *checkpoint)) == contents(wanted, (*RESULTS, *checkpoint))
    assert contents(again, RESULTS) != contents(first, RESULTS)
    metrics = [json.loads((folder / "metrics.json").read_bytes()) for folder in (again, wanted)]
    assert metrics[0] == metrics[1]


def test_the_best_of_many_ways_is_better_than_a_bad_one_on_the_optimisation_images(options, tmp_path):
    """`marker` is fixed; what is drawn beside it are better thresholds than those that hide every cell."""
    hidden = {"lowest": "0.99", "highest": "0.995", "faint": "0.99"}
    longer = dataclasses.replace(options, settings=TINY | hidden | {"steps": "60", "learning_rate": "0.01"})
    taught = run_in(tmp_path / "taught", longer, Silent()).path
    found = redecode(taught, tmp_path, Silent(), settings={"marker": "0.6"}, n_decodings=12).path
    assert f1_optimisation(taught) < 0.5 < f1_optimisation(found)
    assert settings_of(found)["marker"] == 0.6
    assert settings_of(found)["lowest"] < 0.5


def test_it_says_which_settings_are_others(trained, tmp_path):
    old = RunDir.open(trained)
    cut = redecode(trained, tmp_path, Silent(), settings={"undo": "0.5", "lowest": "0.25"})
    assert changed_settings(old, cut) == "Settings: undo 1.0 → 0.5, lowest 0.3 → 0.25"
    assert changed_settings(cut, cut) == "Settings: as they were"
    older = RunDir.open(shutil.copytree(old.path, tmp_path / "older"))
    config = older.read("config.json")
    for name in ("undo", "class_loss"):
        del config["settings"][name]
    (older.path / "config.json").write_text(json.dumps(config))
    # What was no setting yet did not change, unless somebody chose it.
    assert changed_settings(older, cut) == "Settings: undo None → 0.5, lowest 0.3 → 0.25"


def f1_optimisation(folder):
    place = folder / "optimisation"
    scores = evaluate_files(
        place / "predictions.json", place / "truth.json", resolve_protocol("paper"), intervals=False
    )
    return scores.cd.f1 or 0.0


def test_what_has_to_be_learned_is_refused(trained, tmp_path):
    with pytest.raises(BadInputError, match="width: unet_shrink has to be trained for it"):
        redecode(trained, tmp_path / "out", Silent(), settings={"width": "8"})
    assert not (tmp_path / "out").exists()


def test_a_method_that_decodes_nothing_is_refused(marrow, tmp_path):
    asked = RunOptions(method="blob_log", dataset=str(marrow))
    run = run_in(tmp_path / "run", asked, Silent()).path
    with pytest.raises(BadInputError, match="nothing of it is decoded"):
        redecode(run, tmp_path, Silent(), settings={"apart": "2"})


def test_networks_that_chose_no_threshold_are_refused(options, tmp_path):
    run = run_in(tmp_path / "run", dataclasses.replace(options, retrain=True), Silent()).path
    with pytest.raises(BadInputError, match="trained again afterwards"):
        redecode(run, tmp_path, Silent(), settings=CUT)


def test_other_data_are_refused(trained, tmp_path):
    config = json.loads((trained / "config.json").read_bytes())
    other = tmp_path / "other"
    other.mkdir()
    for name in ("metrics.json", "environment.json"):
        (other / name).write_bytes((trained / name).read_bytes())
    (other / "config.json").write_text(json.dumps(config | {"schema": "bmbench.run/1", "data_hash": "0"}))
    with pytest.raises(BadInputError, match="was trained with another data_hash"):
        redecode(other, tmp_path, Silent(), settings=CUT)


def test_the_command_needs_something_to_change(bmbench, trained, tmp_path):
    answer = bmbench("redecode", "--run", trained, "--out", tmp_path / "out")
    assert answer.code == 2
    assert "nothing to change" in answer.err
    assert not (tmp_path / "out").exists()


def test_json_holds_the_new_settings_and_the_scores(bmbench, trained, tmp_path):
    said = json.loads(
        bmbench("redecode", "--run", trained, "--set", "rise=0.07", "--out", tmp_path, "--json").out
    )
    assert said["settings"] == settings_of(Path(said["folder"]))
    assert said["settings"]["rise"] == 0.07
    assert said["cd"] == json.loads((Path(said["folder"]) / "metrics.json").read_bytes())["cd"]
