"""A trained network is read back as it was, and its card is not believed."""

import json

import pytest

torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")

from bmbench.adapters.learning.networks import read_checkpoint, write_checkpoint
from bmbench.core.errors import BadInputError


def build(width):
    return torch.nn.Linear(width, width, device=torch.get_default_device())


def read(folder):
    return read_checkpoint(
        folder, "card.json", what="line", read_card=lambda card: card["width"], build=build
    )


@pytest.fixture
def saved(tmp_path):
    write_checkpoint(tmp_path, "card.json", {"width": 3}, build(3))
    return tmp_path


def test_weights_come_back(saved):
    width, network = read(saved)
    assert width == 3
    assert network.weight.device.type != "meta"
    written = build(3)
    written.load_state_dict(network.state_dict())


@pytest.mark.parametrize("width", [2, 4, 10**6, 10**9, 10**18, -1, "3", None])
def test_a_network_gets_memory_only_for_the_weights_that_it_has(saved, width):
    """A million inputs and outputs are 4 TB of weights."""
    (saved / "card.json").write_text(json.dumps({"width": width}))
    with pytest.raises(BadInputError, match="not a saved line"):
        read(saved)


@pytest.mark.parametrize("card", ["{}", "[]", "5", '{"width": [3]}'])
def test_a_card_that_is_none_is_refused(saved, card):
    (saved / "card.json").write_text(card)
    with pytest.raises(BadInputError, match="not a saved line"):
        read(saved)
