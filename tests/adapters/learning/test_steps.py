"""A step of the optimiser: what is fused or read late gives what the plain way gives."""

import copy
import dataclasses

import pytest

torch = pytest.importorskip("torch")

from bmbench.adapters import METHODS
from bmbench.adapters.learning import networks, trainer
from bmbench.adapters.unet import training
from bmbench.adapters.unet.settings import QUICK
from bmbench.core.errors import RunFailedError

from ..conftest import sample
from ..small import request_for

LAYERS = (torch.nn.Conv2d(3, 5, 3), torch.nn.Conv2d(5, 4, 1), torch.nn.ConvTranspose2d(4, 3, 2, stride=2))


def network():
    torch.manual_seed(1)
    return copy.deepcopy(torch.nn.Sequential(*LAYERS)).to(memory_format=torch.channels_last)


PLAIN = {
    "adamw": lambda weights, s: torch.optim.AdamW(weights, lr=s.learning_rate, weight_decay=s.weight_decay),
    "adam": lambda weights, s: torch.optim.Adam(weights, lr=s.learning_rate, weight_decay=s.weight_decay),
    "sgd": lambda weights, s: torch.optim.SGD(
        weights, lr=s.learning_rate, weight_decay=s.weight_decay, momentum=s.momentum, nesterov=True
    ),
}


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=["plain", "last"])
@pytest.mark.parametrize("name", PLAIN)
def test_the_fused_optimiser_makes_the_steps_of_the_plain_one(name, layout):
    """Whatever order its gradients have in memory."""
    settings = dataclasses.replace(QUICK, optimiser=name)
    ours, plain = network(), network()
    fused, by_hand = trainer._optimiser(ours, settings), PLAIN[name](list(plain.parameters()), settings)
    for _ in range(5):
        for own, other in zip(ours.parameters(), plain.parameters(), strict=True):
            gradient = torch.randn(own.shape)
            other.grad = gradient
            given = gradient.contiguous(memory_format=layout) if own.dim() == 4 else gradient
            own.grad = trainer._laid_out_like(own, given)
        fused.step()
        by_hand.step()
    for own, other in zip(ours.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(own, other, atol=1e-6, rtol=1e-5)


def test_the_moving_average_is_a_weighted_mean():
    average, current = network(), network()
    with torch.no_grad():
        for weight in current.parameters():
            weight.add_(torch.randn(weight.shape))
    before = [weight.clone() for weight in average.parameters()]
    networks.move_towards(average, current, decay=0.75)
    for old, own, new in zip(before, average.parameters(), current.parameters(), strict=True):
        assert torch.allclose(own, 0.75 * old + 0.25 * new, atol=1e-6)


def test_gradients_of_shards_are_added_in_their_order():
    shards = [tuple(torch.randn(4, 3) * 10**power for _ in range(2)) for power in (7, 0, -3)]
    first, second, third = (torch.stack(shard) for shard in shards)
    assert torch.equal(torch.stack(trainer._added(shards)), (first + second) + third)


@pytest.mark.parametrize("ahead", [0, 2])
def test_a_loss_that_is_no_number_is_reported_with_its_own_step(monkeypatch, ahead):
    """On a card losses are read several steps later."""
    monkeypatch.setattr(training, "steps_ahead", lambda: ahead)
    method = METHODS.get("unet_shrink")
    hot = {"learning_rate": 1e30, "normalisation": "none", "steps": 20, "batch": 2}
    request = request_for(method, [sample(1)], [], **hot)
    with pytest.raises(RunFailedError) as first:
        method.fit(request)
    monkeypatch.setattr(trainer, "READ_EVERY", 1)
    with pytest.raises(RunFailedError) as second:
        method.fit(request)
    assert str(first.value) == str(second.value)
    assert "at step" in str(first.value)
