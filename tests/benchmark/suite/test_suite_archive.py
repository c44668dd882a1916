"""Packed results of a suite: the same report from them elsewhere, nothing overwritten, damage refused."""

from __future__ import annotations

import json
import shutil
import tarfile

import numpy as np
import pytest

from bmbench.benchmark.scoring.score_files import read_pair
from bmbench.benchmark.suite import SuiteOptions, read_suite, run_suite, write_suite_report
from bmbench.benchmark.suite.archive import pack_suite, unpack_suite
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Silent
from tests.benchmark.suite.conftest import TEXT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(marrow, tmp_path_factory):
    """The folder of the suite with its three runs, made once."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "tiny.toml").write_text(TEXT.format(folder=marrow.name))
    options = SuiteOptions(suite=read_suite(folder / "tiny.toml"), out=folder / "out", root=marrow.parent)
    assert run_suite(options, Silent(), lambda _: None).n_finished == 3
    return options.out


@pytest.fixture
def run(made, tmp_path):
    """A copy of that folder for a test to change."""
    return shutil.copytree(made, tmp_path / "there")


def report(suite, out) -> bytes:
    return write_suite_report(suite, out, lambda _: None).read_bytes()


def columns(path):
    """What scores are made of in a run's truth and answers."""
    truth, answers = read_pair(path / "predictions.json", path / "truth.json")
    return [truth.xy, truth.box, truth.area, truth.role, answers.xy, answers.box, answers.confidence]


def test_elsewhere_they_give_the_same_report_and_nothing_is_run_again(suite, run, marrow, tmp_path):
    packed, here = pack_suite(suite, run, tmp_path / "packed"), tmp_path / "here"
    assert [(one.name, one.archive.name, one.n_runs) for one in packed] == [
        ("drawn", "s0.tar.xz", 1),
        ("drawn", "s1.tar.xz", 1),
        ("real", "s0.tar.xz", 1),
    ]
    moved = tmp_path / "moved" / marrow.name
    shutil.copytree(marrow, moved)
    unpacked = unpack_suite(suite, tmp_path / "packed", here, {}, moved.parent)
    assert [(one.n_runs, one.left) for one in unpacked] == [(1, ())] * 3
    assert report(suite, here) == report(suite, run)
    assert json.loads((here / "sets/real/study.json").read_text())["facts"]["dataset"] == str(moved)
    options = SuiteOptions(suite=suite, out=here, root=moved.parent)
    said: list[str] = []
    assert run_suite(options, Silent(), said.append).changed == ()
    assert "every run is finished" in said
    more = SuiteOptions(suite=suite, out=here, root=moved.parent, only=("drawn",), methods=("blob_log",))
    assert run_suite(more, Silent(), said.append).n_finished == 2


def test_the_same_results_give_the_same_bytes_without_weights_and_pictures(suite, run, tmp_path):
    first, again = (pack_suite(suite, run, tmp_path / name) for name in ("first", "again"))
    assert [one.archive.read_bytes() for one in first] == [one.archive.read_bytes() for one in again]
    with tarfile.open(first[0].archive) as tar:
        names = tar.getnames()
    assert {name.rpartition(".")[2] for name in names} == {"json"}
    assert "runs/weak-background-blob_log-s0/predictions.json" in names


def test_runs_that_are_there_stay_as_they_are(suite, run, marrow, tmp_path):
    pack_suite(suite, run, tmp_path / "packed")
    mine = run / "sets/drawn/runs/weak-background-blob_log-s0/metrics.json"
    mine.write_text(mine.read_text() + "\n")
    again = unpack_suite(suite, tmp_path / "packed", run, {}, marrow.parent)
    assert [(one.n_runs, len(one.left)) for one in again] == [(0, 1)] * 3
    assert mine.read_text().endswith("\n\n")


def test_results_that_were_changed_take_no_part(suite, run, tmp_path):
    pack_suite(suite, run, tmp_path / "packed")
    unpack_suite(suite, tmp_path / "packed", tmp_path / "here", {}, None)
    answers = tmp_path / "here/sets/drawn/runs/weak-background-blob_log-s0/predictions.json"
    answers.write_text(answers.read_text().replace('"detections": [', '"detections":  ['))
    assert b"takes no part: is not as it was" in report(suite, tmp_path / "here")


def test_a_run_that_was_changed_is_not_packed(suite, run, tmp_path):
    answers = run / "sets/drawn/runs/weak-background-blob_log-s0/predictions.json"
    answers.write_text(answers.read_text() + " ")
    packed = pack_suite(suite, run, tmp_path / "packed")
    assert [one.n_runs for one in packed] == [0, 1, 1]
    assert "predictions.json (changed)" in packed[0].left[0]


def test_outlines_are_left_out_and_the_scores_stay(suite, run, tmp_path):
    pack_suite(suite, run, tmp_path / "packed")
    unpack_suite(suite, tmp_path / "packed", tmp_path / "here", {}, None)
    name = "sets/drawn/runs/weak-background-blob_log-s0"
    assert "segmentation" in (run / name / "truth.json").read_text()
    assert "segmentation" not in (tmp_path / "here" / name / "truth.json").read_text()
    for full, slim in zip(columns(run / name), columns(tmp_path / "here" / name), strict=True):
        np.testing.assert_array_equal(full, slim)


def test_what_is_no_archive_of_the_suite_is_refused_and_leaves_no_run(suite, run, tmp_path):
    with pytest.raises(BadInputError, match="no finished run"):
        pack_suite(suite, tmp_path / "nothing", tmp_path / "packed")
    assert not (tmp_path / "packed").exists()
    with pytest.raises(BadInputError, match="no results of this suite"):
        unpack_suite(suite, tmp_path, tmp_path / "here", {}, None)
    packed = pack_suite(suite, run, tmp_path / "packed")
    packed[0].archive.write_bytes(packed[0].archive.read_bytes()[:4000])
    with pytest.raises(BadInputError, match="damaged"):
        unpack_suite(suite, tmp_path / "packed", tmp_path / "here", {}, None)
    assert not list((tmp_path / "here" / "sets").iterdir())


def test_another_study_in_the_folder_is_no_place_for_them(suite, suite_path, run, tmp_path):
    pack_suite(suite, run, tmp_path / "packed")
    suite_path.write_text(suite_path.read_text().replace('size = "256"', 'size = "320"'))
    other = read_suite(suite_path)
    options = SuiteOptions(suite=other, out=tmp_path / "other", only=("drawn",))
    run_suite(options, Silent(), lambda _: None)
    with pytest.raises(BadInputError, match="other dataset options"):
        unpack_suite(other, tmp_path / "packed", tmp_path / "other", {}, None)


def test_the_commands(bmbench, suite_path, run, tmp_path):
    answer = bmbench("suite", "pack", suite_path, "--out", run, "--to", tmp_path / "packed")
    assert (answer.code, answer.err) == (0, "")
    assert "drawn: 1 run packed" in answer.out
    asked = ("suite", "unpack", suite_path, tmp_path / "packed", "--out", tmp_path / "here")
    assert "real: 1 run unpacked" in bmbench(*asked).out
    assert [len(one["left"]) for one in json.loads(bmbench(*asked, "--json").out)] == [1, 1, 1]
    answer = bmbench("suite", "unpack", suite_path, tmp_path / "nowhere")
    assert answer.code == 2
    assert "SET/s0.tar.xz" in answer.err
    assert "name the folder that bmbench suite pack wrote" in answer.err
