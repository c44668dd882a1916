"""What networks of all families share: a layer, copies with the same weights, moving averages, files.

A trained network on disk is its weights (safetensors) and, beside them, everything else (JSON).
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bmbench.adapters.images.working_scale import Colour
from bmbench.adapters.learning.reproducible import best_device, seeded
from bmbench.core.errors import BadInputError
from bmbench.core.files import read_bytes, read_json, write_bytes, write_json
from bmbench.core.types import Pixels

Network = TypeVar("Network", bound=nn.Module)
Item = TypeVar("Item")
Answer = TypeVar("Answer")


def group_normalisation(width: int) -> nn.Module:
    """Group normalisation of that many channels, in groups of about eight."""
    return nn.GroupNorm(max(groups for groups in range(1, width // 8 + 2) if width % groups == 0), width)


def on_device(values: NDArray[Any], device: torch.device) -> torch.Tensor:
    """The numbers on a device; on their way to a graphics card nobody waits for them."""
    tensor = torch.from_numpy(values)
    # There is nothing to pin of a patch without cells.
    if device.type != "cuda" or not tensor.numel():
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def standardised(pixels: Pixels, mean: Colour, deviation: Colour, device: torch.device) -> torch.Tensor:
    """(n, 3, h, w) tensor of (n, h, w, 3) images, less the mean and by the deviation of each colour.

    A card is sent bytes. A transposed view of channels-last memory is torch's channels-last layout: no copy.
    """

    def column(colour: Colour) -> torch.Tensor:
        return on_device(np.array(colour, np.float32), device)[:, None, None]

    values = on_device(pixels, device).permute(0, 3, 1, 2).to(torch.float32)
    return values.sub_(column(mean)).div_(column(deviation))


SHORT_ON = ("cuda",)
"""Kinds of devices that are asked for short numbers; a processor computes them several times slower."""


def short_numbers(precision: str, device: torch.device) -> torch.autocast:
    """A block in which a card computes products in bfloat16, if that is the precision."""
    wanted = precision == "bfloat16" and device.type in SHORT_ON
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted)


def in_batches(
    answers: Callable[[Sequence[Item]], Sequence[Answer]], items: Sequence[Item], *, most: int
) -> list[Answer]:
    """What each item is answered, `most` of them at once, and half as many wherever memory is too small.

    Raises
    ------
    torch.OutOfMemoryError
        If it is too small for one.
    """
    done: list[Answer] = []
    while len(done) < len(items):
        try:
            done += answers(items[len(done) : len(done) + most])
        except torch.OutOfMemoryError:
            if most == 1:
                raise
            most //= 2
    return done


def sharing_weights(network: Network) -> Network:
    """A copy with the same parameters and buffers of its own (batch statistics), for one shard."""
    return copy.deepcopy(network, {id(parameter): parameter for parameter in network.parameters()})


def average_buffers(
    network: nn.Module, replicas: Sequence[nn.Module], statistics: Sequence[Sequence[torch.Tensor]]
) -> None:
    """Give the network and all replicas the mean of these batch statistics, one list of buffers a shard."""
    if not any(statistics):
        return
    with torch.no_grad():
        for own, *others in zip(network.buffers(), *statistics, strict=True):
            own.copy_(torch.stack([buffer.double() for buffer in others]).mean(dim=0))
        for replica in replicas:
            for own, mean in zip(replica.buffers(), network.buffers(), strict=True):
                own.copy_(mean)


def move_towards(average: nn.Module, network: nn.Module, *, decay: float) -> None:
    """Move the average's weights towards the network's; take over its batch statistics."""
    with torch.no_grad():
        torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - decay)
        for kept, current_buffer in zip(average.buffers(), network.buffers(), strict=True):
            kept.copy_(current_buffer)


_WEIGHTS = "weights.safetensors"
_WRONG = (LookupError, TypeError, ValueError, RuntimeError, AttributeError, OverflowError)
"""What comes of a card that is none."""
Facts = TypeVar("Facts")


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
    measured: Callable[[Facts], bool] = lambda _: True,
) -> tuple[Facts, Network]:
    """What `read_card` makes of the card, and the network that `build` makes of that, with its weights.

    The card is a stranger's. Where `measured` says that `build` can make the network without memory, it gets
    some only if it is as large as its weights.

    Raises
    ------
    BadInputError
        If a file is missing, damaged, or not of this kind; `what` names the kind ("U-Net").
    """
    import safetensors
    from safetensors.torch import load

    card = read_json(folder / card_file, within=folder)
    data = read_bytes(folder / _WEIGHTS, within=folder)
    try:
        facts, weights = read_card(card), load(data)
        # Fresh weights are drawn before these take their place: nobody else's draws shall change.
        with seeded(0):
            if measured(facts):
                with torch.device("meta"):
                    _require_shapes(build(facts), weights)
            network = build(facts).to(best_device())
        network.load_state_dict(weights)
    except (*_WRONG, safetensors.SafetensorError) as error:
        raise BadInputError(
            f"not a saved {what}", where=str(folder), got=str(error).splitlines()[0], remedy="fit it again"
        ) from error
    return facts, network.eval()


def begin_with(network: nn.Module, folder: Path) -> None:
    """Give a network the weights that `write_checkpoint` wrote for one of the same architecture.

    Raises
    ------
    BadInputError
        If they are missing, damaged, or those of another network.
    """
    import safetensors
    from safetensors.torch import load

    data = read_bytes(folder / _WEIGHTS, within=folder)
    try:
        weights = load(data)
        _require_shapes(network, weights)
        network.load_state_dict(weights)
    except (*_WRONG, safetensors.SafetensorError) as error:
        raise BadInputError(
            "not the weights of such a network",
            where=str(folder),
            got=str(error).splitlines()[0],
            remedy="begin with a model of the same method and settings",
        ) from error


def _require_shapes(network: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Nothing, or a ValueError if a network without memory has other weights than these."""
    for name, wanted in network.state_dict().items():
        if name not in weights or weights[name].shape != wanted.shape:
            got = "no" if name not in weights else f"{tuple(weights[name].shape)}"
            raise ValueError(f"{name}: expected {tuple(wanted.shape)}, got {got} weights")
