"""From patches to weights."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bmbench.adapters.reproducible import best_device, one_thread_each, seeded
from bmbench.adapters.rescaling import mean_diameter
from bmbench.adapters.resuming import Keeper
from bmbench.adapters.unet.course import Course
from bmbench.adapters.unet.ignorance import ignorant_loss
from bmbench.adapters.unet.network import UNet, build
from bmbench.adapters.unet.replicas import average_buffers, follow, sharing_weights
from bmbench.adapters.unet.sampling import Patch, Source, draw_patch, fixed_patches, source_of
from bmbench.core.errors import TrainingFailedError
from bmbench.core.types import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import ThreadPoolExecutor

    from bmbench.adapters.method import FitRequest
    from bmbench.adapters.unet.encoding import Encoding
    from bmbench.adapters.unet.settings import UNetSettings

Gradients = tuple[torch.Tensor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What prediction needs to know about the training data.

    Attributes
    ----------
    factor : float
        From original to working scale.
    smallest_px2 : float
        Area of the smallest training cell, pixels at working scale.
    mean, deviation : (red, green, blue) in 0 … 255
        Of the training images.
    """

    factor: float
    smallest_px2: float
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


def fit(request: FitRequest, encoding: Encoding) -> tuple[UNet, Calibration]:
    """A trained network and the calibration of its input.

    Raises
    ------
    BadInputError
        If no cell is annotated in the training images, or the cells have no size.
    TrainingFailedError
        If the loss is no longer a number, or a graphics card has too little memory.
    """
    settings: UNetSettings = request.settings
    factor = settings.cell_px / mean_diameter(sample.annotations for sample in request.train)
    train = [source_of(sample, factor) for sample in request.train]
    validation = fixed_patches(
        [source_of(sample, factor) for sample in request.validation], encoding=encoding, settings=settings
    )
    calibration = _calibrate(train, factor)
    told = request.report is not None and bool(validation)
    ignorance = ignorant_loss(validation, encoding=encoding, settings=settings) if told else math.nan
    with one_thread_each() as pool, seeded(request.seed):
        device = best_device()
        network = build(settings, outputs=encoding.outputs, device=device)
        trainer = Trainer(
            request=request,
            encoding=encoding,
            calibration=calibration,
            train=train,
            validation=validation,
            ignorance=ignorance,
            device=device,
            pool=pool,
        )
        try:
            return trainer.run(network), calibration
        except torch.OutOfMemoryError as error:
            raise TrainingFailedError(
                f"the graphics card's memory is too small; lower the patches a step (--set shard="
                f"{max(1, settings.shard // 2)})"
            ) from error


def normalised(images: Sequence[np.ndarray], calibration: Calibration, device: torch.device) -> torch.Tensor:
    """(n, 3, h, w) tensor of (h, w, 3) images, as the network expects them."""
    stack = np.stack(images).astype(np.float32)
    stack -= np.array(calibration.mean, np.float32)
    stack /= np.array(calibration.deviation, np.float32)
    # A transposed view of channels-last memory *is* torch's channels-last layout: no copy.
    return torch.from_numpy(stack).permute(0, 3, 1, 2).to(device)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trainer:
    """One training run; holds what does not change from step to step.

    `ignorance` is the validation loss of a map that knows nothing, the unit in which looks are reported.
    """

    request: FitRequest
    encoding: Encoding
    calibration: Calibration
    train: Sequence[Source]
    validation: Sequence[Patch]
    ignorance: float
    device: torch.device
    pool: ThreadPoolExecutor

    @property
    def settings(self) -> UNetSettings:
        """The method's settings."""
        settings: UNetSettings = self.request.settings
        return settings

    def run(self, network: UNet) -> UNet:
        """The averaged network of the look at the validation loss that was best (the last, without any)."""
        s, progress, state = self.settings, self.request.progress, self.request.state
        course = Course.begin(network, _optimiser(network, s))
        keeper = Keeper(state, self._purpose())
        if (found := keeper.found()) is not None:
            course.restore(*found)
            self._tell(course.looks)
        replicas = [sharing_weights(network) for _ in range(_n_shards(s))]
        left = range(course.step + 1, 0 if course.has_settled(s) else s.steps + 1)
        begun = f" from step {course.step}" if course.step else ""
        for step in progress.track(left, description=f"Training{begun}", total=len(left)):
            for group in course.optimiser.param_groups:
                group["lr"] = s.learning_rate * _schedule((step - 1) / s.steps)
            loss = self._step(network, replicas, course.optimiser, step)
            follow(course.average, network, decay=min(s.averaging, step / (step + 10)))
            course.step = step
            at_look = not step % s.validate_every or step == s.steps
            if at_look:
                self._look(course, loss)
            keeper.keep(course.state, at_look=at_look)
            if course.has_settled(s):
                break
        return course.best.eval()

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
            "encoding": self.encoding.to_card(),
            "settings": dataclasses.asdict(self.settings),
            "seed": self.request.seed,
            "images": [str(sample.image_id) for sample in self.request.train],
        }

    def _step(
        self, network: UNet, replicas: Sequence[UNet], optimiser: torch.optim.Optimizer, step: int
    ) -> float:
        """The mean loss of one batch, after one step of the optimiser."""
        s = self.settings
        numbers = [range(first, min(first + s.shard, s.batch)) for first in range(0, s.batch, s.shard)]
        work = zip(replicas, numbers, strict=True)
        results = list(self.pool.map(lambda job: self._gradients(*job, step=step), work))
        loss = sum(loss for loss, _ in results)
        if not math.isfinite(loss):
            raise TrainingFailedError(
                f"the training loss is {loss} at step {step}; lower the learning rate "
                f"(--set learning_rate={s.learning_rate / 3:.2g})"
            )
        for parameter, *parts in zip(
            network.parameters(), *(gradients for _, gradients in results), strict=True
        ):
            parameter.grad = torch.stack(parts).sum(dim=0) if len(parts) > 1 else parts[0]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        average_buffers(network, replicas)
        return loss

    def _gradients(self, network: UNet, numbers: Iterable[int], *, step: int) -> tuple[float, Gradients]:
        """Loss and gradients of some patches of a batch, as shares of the whole batch."""
        s = self.settings
        patches = [
            draw_patch(
                self.train,
                augment=self.request.augment,
                encoding=self.encoding,
                settings=s,
                generator=np.random.default_rng([self.request.seed, step, number]),
            )
            for number in numbers
        ]
        loss = self._losses(network, patches).sum() / s.batch
        return float(loss.detach()), torch.autograd.grad(loss, list(network.parameters()))

    def _validate(self, network: UNet) -> float:
        """Mean loss of the validation patches."""
        side = self.settings.shard
        groups = [self.validation[first : first + side] for first in range(0, len(self.validation), side)]
        network.eval()

        def losses(patches: Sequence[Patch]) -> float:
            with torch.inference_mode():
                return float(self._losses(network, patches).sum())

        return sum(self.pool.map(losses, groups)) / len(self.validation)

    def _losses(self, network: UNet, patches: Sequence[Patch]) -> torch.Tensor:
        image = normalised([patch.image for patch in patches], self.calibration, self.device)
        value, weight = (
            torch.from_numpy(np.stack([getattr(patch.target, name) for patch in patches])).to(self.device)
            for name in ("value", "weight")
        )
        # A processor computes bfloat16 several times slower than float32: only a graphics card is asked to.
        mixed = self.settings.precision == "bfloat16" and self.device.type == "cuda"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=mixed):
            logits = network(image)
        return self.encoding.loss(logits.float(), value, weight, self.settings)


def _calibrate(sources: Sequence[Source], factor: float) -> Calibration:
    """Colour statistics and cell sizes of the training images."""
    pixels = np.concatenate([source.image.reshape(-1, 3) for source in sources])
    return Calibration(
        factor=factor,
        smallest_px2=min(_areas(sources)),
        mean=tuple(float(v) for v in pixels.mean(axis=0)),  # type: ignore[arg-type]
        deviation=tuple(max(float(v), 1.0) for v in pixels.std(axis=0)),  # type: ignore[arg-type]
    )


def _areas(sources: Sequence[Source]) -> Iterator[float]:
    """Areas of all training cells, from their circles, outlines or boxes."""
    from bmbench.adapters.rescaling import object_circles

    for source in sources:
        cells = source.annotations.role == Role.CELL
        yield from (np.pi * object_circles(source.annotations)[cells, 2] ** 2).tolist()


def _schedule(done: float) -> float:
    """The share of the learning rate when that share of the steps is done."""
    warm = 0.1
    if done < warm:
        return (done + 0.01) / (warm + 0.01)
    return 0.5 * (1 + math.cos(math.pi * (done - warm) / (1 - warm)))


def _n_shards(settings: UNetSettings) -> int:
    return -(-settings.batch // settings.shard)


def _optimiser(network: UNet, settings: UNetSettings) -> torch.optim.Optimizer:
    rate, decay, momentum = settings.learning_rate, settings.weight_decay, settings.momentum
    if settings.optimiser == "sgd":
        return torch.optim.SGD(
            network.parameters(), lr=rate, weight_decay=decay, momentum=momentum, nesterov=momentum > 0
        )
    kind = torch.optim.AdamW if settings.optimiser == "adamw" else torch.optim.Adam
    return kind(network.parameters(), lr=rate, weight_decay=decay)
