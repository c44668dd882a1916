"""What one training step of each kind of network is made of, by processor time.

    python benchmarks/bench_steps.py [--methods unet_shrink fcos …] [--steps 8] [--profile quick]

Every method is trained for a few steps on eight drawn images, with its own settings, on one thread. The parts
are clocked where the trainer calls them; what is left over stands in the last column. Left out are the first
step, in which libraries are loaded and memory is taken, and what is done once in many steps: to validate.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from bmbench.adapters import METHODS
from bmbench.adapters.images.augment import augment
from bmbench.adapters.learning import trainer
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.learning.training_state import TrainingState
from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.run.plan import resolve
from bmbench.core.errors import BmbenchError
from bmbench.core.progress import Silent
from bmbench.core.types import Sample
from bmbench.datasets.synthetic import synthesise

KINDS = (
    *("unet_shrink", "stardist", "heatmap", "hover", "flow", "retinanet", "circular_retinanet", "fcos"),
    *("yolov3", "mask_rcnn", "circular_mask_rcnn", "rt_detr_v2", "deim_v2", "yolo11"),
)
PARTS = (
    "patches",
    "forward, loss",
    "backward",
    "adding gradients",
    "clipping",
    "optimiser",
    "moving average",
)


class StepClock(Silent):
    """Processor seconds of each part, and of all, after the first step."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = defaultdict(float)
        self.all_s = 0.0
        self.steps = 0

    def track(self, items: Any, **_: Any) -> Any:
        """The steps, clocked from the second one on."""
        started = 0.0
        for number, item in enumerate(items):
            if number == 1:
                self.parts.clear()
                started = time.process_time()
            yield item
            self.steps = number
        self.all_s = time.process_time() - started - self.parts.pop("validating", 0.0)

    def clocked(self, part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, whose time is added to that part."""

        def run(*given: Any, **named: Any) -> Any:
            started = time.thread_time()
            answer = work(*given, **named)
            self.parts[part] += time.thread_time() - started
            return answer

        return run


@contextmanager
def watched(clock: StepClock) -> Iterator[None]:
    """Inside the block the trainer's parts are clocked."""
    optimiser_of, begun = trainer._optimiser, trainer.Trainer._run

    def optimiser(*given: Any) -> Any:
        made = optimiser_of(*given)
        made.step = clock.clocked("optimiser", made.step)
        return made

    def run(self: Any, network: Any) -> Any:
        losses = clock.clocked("forward, loss", self.losses)
        draw = clock.clocked("patches", self.draw)
        return begun(dataclasses.replace(self, losses=losses, draw=draw, ahead=0), network)

    replaced = (
        (trainer.Trainer, "_run", run),
        (trainer.Trainer, "_validate", clock.clocked("validating", trainer.Trainer._validate)),
        (trainer, "_optimiser", optimiser),
        (trainer, "_added", clock.clocked("adding gradients", trainer._added)),
        (torch.autograd, "grad", clock.clocked("backward", torch.autograd.grad)),
        (torch.nn.utils, "clip_grad_norm_", clock.clocked("clipping", torch.nn.utils.clip_grad_norm_)),
        (TrainingState, "end_step", clock.clocked("moving average", TrainingState.end_step)),
    )
    with ExitStack() as stack:
        for owner, name, new in replaced:
            stack.enter_context(mock.patch.object(owner, name, new))
        yield


def row(kind: str, profile: str, samples: tuple[Sample, ...], steps: int) -> str:
    """The line of a method, or why there is none."""
    clock = StepClock()
    try:
        method = METHODS.get(kind)
        settings = dataclasses.replace(
            method.settings[profile], steps=steps + 1, validate_every=10 * steps, patience=1000
        )
        request = FitRequest(
            train=samples, validation=(), settings=settings, seed=0, augment=augment, progress=clock
        )
        with watched(clock):
            method.fit(request)
    except (BmbenchError, ImportError) as error:
        return f"| `{kind}` | {str(error).splitlines()[0]} |"
    shares = [clock.parts[part] / clock.all_s for part in PARTS]
    cells = [f"{100 * share:.1f} %" for share in (*shares, 1 - sum(shares))]
    return f"| `{kind}` | {1000 * clock.all_s / clock.steps:.0f} ms | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--methods", nargs="+", default=KINDS)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--profile", default="quick")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "marrow"
        synthesise(data, n_images=8, size_px=512, seed=0, progress=Silent())
        options = RunOptions(method="unet_shrink", dataset=str(data), track="precise", out=Path(folder))
        plan = resolve(options, Silent())
        samples = tuple(plan.supervision.view(plan.split.samples["train"]))
        print(f"| method | a step | {' | '.join(PARTS)} | anything else |\n|---|{'--:|' * (len(PARTS) + 2)}")
        for kind in asked.methods:
            print(row(kind, asked.profile, samples, asked.steps), flush=True)


if __name__ == "__main__":
    main()
