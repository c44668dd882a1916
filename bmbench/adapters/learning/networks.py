"""What networks of all families share: a layer, copies with the same weights, moving averages."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence

Network = TypeVar("Network", bound=nn.Module)


def group_normalisation(width: int) -> nn.Module:
    """Group normalisation of that many channels, in groups of about eight."""
    return nn.GroupNorm(max(groups for groups in range(1, width // 8 + 2) if width % groups == 0), width)


def sharing_weights(network: Network) -> Network:
    """A copy with the same parameters and buffers of its own (batch statistics), for one shard."""
    return copy.deepcopy(network, {id(parameter): parameter for parameter in network.parameters()})


def average_buffers(
    network: nn.Module, replicas: Sequence[nn.Module], statistics: Sequence[Sequence[torch.Tensor]]
) -> None:
    """Give the network and all replicas the mean of these batch statistics, one list of buffers a shard."""
    with torch.no_grad():
        for own, *others in zip(network.buffers(), *statistics, strict=True):
            own.copy_(torch.stack([buffer.double() for buffer in others]).mean(dim=0))
        for replica in replicas:
            for own, mean in zip(replica.buffers(), network.buffers(), strict=True):
                own.copy_(mean)


def move_towards(average: nn.Module, network: nn.Module, *, decay: float) -> None:
    """Move the average's weights towards the network's; take over its batch statistics."""
    with torch.no_grad():
        for own, current in zip(average.parameters(), network.parameters(), strict=True):
            own.lerp_(current, 1 - decay)
        for kept, current_buffer in zip(average.buffers(), network.buffers(), strict=True):
            kept.copy_(current_buffer)
