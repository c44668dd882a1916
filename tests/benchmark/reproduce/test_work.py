"""Working off a matrix: failures, locks, kills, processes side by side."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bmbench.benchmark.reproduce.engines import one_by_one, side_by_side, work_off
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.matrix import plan
from bmbench.benchmark.reproduce.study import reproduce
from bmbench.benchmark.reproduce.work import Job, work
from bmbench.core.errors import BadInputError, RunFailedError
from bmbench.core.progress import Silent
from tests.benchmark.reproduce.finished import FACTS, cell, write_run, write_study

pytestmark = pytest.mark.slow

FAST = ("n_blobs=1", "n_scales=1")


def quietly(_: str) -> None:
    """Nobody to say it to."""


def test_a_failure_is_kept_and_the_others_go_on(options, monkeypatch):
    from bmbench.benchmark.run import begin_or_resume as module

    real = module.run_in

    def fails_once(path: Path, wanted: object, progress: object) -> object:
        if path.name.endswith("s1"):
            raise RunFailedError("the disk is full")
        return real(path, wanted, progress)

    monkeypatch.setattr(module, "run_in", fails_once)
    options = replace(options, seeds=(0, 1))
    said: list[str] = []
    summary = reproduce(options, Silent(), said.append)
    assert summary.failures == (("weak-background-blob_log-s1", "the disk is full"),)
    assert summary.n_finished == 1
    assert "`weak-background-blob_log-s1`: the disk is full" in summary.report.read_text()
    assert any("s1 failed: the disk is full" in line for line in said)

    before = {path: path.stat().st_mtime_ns for path in (options.out / "runs").rglob("*")}
    monkeypatch.setattr(module, "run_in", real)
    summary = reproduce(options, Silent(), quietly)
    assert summary.failures == ()
    assert not list((options.out / "failures").iterdir())
    assert "## Failed" not in summary.report.read_text()
    assert all(path.stat().st_mtime_ns == before[path] for path in before if path.is_file())


def test_what_another_version_began_is_begun_anew(options):
    """An unfinished run of another NumPy may not be gone on with; it must not block its cell for ever."""
    one = replace(options, seeds=(0,))
    reproduce(one, Silent(), quietly)
    run = next((options.out / "runs").iterdir())
    answers = (run / "predictions.json").read_bytes()
    (run / "metrics.json").unlink()
    (run / "predictions.json").write_text("[]")
    environment = json.loads((run / "environment.json").read_text())
    environment["packages"]["numpy"] = "0.1"
    (run / "environment.json").write_text(json.dumps(environment))
    assert reproduce(one, Silent(), quietly).failures == ()
    assert (run / "predictions.json").read_bytes() == answers


def test_what_was_begun_on_other_data_is_kept_and_said(options):
    """No version explains other data: the finished cells are of the old ones, and nothing is deleted."""
    one = replace(options, seeds=(0,))
    reproduce(one, Silent(), quietly)
    run = next((options.out / "runs").iterdir())
    (run / "metrics.json").unlink()
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | {"data_hash": "0" * 64}))
    ((name, reason),) = reproduce(one, Silent(), quietly).failures
    assert name == run.name
    assert "begun with another data_hash" in reason
    assert json.loads((run / "config.json").read_text())["data_hash"] == "0" * 64


def test_control_c_says_how_to_go_on(bmbench, marrow, tmp_path, monkeypatch):
    from bmbench.benchmark.run import begin_or_resume as module

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "run_in", interrupted)
    answer = bmbench(
        "reproduce", "--dataset", marrow, "--methods", "blob_log", "--seeds", "0", "--out", tmp_path / "s"
    )
    assert answer.code == 130
    assert "the same command goes on" in answer.err


def test_other_images_are_answered_by_runs_that_are_finished_already(options):
    """Asked for later: the detector is not trained again, and the report gets a section."""
    one = replace(options, seeds=(0,))
    reproduce(one, Silent(), quietly)
    checkpoint = next((options.out / "runs").rglob("blob_log.json"))
    before = checkpoint.stat().st_mtime_ns
    other = "synthetic,use=all,images=4,size=256"
    summary = reproduce(replace(one, test_on=(other,)), Silent(), quietly)
    assert summary.failures == ()
    assert checkpoint.stat().st_mtime_ns == before
    assert "### `synthetic-images=4-size=256-all`" in summary.report.read_text()
    assert StudyFolder(options.out).read().test_on == (other,)


def test_a_cell_that_somebody_has_is_waited_for_and_taken_over(tmp_path):
    folder = write_study(tmp_path, [cell("blob_log")])
    job = Job(cell=cell("blob_log"), facts=FACTS, folder=folder)
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with folder.working(job.cell) as mine:
            assert mine
            held.set()
            let_go.wait()
            write_run(folder, job.cell, [4] * 2)

    owner = threading.Thread(target=hold)
    owner.start()
    held.wait()
    assert work(job, Silent()).state == "taken"
    threading.Timer(0.2, let_go.set).start()
    outcomes = list(work_off([job], one_by_one(Silent(), lambda _: None)))
    owner.join()
    assert [(outcome.cell, outcome.state) for outcome in outcomes] == [(job.cell, "done")]


def test_a_study_that_another_command_is_about_to_begin_is_nothing_else(options, tmp_path):
    folder, matrix = StudyFolder(options.out), plan(options)
    (options.out / "locks" / "study").mkdir(parents=True)
    (options.out / ".study.json.half-written").touch()
    folder.check(matrix)
    (options.out / "thesis.docx").touch()
    with pytest.raises(BadInputError, match="holds something else"):
        folder.check(matrix)


@pytest.mark.usefixtures("posix")
def test_the_lock_of_a_dead_process_keeps_nobody_out(tmp_path):
    folder = write_study(tmp_path, [cell("blob_log")])
    code = (
        "import os, pathlib, signal\n"
        "from bmbench.core.locks import only_one\n"
        f"with only_one(pathlib.Path({str(tmp_path)!r}) / 'locks' / {cell('blob_log').name!r}):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    (tmp_path / "locks" / cell("blob_log").name).mkdir(parents=True)
    ended = subprocess.run([sys.executable, "-c", code], check=False)
    assert ended.returncode == -signal.SIGKILL
    with folder.working(cell("blob_log")) as mine:
        assert mine


@pytest.mark.usefixtures("posix")
def test_a_process_that_is_killed_costs_its_own_cell_only(options):
    matrix, folder = plan(replace(options, seeds=(0, 1))), StudyFolder(options.out)
    folder.join(matrix)
    jobs = [Job(cell=one, facts=matrix.facts, folder=folder) for one in matrix.cells]

    def kill_one() -> None:
        os.kill(next(child.pid for child in multiprocessing.active_children() if child.pid), signal.SIGKILL)

    threading.Timer(0.3, kill_one).start()
    outcomes = list(side_by_side(2)(jobs))
    reasons = [outcome.reason for outcome in outcomes if outcome.state == "failed"]
    assert reasons == ["its process was killed by signal 9 (out of memory?)"]
    assert [outcome.state for outcome in outcomes].count("done") == 1
    assert len(list((options.out / "failures").iterdir())) == 1


def test_an_answer_longer_than_a_pipe_holds_comes_back(tmp_path):
    """A data set whose name is far too long to be one: the reason repeats it, 200,000 letters."""
    folder, name = write_study(tmp_path, [cell("blob_log")]), "x" * 200_000
    job = Job(cell=cell("blob_log"), facts=replace(FACTS, dataset=name), folder=folder)

    def kill() -> None:
        for child in multiprocessing.active_children():
            child.kill()

    patience = threading.Timer(60, kill)
    patience.start()
    (outcome,) = side_by_side(1)([job])
    patience.cancel()
    assert outcome.state == "failed"
    assert name in outcome.reason


@pytest.mark.usefixtures("full_pictures")
def test_killed_at_any_moment_the_same_command_ends_with_the_same_bytes(options, marrow, tmp_path):
    """Side by side in two processes, killed twice with SIGKILL, against one undisturbed run."""
    arguments = [
        sys.executable, "-m", "bmbench", "reproduce", "--dataset", str(marrow), "--methods", "blob_log",
        "--tracks", "weak", "--set", FAST[0], "--set", FAST[1], "--jobs", "2", "--seeds", "0,1",
        "--out", str(options.out),
    ]  # fmt: skip
    for seconds in (1.5, 3.5):
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        process.kill()
        process.wait()
    subprocess.run(arguments, check=True, capture_output=True)
    undisturbed = reproduce(replace(options, seeds=(0, 1), out=tmp_path / "undisturbed"), Silent(), quietly)
    names = ["report.md", "results.csv", "pr_weak.png", "examples.jpg"]
    names += [f"runs/{path.name}/predictions.json" for path in (options.out / "runs").iterdir()]
    assert len(names) == 4 + 2
    for name in names:
        assert (options.out / name).read_bytes() == (undisturbed.report.parent / name).read_bytes(), name


def test_the_command(bmbench, marrow, tmp_path):
    study = tmp_path / "study"
    asked = ("reproduce", "--dataset", marrow, "--methods", "blob_log", "--seeds", "0", "--out", study)
    asked += ("--set", FAST[0], "--set", FAST[1])
    answer = bmbench(*asked, "--dry-run")
    assert answer.code == 0
    assert "to do     precise-background-blob_log-s0" in answer.out
    assert "2 runs, 2 to do: about a minute (by rule of thumb)" in answer.out
    assert not study.exists()
    answer = bmbench(*asked)
    assert (answer.code, answer.err) == (0, "")
    assert "[2/2] weak-background-blob_log-s0 finished" in answer.out
    report = (study / "report.md").read_bytes()
    (study / "report.md").unlink()
    assert bmbench("reproduce", "--report-only", "--out", study).code == 0
    assert (study / "report.md").read_bytes() == report
    assert "every run is finished" in bmbench(*asked, "--dry-run").out
    answer = bmbench(*asked, "--option", "split_by=image")
    assert answer.code == 2
    assert "other dataset options" in answer.err
    assert StudyFolder(study).read().cells[0].method == "blob_log"


def test_a_bug_in_a_method_is_a_failure_with_its_traceback(bmbench, marrow, tmp_path, monkeypatch):
    def faulty(*_, **__):
        raise ValueError("a bug")

    monkeypatch.setattr("bmbench.adapters.blob_log.BlobDetector.predict", faulty)
    answer = bmbench(
        "reproduce", "--dataset", marrow, "--methods", "blob_log", "--seeds", "0", "--tracks", "weak",
        "--out", tmp_path / "study",
    )  # fmt: skip
    assert answer.code == 1
    assert "1 run failed" in answer.err
    assert "ValueError" in (tmp_path / "study" / "report.md").read_text()
    assert "Traceback" in next((tmp_path / "study" / "failures").iterdir()).read_text()
