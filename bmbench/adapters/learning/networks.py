"""Networks that share weights, or follow one another."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence

Network = TypeVar("Network", bound=nn.Module)


def sharing_weights(network: Network) -> Network:
    """A copy with the same parameters and buffers of its own (batch statistics), for one shard."""
    return copy.deepcopy(network, {id(parameter): parameter for parameter in network.parameters()})


def average_buffers(
    network: nn.Module, replicas: Sequence[nn.Module], statistics: Sequence[Sequence[torch.Tensor]]
) -> None:
    """Give the network and all replicas the mean of these batch statistics, one list of buffers a shard."""
    with torch.no_grad():
        for mine, *theirs in zip(network.buffers(), *statistics, strict=True):
            mean = torch.stack([buffer.double() for buffer in theirs]).mean(dim=0)
            mine.copy_(mean)
        for replica in replicas:
            for mine, mean in zip(replica.buffers(), network.buffers(), strict=True):
                mine.copy_(mean)


def follow(average: nn.Module, network: nn.Module, *, decay: float) -> None:
    """Move the average's weights towards the network's; take over its batch statistics."""
    with torch.no_grad():
        for mine, current in zip(average.parameters(), network.parameters(), strict=True):
            mine.lerp_(current, 1 - decay)
        for kept, current_buffer in zip(average.buffers(), network.buffers(), strict=True):
            kept.copy_(current_buffer)
