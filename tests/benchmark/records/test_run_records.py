"""Records of runs that are damaged, or of a later version: one sentence from every command that reads one."""

import json
import re

import pytest

from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.run_records import RunConfig, read_record, require_schema
from bmbench.benchmark.run.begin_or_resume import resume
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Silent
from tests.benchmark.whole_records import whole_config

READERS = {
    "compare": lambda run, marrow, out: ("compare", run, run),
    "artefacts": lambda run, marrow, out: ("artefacts", run, "--out", out),
    "test": lambda run, marrow, out: ("test", "--run", run, "--on", f"{marrow},use=all"),
    "predict": lambda run, marrow, out: ("predict", marrow / "images", "--run", run, "-o", out),
    "redecode": lambda run, marrow, out: ("redecode", "--run", run, "--set", "n_scales=1", "--out", out),
    "init": lambda run, marrow, out: ("leaderboard", "init", out, "--track", "weak", "--truth", run),
}
"""Commands that read a finished run."""
DAMAGE = (
    ({}, r"config\.json: is not a run's record"),
    ([], r"config\.json: is not a run's record"),
    (
        {"schema": "bmbench.run/99"},
        r"config\.json: was written by a newer bmbench \(schema bmbench\.run/99\)",
    ),
    ({"schema": "bmbench.study/1"}, r"config\.json: is not a run's record"),
    ({"classes": 5}, r"config\.json, classes: is not a run's record"),
    ({"protocol": {"name": "paper", "iou": 7}}, r"config\.json, protocol: is not a run's record"),
    ({"settings": None}, r"config\.json, settings: is not a run's record"),
)


def damage(run, change):
    path = run / "config.json"
    path.write_text(json.dumps((json.loads(path.read_text()) | change) if change else change))


@pytest.fixture(params=READERS)
def reader(request, bmbench, finished, marrow, tmp_path):
    """A command that reads the finished run: its name, and what calls it."""
    return request.param, lambda: bmbench(*READERS[request.param](finished, marrow, tmp_path / "out"))


def test_a_damaged_configuration_is_one_sentence(reader, finished):
    text = (finished / "config.json").read_text()
    for change, sentence in DAMAGE:
        (finished / "config.json").write_text(text)
        damage(finished, change)
        answer = reader[1]()
        assert (answer.code, answer.err.count("\n")) == (2, 1), answer
        assert re.search(sentence, answer.err), answer.err


@pytest.mark.filterwarnings("ignore:.*is not as it was:UserWarning")
def test_damaged_scores_are_one_sentence(reader, finished):
    command, call = reader
    if command in ("init", "redecode"):
        pytest.skip("looks at no scores")
    for content in ("[]", '{"cd": 5, "bb": null}', "{}"):
        (finished / "metrics.json").write_text(content)
        answer = call()
        if command == "predict" and content == "{}":
            # Whoever predicts needs the threshold alone, and a run may have none.
            assert answer.code == 0
            return
        assert (answer.code, answer.err.count("\n")) == (2, 1), answer
        assert re.search(r"metrics\.json( \(changed\)|.*is not a run's record)", answer.err), answer.err


def test_a_torn_record_of_an_unfinished_run_is_not_kept(bmbench, unfinished):
    """It ends with the bytes that it was begun for, or says why not."""
    for name in ("config.json", "environment.json", "split.json"):
        path = unfinished / name
        text = path.read_text()
        for torn in ("", "{", '{"schema": "bmbench.split/1"}\n', text[: len(text) // 2]):
            path.write_text(torn)
            answer = bmbench("run", "--resume", unfinished)
            assert answer.code == 2, answer
            assert str(path) in answer.err
            assert not (unfinished / "metrics.json").exists()
        path.write_text(text)
    assert bmbench("run", "--resume", unfinished).code == 0


def test_a_run_with_a_damaged_configuration_is_not_resumed(bmbench, unfinished):
    text = (unfinished / "config.json").read_text()
    for change in ({}, {"schema": "bmbench.run/99"}, {"options": 5}, {"options": {"seed": "x"}}):
        (unfinished / "config.json").write_text(text)
        damage(unfinished, change)
        answer = bmbench("run", "--resume", unfinished)
        assert (answer.code, answer.err.count("\n")) == (2, 1), answer.err
        assert str(unfinished / "config.json") in answer.err


def test_a_finished_run_of_a_newer_version_is_no_run_here(bmbench, finished):
    damage(finished, {"schema": "bmbench.run/99"})
    answer = bmbench("run", "--resume", finished)
    assert answer.code == 2
    assert "was written by a newer bmbench" in answer.err


def test_a_study_of_a_newer_version_or_with_foreign_names_is_refused(bmbench, tmp_path, options):
    from bmbench.benchmark.reproduce.folder import StudyFolder
    from bmbench.benchmark.reproduce.matrix import plan

    StudyFolder(tmp_path).join(plan(options))
    path, text = tmp_path / "study.json", (tmp_path / "study.json").read_text()
    for change, sentence in (
        ({"schema": "bmbench.study/99"}, "written by a newer bmbench"),
        ({"cells": [{}]}, "is not a study"),
        ({"cells": [{"track": "../..", "artefacts": "a", "method": "b", "seed": 0}]}, "is not a study"),
        ({"facts": None}, "is not a study"),
    ):
        path.write_text(json.dumps(json.loads(text) | change))
        with pytest.raises(BadInputError, match=sentence):
            StudyFolder(tmp_path).read()


def test_a_folder_of_runs_is_refused_with_the_runs_in_it(tmp_path):
    with pytest.raises(BadInputError, match="give the folder that `bmbench run` printed"):
        RunDir.open(tmp_path)
    first, second = (RunDir(tmp_path / name) for name in ("a", "b"))
    assert RunDir.create_at(first.path, {"config.json": {}})
    with pytest.raises(BadInputError, match=rf"give {first.path}, the run in it"):
        RunDir.open(tmp_path)
    assert RunDir.create_at(second.path, {"config.json": {}})
    with pytest.raises(BadInputError, match=rf"give {first.path} or another of the 2 runs in it, or begin"):
        resume(tmp_path, Silent())


@pytest.mark.parametrize("schema", [None, 3, "", "bmbench.run", "bmbench.run/0", "bmbench.run/1x", "other/1"])
def test_what_states_no_schema_is_no_record(tmp_path, schema):
    with pytest.raises(BadInputError, match="is not a run's record"):
        require_schema({"schema": schema}, "bmbench.run/3", where=tmp_path, what="a run's record")
    require_schema({"schema": "bmbench.run/2"}, "bmbench.run/3", where=tmp_path, what="a run's record")


def test_fields_that_older_versions_did_not_write_are_unknown(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(whole_config()))
    config = read_record(tmp_path / "config.json", RunConfig, schema="bmbench.run/1")
    assert (config.mean_cell_px, config.classes, config.protocol.radius_px) == (None, [], 10.0)
