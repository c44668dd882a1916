"""Where a training stands: everything that one step hands to the next."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bmbench.adapters.learning.networks import move_towards
from bmbench.adapters.learning.resuming import optimiser_tensors, restore_optimiser

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

    from bmbench.adapters.learning.budget import Budget


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
    validations : list of (step, validation loss)
        The loss is None without validation images.
    """

    network: torch.nn.Module
    average: torch.nn.Module
    best: torch.nn.Module
    optimiser: torch.optim.Optimizer
    step: int = 0
    best_loss: float = math.inf
    best_step: int = 0
    validations: list[tuple[int, float | None]] = field(default_factory=list)

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

    def end_step(self, step: int, *, averaging: float) -> None:
        """Take the network's weights after this step into their moving average."""
        move_towards(self.average, self.network, decay=min(averaging, step / (step + 10)))
        self.step = step

    def add_validation(self, loss: float | None) -> None:
        """Take note of the validation loss after this step; without one, the latest step is the best."""
        self.validations.append((self.step, loss))
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
        self.validations = [(step, loss) for step, loss in facts["looks"]]
