"""Several processes that train one network end as one alone does; a process that dies is one sentence."""

import dataclasses
import os
import signal
import time

import pytest

torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")

from bmbench.adapters import METHODS
from bmbench.adapters.images.augment import augment
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.learning.process_group import ProcessGroup, _packed, _unpacked
from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.workers import devices as processes
from bmbench.benchmark.workers.devices import assembled, check_devices
from bmbench.core.errors import BadInputError, RunFailedError
from bmbench.core.progress import Silent
from tests.adapters.conftest import sample
from tests.adapters.small import tiny

UNET = {"width": 4, "batch": 5, "shard": 2, "steps": 4, "validate_every": 2, "validation_patches": 5}


class AtStep(Silent):
    """Does something when a step of the training begins."""

    def __init__(self, step, deed):
        self.step, self.deed = step, deed

    def track(self, items, *, description, total):
        for item in items:
            if item == self.step:
                self.deed()
            yield item


def fitted(method, settings, folder, *, devices, state=None, progress=None):
    """The files of a detector that so many processes fitted."""
    request = FitRequest(
        train=[sample(1), sample(2)],
        validation=[sample(3)],
        settings=settings,
        seed=0,
        augment=augment,
        state=state,
        progress=progress or Silent(),
    )
    if devices == 1:
        detector = method.fit(request)
    else:
        with assembled(method, request, devices) as shared:
            detector = method.fit(shared)
    folder.mkdir()
    detector.save(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def unet(**changes):
    method = METHODS.get("unet_shrink")
    return method, dataclasses.replace(tiny(method), **UNET, **changes)


# Three shards of 2, 2 and 1 patches: two processes have unequal work; so have three in the validation.
@pytest.mark.parametrize(("devices", "normalisation"), [(2, "batch"), (3, "group")])
def test_a_unet_of_several_processes_has_the_bytes_of_one(devices, normalisation, tmp_path):
    method, settings = unet(normalisation=normalisation)
    alone = fitted(method, settings, tmp_path / "one", devices=1)
    assert fitted(method, settings, tmp_path / "many", devices=devices) == alone


@pytest.mark.parametrize("name", ["retinanet", "mask_rcnn"])
def test_a_detector_of_two_processes_has_the_bytes_of_one(name, tmp_path):
    method = METHODS.get(name)
    settings = tiny(method, steps=2)
    alone = fitted(method, settings, tmp_path / "one", devices=1)
    assert fitted(method, settings, tmp_path / "two", devices=2) == alone


def test_a_process_that_dies_is_one_sentence_and_what_was_done_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("bmbench.adapters.learning.training_state.SHARE", 0)
    begun = []

    def start(*arguments):
        begun.append(start_one(*arguments))
        return begun[-1]

    start_one = processes._start
    monkeypatch.setattr(processes, "_start", start)
    method, settings = unet()
    state = tmp_path / "state"
    state.mkdir()
    kill = AtStep(3, lambda: os.kill(begun[0].pid, signal.SIGKILL))
    started = time.monotonic()
    with pytest.raises(RunFailedError, match=r"process 2 of 2 ended early \(signal 9\)"):
        fitted(method, settings, tmp_path / "none", devices=2, state=state, progress=kill)
    assert time.monotonic() - started < 120
    assert begun[0].poll() is not None
    alone = fitted(method, settings, tmp_path / "one", devices=1)
    # Gone on with by another number of processes.
    assert fitted(method, settings, tmp_path / "two", devices=3, state=state) == alone
    assert all(process.poll() is not None for process in begun)


def test_what_a_process_cannot_fit_is_told_by_the_first(tmp_path, monkeypatch):
    plain = processes._plain
    monkeypatch.setattr(processes, "_plain", lambda request: dataclasses.replace(plain(request), train=()))
    method, settings = unet()
    with pytest.raises(RunFailedError, match=r"process 2 of 2 ended early \(.*no cell"):
        fitted(method, settings, tmp_path / "none", devices=2)


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("unet_shrink", {"batch": 8, "shard": 8}, "add --set shard=4"),
        ("blob_log", {}, "does not learn in steps"),
    ],
)
def test_too_many_processes_are_refused(name, changes, said):
    method = METHODS.get(name)
    with pytest.raises(BadInputError, match=said):
        check_devices(method, tiny(method, **changes), 2)


@pytest.mark.parametrize(
    ("seen", "variable", "card"),
    [
        (2, None, "1"),
        (2, "4,7", "7"),
        (2, "GPU-6e1a,GPU-93c0", "GPU-93c0"),
        # Hidden on purpose, or named on a machine that has none.
        (0, "", ""),
        (0, "-1", ""),
        (0, "0", ""),
        (0, None, ""),
    ],
)
def test_another_process_sees_its_own_card_or_none_as_the_first(tmp_path, monkeypatch, seen, variable, card):
    started = []
    monkeypatch.setattr(processes.subprocess, "Popen", lambda _, *, env, **__: started.append(env))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: seen)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if variable is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", variable)
    processes._start(tmp_path, 1, 2)
    assert [env["CUDA_VISIBLE_DEVICES"] for env in started] == [card]


def test_the_number_of_processes_is_no_part_of_what_a_run_is():
    assert RunOptions(devices=4).to_json() == RunOptions().to_json()


def test_tensors_come_back_with_their_bytes_types_and_places_in_memory():
    image = torch.randn(2, 3, 5, 4)
    piece = (
        torch.tensor(0.1),
        image.contiguous(memory_format=torch.channels_last),
        torch.tensor([7], dtype=torch.int64),
        image.transpose(0, 3),
        torch.arange(3, dtype=torch.uint8),
        torch.tensor(1e-300, dtype=torch.float64),
    )
    back = _unpacked(_packed(piece), piece)
    for one, other in zip(piece, back, strict=True):
        assert one.dtype == other.dtype
        assert one.stride() == other.stride()
        assert torch.equal(one, other)


def test_every_item_has_one_owner():
    items = list(range(7))
    owned = [ProcessGroup(rank=rank, size=3).share(items) for rank in range(3)]
    assert sorted(number for numbers in owned for number in numbers) == items


def test_the_processes_of_one_training_listen_on_the_loopback_alone(tmp_path):
    """Whoever could join them from another machine would be handed the weights, and could change them."""
    psutil = pytest.importorskip("psutil")

    def listening():
        here = psutil.Process()
        return {
            (process.pid, connection.laddr.ip, connection.laddr.port)
            for process in (here, *here.children(recursive=True))
            for connection in process.net_connections(kind="inet")
            if connection.status == psutil.CONN_LISTEN
        }

    before, during = listening(), set()
    method, settings = unet()
    fitted(
        method, settings, tmp_path / "two", devices=2, progress=AtStep(2, lambda: during.update(listening()))
    )
    found = during - before
    assert len({pid for pid, _, _ in found}) == 2
    assert {ip.removeprefix("::ffff:") for _, ip, _ in found} <= {"127.0.0.1", "::1"}
