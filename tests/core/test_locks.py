"""Who holds a folder, who waits for it, and who is refused."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from bmbench.core.errors import BadInputError
from bmbench.core.locks import if_free, only_one


@contextmanager
def held_elsewhere(folder, seconds=60):
    """Another process that holds the folder so long, unless the block ends earlier; then it is killed."""
    code = (
        "import pathlib, sys, time\nfrom bmbench.core.locks import only_one\n"
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
