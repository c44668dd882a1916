"""Steps of gradient descent, the same bytes from the same seed.

A batch is drawn and computed in shards, each on one torch thread, perhaps in several processes
(`bmbench.adapters.learning.process_group`); their gradients are added in a fixed order
(`bmbench.adapters.learning.reproducible`). What a patch shows depends on the seed, the step and the patch's
number in the batch alone, so that a training can be stopped after any step and go on.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import nn

from bmbench.adapters.images.augment import DRAWING
from bmbench.adapters.learning.fit_request import Budget, FitRequest, shards_of
from bmbench.adapters.learning.networks import average_buffers, sharing_weights
from bmbench.adapters.learning.process_group import SINGLE_PROCESS, ProcessGroup
from bmbench.adapters.learning.reproducible import available_cores
from bmbench.adapters.learning.training_state import StateSaver, TrainingState
from bmbench.core.errors import TrainingFailedError

Patch = TypeVar("Patch")
Network = TypeVar("Network", bound=nn.Module)
Gradients = tuple[torch.Tensor, ...]
READ_EVERY = 16
"""Steps on a graphics card whose losses are read together."""


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
        Their mean loss is computed now and then.
    pool : of `one_thread_each`
    kind : JSON value
        What is learned, as far as the settings do not say it.
    baseline_loss : float
        Validation loss of an answer that knows nothing, the unit in which validation losses are reported.
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
    baseline_loss: float = 1.0
    ahead: int = 0

    @property
    def budget(self) -> Budget:
        """The method's settings."""
        budget: Budget = self.request.settings
        return budget

    def run(self, network: Network) -> Network:
        """The averaged network of the step with the least validation loss (the last, without any).

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
        s, progress = self.budget, self.request.progress
        state = TrainingState.initial(network, _optimiser(network, s))
        saver = StateSaver(self.request.state, self._purpose())
        if (saved := saver.saved()) is not None:
            state.restore(*saved)
            self._report(state.validations)
        replicas = [sharing_weights(network) for _ in self._shards()]
        left = range(state.step + 1, 0 if state.has_converged(s) else s.steps + 1)
        resumed = f" from step {state.step}" if state.step else ""
        numbers = [number for shard in self._shards() for number in shard]
        with drawn_ahead(self._draw, left, numbers, ahead=self.ahead) as batch:
            for step in progress.track(left, description=f"Training{resumed}", total=len(left)):
                for group in state.optimiser.param_groups:
                    group["lr"] = s.learning_rate * _schedule((step - 1) / s.steps)
                loss = self._step(state, replicas, batch(step))
                state.end_step(step, loss, averaging=s.averaging)
                at_validation = not step % s.validate_every or step == s.steps
                if at_validation:
                    self._validate(state)
                elif len(state.unread) >= (READ_EVERY if self.ahead else 1):
                    self._read(state)
                if self.process_group.rank == 0:
                    saver.save_if_due(partial(self._all_of, state), at_validation=at_validation)
                if state.has_converged(s):
                    break
        best: Network = state.best.eval()  # type: ignore[assignment]
        return best

    @property
    def process_group(self) -> ProcessGroup:
        """The processes that make the same steps."""
        return self.request.process_group or SINGLE_PROCESS

    def _shards(self) -> Sequence[range]:
        """The numbers of the patches of each shard that this process computes."""
        return self.process_group.share(shards_of(self.budget))

    def _draw(self, step: int, number: int) -> Patch:
        return self.draw(np.random.default_rng([self.request.seed, step, number]))

    def _read(self, state: TrainingState) -> float:
        """The loss of the last step; TrainingFailedError if one since the last time is not a number."""
        loss = math.nan
        for step, loss in state.read_losses():
            if not math.isfinite(loss):
                rate = self.budget.learning_rate
                raise TrainingFailedError(
                    f"the training loss is {loss} at step {step}; lower the learning rate "
                    f"(--set learning_rate={rate / 3:.2g})"
                )
        return loss

    def _all_of(self, state: TrainingState) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """What is saved of a training none of whose losses is unread."""
        self._read(state)
        return state.to_disk()

    def _validate(self, state: TrainingState) -> None:
        """Note the validation loss of the averaged network, and report it."""
        loss = self._read(state)
        current = self._validation_loss(state.average) if self.validation else None
        state.add_validation(current)
        shown = "" if current is None else f", validation {current:.4f}"
        self.request.progress.note(f"step {state.step}, loss {loss:.4f}{shown}")
        self._report(state.validations[-1:])

    def _report(self, validations: Sequence[tuple[int, float | None, float]]) -> None:
        """Report losses in units of the baseline loss, where there is one."""
        report, s = self.request.report, self.budget
        if report is None:
            return
        unit = self.baseline_loss if math.isfinite(self.baseline_loss) else 1.0
        for step, loss, training in validations:
            report(
                step,
                None if loss is None else loss / self.baseline_loss,
                training_loss=training / unit,
                learning_rate=s.learning_rate * _schedule((step - 1) / s.steps),
            )

    def _purpose(self) -> dict[str, Any]:
        """What tells this training from any other; its data are compared by whoever keeps the folder."""
        return {
            "kind": self.kind,
            "drawing": DRAWING,
            "settings": dataclasses.asdict(self.request.settings),
            "seed": self.request.seed,
            "images": [str(sample.image_id) for sample in self.request.train],
        }

    def _step(
        self, state: TrainingState, replicas: Sequence[nn.Module], patch: Callable[[int], Patch]
    ) -> Gradients:
        """The parts of the mean loss of one batch, whose patches are given by number, after one step.

        They are not read: a graphics card would be waited for.
        """
        network = state.network
        work = zip(replicas, self._shards(), strict=True)
        own = list(self.pool.map(lambda job: self._gradients(job[0], job[1], patch), work))
        buffers = [tuple(replica.buffers()) for replica in replicas]
        pieces = [(loss, *parts, *more) for (loss, parts), more in zip(own, buffers, strict=True)]
        pieces = list(self.process_group.gather(pieces, len(shards_of(self.budget))))
        trained = _trained(network)
        sums = _added([piece[1 : 1 + len(trained)] for piece in pieces])
        for parameter, gradient in zip(trained, sums, strict=True):
            parameter.grad = _laid_out_like(parameter, gradient)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        state.optimiser.step()
        average_buffers(network, replicas, [piece[1 + len(trained) :] for piece in pieces])
        return tuple(piece[0] for piece in pieces)

    def _gradients(
        self, network: nn.Module, numbers: Iterable[int], patch: Callable[[int], Patch]
    ) -> tuple[torch.Tensor, Gradients]:
        """Loss and gradients of some patches of a batch, as shares of the whole batch."""
        loss = self.losses(network, [patch(number) for number in numbers]).sum() / self.budget.batch
        return loss.detach(), torch.autograd.grad(loss, _trained(network))

    def _validation_loss(self, network: nn.Module) -> float:
        """Mean loss of the validation patches."""
        side = self.budget.shard
        groups = [self.validation[first : first + side] for first in range(0, len(self.validation), side)]
        network.eval()

        def loss(patches: Sequence[Patch]) -> float:
            with torch.inference_mode():
                return float(self.losses(network, patches).sum())

        own = list(self.pool.map(loss, self.process_group.share(groups)))
        return sum(self.process_group.gather_numbers(own, len(groups))) / len(self.validation)


@contextmanager
def drawn_ahead(
    draw: Callable[[int, int], Patch], steps: Iterable[int], numbers: Sequence[int], *, ahead: int
) -> Iterator[Callable[[int], Callable[[int], Patch]]]:
    """A function: step → number → patch. The steps are asked for in their order.

    While one is under way, the patches of these numbers of the next `ahead` steps are drawn, on threads of
    their own. With 0 a patch is drawn when it is asked for, by the thread that asks.
    """
    if not ahead:
        yield lambda step: partial(draw, step)
        return
    pool = ThreadPoolExecutor(available_cores())
    left, waiting = iter(steps), dict[int, dict[int, "Future[Patch]"]]()

    def batch(step: int) -> Callable[[int], Patch]:
        while len(waiting) <= ahead and (later := next(left, None)) is not None:
            waiting[later] = {number: pool.submit(draw, later, number) for number in numbers}
        patches = waiting.pop(step)
        return lambda number: patches[number].result()

    try:
        yield batch
    finally:
        pool.shutdown(cancel_futures=True)


def _schedule(done: float) -> float:
    """The share of the learning rate when that share of the steps is done."""
    warm = 0.1
    if done < warm:
        return (done + 0.01) / (warm + 0.01)
    return 0.5 * (1 + math.cos(math.pi * (done - warm) / (1 - warm)))


def _added(parts: Sequence[Gradients]) -> Gradients:
    """The sums of the gradients of all shards, in the order of the shards."""
    total = parts[0]
    for more in parts[1:]:
        total = tuple(torch._foreach_add(total, more))
    return total


def _laid_out_like(parameter: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """The gradient in the memory order of the parameter: fused optimisers walk through both side by side."""
    if gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter).copy_(gradient)


def _trained(network: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def _optimiser(network: nn.Module, budget: Budget) -> torch.optim.Optimizer:
    rate, decay, momentum = budget.learning_rate, budget.weight_decay, budget.momentum
    if budget.optimiser == "sgd":
        return torch.optim.SGD(
            _trained(network),
            lr=rate,
            weight_decay=decay,
            momentum=momentum,
            nesterov=momentum > 0,
            fused=True,
        )
    kind = torch.optim.AdamW if budget.optimiser == "adamw" else torch.optim.Adam
    return kind(_trained(network), lr=rate, weight_decay=decay, fused=True)
