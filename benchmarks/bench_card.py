"""What a graphics card makes of every method, on one page, in ten minutes at most.

    python benchmarks/bench_card.py [--minutes 10] [--only METHOD …] [--rehearse] > page.md

It needs a card that torch sees, and nothing but bmbench with the extra `train`. For every kind of network,
with the settings of `paper` on synthetic images: milliseconds of a step against a bare loop of the same net,
loss and optimiser on patches drawn before; what the drawing of a patch takes and how many cores that keeps
busy; memory; whether a second training from the same seed has the same bytes; a prediction. Methods of other
packages are tried where those are installed. With two cards or more, a short run of two processes, and
whether its bytes are those of one.

With --rehearse it runs on the processor with tiny networks: the figures mean nothing, the page is whole.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from bmbench.adapters import METHODS
from bmbench.adapters.detection import training as detection_training
from bmbench.adapters.images.augment import augment
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.learning.reproducible import available_cores, best_device
from bmbench.adapters.learning.trainer import Trainer
from bmbench.adapters.unet import training as unet_training
from bmbench.benchmark.contract.small_settings import tiny
from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.run.begin_or_resume import run
from bmbench.benchmark.run.plan import resolve
from bmbench.core.errors import BmbenchError
from bmbench.core.progress import Silent
from bmbench.core.types import Sample
from bmbench.datasets.synthetic import synthesise

KINDS = (
    *("unet_shrink", "retinanet", "circular_retinanet", "fcos", "yolov3", "mask_rcnn", "circular_mask_rcnn"),
    *("yolo11", "rt_detr_v2", "detectron2_mask_rcnn"),
)
"""One method of each kind of network; the last three are other packages'."""
STEPS, WARM_UP = 20, 5
SAME_STEPS = 6
"""Steps of the two trainings that are compared."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What everything is measured on."""

    folder: Path
    samples: Sequence[Sample]
    rehearsal: bool

    def request(self, name: str, *, steps: int, progress: Silent | None = None) -> FitRequest:
        """What a method is given for that many steps."""
        method = METHODS.get(name)
        settings = tiny(method) if self.rehearsal else method.settings["paper"]
        settings = dataclasses.replace(settings, steps=steps, validate_every=steps, patience=1000)
        return FitRequest(
            train=self.samples,
            validation=(),
            settings=settings,
            seed=0,
            augment=augment,
            progress=progress or Silent(),
        )


def main(arguments: Sequence[str] | None = None) -> int:
    asked = options(arguments)
    if not asked.rehearse and best_device().type != "cuda":
        print("torch sees no graphics card here; --rehearse runs on the processor", file=sys.stderr)
        return 2
    ends = time.monotonic() + 60 * asked.minutes
    with tempfile.TemporaryDirectory() as name:
        scene = drawn(Path(name), rehearsal=asked.rehearse)
        print(heading(asked), flush=True)
        for kind in asked.only or KINDS:
            late = time.monotonic() > ends
            print(f"| `{kind}` | left out: no time left |" if late else line(kind, scene), flush=True)
        if not asked.only and time.monotonic() < ends:
            print("\n" + two_processes(scene))
    return 0


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--only", action="append", choices=KINDS, help="this method alone; may be repeated")
    parser.add_argument("--rehearse", action="store_true", help="on the processor, with tiny networks")
    return parser.parse_args(arguments)


def drawn(folder: Path, *, rehearsal: bool) -> Scene:
    data = folder / "marrow"
    synthesise(data, n_images=8, size_px=96 if rehearsal else 512, seed=0, progress=Silent())
    plan = resolve(RunOptions(method="unet_shrink", dataset=str(data), track="precise", out=folder), Silent())
    samples = plan.supervision.view(plan.split.samples["train"])
    return Scene(folder=folder, samples=samples, rehearsal=rehearsal)


def heading(asked: argparse.Namespace) -> str:
    device = best_device()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "processor"
    sizes = "tiny networks: figures mean nothing" if asked.rehearse else "settings of `paper`"
    columns = ("method", "step, bare", "step", "throughput", "a patch", "cores drawing", "memory")
    columns += ("same seed twice", "a prediction")
    return (
        f"# {name}, torch {torch.__version__}, {available_cores()} cores, {sizes}\n\n"
        f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"
    )


def line(kind: str, scene: Scene) -> str:
    """The row of a method, or why there is none."""
    try:
        return " | ".join((f"| `{kind}`", *measured(kind, scene))) + " |"
    except (BmbenchError, ImportError, RuntimeError) as error:
        return f"| `{kind}` | {type(error).__name__}: {str(error).splitlines()[0]} |"


def measured(kind: str, scene: Scene) -> tuple[str, ...]:
    bare_s, patch_s, batch = bare_loop(kind, scene)
    forget_peak()
    ours_s = our_step(kind, scene)
    memory = peak()
    same = repeated(kind, scene)
    return (
        f"{1000 * bare_s:.1f} ms",
        f"{1000 * ours_s:.1f} ms",
        f"{bare_s / ours_s:.2f} x",
        f"{1000 * patch_s:.2f} ms",
        f"{batch * patch_s / ours_s:.1f} of {available_cores()}",
        memory,
        *same,
    )


class CaughtError(Exception):
    """Carries a training that is about to begin out of the method that prepared it."""


@contextmanager
def caught() -> Iterator[Callable[[], tuple[Trainer[Any], torch.nn.Module]]]:
    """Inside the block no training begins; a function gives what was prepared."""
    held: list[tuple[Trainer[Any], torch.nn.Module]] = []

    class Held(Trainer[Any]):
        def run(self, network: Any) -> Any:
            held.append((self, network))
            raise CaughtError

    with (
        mock.patch.object(unet_training, "Trainer", Held),
        mock.patch.object(detection_training, "Trainer", Held),
    ):
        yield lambda: held[0]


def bare_loop(kind: str, scene: Scene) -> tuple[float, float, int]:
    """Seconds of a step of ten lines of PyTorch, seconds of a core a patch takes, patches a step."""
    with caught() as held:
        try:
            METHODS.get(kind).fit(scene.request(kind, steps=1))
        except CaughtError:
            trainer, network = held()
    batch = trainer.budget.batch
    started = time.thread_time()
    patches = [trainer.draw(np.random.default_rng(number)) for number in range(batch)]
    patch_s = (time.thread_time() - started) / batch
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-4, fused=True)
    steps = 3 if scene.rehearsal else STEPS
    for step in range(steps + 1):
        if step == 1:
            wait()
            started = time.perf_counter()
        optimiser.zero_grad()
        (trainer.losses(network, patches).sum() / batch).backward()
        optimiser.step()
    wait()
    return (time.perf_counter() - started) / steps, patch_s, batch


def our_step(kind: str, scene: Scene) -> float:
    """Seconds of a step of a training, the first ones left out."""
    steps, warm_up = (3, 1) if scene.rehearsal else (STEPS, WARM_UP)
    times: list[float] = []

    class Clocked(Silent):
        def track(self, items: Any, **_: Any) -> Any:
            for number, item in enumerate(items):
                if number == warm_up:
                    wait()
                    times.append(time.perf_counter())
                yield item
            wait()
            times.append(time.perf_counter())

    METHODS.get(kind).fit(scene.request(kind, steps=warm_up + steps, progress=Clocked()))
    return (times[1] - times[0]) / steps


def repeated(kind: str, scene: Scene) -> tuple[str, str]:
    """Whether two trainings from one seed are the same, and what the second one finds."""
    folders = []
    for number in range(2):
        folder = scene.folder / f"{kind}-{number}"
        folder.mkdir()
        detector = METHODS.get(kind).fit(scene.request(kind, steps=SAME_STEPS))
        detector.save(folder)
        folders.append(folder / "weights.safetensors")
    started = time.perf_counter()
    found = detector.predict(scene.samples[0].load())
    wait()
    predicted = f"{time.perf_counter() - started:.2f} s, {len(found)} found"
    if folders[0].read_bytes() == folders[1].read_bytes():
        return "same bytes", predicted
    return f"to {difference(*folders):.0e}", predicted


def difference(one: Path, other: Path) -> float:
    from safetensors.torch import load_file

    first, second = load_file(one), load_file(other)
    return max(float((first[name].double() - second[name].double()).abs().max()) for name in first)


def two_processes(scene: Scene) -> str:
    """A short run by one process and by two."""
    if not scene.rehearsal and torch.cuda.device_count() < 2:
        return "One card: two processes were not tried."
    weights, seconds = [], []
    settings = {"steps": "20", "validate_every": "20"}
    settings |= {"patch_px": "32", "depth": "1", "width": "4"} if scene.rehearsal else {"shard": "8"}
    for devices in (1, 2):
        started = time.perf_counter()
        folder = run(
            RunOptions(
                method="unet_shrink",
                dataset=str(scene.folder / "marrow"),
                profile="quick" if scene.rehearsal else "paper",
                settings=settings,
                out=scene.folder / f"on-{devices}",
                devices=devices,
                retrain=False,
            ),
            Silent(),
        )
        seconds.append(time.perf_counter() - started)
        weights.append([path.read_bytes() for path in sorted(folder.path.rglob("*.safetensors"))])
    same = "the same bytes" if weights[0] == weights[1] else "other bytes"
    return f"Two processes: a run of {seconds[1]:.0f} s instead of {seconds[0]:.0f} s, {same}."


def wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def forget_peak() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak() -> str:
    if torch.cuda.is_available():
        return f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB"
    return "of the processor"


if __name__ == "__main__":
    sys.exit(main())
