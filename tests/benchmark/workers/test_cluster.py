"""A matrix on a Dask cluster of real processes: kills, stops, what its workers must be."""

from __future__ import annotations

import getpass
import hashlib
import os
import pickle
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
import psutil

from bmbench.benchmark.records.environment import describe_environment
from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.matrix import plan
from bmbench.benchmark.reproduce.remote import work_there
from bmbench.benchmark.reproduce.study import reproduce
from bmbench.benchmark.reproduce.work import Job, work
from bmbench.benchmark.search.search import TuneOptions, tune
from bmbench.benchmark.workers.checks import survey
from bmbench.benchmark.workers.cluster import Task, connected
from bmbench.benchmark.workers.retries import LIVES
from bmbench.benchmark.workers.task import do
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Silent
from tests.benchmark.reproduce.finished import cell, write_study
from tests.benchmark.workers.cluster_tasks import die_once, overlap, say_something, unpickle_me


def quietly(_: str) -> None:
    """Nobody to say it to."""


@pytest.fixture(scope="module")
def two_workers():
    with connected("local:2", quietly) as cluster:
        yield cluster


@pytest.fixture
def scheduler(two_workers, tmp_path, monkeypatch):
    """The address of their scheduler, which this process reaches as a user does: by certificates in files."""
    import dask

    security, settings = two_workers.client.security, {}
    for name, key in (("tls_ca_file", "ca-file"), ("tls_client_cert", "cert"), ("tls_client_key", "key")):
        path = tmp_path / f"{name}.pem"
        path.write_text(getattr(security, name))
        settings[f"distributed.comm.tls.{'' if key == 'ca-file' else 'client.'}{key}"] = str(path)
    with dask.config.set(settings):
        yield two_workers.client.scheduler.address


class Heard:
    """A listener that remembers what it was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def track(self, items, *, description, total):
        yield from items

    def note(self, text: str) -> None:
        self.notes.append(text)

    def tell(self, text: str) -> None:
        self.notes.append(text)


def test_everything_that_is_started_here_listens_on_the_loopback_alone(two_workers):
    two_workers.client.wait_for_workers(2, timeout=60)
    here = psutil.Process()
    listening = [
        connection.laddr.ip
        for process in (here, *here.children(recursive=True))
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    # The scheduler's port and those of two workers, each with its page of numbers.
    assert len(listening) >= 6
    assert set(listening) == {"127.0.0.1"}


def test_a_worker_answers_nobody_without_the_certificate(two_workers):
    """A function that a stranger hands to a worker would run as the worker's user."""
    two_workers.client.wait_for_workers(2, timeout=60)
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    workers = two_workers.client.scheduler_info(n_workers=-1)["workers"]
    for address in (two_workers.client.scheduler.address, *workers):
        host, _, port = address.removeprefix("tls://").rpartition(":")
        with socket.create_connection((host, int(port)), timeout=20) as plain:
            plain.sendall(bytes(64))
            assert heard(plain) == b""
        with (
            socket.create_connection((host, int(port)), timeout=20) as plain,
            suppress(ssl.SSLError),
            anybody.wrap_socket(plain) as stranger,
        ):
            assert heard(stranger) == b""


def heard(connection: socket.socket) -> bytes:
    """What the other side says before it hangs up."""
    try:
        return connection.recv(64)
    except (ConnectionError, ssl.SSLError):
        return b""


@pytest.mark.parametrize("address", ["tcp://head:8786", "tcp://192.0.2.7:8786", "ucx://[2001:db8::1]:8786"])
def test_a_scheduler_without_a_lock_is_not_trusted(address):
    with pytest.raises(BadInputError, match=r"no lock.*certificates"), connected(address, quietly):
        pass


@pytest.mark.parametrize("patience", [0, 10**9])
def test_a_task_goes_on_with_another_worker_when_its_own_dies(two_workers, tmp_path, patience):
    """Whether the scheduler hands it out again, or gives it up at once."""

    def be_patient(dask_scheduler):
        dask_scheduler.allowed_failures = patience

    two_workers.client.run_on_scheduler(be_patient)
    task = Task(kind="dies", name="once", function=die_once, argument=str(tmp_path / "mark"))
    ((done, pid),) = two_workers.each([task], Silent())
    assert done is task
    assert isinstance(pid, int)
    assert pid != int((tmp_path / "mark").read_text())


def test_workers_have_no_card_where_none_is_visible(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with connected("local:1", quietly) as cluster:
        cluster.client.wait_for_workers(1, timeout=60)
        (worker,) = cluster.client.scheduler_info(n_workers=-1)["workers"].values()
    assert worker["resources"] == {}


def test_workers_come_back_without_their_keeper_and_end_with_the_block(tmp_path):
    """Whoever keeps the workers may be killed too; the one worker is then of another process."""
    mark = tmp_path / "mark"
    mark.touch()
    task = Task(kind="which", name="process", function=die_once, argument=str(mark))
    before = set(psutil.Process().children(recursive=True))
    with connected("local:1", quietly) as cluster:
        ((_, first),) = cluster.each([task], Silent())
        psutil.Process(first).parent().kill()
        psutil.Process(first).wait(20)
        wait_until(lambda: {child.pid for child in keeper_of(before).children()} - {first})
        ((_, second),) = cluster.each([task], Silent())
        assert second == keeper_of(before).children()[0].pid
        ours = set(psutil.Process().children(recursive=True)) - before
    assert psutil.wait_procs(ours, timeout=10)[1] == []


def keeper_of(others):
    """The process that keeps the workers, not one of the others."""
    (keeper,) = set(psutil.Process().children()) - others
    return keeper


def wait_until(true):
    """Until it is, at most a minute and a half."""
    for _ in range(900):
        with suppress(ValueError, psutil.Error):
            if true():
                return
        time.sleep(0.1)
    pytest.fail("waited in vain")


def test_workers_end_with_a_command_that_is_killed():
    code = (
        "import sys, time\n"
        "from bmbench.benchmark.workers.cluster import connected\n"
        "with connected('local:1', print) as cluster:\n"
        "    cluster.client.wait_for_workers(1)\n"
        "    print('up', flush=True)\n"
        "    time.sleep(100)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"up\n"
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) == 2
        process.kill()
        assert psutil.wait_procs(children, timeout=20)[1] == []


def test_a_task_that_no_worker_can_read_is_an_error_here(two_workers):
    task = Task(kind="nobody", name="here", function=unpickle_me(), argument=None)
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        list(two_workers.each([task], Silent()))


def test_workers_have_one_task_at_a_time_and_tell_what_they_do(two_workers, tmp_path):
    tasks = [
        Task(kind="unet", name=str(number), function=overlap, argument=str(tmp_path)) for number in range(8)
    ]
    for _, seen in two_workers.each(tasks, Silent()):
        assert seen == 1
        assert two_workers.client.run_on_scheduler(most_at_a_worker) <= 1
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


def most_at_a_worker(dask_scheduler):
    """How many tasks the worker with most of them has or waits for."""
    return max(len(worker.processing) for worker in dask_scheduler.workers.values())


def test_a_process_that_is_given_several_tasks_does_one_at_a_time(tmp_path):
    pickled = pickle.dumps((overlap, str(tmp_path)))
    with ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(lambda name: do(pickled, name, "channel"), "abcd"))
    assert seen == [1] * 4


@pytest.mark.usefixtures("full_pictures")
def test_a_matrix_at_a_scheduler_ends_with_the_bytes_of_a_serial_one(options, scheduler, tmp_path):
    options = replace(options, seeds=(0, 1), cluster=scheduler)
    shared = reproduce(options, Silent(), quietly)
    assert (shared.n_finished, shared.failures) == (2, ())
    matrix, serial = plan(options), StudyFolder(tmp_path / "serial")
    for one in matrix.cells:
        assert work(Job(cell=one, facts=matrix.facts, folder=serial), Silent()).state == "done"
        for name in ("predictions.json", "metrics.json", "gallery.png"):
            assert (StudyFolder(options.out).run(one) / name).read_bytes() == (
                serial.run(one) / name
            ).read_bytes()


@pytest.mark.usefixtures("full_pictures")
def test_workers_that_share_no_folder_bring_their_runs_through_a_mirror(options, scheduler, tmp_path):
    options = replace(options, seeds=(0, 1), publish=f"file://{tmp_path}/there")
    at_scheduler = replace(options, cluster=scheduler)
    shared = reproduce(at_scheduler, Silent(), quietly)
    assert (shared.n_finished, shared.failures) == (2, ())
    name = hashlib.sha256(f"{getpass.getuser()} {options.publish}".encode()).hexdigest()[:16]
    scratch = Path(tempfile.gettempdir()) / f"bmbench-{name}"
    assert [path for path in scratch.rglob("*") if path.is_file()] == []
    shutil.rmtree(scratch)
    alone = replace(options, out=tmp_path / "alone", publish=None)
    reproduce(alone, Silent(), quietly)
    assert contents(options.out) == contents(alone.out) == contents(tmp_path / "there")


def test_a_run_at_which_every_worker_dies_has_failed_at_last(options):
    """Five attempts die where the run stands; after one file more, five may die again."""
    matrix, folder = plan(replace(options, seeds=(0,))), StudyFolder(options.out)
    folder.join(matrix)
    job = Job(cell=matrix.cells[0], facts=matrix.facts, folder=folder)
    record = folder.path / "locks" / job.cell.name / "attempts.json"
    die = (
        "import os, pathlib, sys\n"
        "from bmbench.benchmark.workers.retries import attempt\n"
        "for _ in range(int(sys.argv[3])):\n"
        "    if not os.fork():\n"
        "        with attempt(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])):\n"
        "            os._exit(9)\n"
        "    os.wait()\n"
    )

    def deaths(n: int) -> None:
        arguments = [sys.executable, "-c", die, str(record), str(folder.run(job.cell)), str(n)]
        subprocess.run(arguments, check=True)

    deaths(LIVES)
    folder.run(job.cell).mkdir(parents=True)
    (folder.run(job.cell) / "checkpoint").touch()
    deaths(LIVES)
    outcome = work_there(job, Silent())
    assert (outcome.state, outcome.reason) == (
        "failed",
        f"{LIVES} workers died at the same point of it (out of memory?)",
    )
    assert not record.exists()
    shutil.rmtree(folder.run(job.cell))
    assert work_there(job, Silent()).state == "done"
    assert not folder.failure(job.cell).exists()


@pytest.mark.usefixtures("full_pictures")
def test_a_search_finds_the_same_on_workers_as_here(two_workers, marrow, tmp_path):
    """Four trials in rounds of two, on two processes and in this one."""
    settings = {
        "steps": "20",
        "validate_every": "10",
        "width": "2",
        "depth": "1",
        "patch_px": "32",
        "batch": "2",
    }
    run = RunOptions(dataset=str(marrow), settings=settings, models=1, out=tmp_path / "here")
    here = tune(TuneOptions(run=run, trials=4, decodings=1, at_once=2), Silent())
    run = replace(run, out=tmp_path / "there")
    there = tune(TuneOptions(run=run, trials=4, decodings=1, at_once=2), Silent(), cluster=two_workers)
    assert [trial.settings for trial in there.trials] == [trial.settings for trial in here.trials]
    assert [trial.looks for trial in there.trials] == [trial.looks for trial in here.trials]
    assert contents(there.path) == contents(here.path)
    assert "trials/003/result.json" in contents(here.path)
    one_by_one = tune(TuneOptions(run=replace(run, out=tmp_path / "serial"), trials=2, decodings=1), Silent())
    assert one_by_one.trials[0].settings == here.trials[0].settings


def contents(path: Path) -> dict[str, bytes]:
    """Every file but those that hold times."""
    timed = ("log.txt", "timing.json", "journal.log")
    files = (file for file in path.rglob("*") if file.is_file() and file.name not in timed)
    files = (file for file in files if "locks" not in file.parts)
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}


def test_what_workers_must_share(two_workers, tmp_path):
    assert two_workers.check(tmp_path) == ()
    assert list((tmp_path / "locks").iterdir()) == []
    other = describe_environment() | {"bmbench": "0.0.1"}
    with pytest.raises(BadInputError, match=r"another version of bmbench \(expected 0.0.1, got"):
        survey(two_workers.client, tmp_path, other, list(two_workers.client.nthreads()))
    assert list((tmp_path / "locks").iterdir()) == []


def test_a_worker_with_several_threads_is_refused(two_workers, tmp_path, monkeypatch):
    monkeypatch.setattr(type(two_workers.client), "nthreads", lambda _: {"tcp://far:1": 2})
    with pytest.raises(BadInputError, match="tcp://far:1 would do 2 runs in one process; start it with"):
        two_workers.check(tmp_path)


def test_a_worker_that_joins_later_is_looked_at_before_it_is_counted_on(two_workers, tmp_path):
    """One dies, and another with a new address comes in its place, while the others' versions change."""
    assert two_workers.check(tmp_path) == ()
    before = set(two_workers.client.nthreads())
    death = Task(kind="dies", name="later", function=die_once, argument=str(tmp_path / "mark"))
    list(two_workers.each([death], Silent()))
    wait_until(lambda: len(set(two_workers.client.nthreads()) & before) == 1)
    wait_until(lambda: len(two_workers.client.nthreads()) == 2)
    two_workers.looked.begin(tmp_path, describe_environment() | {"bmbench": "0.0.1"})
    two_workers.looked.workers |= before
    task = Task(kind="unet_shrink", name="later", function=say_something, argument="done")
    with pytest.raises(BadInputError, match=r"another version of bmbench \(expected 0.0.1, got"):
        list(two_workers.each([task], Silent()))
    assert two_workers.check(tmp_path) == ()
    assert [result for _, result in two_workers.each([task], Silent())] == ["done"]
    assert two_workers.looked.workers == set(two_workers.client.nthreads())


FAR = ["tcp://far:1"]


def test_a_worker_that_does_not_see_the_folder_is_named_and_one_whose_lock_is_none_gets_a_note(tmp_path):
    class Far:
        """One worker, on a machine where the study's disk is not, or has no locks."""

        def __init__(self, change):
            self.change = change

        def run(self, function, place, *, workers, on_error):
            return {worker: self.change(function(place)) for worker in workers}

    here = describe_environment()
    with pytest.raises(BadInputError, match=r"is not seen by the worker tcp://far:1 .* --publish"):
        survey(Far(lambda answer: answer | {"token": None}), tmp_path, here, FAR)
    _, (note,) = survey(Far(lambda answer: answer | {"locks": False}), tmp_path, here, FAR)
    assert note.startswith(f"no locks between the machines that share {tmp_path}")
    assert survey(Far(lambda answer: answer), tmp_path, here, FAR) == (set(FAR), ())
    assert survey(Far(lambda answer: answer), None, here, FAR) == (set(FAR), ())
    # Whoever died meanwhile is nobody; a disk that refuses there is something else.
    assert survey(Far(lambda _: OSError("Timed out trying to connect")), None, here, FAR) == (set(), ())
    with pytest.raises(BadInputError, match=r"tcp://far:1 cannot use bmbench \(got .*stale"):
        survey(Far(lambda _: OSError(116, "stale")), None, here, FAR)
    with pytest.raises(BadInputError, match="another version of bmbench"):
        survey(Far(lambda answer: answer), None, here | {"bmbench": "0.0.1"}, FAR)


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
    import distributed  # noqa: F401 - it sets its own defaults, which have to come first

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
