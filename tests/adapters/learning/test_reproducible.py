"""Cores, and what a block leaves behind."""

import os
import subprocess
import sys
import threading

import pytest

torch = pytest.importorskip("torch")

from bmbench.adapters.detection.networks.families import FAMILIES
from bmbench.adapters.detection.settings.profiles import PROFILES
from bmbench.adapters.detection.training import notices
from bmbench.adapters.learning import reproducible
from bmbench.adapters.learning.reproducible import available_cores, environment_kept, one_thread_each, seeded


def test_the_environment_limits_the_cores(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    every = available_cores()
    assert every == len(os.sched_getaffinity(0))
    for text, cores in (("1", 1), ("100000", every), ("0", every), ("many", every)):
        monkeypatch.setenv("OMP_NUM_THREADS", text)
        assert available_cores() == cores


def test_every_worker_has_one_torch_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with one_thread_each() as pool:
            assert set(pool.map(lambda _: torch.get_num_threads(), range(8))) == {1}
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_variables_that_were_set_changed_or_removed_are_as_before(monkeypatch):
    monkeypatch.setenv("BMBENCH_A", "old")
    monkeypatch.setenv("BMBENCH_B", "there")
    before = dict(os.environ)
    with environment_kept():
        os.environ["BMBENCH_A"] = "new"
        os.environ["BMBENCH_C"] = "added"
        del os.environ["BMBENCH_B"]
    assert dict(os.environ) == before


def test_a_seeded_block_draws_the_same_and_leaves_the_generator():
    before = torch.get_rng_state()
    with seeded(3):
        one = torch.rand(4)
    with seeded(3):
        other = torch.rand(4)
    assert torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


def modes():
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.backends.cudnn.deterministic,
        torch.backends.cudnn.benchmark,
    )


def test_torch_has_its_modes_back(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    for deterministic, warn_only in ((False, False), (True, True)):
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        try:
            with one_thread_each():
                assert modes() == (True, False, True, False)
            assert modes() == (deterministic, warn_only, False, True)
        finally:
            torch.use_deterministic_algorithms(False)


def test_a_prediction_does_not_wait_for_the_compiler():
    """Torch's usual switch loads its compiler, a second and a half; in a process of its own, as it stays."""
    code = (
        "import sys, torch\n"
        "from bmbench.adapters.learning.reproducible import one_thread_each\n"
        "with one_thread_each():\n"
        "    print(torch.are_deterministic_algorithms_enabled(), 'torch._inductor.config' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_blocks_that_overlap_in_threads_keep_their_settings_until_the_last_has_ended(monkeypatch):
    """One thread's block ends while another's is under way, whose workers have yet to start."""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    entered, one_has_left = threading.Event(), threading.Event()
    seen = {}

    def shorter():
        with one_thread_each():
            assert entered.wait(30)
        one_has_left.set()

    def longer():
        with one_thread_each() as pool:
            entered.set()
            assert one_has_left.wait(30)
            seen["threads"] = set(pool.map(lambda _: torch.get_num_threads(), range(8)))
            seen["deterministic"] = torch.are_deterministic_algorithms_enabled()

    try:
        threads = [threading.Thread(target=work) for work in (shorter, longer)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == {"threads": {1}, "deterministic": True}
        assert not torch.are_deterministic_algorithms_enabled()
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def mode():
    return torch.get_deterministic_debug_mode(), os.environ.get("CUBLAS_WORKSPACE_CONFIG")


@pytest.mark.parametrize("exact", [True, False])
def test_on_a_card_a_network_is_asked_for_what_it_can_bear(monkeypatch, exact):
    """Two blocks at once, each ending first: the settings hold until the last has ended."""
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    monkeypatch.setattr(reproducible, "best_device", lambda: torch.device("cuda"))
    before = mode()
    wanted = (2 if exact else 0, ":4096:8")
    first, second = (one_thread_each(exact_on_card=exact) for _ in range(2))
    first.__enter__()
    assert mode() == wanted
    second.__enter__()
    first.__exit__(None, None, None)
    assert mode() == wanted
    second.__exit__(None, None, None)
    assert mode() == before


def test_on_a_processor_every_network_is_exact():
    with one_thread_each(exact_on_card=False):
        assert mode()[0] == 2


def test_a_run_on_a_card_says_whose_bytes_do_not_repeat():
    card, processor = torch.device("cuda"), torch.device("cpu")
    quick = {name: PROFILES[name.removeprefix("circular_")]["quick"] for name in FAMILIES}

    def told(device):
        found = {name: notices(family, quick[name], device) for name, family in FAMILIES.items()}
        return {name: any("to rounding" in text for text in texts) for name, texts in found.items()}

    said = told(card)
    assert not any(told(processor).values())
    assert not said["retinanet"]
    assert said["mask_rcnn"]
    assert said["circular_mask_rcnn"]
