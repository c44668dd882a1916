"""What a training keeps on disk while it runs: one file, whole or not at all, with nothing in it but numbers.

A training whose random draws depend on the seed and the number of the step alone goes on from its weights,
the state of its optimiser and a few facts, and ends where one that was never stopped ends, byte for byte.
"""

from __future__ import annotations

import json
import time
import zlib
from typing import TYPE_CHECKING, Any

from bmbench.core.errors import BadInputError
from bmbench.core.files import read_bytes, write_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import torch

FILE = "training.safetensors"
EVERY_S = 60.0
"""Seconds between savings where validations are farther apart."""
SHARE = 19
"""Saving may take one part of the time for every so many of work."""


class StateSaver:
    """Saves a training's state now and then, and reads it again.

    Parameters
    ----------
    folder : Path or None
        None: nothing is ever saved.
    purpose : JSON value
        What is trained, from what. The state of another purpose is refused.
    """

    def __init__(self, folder: Path | None, purpose: Any) -> None:
        self._folder = folder
        self._purpose = json.loads(json.dumps(purpose))
        self._saved_at = time.monotonic()
        self._cost = 0.0

    def saved(self) -> tuple[dict[str, torch.Tensor], Any] | None:
        """The tensors and facts that were saved last, None if there are none.

        Raises
        ------
        BadInputError
            If the file is damaged, or the state of something else.
        """
        if self._folder is None or not (self._folder / FILE).exists():
            return None
        import safetensors
        import torch
        from safetensors.torch import load

        path = self._folder / FILE
        data = read_bytes(path)
        try:
            tensors = load(data)
            text, check = (_header(data)[name] for name in ("state", "check"))
        except (safetensors.SafetensorError, KeyError, ValueError) as error:
            raise _unusable(path, "damaged") from error
        if check != _checksum(text, tensors):
            raise _unusable(path, "damaged")
        record = json.loads(text)
        # As they were: another layout takes another path through torch's kernels.
        for name in record["channels_last"]:
            tensors[name] = tensors[name].contiguous(memory_format=torch.channels_last)
        if record["purpose"] != self._purpose:
            raise _unusable(path, "the state of another training")
        return tensors, record["facts"]

    def save_if_due(
        self, state: Callable[[], tuple[Mapping[str, torch.Tensor], Any]], *, at_validation: bool
    ) -> None:
        """Save what `state` gives (tensors and facts), if it is time to.

        It is at each validation and every minute between, as long as saving takes no more than a twentieth of
        the time.
        """
        elapsed = time.monotonic() - self._saved_at
        if self._folder is None or elapsed < SHARE * self._cost or (elapsed < EVERY_S and not at_validation):
            return
        started = time.monotonic()
        tensors, facts = state()
        _save(self._folder / FILE, tensors, {"purpose": self._purpose, "facts": facts})
        self._saved_at = time.monotonic()
        self._cost = self._saved_at - started


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Every tensor of the optimiser's state, by "number of the parameter/name"."""
    return {
        f"{number}/{name}": value
        for number, parameter in enumerate(_parameters(optimiser))
        for name, value in optimiser.state[parameter].items()
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    """Give a fresh optimiser the state that `optimiser_tensors` read."""
    parameters = _parameters(optimiser)
    for key, value in tensors.items():
        number, _, name = key.partition("/")
        parameter = parameters[int(number)]
        # Counters of steps stay where torch keeps them, on the processor.
        place = parameter.device if value.shape == parameter.shape else value.device
        optimiser.state[parameter][name] = value.to(place)


def _parameters(optimiser: torch.optim.Optimizer) -> list[torch.nn.Parameter]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]


def _save(path: Path, tensors: Mapping[str, torch.Tensor], record: dict[str, Any]) -> None:
    from safetensors.torch import save

    channels_last = [name for name, tensor in tensors.items() if _is_channels_last(tensor)]
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(record | {"channels_last": channels_last})
    write_bytes(path, save(plain, metadata={"state": text, "check": _checksum(text, plain)}))


def _is_channels_last(tensor: torch.Tensor) -> bool:
    import torch

    if tensor.dim() != 4 or tensor.is_contiguous():
        return False
    return tensor.is_contiguous(memory_format=torch.channels_last)


def _header(data: bytes) -> dict[str, str]:
    """The metadata of a safetensors file: its length in 8 bytes, then JSON."""
    length = int.from_bytes(data[:8], "little")
    metadata: dict[str, str] = json.loads(data[8 : 8 + length])["__metadata__"]
    return metadata


def _checksum(text: str, tensors: Mapping[str, torch.Tensor]) -> str:
    check = zlib.crc32(text.encode())
    for name in sorted(tensors):
        check = zlib.crc32(tensors[name].numpy().tobytes(), zlib.crc32(name.encode(), check))
    return f"{check:08x}"


def _unusable(path: Path, what: str) -> BadInputError:
    return BadInputError(f"is {what}", where=str(path), remedy="delete it, and the training begins anew")
