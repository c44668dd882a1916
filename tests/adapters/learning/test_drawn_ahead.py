"""Patches drawn ahead are those that are drawn when they are asked for."""

import threading

import pytest

pytest.importorskip("torch")

from bmbench.adapters import METHODS
from bmbench.adapters.learning.trainer import drawn_ahead
from bmbench.adapters.unet import training

from ..conftest import sample
from ..small import request_for


@pytest.mark.parametrize("ahead", [0, 1, 3, 10])
def test_each_step_gets_its_own_patches(ahead):
    with drawn_ahead(lambda *job: job, range(4, 9), [0, 2], ahead=ahead) as batch:
        for step in range(4, 9):
            patch = batch(step)
            assert [patch(number) for number in (2, 0)] == [(step, 2), (step, 0)]


def test_the_next_steps_are_drawn_while_one_is_under_way_and_no_more():
    drawn, third = [], threading.Event()

    def draw(step, _):
        drawn.append(step)
        if step == 3:
            third.set()

    with drawn_ahead(draw, range(1, 100), [0], ahead=2) as batch:
        batch(1)(0)
        assert third.wait(60)
    assert sorted(drawn) == [1, 2, 3]


def test_a_fault_in_drawing_is_raised_where_the_patch_is_asked_for():
    def draw(step, _):
        raise ValueError(step)

    with drawn_ahead(draw, range(1, 5), [0], ahead=2) as batch, pytest.raises(ValueError, match="1"):
        batch(1)(0)


def test_a_network_taught_with_patches_drawn_ahead_has_the_same_bytes(tmp_path, monkeypatch):
    method = METHODS.get("unet_shrink")
    request = request_for(method, [sample(1), sample(2)], [sample(3)], batch=3, steps=5)
    for ahead in (0, 2):
        monkeypatch.setattr(training, "steps_ahead", lambda ahead=ahead: ahead)
        folder = tmp_path / str(ahead)
        folder.mkdir()
        method.fit(request).save(folder)
    weights = [(tmp_path / name / "weights.safetensors").read_bytes() for name in ("0", "2")]
    assert weights[0] == weights[1]
