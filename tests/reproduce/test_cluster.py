"""A matrix on a Dask cluster of real processes: kills, stops, what its workers must be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest

from bmbench.benchmark.cluster import Task, connected
from bmbench.benchmark.cluster_survey import survey
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.matrix import plan
from bmbench.benchmark.reproduce.options import ReproduceOptions
from bmbench.benchmark.reproduce.remote import LIVES, work_there
from bmbench.benchmark.reproduce.study import reproduce
from bmbench.benchmark.reproduce.work import Job, work
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Silent
from tests.reproduce.cluster_tasks import die_once, overlap, say_something, unpickle_me
from tests.reproduce.finished import cell, write_study

FAST = ("n_blobs=1", "n_scales=1")


def quietly(_: str) -> None:
    """Nobody to say it to."""


@pytest.fixture
def options(marrow, tmp_path) -> ReproduceOptions:
    return ReproduceOptions(
        out=tmp_path / "study",
        dataset=str(marrow),
        methods=("blob_log",),
        tracks=("weak",),
        seeds=(0, 1, 2),
        settings=FAST,
    )


@pytest.fixture(scope="module")
def two_workers():
    with connected("local:2", quietly) as cluster:
        yield cluster


class Heard:
    """A listener that remembers what it was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def track(self, items, *, description, total):
        yield from items

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_a_task_goes_on_with_another_worker_when_its_own_dies(two_workers, tmp_path):
    task = Task(kind="dies", name="once", function=die_once, argument=str(tmp_path / "mark"))
    ((done, pid),) = two_workers.each([task], Silent())
    assert done is task
    assert pid != int((tmp_path / "mark").read_text())


def test_a_task_that_no_worker_can_read_is_an_error_here(two_workers):
    task = Task(kind="nobody", name="here", function=unpickle_me(), argument=None)
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        list(two_workers.each([task], Silent()))


def test_workers_have_one_task_at_a_time_and_tell_what_they_do(two_workers, tmp_path):
    tasks = [
        Task(kind="unet", name=str(number), function=overlap, argument=str(tmp_path)) for number in range(8)
    ]
    assert [seen for _, seen in two_workers.each(tasks, Silent())] == [1] * 8
    heard = Heard()
    task = Task(kind="unet_shrink", name="weak-s0", function=say_something, argument="step 120")
    list(two_workers.each([task], heard))
    for _ in range(50):
        if heard.notes:
            break
        time.sleep(0.1)
    assert heard.notes == ["weak-s0: step 120"]
    shown = two_workers.client.run_on_scheduler(lambda dask_scheduler: set(dask_scheduler.task_prefixes))
    assert "unet_shrink" in shown


def test_a_matrix_at_a_scheduler_ends_with_the_bytes_of_a_serial_one(options, two_workers, tmp_path):
    options = replace(options, seeds=(0, 1), cluster=two_workers.client.scheduler.address)
    shared = reproduce(options, Silent(), quietly)
    assert (shared.n_finished, shared.failures) == (2, ())
    matrix, serial = plan(options), StudyFolder(tmp_path / "serial")
    for one in matrix.cells:
        assert work(Job(cell=one, facts=matrix.facts, folder=serial), Silent()).state == "done"
        for name in ("predictions.json", "metrics.json", "gallery.png"):
            assert (StudyFolder(options.out).run(one) / name).read_bytes() == (
                serial.run(one) / name
            ).read_bytes()


def test_a_run_at_which_every_worker_dies_has_failed_at_last(options):
    """Attempts that never came to their end are on record until the run gets further, or is given up."""
    matrix, folder = plan(replace(options, seeds=(0,))), StudyFolder(options.out)
    folder.join(matrix)
    job = Job(cell=matrix.cells[0], facts=matrix.facts, folder=folder)

    class Dies:
        def track(self, items, *, description, total):
            raise SystemExit

        def note(self, text):
            raise SystemExit

    for _ in range(LIVES):
        with pytest.raises(SystemExit):
            work_there(job, Dies())
    assert (
        work_there(job, Silent()).reason == f"{LIVES} workers died at the same point of it (out of memory?)"
    )
    assert work_there(job, Silent()).state == "done"
    assert not folder.failure(job.cell).exists()


def test_what_workers_must_share(two_workers, tmp_path, monkeypatch):
    assert survey(two_workers.client, tmp_path) == ()
    assert list((tmp_path / "locks").iterdir()) == []
    from bmbench.benchmark import cluster_survey

    other = cluster_survey.describe_environment() | {"bmbench": "0.0.1"}
    monkeypatch.setattr(cluster_survey, "describe_environment", lambda: other)
    with pytest.raises(BadInputError, match=r"another version of bmbench \(expected 0.0.1, got"):
        survey(two_workers.client, tmp_path)
    assert list((tmp_path / "locks").iterdir()) == []


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("local:0", "expected local:N"),
        ("local:two", "expected local:N"),
        ("somewhere", "is no cluster"),
        ("tcp://127.0.0.1:1", "no Dask scheduler answers at tcp://127.0.0.1:1"),
    ],
)
def test_addresses_that_are_none(address, said):
    import dask

    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(BadInputError, match=said),
        connected(address, quietly),
    ):
        pass


def test_without_dask_one_sentence_says_what_to_install(bmbench, marrow, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    answer = bmbench("reproduce", "--dataset", marrow, "--methods", "blob_log", "--cluster", "local:2",
                     "--out", tmp_path / "study")  # fmt: skip
    assert answer.code == 2
    assert answer.err.endswith("is not installed: pip install 'bmbench[cluster]'\n")


@pytest.mark.slow
def test_control_c_ends_all_workers_and_the_same_command_goes_on(marrow, tmp_path):
    # A shell's background job, as tests may be, hands down a SIGINT that is ignored.
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from bmbench.cli import main; main()"
    )
    arguments = [
        sys.executable, "-c", code, "reproduce", "--dataset", str(marrow), "--methods", "unet_shrink",
        "--tracks", "weak", "--seeds", "0", "--set", "steps=3000", "--set", "validate_every=5",
        "--set", "width=4", "--cluster", "local:1", "--out", str(tmp_path / "study"),
    ]  # fmt: skip
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, start_new_session=True)
    state = tmp_path / "study" / "runs" / "weak-background-unet_shrink-s0" / "unfinished"
    while not list(state.glob("*/training.safetensors")):
        assert process.poll() is None
        time.sleep(0.1)
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.decode().strip().splitlines()[-1] == "stopped; the same command goes on"
    assert "Traceback" not in said.decode()
    assert psutil.wait_procs(children, timeout=10)[1] == []
    assert list(state.glob("*/training.safetensors"))
    with write_study(tmp_path / "other", [cell("blob_log")]).working(cell("blob_log")) as mine:
        assert mine
