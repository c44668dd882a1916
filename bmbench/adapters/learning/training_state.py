"""Where a training stands: everything that one step hands to the next, in memory and on disk.

On disk it is one file, whole or not at all, with nothing in it but numbers. A training whose random draws
depend on the seed and the number of the step alone goes on from its weights, the state of its optimiser and
a few facts, and ends where one that was never stopped ends, byte for byte.
"""

from __future__ import annotations

import copy
import json
import math
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bmbench.adapters.learning.fit_request import Budget
from bmbench.adapters.learning.networks import move_towards
from bmbench.core.errors import BadInputError
from bmbench.core.files import read_bytes, write_bytes

if TYPE_CHECKING:
    import torch


@dataclass(slots=True, kw_only=True, eq=False)
class TrainingState:
    """Networks, optimiser and validation losses after a number of steps.

    Attributes
    ----------
    network, average, best : Module
        What is trained; the moving average of its weights; that average at the best validation.
    step : int
        Steps done.
    best_loss, best_step : float, int
        Of the best validation.
    validations : list of (step, validation loss, mean training loss)
        The validation loss is None without validation images.
    since : (sum, number)
        Of the training losses since the last validation, as far as they were read.
    unread : list of (step, tensors)
        The parts of later ones, which may still be under way on a graphics card.
    """

    network: torch.nn.Module
    average: torch.nn.Module
    best: torch.nn.Module
    optimiser: torch.optim.Optimizer
    step: int = 0
    best_loss: float = math.inf
    best_step: int = 0
    validations: list[tuple[int, float | None, float]] = field(default_factory=list)
    since: tuple[float, int] = (0.0, 0)
    unread: list[tuple[int, tuple[torch.Tensor, ...]]] = field(default_factory=list)

    @classmethod
    def initial(cls, network: torch.nn.Module, optimiser: torch.optim.Optimizer) -> TrainingState:
        """The state of a network that has not made a step."""
        return cls(
            network=network,
            average=copy.deepcopy(network),
            best=copy.deepcopy(network),
            optimiser=optimiser,
        )

    def has_converged(self, budget: Budget) -> bool:
        """Whether the validation loss has not fallen for too long."""
        return self.step - self.best_step >= budget.patience * budget.validate_every

    def end_step(self, step: int, loss: tuple[torch.Tensor, ...], *, averaging: float) -> None:
        """Take note of the parts of a step's loss, and the weights after it into their moving average."""
        self.unread.append((step, loss))
        move_towards(self.average, self.network, decay=min(averaging, step / (step + 10)))
        self.step = step

    def read_losses(self) -> Iterator[tuple[int, float]]:
        """The steps whose losses were not read yet, and these; each counts once it was given."""
        while self.unread:
            step, parts = self.unread.pop(0)
            loss = sum(part.item() for part in parts)
            self.since = (self.since[0] + loss, self.since[1] + 1)
            yield step, loss

    def add_validation(self, loss: float | None) -> None:
        """Take note of the validation loss after this step; without one, the latest step is the best."""
        self.validations.append((self.step, loss, self.since[0] / max(1, self.since[1])))
        self.since = (0.0, 0)
        value = -float(self.step) if loss is None else loss
        if value < self.best_loss:
            self.best_loss, self.best_step = value, self.step
            self.best.load_state_dict(self.average.state_dict())

    def to_disk(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """The tensors and the facts that `restore` needs."""
        tensors = {
            f"{part}/{name}": tensor
            for part in ("network", "average", "best")
            for name, tensor in getattr(self, part).state_dict().items()
        }
        tensors |= {f"optimiser/{name}": value for name, value in optimiser_tensors(self.optimiser).items()}
        facts = {
            "step": self.step,
            "best_loss": self.best_loss,
            "best_step": self.best_step,
            "looks": self.validations,
            "since": self.since,
        }
        return tensors, facts

    def restore(self, tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any]) -> None:
        """Stand where `to_disk` was called."""

        def part(name: str) -> dict[str, torch.Tensor]:
            return {
                key.removeprefix(f"{name}/"): value
                for key, value in tensors.items()
                if key.startswith(f"{name}/")
            }

        for name in ("network", "average", "best"):
            getattr(self, name).load_state_dict(part(name))
        restore_optimiser(self.optimiser, part("optimiser"))
        self.step, self.best_loss = facts["step"], facts["best_loss"]
        self.best_step = facts["best_step"]
        self.validations = [(step, loss, training) for step, loss, training in facts["looks"]]
        self.since = (facts["since"][0], facts["since"][1])


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
            earlier = record["purpose"].get("drawing") != self._purpose.get("drawing")
            another = "a training whose patches another version of bmbench drew, differently"
            raise _unusable(path, f"the state of {another if earlier else 'another training'}")
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
        # Fused optimisers keep counters of steps beside the weights, too.
        optimiser.state[parameter][name] = value.to(parameter.device)


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
