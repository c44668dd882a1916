"""What a graphics card is asked for, tried on the processor: short numbers, and tiles together."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from bmbench.adapters import METHODS
from bmbench.adapters.learning import networks
from bmbench.adapters.learning.networks import in_batches

from ..conftest import sample
from ..small import request_for

FAMILIES = ("unet_shrink", "retinanet", "circular_retinanet", "fcos", "mask_rcnn", "yolov3")


def trained(name, precision):
    request = request_for(METHODS.get(name), [sample(1), sample(2)], [], precision=precision, steps=3)
    return METHODS.get(name).fit(request)


def weights(detector):
    return torch.cat([one.detach().double().flatten() for one in detector.network.parameters()])


@pytest.mark.parametrize("name", FAMILIES)
def test_every_kind_learns_and_answers_in_short_numbers(name, monkeypatch):
    """Weights stay long, and near those of long numbers; on a processor nothing else is short either."""
    long = weights(trained(name, "float32"))
    assert torch.equal(weights(trained(name, "bfloat16")), long)
    monkeypatch.setattr(networks, "SHORT_ON", ("cuda", "cpu"))
    detector = trained(name, "bfloat16")
    assert {one.dtype for one in detector.network.parameters()} == {torch.float32}
    short = weights(detector)
    assert not torch.equal(short, long)
    assert float((short - long).norm() / long.norm()) < 0.1
    found = detector.predict(sample(1).load())
    assert np.isfinite(found.box).all()
    assert ((found.confidence >= 0) & (found.confidence <= 1)).all()


@pytest.mark.parametrize("room", [1, 2, 3, 7, 100])
def test_where_memory_is_too_small_half_as_many_are_answered_at_once(room):
    asked = []

    def answers(items):
        asked.append(len(items))
        if len(items) > room:
            raise torch.OutOfMemoryError
        return [2 * item for item in items]

    assert in_batches(answers, range(21), most=16) == [2 * item for item in range(21)]
    # Once it was too small, it is not tried again.
    assert asked == sorted(asked[:-1], reverse=True) + asked[-1:]
    assert max(size for size in asked if size <= room) in {1, 2, 4, 8, 16}


def test_where_one_alone_is_too_large_the_fault_is_told():
    def answers(_):
        raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        in_batches(answers, [1, 2], most=4)


def test_tiles_that_are_answered_together_are_those_answered_alone(monkeypatch):
    detector = trained("unet_shrink", "float32")
    tiles = [np.random.default_rng(number).integers(0, 256, (32, 48, 3), np.uint8) for number in range(5)]
    alone = [detector._forward([tile])[0] for tile in tiles]
    together = detector._forward(tiles)
    assert len(together) == 5
    assert all(np.allclose(one, other, atol=1e-5) for one, other in zip(alone, together, strict=True))
