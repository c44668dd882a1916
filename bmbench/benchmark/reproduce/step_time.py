"""Seconds of a training step of each method, on this machine and these data, before anything starts."""

import dataclasses
import itertools
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bmbench.benchmark.reproduce.matrix import Cell, StudyFacts
from bmbench.core.progress import Progress, Silent

STEPS = 4
"""Steps that are made; the first one, which also prepares, is not counted."""
IMAGES = 4
"""Training images that they are drawn from."""


def step_seconds(facts: StudyFacts, cells: Sequence[Cell], progress: Progress) -> dict[str, float]:
    """The median time of a step of each method of these cells that has steps; nothing is written."""
    from bmbench.adapters import METHODS
    from bmbench.benchmark.records.options import resolve_settings
    from bmbench.benchmark.run.plan import resolve
    from bmbench.benchmark.run.stages import fit

    methods = {cell.method: cell for cell in reversed(cells)}
    able = [name for name in methods if hasattr(METHODS.get(name).settings[facts.profile], "validate_every")]
    if not able:
        return {}
    plan = resolve(facts.run_options(methods[able[0]], Path(), models=1), Silent())
    found = {}
    for name in progress.track(able[::-1], description="Timing a training step", total=len(able)):
        method = METHODS.get(name)
        settings = resolve_settings(method, facts.profile, dict(methods[name].settings))
        few = dataclasses.replace(settings, steps=STEPS, validate_every=1, patience=STEPS)
        ends: list[float] = []

        def tick(step: int, loss: float | None, *, ends: list[float] = ends, **_: float | None) -> None:  # noqa: ARG001
            ends.append(time.perf_counter())

        timed = dataclasses.replace(plan, method=method, settings=few)
        fit(timed, plan.split.samples["train"][:IMAGES], (), progress=Silent(), report=tick)
        between = [after - before for before, after in itertools.pairwise(ends)]
        if between:
            found[name] = median(between)
    return found
