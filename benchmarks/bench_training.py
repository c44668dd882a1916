"""A training step against a bare PyTorch loop of the same network, peak memory, and where a run's time goes.

    python benchmarks/bench_training.py [--profile paper] [--steps 60] [--variants] [--whole]

The loop is what one writes in ten lines: the same network, optimiser and loss, the same batch of pre-drawn
patches every step (so it draws nothing), torch's own threads. A step of bmbench draws and augments its
patches, computes targets, clips, keeps a moving average and can be stopped. Both on the graphics card if
torch sees one, else on all cores. They take turns, the median counts.

The time of the full search is multiplied from the seconds of a step: each trial one training, then the best
settings trained once for the threshold and once for good, as many models as the profile has.

With --variants the bare loop runs in torch's plain memory layout, channels-last, and compiled.

The table comes from looking at what every thread does, two hundred times a second, during a whole run.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bmbench.adapters import METHODS
from bmbench.adapters.images.augment import augment
from bmbench.adapters.images.working_scale import at_working_scale, mean_diameter
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.learning.reproducible import (
    available_cores,
    best_device,
    one_thread_each,
    seeded,
    steps_ahead,
)
from bmbench.adapters.learning.trainer import Trainer
from bmbench.adapters.unet import training
from bmbench.adapters.unet.encodings.encoding import ENCODINGS
from bmbench.adapters.unet.network import build
from bmbench.adapters.unet.training import draw_patch
from bmbench.benchmark.protocol.tracks import get_profile
from bmbench.benchmark.records.options import RunOptions, resolve_settings
from bmbench.benchmark.run.begin_or_resume import run
from bmbench.benchmark.run.plan import resolve
from bmbench.core.progress import Silent
from bmbench.datasets.synthetic import synthesise

METHOD = "unet_shrink"
# Innermost first: what a thread does is the first of these functions that its stack holds.
STAGES = (
    ("draw_patch", "training: patches and targets"),
    ("_gradients", "training: forward and backward"),
    ("_validate", "training: validation loss"),
    ("save_if_due", "training: saving its state"),
    ("_step", "training: optimiser's step"),
    ("end_step", "training: optimiser's step"),
    ("run", ""),
    ("_predict", "predicting"),
    ("_score", "scoring"),
    ("_variants", "scoring"),
    ("_draw", "drawing"),
    ("resolve", "reading and checking the data"),
)
FILES = {"run": "trainer.py", "resolve": "plan.py"}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--set", action="append", default=[], help="a setting: name=value")
    parser.add_argument("--steps", type=int, default=60, help="of each loop, in five turns")
    parser.add_argument("--trials", type=int, default=40, help="of the search whose time is told")
    parser.add_argument("--variants", action="store_true", help="also time other layouts and torch.compile")
    parser.add_argument("--whole", action="store_true", help="also profile a whole run")
    asked = parser.parse_args()
    changes = dict(text.split("=", 1) for text in asked.set)
    device = best_device()
    print(f"{device}, torch {torch.__version__}, {available_cores()} cores, {asked.profile} {changes or ''}")
    with tempfile.TemporaryDirectory() as folder:
        synthesise(Path(folder) / "marrow", n_images=8, size_px=512, seed=0, progress=Silent())
        asked_for = RunOptions(
            method=METHOD,
            profile=asked.profile,
            settings=changes,
            dataset=str(Path(folder) / "marrow"),
            out=Path(folder),
        )
        step_s = against_a_bare_loop(asked_for, steps=asked.steps)
        tell_the_search(asked_for, step_s, trials=asked.trials)
        if asked.variants:
            other_layouts(asked_for, steps=asked.steps)
        if asked.whole:
            where_the_time_goes(asked_for)
    return 0


def against_a_bare_loop(options: RunOptions, *, steps: int) -> float:
    """Tells both; the seconds of a step of bmbench."""
    request, draw, losses, encoding = prepared(options)
    settings = request.settings
    turns: dict[str, list[float]] = {"bare": [], "bmbench": []}
    patches = [draw(generator=np.random.default_rng(number)) for number in range(settings.batch)]
    with seeded(0):
        network = build(settings, outputs=encoding.outputs, device=best_device())
        optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
        for turn in range(6):
            seconds = bare(network, optimiser, partial(losses, patches=patches), steps=steps // 5)
            ours = stepping(request, draw, losses, encoding=encoding, steps=steps // 5)
            # The first turn warms up.
            if turn:
                turns["bare"].append(seconds)
                turns["bmbench"].append(ours)
    bare_s, ours_s = (statistics.median(turns[name]) for name in ("bare", "bmbench"))
    print(f"a step: bare loop {1000 * bare_s:.1f} ms, bmbench {1000 * ours_s:.1f} ms,", end=" ")
    print(f"throughput {bare_s / ours_s:.2f} x (target 0.95)")
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30:.2f} GiB", end="")
    card = f", on the card {torch.cuda.max_memory_allocated() / 2**30:.2f} GiB"
    print(card if torch.cuda.is_available() else "")
    return ours_s


def prepared(options: RunOptions) -> tuple[FitRequest, Any, Any, Any]:
    """What a training takes: the request, the drawing of a patch, the losses of patches, the encoding."""
    endless = {**options.settings, "steps": "100000"}
    settings = resolve_settings(METHODS.get(METHOD), options.profile, endless)
    plan = resolve(options, Silent())
    encoding = ENCODINGS.get(METHOD.removeprefix("unet_"))
    train = plan.supervision.view(plan.split.samples["train"])
    factor = settings.cell_px / mean_diameter(sample.annotations for sample in train)
    images = [at_working_scale(sample, factor) for sample in train]
    calibration = training._calibrate(images, factor)
    losses = partial(training._losses, calibration=calibration, encoding=encoding, settings=settings)
    source = training.PatchSource.of(images, encoding=encoding, settings=settings)
    draw = partial(draw_patch, source)
    request = FitRequest(train=train, validation=(), settings=settings, seed=0, augment=augment)
    return request, draw, losses, encoding


def tell_the_search(options: RunOptions, step_s: float, *, trials: int) -> None:
    settings = resolve_settings(METHODS.get(METHOD), options.profile, options.settings)
    profile = get_profile(options.profile)
    trainings = trials + profile.models * (1 + profile.retrain)
    hours = trainings * settings.steps * step_s / 3600
    print(
        f"a search of {trials} trials and the run that follows: {trainings} trainings of at most "
        f"{settings.steps} steps, at most {hours:.1f} h of this machine"
    )


def other_layouts(options: RunOptions, *, steps: int) -> None:
    """Least seconds a step of the bare loop, the layouts in turn."""
    request, draw, losses, encoding = prepared(options)
    patches = [draw(generator=np.random.default_rng(number)) for number in range(request.settings.batch)]
    variants: dict[str, Any] = {}
    with seeded(0):
        for name, layout in (("plain", torch.contiguous_format), ("channels last", torch.channels_last)):
            network = build(request.settings, outputs=encoding.outputs, device=best_device())
            variants[name] = network.to(memory_format=layout)
        variants["compiled"] = torch.compile(variants["channels last"])
        times: dict[str, list[float]] = {name: [] for name in variants}
        for turn in range(6):
            for name, network in variants.items():
                optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
                seconds = bare(network, optimiser, partial(losses, patches=patches), steps=max(1, steps // 5))
                if turn:
                    times[name].append(seconds)
    print("least of a step: " + ", ".join(f"{name} {1000 * min(t):.1f} ms" for name, t in times.items()))


def bare(network: torch.nn.Module, optimiser: torch.optim.Optimizer, loss: Any, *, steps: int) -> float:
    """Seconds a step."""
    started = time.perf_counter()
    for _ in range(steps):
        optimiser.zero_grad()
        loss(network).mean().backward()
        optimiser.step()
    wait()
    return (time.perf_counter() - started) / steps


def stepping(request: FitRequest, draw: Any, losses: Any, *, encoding: Any, steps: int) -> float:
    """Seconds a step of the trainer, without its first."""
    times: list[float] = []

    class Clocked(Silent):
        def track(self, items: Any, **_: Any) -> Any:
            for number, item in enumerate(items):
                if number in (1, steps + 1):
                    wait()
                    times.append(time.perf_counter())
                if number > steps:
                    return
                yield item

    with one_thread_each() as pool, seeded(0):
        network = build(request.settings, outputs=encoding.outputs, device=best_device())
        clocked = FitRequest(
            train=request.train,
            validation=(),
            settings=request.settings,
            seed=0,
            augment=augment,
            progress=Clocked(),
        )
        Trainer(
            request=clocked,
            ahead=steps_ahead(),
            draw=lambda generator: draw(generator=generator),
            losses=losses,
            validation=(),
            pool=pool,
            kind="",
        ).run(network)
    return (times[1] - times[0]) / steps


def wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def where_the_time_goes(options: RunOptions) -> None:
    seen: Counter[str] = Counter()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.005):
            doing = [activity(frame) for name, frame in sys._current_frames().items() if name != own]
            busy = [name for name in doing if name]
            # Of threads that work side by side each has its share of the moment.
            for name in busy or ["anything else"]:
                seen[name] += 1 / max(len(busy), 1)

    watch = threading.Thread(target=look)
    watch.start()
    own = watch.ident
    started = time.perf_counter()
    run(options, Silent())
    seconds = time.perf_counter() - started
    ended.set()
    watch.join()
    total, learning = sum(seen.values()), sum(n for name, n in seen.items() if name.startswith("training"))
    print(f"\na whole run, {seconds:.0f} s\n\n| what | share of the run | of training |\n|---|---|---|")
    for name, n in seen.most_common():
        part = f"{100 * n / learning:.1f} %" if name.startswith("training") else ""
        print(f"| {name} | {100 * n / total:.1f} % | {part} |")


def activity(frame: Any) -> str:
    """What a thread does; empty where it only waits for others or does nothing of a run."""
    stack = []
    while frame is not None:
        stack.append((Path(frame.f_code.co_filename).name, frame.f_code.co_name))
        frame = frame.f_back
    if stack[0][0] in ("threading.py", "_base.py", "thread.py", "queue.py"):
        return ""
    for function, title in STAGES:
        if any(name == function and FILES.get(function, file) == file for file, name in stack):
            return title
    return "anything else" if any(file == "stages.py" for file, _ in stack) else ""


if __name__ == "__main__":
    sys.exit(main())
