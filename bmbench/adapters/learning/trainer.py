"""Steps of gradient descent, the same bytes from the same seed.

A batch is drawn and computed in shards, each on one torch thread, perhaps in several processes
(`bmbench.adapters.learning.process_group`); their gradients are added in a fixed order
(`bmbench.adapters.learning.reproducible`). What a patch shows depends on the seed, the step and the patch's number in
the batch alone, so that a training can be stopped after any step and go on.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import nn

from bmbench.adapters.learning.ahead import drawn_ahead
from bmbench.adapters.learning.networks import average_buffers, follow, sharing_weights
from bmbench.adapters.learning.process_group import ALONE
from bmbench.adapters.learning.resuming import Keeper
from bmbench.adapters.learning.training_state import Course
from bmbench.core.errors import TrainingFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import ThreadPoolExecutor

    from bmbench.adapters.learning.process_group import Team
    from bmbench.adapters.method import FitRequest

Patch = TypeVar("Patch")
Network = TypeVar("Network", bound=nn.Module)
Gradients = tuple[torch.Tensor, ...]


class Budget(Protocol):
    """The settings that a training reads; every family's record has them and says what they are."""

    @property
    def steps(self) -> int:
        """Training ends here at the latest."""
        ...

    @property
    def batch(self) -> int:
        """Patches a step."""
        ...

    @property
    def shard(self) -> int:
        """Patches that are computed together."""
        ...

    @property
    def optimiser(self) -> str:
        """One of adamw, adam, sgd."""
        ...

    @property
    def learning_rate(self) -> float:
        """The highest: it rises over the first tenth of the steps and falls to zero along a cosine."""
        ...

    @property
    def weight_decay(self) -> float:
        """Of the optimiser."""
        ...

    @property
    def momentum(self) -> float:
        """Of plain gradient descent."""
        ...

    @property
    def averaging(self) -> float:
        """Decay of the moving average of the weights that is validated and kept; 0 for none."""
        ...

    @property
    def validate_every(self) -> int:
        """Steps between looks at the validation loss."""
        ...

    @property
    def patience(self) -> int:
        """Looks without improvement before training ends."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trainer(Generic[Patch]):
    """One training run; holds what does not change from step to step.

    Attributes
    ----------
    request : FitRequest
        Its settings are a `Budget`.
    draw : generator → Patch
        A random training patch.
    losses : (network, patches) → (n,) tensor
        The loss of each patch; may be their sum alone, (1,).
    validation : sequence of Patch
        Looked at now and then.
    pool : of `one_thread_each`
    kind : JSON value
        What is learned, as far as the settings do not say it.
    ignorance : float
        Validation loss of an answer that knows nothing, the unit in which looks are reported.
    ahead : int
        Steps whose patches are drawn while an earlier one is computed: 0 on a processor, where drawing and
        computing want the same cores.
    """

    request: FitRequest
    draw: Callable[[np.random.Generator], Patch]
    losses: Callable[[Any, Sequence[Patch]], torch.Tensor]
    validation: Sequence[Patch]
    pool: ThreadPoolExecutor
    kind: Any
    ignorance: float = 1.0
    ahead: int = 0

    @property
    def budget(self) -> Budget:
        """The method's settings."""
        budget: Budget = self.request.settings
        return budget

    def run(self, network: Network) -> Network:
        """The averaged network of the look at the validation loss that was best (the last, without any).

        Raises
        ------
        TrainingFailedError
            If the loss is no longer a number, or a graphics card has too little memory.
        """
        try:
            return self._run(network)
        except torch.OutOfMemoryError as error:
            raise TrainingFailedError(
                f"the graphics card's memory is too small; lower the patches a step (--set shard="
                f"{max(1, self.budget.shard // 2)})"
            ) from error

    def _run(self, network: Network) -> Network:
        s, progress, state = self.budget, self.request.progress, self.request.state
        course = Course.begin(network, _optimiser(network, s))
        keeper = Keeper(state, self._purpose())
        if (found := keeper.found()) is not None:
            course.restore(*found)
            self._tell(course.looks)
        replicas = [sharing_weights(network) for _ in self._shards()]
        left = range(course.step + 1, 0 if course.has_settled(s) else s.steps + 1)
        begun = f" from step {course.step}" if course.step else ""
        numbers = [number for shard in self._shards() for number in shard]
        with drawn_ahead(self._draw, left, numbers, ahead=self.ahead) as batch:
            for step in progress.track(left, description=f"Training{begun}", total=len(left)):
                for group in course.optimiser.param_groups:
                    group["lr"] = s.learning_rate * _schedule((step - 1) / s.steps)
                loss = self._step(course, replicas, batch(step))
                follow(course.average, network, decay=min(s.averaging, step / (step + 10)))
                course.step = step
                at_look = not step % s.validate_every or step == s.steps
                if at_look:
                    self._look(course, loss)
                if self.team.rank == 0:
                    keeper.keep(course.state, at_look=at_look)
                if course.has_settled(s):
                    break
        best: Network = course.best.eval()  # type: ignore[assignment]
        return best

    @property
    def team(self) -> Team:
        """The processes that make the same steps."""
        return self.request.team or ALONE

    def _shards(self) -> Sequence[range]:
        """The numbers of the patches of each shard that this process computes."""
        return self.team.own(shards_of(self.budget))

    def _draw(self, step: int, number: int) -> Patch:
        return self.draw(np.random.default_rng([self.request.seed, step, number]))

    def _look(self, course: Course, loss: float) -> None:
        """Note the validation loss of the averaged network, and tell it."""
        current = self._validate(course.average) if self.validation else None
        course.look(current)
        shown = "" if current is None else f", validation {current:.4f}"
        self.request.progress.note(f"step {course.step}, loss {loss:.4f}{shown}")
        self._tell(course.looks[-1:])

    def _tell(self, looks: Sequence[tuple[int, float | None]]) -> None:
        """Report looks, in units of what knowing nothing costs."""
        if self.request.report is not None:
            for step, loss in looks:
                self.request.report(step, None if loss is None else loss / self.ignorance)

    def _purpose(self) -> dict[str, Any]:
        """What tells this training from any other; its data are compared by whoever keeps the folder."""
        return {
            "kind": self.kind,
            "settings": dataclasses.asdict(self.request.settings),
            "seed": self.request.seed,
            "images": [str(sample.image_id) for sample in self.request.train],
        }

    def _step(self, course: Course, replicas: Sequence[nn.Module], patch: Callable[[int], Patch]) -> float:
        """The mean loss of one batch, whose patches are given by number, after one step of the optimiser."""
        s, network = self.budget, course.network
        work = zip(replicas, self._shards(), strict=True)
        mine = list(self.pool.map(lambda job: self._gradients(job[0], job[1], patch), work))
        buffers = [tuple(replica.buffers()) for replica in replicas]
        pieces = [(loss, *parts, *more) for (loss, parts), more in zip(mine, buffers, strict=True)]
        pieces = list(self.team.all(pieces, len(shards_of(s))))
        loss = sum(float(piece[0]) for piece in pieces)
        if not math.isfinite(loss):
            raise TrainingFailedError(
                f"the training loss is {loss} at step {course.step + 1}; lower the learning rate "
                f"(--set learning_rate={s.learning_rate / 3:.2g})"
            )
        trained = _trained(network)
        for number, parameter in enumerate(trained, start=1):
            parts = [piece[number] for piece in pieces]
            parameter.grad = torch.stack(parts).sum(dim=0) if len(parts) > 1 else parts[0]
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        course.optimiser.step()
        average_buffers(network, replicas, [piece[1 + len(trained) :] for piece in pieces])
        return loss

    def _gradients(
        self, network: nn.Module, numbers: Iterable[int], patch: Callable[[int], Patch]
    ) -> tuple[torch.Tensor, Gradients]:
        """Loss and gradients of some patches of a batch, as shares of the whole batch."""
        loss = self.losses(network, [patch(number) for number in numbers]).sum() / self.budget.batch
        return loss.detach(), torch.autograd.grad(loss, _trained(network))

    def _validate(self, network: nn.Module) -> float:
        """Mean loss of the validation patches."""
        side = self.budget.shard
        groups = [self.validation[first : first + side] for first in range(0, len(self.validation), side)]
        network.eval()

        def loss(patches: Sequence[Patch]) -> float:
            with torch.inference_mode():
                return float(self.losses(network, patches).sum())

        mine = list(self.pool.map(loss, self.team.own(groups)))
        return sum(self.team.numbers(mine, len(groups))) / len(self.validation)


def shards_of(budget: Budget) -> Sequence[range]:
    """The numbers of the patches that are computed together."""
    size, batch = budget.shard, budget.batch
    return [range(first, min(first + size, batch)) for first in range(0, batch, size)]


def _schedule(done: float) -> float:
    """The share of the learning rate when that share of the steps is done."""
    warm = 0.1
    if done < warm:
        return (done + 0.01) / (warm + 0.01)
    return 0.5 * (1 + math.cos(math.pi * (done - warm) / (1 - warm)))


def _trained(network: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def _optimiser(network: nn.Module, budget: Budget) -> torch.optim.Optimizer:
    rate, decay, momentum = budget.learning_rate, budget.weight_decay, budget.momentum
    if budget.optimiser == "sgd":
        return torch.optim.SGD(
            _trained(network), lr=rate, weight_decay=decay, momentum=momentum, nesterov=momentum > 0
        )
    kind = torch.optim.AdamW if budget.optimiser == "adamw" else torch.optim.Adam
    return kind(_trained(network), lr=rate, weight_decay=decay)
