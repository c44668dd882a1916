"""Processes that train one network together: each computes some shards of a step, all make the same step.

What every process computed for its shards goes to all of them, and each adds it up in the order of the
shards, as one process alone would. So the number of processes changes the time and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
Piece = tuple["torch.Tensor", ...]
"""What was computed for one shard; of the same shapes and types for each."""
_PATIENCE = timedelta(hours=1)
"""How long a process waits for another one that lives."""
_ALIGNED = 8
"""Bytes: every tensor begins at a multiple of its element's size."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProcessGroup:
    """One process among `size`, number `rank`; `SINGLE_PROCESS` is the group of one.

    Attributes
    ----------
    wait : exchange that has begun → nothing
        Comes back when the exchange is done, and raises when it never will be.
    """

    rank: int = 0
    size: int = 1
    wait: Callable[[Any], object] = lambda work: work.wait()

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """What this process computes; every item is in the share of one process."""
        return items[self.rank :: self.size]

    def gather(self, own: Sequence[Piece], total: int) -> Sequence[Piece]:
        """The pieces of all processes in the order of the items, from this one's own (at least one)."""
        if self.size == 1:
            return own
        import torch
        from torch import distributed

        packed = [_packed(piece) for piece in own]
        while len(packed) * self.size < total:
            packed.append(torch.zeros_like(packed[0]))
        sent = torch.stack(packed)
        if distributed.get_backend() == "nccl":
            sent = sent.cuda()
        received = [torch.empty_like(sent) for _ in range(self.size)]
        self.wait(distributed.all_gather(received, sent, async_op=True))
        return [
            _unpacked(received[number % self.size][number // self.size], own[0]) for number in range(total)
        ]

    def gather_numbers(self, own: Sequence[float], total: int) -> Sequence[float]:
        """The same for one number an item; a process may have no item."""
        import torch

        pieces = [(torch.tensor(number, dtype=torch.float64),) for number in own or (0.0,)]
        return [float(number) for (number,) in self.gather(pieces, total)][:total]


SINGLE_PROCESS = ProcessGroup()


def join_process_group(folder: Path, *, rank: int, size: int) -> None:
    """Make this process one of those that find each other through a file in a folder."""
    import torch
    from torch import distributed

    distributed.init_process_group(
        "nccl" if torch.cuda.is_available() else "gloo",
        init_method=(folder / "meeting").as_uri(),
        rank=rank,
        world_size=size,
        timeout=_PATIENCE,
    )


def leave_process_group() -> None:
    """Belong to no group of processes any more."""
    from torch import distributed

    if distributed.is_initialized():
        distributed.destroy_process_group()


def _packed(piece: Piece) -> torch.Tensor:
    """All bytes of the tensors, one after the other, each in the order in which memory has it."""
    import torch

    parts = []
    for tensor in piece:
        data = tensor.detach().permute(_memory_order(tensor)).reshape(-1).view(torch.uint8)
        parts.append(torch.nn.functional.pad(data, (0, -len(data) % _ALIGNED)))
    return torch.cat(parts)


def _unpacked(data: torch.Tensor, like: Piece) -> Piece:
    """The tensors again, laid out in memory as their likes are: another layout may be added up otherwise."""
    tensors, begin = [], 0
    for tensor in like:
        order = _memory_order(tensor)
        end = begin + tensor.numel() * tensor.element_size()
        flat = data[begin:end].view(tensor.dtype)
        shaped = flat.reshape([tensor.shape[axis] for axis in order])
        tensors.append(shaped.permute([order.index(axis) for axis in range(len(order))]))
        begin = end + -end % _ALIGNED
    return tuple(tensors)


def _memory_order(tensor: torch.Tensor) -> list[int]:
    """The axes from the one whose neighbours are farthest apart in memory to the nearest."""
    return sorted(range(tensor.dim()), key=tensor.stride, reverse=True)
