"""A run that is stopped anywhere ends as one that was not; a directory has one owner and one run."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bmbench.benchmark.records import run_folder
from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.run.begin_or_resume import resume, run, run_in
from bmbench.core.errors import BadInputError, RunFailedError, Stopped
from bmbench.core.locks import only_one
from bmbench.core.progress import Silent

pytestmark = pytest.mark.slow

SAME = ("log.txt", "timing.json")
"""All that may differ between two runs of one seed, beside the path that the options name."""


def contents(folder):
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if name not in SAME}


class StopsAt(Silent):
    """Raises when a stage of that name begins its second item."""

    def __init__(self, stage, error):
        self.stage, self.error = stage, error

    def track(self, items, *, description, total):
        for number, item in enumerate(items):
            if description == self.stage and number == min(1, total - 1):
                raise self.error
            yield item


@pytest.fixture(scope="module")
def options(marrow):
    return RunOptions(method="blob_log", dataset=str(marrow))


@pytest.fixture
def no_pictures(monkeypatch):
    """Runs that draw nothing: pictures take most of a tiny run's time."""
    monkeypatch.setattr("bmbench.benchmark.run.stages._draw", lambda *_: None)


@pytest.fixture(scope="module")
def whole(options, tmp_path_factory):
    return run_in(tmp_path_factory.mktemp("whole") / "run", options, Silent()).path


@pytest.mark.parametrize("stage", ["Predicting optimisation images", "Drawing the gallery"])
def test_a_run_stopped_in_any_stage_ends_with_the_same_bytes(options, whole, tmp_path, stage):
    folder = tmp_path / "run"
    with pytest.raises(Stopped, match=f"--resume {folder}"):
        run_in(folder, options, StopsAt(stage, KeyboardInterrupt()))
    assert not (folder / "metrics.json").exists()
    assert resume(folder, Silent()).path == folder
    assert contents(folder) == contents(whole)


def test_a_finished_run_is_left_alone_and_its_data_not_read(options, whole, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*")}
    monkeypatch.setattr(
        "bmbench.benchmark.run.begin_or_resume.resolve", lambda *_: pytest.fail("read the data again")
    )
    assert run_in(whole, options, Silent()).path == whole
    assert resume(whole, Silent()).path == whole
    assert {path: path.stat().st_mtime_ns for path in whole.rglob("*")} == before


def test_a_kill_after_the_last_file_leaves_nothing_behind(options, whole, monkeypatch):
    before = contents(whole)
    (whole / ".lock").write_text("process 1 on nowhere")
    resume(whole, Silent())
    assert contents(whole) == before


def test_the_last_file_is_written_last(options, tmp_path, monkeypatch, no_pictures):
    seen = {}
    write = run_folder.write_bytes

    def watched(path, data):
        assert path.name == "metrics.json"
        seen.update(contents(path.parent), **{"timing.json": (path.parent / "timing.json").read_bytes()})
        write(path, data)

    monkeypatch.setattr(run_folder, "write_bytes", watched)
    folder = run_in(tmp_path / "run", dataclasses.replace(options, retrain=True), Silent()).path
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert left - seen.keys() == {"metrics.json", "log.txt"}
    assert seen.keys() - left == {".lock"}
    assert not [name for name in seen if name.startswith("unfinished")]


def test_finished_stages_are_not_done_again(options, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(Stopped):
        run_in(folder, options, StopsAt("Drawing the gallery", KeyboardInterrupt()))
    done = [path for part in ("checkpoint", "optimisation") for path in (folder / part).iterdir()]
    done += [folder / "predictions.json", folder / "truth.json"]
    assert len(done) == 5
    before = {path: path.stat().st_mtime_ns for path in done}
    resume(folder, Silent())
    assert {path: path.stat().st_mtime_ns for path in done} == before


def test_times_add_up_over_the_processes_of_a_run(options, tmp_path, no_pictures):
    folder = tmp_path / "run"
    with pytest.raises(Stopped):
        run_in(folder, options, StopsAt("Predicting test images", KeyboardInterrupt()))
    file = folder / "timing.json"
    timing = json.loads(file.read_text())
    file.write_text(json.dumps(timing | {"seconds": {"fit": 3600.0, "all": 7200.0}}))
    resume(folder, Silent())
    after = json.loads(file.read_text())
    assert after["processes"] == 2
    assert 3600 <= after["seconds"]["fit"] < 3660
    assert 7200 <= after["seconds"]["all"] < 7260


def test_a_directory_holds_one_run(options, whole, tmp_path):
    with pytest.raises(BadInputError, match="another choice of seed") as error:
        run_in(whole, dataclasses.replace(options, seed=1), Silent())
    assert str(whole) in str(error.value)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BadInputError, match="something else"):
        run_in(tmp_path, options, Silent())
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(BadInputError, match="is not a run"):
        resume(tmp_path, Silent())


def stopped(options, folder):
    with pytest.raises(Stopped):
        run_in(folder, options, StopsAt("Predicting optimisation images", KeyboardInterrupt()))
    return folder


@pytest.mark.parametrize(
    ("file", "change", "facts"),
    [
        ("config.json", {"data_hash": "0" * 64}, ("another data_hash", "000")),
        ("config.json", {"jitter_px": 9.0}, ("another jitter_px", "9.0")),
        ("environment.json", {"bmbench": "0.0.1"}, ("another version of bmbench", "0.0.1")),
        ("environment.json", {"packages": {}}, ("another version of", "None")),
        ("config.json", {"options": {"speed": "high"}}, ("not the options of a run", "speed")),
        ("config.json", {"options": None}, ("config.json, options: is not a run's record",)),
        ("config.json", {"options": {"data": 3}}, ("damaged options of a run", "config.json", ", data: ")),
        ("config.json", {"options": {"test_on": 5}}, ("damaged options of a run", ", test_on: ")),
        ("config.json", {"options": {"classes": None}}, ("damaged options of a run", ", classes: ")),
        ("config.json", {"options": {"settings": {"steps": 3}}}, ("damaged options", ", settings: ")),
        ("config.json", {"options": {"seed": "one"}}, ("damaged options of a run", ", seed: ")),
    ],
)
def test_what_a_run_was_begun_with_must_still_hold(options, tmp_path, file, change, facts):
    folder = stopped(options, tmp_path / "run")
    record = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(record | change))
    with pytest.raises(BadInputError) as error:
        resume(folder, Silent())
    for fact in (str(folder), *facts):
        assert fact in str(error.value)
    assert not (folder / "metrics.json").exists()


def test_changed_data_is_refused(marrow, tmp_path):
    data = tmp_path / "marrow"
    shutil.copytree(marrow, data)
    folder = stopped(RunOptions(method="blob_log", dataset=str(data)), tmp_path / "run")
    file = data / "annotations.json"
    content = json.loads(file.read_text())
    content["annotations"][0]["bbox"][0] += 1.0
    file.write_text(json.dumps(content))
    with pytest.raises(BadInputError, match="another data_hash"):
        resume(folder, Silent())


def test_a_run_goes_on_from_another_working_folder(marrow, whole, tmp_path, monkeypatch):
    monkeypatch.chdir(marrow.parent)
    folder = stopped(RunOptions(method="blob_log", dataset=marrow.name), tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    resume(folder, Silent())
    assert contents(folder) == contents(whole)


@pytest.mark.usefixtures("posix")
def test_a_held_run_directory_is_refused_in_one_sentence(bmbench, options, tmp_path):
    folder = stopped(options, tmp_path / "run")
    with only_one(folder):
        answer = bmbench("run", "--resume", folder)
    assert answer.code == 2
    assert answer.err == (
        f"error: {folder}: is being worked on by process {os.getpid()} on {os.uname().nodename}; "
        "wait for it, or stop it\n"
    )


def test_resume_takes_no_other_option(bmbench, whole):
    answer = bmbench("run", "--resume", whole, "--seed", 0)
    assert answer.code == 2
    assert "--seed" in answer.err


def test_ctrl_c_says_how_to_go_on(bmbench, marrow, tmp_path, monkeypatch):
    def interrupted(work):
        raise KeyboardInterrupt

    monkeypatch.setattr("bmbench.benchmark.run.begin_or_resume.work_through", interrupted)
    answer = bmbench("run", "--method", "blob_log", "--dataset", marrow, "--out", tmp_path)
    (folder,) = tmp_path.iterdir()
    assert answer.code == 130
    assert answer.err.strip() == f"stopped; resume with: bmbench run --resume {folder}"


TINY = {
    "steps": "12", "validate_every": "3", "width": "4", "depth": "1", "views": "1", "patch_px": "32",
    "batch": "2", "cell_px": "10",
}  # fmt: skip


def killed_when(options, folder, text):
    """Run in a process of its own, which gets SIGKILL as soon as its log holds the text."""
    code = (
        "import ast, sys, pathlib\nfrom bmbench.benchmark.records.options import RunOptions\n"
        "from bmbench.benchmark.run.begin_or_resume import run_in\nfrom bmbench.core.progress import Silent\n"
        "options = RunOptions.from_json(ast.literal_eval(sys.argv[2]), where='')\n"
        "run_in(pathlib.Path(sys.argv[1]), options, Silent())\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(folder), repr(options.to_json())])
    log = folder / "log.txt"
    while process.poll() is None and not (log.exists() and text in log.read_text()):
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL


@pytest.mark.usefixtures("torch")
def test_a_training_killed_by_the_system_ends_with_the_same_bytes(marrow, tmp_path, no_pictures):
    options = RunOptions(dataset=str(marrow), settings=TINY, retrain=True)
    whole = run_in(tmp_path / "whole", options, Silent()).path
    folder = tmp_path / "pieces"
    for text in ("step 6,", "Predicting optimisation images"):
        killed_when(options, folder, text)
    assert (folder / "unfinished").is_dir()
    resume(folder, Silent())
    assert contents(folder) == contents(whole)
    assert json.loads((folder / "timing.json").read_text())["processes"] == 3
    assert "Training from step" in (folder / "log.txt").read_text()


def test_what_a_killed_process_left_half_written_is_swept_away(options, whole, tmp_path):
    folder = stopped(options, tmp_path / "run")
    (folder / ".checkpoint.abc" / "new").mkdir(parents=True)
    (folder / "optimisation").mkdir(exist_ok=True)
    (folder / "optimisation" / ".predictions.json.abc.json").write_text("[{")
    resume(folder, Silent())
    assert contents(folder) == contents(whole)
    assert not list(folder.rglob(".*"))


def test_a_disk_that_refuses_is_one_sentence_and_the_run_goes_on_later(options, whole, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    room = {"left": 12_000}
    real = Path.write_bytes

    def full(path, data):
        if folder not in path.parents:
            return real(path, data)
        room["left"] -= len(data)
        if room["left"] < 0:
            real(path, data[: len(data) // 2])
            raise OSError(28, "No space left on device")
        return real(path, data)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(RunFailedError, match="No space left on device"):
            run_in(folder, options, Silent())
    assert not list(folder.rglob(".*"))
    resume(folder, Silent())
    assert contents(folder) == contents(whole)


def test_a_run_that_retrains_says_so_and_learns_from_the_optimisation_images(marrow, tmp_path, no_pictures):
    records = []
    for retrain in (False, True):
        wanted = RunOptions(method="blob_log", dataset=str(marrow), retrain=retrain, out=tmp_path)
        folder = run(wanted, Silent()).path
        config = json.loads((folder / "config.json").read_text())
        assert config["profile"]["retrain"] is retrain
        records.append((folder / "checkpoint" / "blob_log.json").read_bytes())
    assert records[0] != records[1]
