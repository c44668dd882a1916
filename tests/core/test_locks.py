"""Who holds a folder, who waits for it, and who is refused."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from bmbench.core import locks
from bmbench.core.errors import BadInputError, RunFailedError
from bmbench.core.locks import NoLocksWarning, if_free, only_one

WITHOUT = "import errno, fcntl\ndef flock(*_): raise OSError(errno.{}, 'no locks')\nfcntl.flock = flock\n"
"""Python that takes the file system's locks away."""


@contextmanager
def held_elsewhere(folder, seconds=60, before=""):
    """Another process that holds the folder so long, unless the block ends earlier; then it is killed."""
    code = (
        f"{before}import pathlib, sys, time\nfrom bmbench.core.locks import only_one\n"
        "with only_one(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n    time.sleep(float(sys.argv[2]))\n"
    )
    command = [sys.executable, "-c", code, str(folder), str(seconds)]
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert owner.stdout.readline() == "held\n"
        yield owner
    finally:
        if owner.poll() is None:
            os.kill(owner.pid, signal.SIGKILL)
        owner.communicate()


def test_a_second_process_is_refused_and_a_dead_one_is_not_in_the_way(tmp_path):
    with held_elsewhere(tmp_path) as owner:
        for wait_s in (0, 0.1):
            with (
                pytest.raises(BadInputError, match=f"worked on by process {owner.pid} "),
                only_one(tmp_path, wait_s=wait_s),
            ):
                pass
        with if_free(tmp_path) as free:
            assert not free
    assert list(tmp_path.iterdir()) != []
    with if_free(tmp_path) as free:
        assert free
        assert list(tmp_path.iterdir()) != []
    assert list(tmp_path.iterdir()) == []


def test_who_waits_gets_the_folder_when_its_holder_ends_or_is_killed(tmp_path):
    with held_elsewhere(tmp_path, seconds=0.3), only_one(tmp_path, wait_s=30):
        pass
    with held_elsewhere(tmp_path) as owner:
        threading.Timer(0.2, os.kill, (owner.pid, signal.SIGKILL)).start()
        with only_one(tmp_path, wait_s=float("inf")):
            assert owner.wait() == -signal.SIGKILL


def test_of_many_that_wait_one_works_at_a_time(tmp_path):
    """The lock file is removed by each holder: whoever waits must not be satisfied with the removed one."""
    inside, most = [], []

    def work():
        with only_one(tmp_path, wait_s=30):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.002)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 12


# File systems without locks.


@pytest.fixture(params=["ENOLCK", "ENOSYS", "EOPNOTSUPP"])
def no_locks(request, monkeypatch):
    """This process on a file system without locks, and Python that makes another one so."""
    fcntl = pytest.importorskip("fcntl")

    def flock(*_):
        raise OSError(getattr(errno, request.param), "no locks")

    monkeypatch.setattr(fcntl, "flock", flock)
    return WITHOUT.format(request.param)


@contextmanager
def by_name(folder, wait_s=0.0):
    warned = pytest.warns(NoLocksWarning, match="the file system has no locks")
    with warned, only_one(folder, wait_s=wait_s) as kept:
        assert not kept
        yield


def test_without_locks_the_file_keeps_others_out_until_its_maker_has_ended(tmp_path, no_locks):
    with held_elsewhere(tmp_path, before=no_locks) as owner:
        with (
            pytest.raises(BadInputError, match=rf"process {owner.pid} .*delete {tmp_path}/\.lock"),
            only_one(tmp_path, wait_s=0.1),
        ):
            pass
        threading.Timer(0.2, os.kill, (owner.pid, signal.SIGKILL)).start()
        with by_name(tmp_path, wait_s=30):
            assert owner.wait() == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []


def test_without_locks_threads_are_kept_out_too(tmp_path, no_locks):
    with by_name(tmp_path), pytest.raises(BadInputError, match=f"process {os.getpid()} "), only_one(tmp_path):
        pass


@pytest.mark.parametrize("change", ["machine", "boot", "space", "empty"])
def test_whether_a_process_elsewhere_has_ended_is_not_guessed(tmp_path, no_locks, change):
    """Of another machine, or of another space of numbers on this one (a container), nobody can tell."""
    with held_elsewhere(tmp_path, before=no_locks) as owner:
        pass
    assert owner.returncode == -signal.SIGKILL
    text = (tmp_path / ".lock").read_text()
    facts = text.split(locks._BY_NAME)[1].split()
    old = dict(zip(("machine", "boot", "space"), facts, strict=False)) | {"empty": text}
    (tmp_path / ".lock").write_text(text.replace(old[change], "" if change == "empty" else "other"))
    with pytest.raises(BadInputError, match=r"if it has ended, delete .*\.lock$"), only_one(tmp_path):
        pass
    (tmp_path / ".lock").unlink()
    with by_name(tmp_path):
        pass


def test_who_has_locks_respects_who_has_none(tmp_path, monkeypatch):
    """One file system may have locks on one machine and none on another."""
    fcntl = pytest.importorskip("fcntl")
    with held_elsewhere(tmp_path, before=WITHOUT.format("ENOLCK")) as owner:
        with pytest.raises(BadInputError, match=f"process {owner.pid} "), only_one(tmp_path):
            pass
        owner.kill()
        owner.wait()
        with only_one(tmp_path) as kept:
            assert kept
    with held_elsewhere(tmp_path) as owner, monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", raises(OSError(errno.ENOLCK, "")))
        with pytest.raises(BadInputError, match=f"process {owner.pid} "), only_one(tmp_path):
            pass


def test_of_many_that_find_a_dead_lock_one_works_at_a_time(tmp_path, no_locks):
    """Each of them may remove the file of the dead one, and none that of another."""
    code = (
        f"{no_locks}import pathlib, sys, warnings\nfrom bmbench.core.locks import only_one\n"
        "warnings.simplefilter('ignore')\nhome = pathlib.Path(sys.argv[1])\n"
        "for _ in range(15):\n"
        "    with only_one(home, wait_s=60):\n"
        "        (home / 'inside').mkdir()\n        (home / 'inside').rmdir()\n"
    )
    with held_elsewhere(tmp_path, before=no_locks):
        workers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(6)]
    assert [worker.wait(60) for worker in workers] == [0] * 6
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fails_is_no_disk_without_locks(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(fcntl, "flock", raises(OSError(errno.EIO, "Input/output error")))
    with pytest.raises(RunFailedError, match="cannot be locked"), only_one(tmp_path):
        pass
    with pytest.raises(RunFailedError, match="cannot be written"), only_one(tmp_path / "nowhere"):
        pass


def raises(error):
    def fail(*_):
        raise error

    return fail
