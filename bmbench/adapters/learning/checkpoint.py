"""A trained network on disk: its weights (safetensors) and, beside them, everything else (JSON)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from bmbench.adapters.learning.reproducible import best_device, seeded
from bmbench.core.errors import BadInputError
from bmbench.core.files import read_bytes, read_json, write_bytes, write_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import nn

_WEIGHTS = "weights.safetensors"
Facts = TypeVar("Facts")
Network = TypeVar("Network", bound="nn.Module")


def write_checkpoint(folder: Path, card_file: str, card: dict[str, Any], network: nn.Module) -> None:
    """Write the weights of a network and its card into an existing folder."""
    from safetensors.torch import save

    weights = {name: tensor.contiguous().cpu() for name, tensor in network.state_dict().items()}
    write_bytes(folder / _WEIGHTS, save(weights))
    write_json(folder / card_file, card)


def read_checkpoint(
    folder: Path,
    card_file: str,
    *,
    what: str,
    read_card: Callable[[Any], Facts],
    build: Callable[[Facts], Network],
) -> tuple[Facts, Network]:
    """What `read_card` makes of the card, and the network that `build` makes of that, with its weights.

    Raises
    ------
    BadInputError
        If a file is missing, damaged, or not of this kind; `what` names the kind ("U-Net").
    """
    import safetensors
    from safetensors.torch import load

    card = read_json(folder / card_file)
    data = read_bytes(folder / _WEIGHTS)
    try:
        facts = read_card(card)
        # Fresh weights are drawn before these take their place: nobody else's draws shall change.
        with seeded(0):
            network = build(facts).to(best_device())
        network.load_state_dict(load(data))
    except (KeyError, TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        raise BadInputError(
            f"not a saved {what}", where=str(folder), got=str(error).splitlines()[0], remedy="fit it again"
        ) from error
    return facts, network.eval()
